/* Moving bytes at the speed of the memory: what copies use in place of memmove. */
#ifndef ASCEND_STUB_CORE_BYTES_H
#define ASCEND_STUB_CORE_BYTES_H

#include <stddef.h>

/* As memmove. From several MiB on, all cores take part and the destination is not brought into the caches. */
void stub_bytes_move(void *dst, const void *src, size_t count);

#endif
