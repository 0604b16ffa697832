/* Tells live descriptors from destroyed ones and from pointers of another kind. */
#ifndef ASCEND_STUB_NNOPBASE_OBJECTS_H
#define ASCEND_STUB_NNOPBASE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aclnn/acl_meta.h"
#include "check/check.h"

/* What the first member of a live descriptor holds. Destroying clears it. */
typedef enum {
    STUB_MAGIC_TENSOR = 0x5a7e0001,
    STUB_MAGIC_SCALAR,
    STUB_MAGIC_INT_ARRAY,
    STUB_MAGIC_FLOAT_ARRAY,
    STUB_MAGIC_BOOL_ARRAY,
    STUB_MAGIC_TENSOR_LIST,
    STUB_MAGIC_SCALAR_LIST
} stub_magic;

static inline stub_object_kind stub_magic_object(stub_magic magic) {
    return (stub_object_kind)(STUB_OBJECT_TENSOR + (magic - STUB_MAGIC_TENSOR));
}

/* Best effort: looks into memory that the caller says is a descriptor, unless the checks know that it is none. */
static inline bool stub_is_alive(const void *object, stub_magic magic) {
    if (stub_is_watched_by(STUB_WATCH_CHECKS) && stub_check_is_dead(stub_magic_object(magic), object)) {
        return false;
    }
    return *(const volatile uint32_t *)object == (uint32_t)magic;
}

/* "aclTensor" and so on, for texts. */
const char *stub_magic_name(stub_magic magic);

/* 0, or with a text that names the function: 161001 for NULL, 161002 for something that is no such descriptor. */
aclnnStatus stub_require(const void *object, stub_magic magic, const char *function);

/* The common part of every aclDestroy function: NULL is fine, a dead descriptor is refused with 161002. */
aclnnStatus stub_destroy(const void *object, stub_magic magic, const char *function);

/* Memory for a descriptor of `header` bytes followed by a copy of `count` values of `width` bytes; the header is left
 * to the caller. NULL with a text when there is no memory. */
void *stub_new_with_values(size_t header, const void *values, uint64_t count, size_t width, const char *function);

#endif
