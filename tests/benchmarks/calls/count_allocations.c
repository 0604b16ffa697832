/* Preloaded: counts what goes through malloc and its family, for the thread that asks and for the whole process. */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The C library's own, under the names it offers to those who replace the usual ones. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static __thread uint64_t calls __attribute__((tls_model("initial-exec")));
static atomic_long living;

uint64_t allocation_calls(void); /* how often this thread asked for memory */
long allocations_living(void);   /* blocks that were not freed yet */

uint64_t allocation_calls(void) {
    return calls;
}

long allocations_living(void) {
    return atomic_load(&living);
}

static void *counted(void *block) {
    calls++;
    if (block != NULL) {
        atomic_fetch_add_explicit(&living, 1, memory_order_relaxed);
    }
    return block;
}

void *malloc(size_t size) {
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return counted(__libc_calloc(count, size));
}

void *memalign(size_t alignment, size_t size) {
    return counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = memalign(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}

void *realloc(void *block, size_t size) {
    if (block == NULL) {
        return malloc(size);
    }
    calls++;
    void *moved = __libc_realloc(block, size);
    if (moved == NULL && size == 0) { /* which frees */
        atomic_fetch_sub_explicit(&living, 1, memory_order_relaxed);
    }
    return moved;
}

void free(void *block) {
    if (block != NULL) {
        atomic_fetch_sub_explicit(&living, 1, memory_order_relaxed);
        __libc_free(block);
    }
}
