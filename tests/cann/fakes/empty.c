/* A library with nothing of its own. */
int fake_empty_library;
