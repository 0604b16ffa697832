/* Bump allocation for snapshots. */
#include <stdint.h>
#include <stdlib.h>

#include "nnopbase/arena.h"

#define BLOCK_SIZE ((size_t)16 * 1024)

struct stub_arena_block {
    stub_arena_block *previous;
    max_align_t memory[];
};

void stub_arena_start(stub_arena *arena, void *memory, size_t size) {
    arena->next = memory;
    arena->end = arena->next + size;
    arena->blocks = NULL;
}

static bool add_block(stub_arena *arena, size_t size) {
    const size_t usable = size > BLOCK_SIZE ? size + STUB_ARENA_ALIGNMENT : BLOCK_SIZE;
    stub_arena_block *block = malloc(sizeof *block + usable);
    if (block == NULL) {
        return false;
    }
    block->previous = arena->blocks;
    arena->blocks = block;
    arena->next = (char *)block->memory;
    arena->end = arena->next + usable;
    return true;
}

void *stub_arena_take_block(stub_arena *arena, size_t size) {
    return size <= SIZE_MAX / 2 && add_block(arena, size) ? stub_arena_take(arena, size) : NULL;
}

void stub_arena_release(stub_arena *arena) {
    while (arena->blocks != NULL) {
        stub_arena_block *block = arena->blocks;
        arena->blocks = block->previous;
        free(block);
    }
}
