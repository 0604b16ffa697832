"""The vectors of each operator as lines of text, with cases of our own; see vectors_to_text.py."""
