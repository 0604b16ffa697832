/* Reads the acl.json that aclInit may name. */
#ifndef ASCEND_STUB_CORE_CONFIG_FILE_H
#define ASCEND_STUB_CORE_CONFIG_FILE_H

/* The file's text in a malloc'd buffer ("" for no path); 100003 or 100006 with a text. A section that the stand-in
 * cannot honour is refused (100039) when the program would misbehave without it, else named once on stderr. */
int stub_read_config(const char *path, char **text);

#endif
