/* Where a snapshot lives: memory its owner provides, then as many heap blocks as a large call needs. */
#ifndef ASCEND_STUB_NNOPBASE_ARENA_H
#define ASCEND_STUB_NNOPBASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Enough for every descriptor and every value in one. */
#define STUB_ARENA_ALIGNMENT ((size_t)8)

typedef struct stub_arena_block stub_arena_block;

typedef struct {
    char *next;
    char *end;
    stub_arena_block *blocks;
} stub_arena;

/* `memory` is aligned to STUB_ARENA_ALIGNMENT and outlives the arena. */
void stub_arena_start(stub_arena *arena, void *memory, size_t size);

/* Memory from a new block, for stub_arena_take. */
void *stub_arena_take_block(stub_arena *arena, size_t size);

/* NULL when host memory is exhausted. Size 0 gives a pointer too. */
static inline void *stub_arena_take(stub_arena *arena, size_t size) {
    const size_t rounded = (size + STUB_ARENA_ALIGNMENT - 1) / STUB_ARENA_ALIGNMENT * STUB_ARENA_ALIGNMENT;
    if (rounded < size || rounded > (size_t)(arena->end - arena->next)) {
        return stub_arena_take_block(arena, size);
    }
    char *taken = arena->next;
    arena->next += rounded;
    return taken;
}

/* Everything taken is gone afterwards. */
void stub_arena_release(stub_arena *arena);

#endif
