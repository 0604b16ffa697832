/* Reading JSON text in place. A value is known by the address of its first character. */
#ifndef ASCEND_STUB_HCCL_JSON_H
#define ASCEND_STUB_HCCL_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* The first value of a text that is one JSON value and nothing more; NULL otherwise. The functions below take values of
 * such a text only. */
const char *json_open(const char *text);

/* The value of an object's member; NULL when there is none, or `object` is NULL or no object. */
const char *json_member(const char *object, const char *name);

/* The first element of an array and the one after an element; NULL when there is none (or `array` is NULL or none). */
const char *json_first(const char *array);
const char *json_next(const char *element);

/* Copies a string that fits `size` bytes with its terminator; false for anything else. Escapes other than \" \\ \/ stay
 * as they are. */
bool json_string(const char *value, char *copy, size_t size);

#endif
