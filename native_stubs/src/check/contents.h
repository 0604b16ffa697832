/* Which bytes of one piece of memory were ever written: a bit for each, in chunks that exist where some are written and
 * some are not. Not thread-safe. */
#ifndef ASCEND_STUB_CHECK_CONTENTS_H
#define ASCEND_STUB_CHECK_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct stub_contents stub_contents;

/* Of `size` bytes nobody has written; NULL without memory. */
stub_contents *stub_contents_new(size_t size);
void stub_contents_free(stub_contents *contents);

/* Without memory for the bits more counts as written than is. */
void stub_contents_write(stub_contents *contents, size_t begin, size_t end);

/* The first byte of [begin, end) that is (written) or is not; `end` when there is none. */
size_t stub_contents_find(const stub_contents *contents, size_t begin, size_t end, bool written);

#endif
