/* See contents.h. */
#include "check/contents.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)1 << 16)
#define WORD_BYTES ((size_t)64) /* that a word has bits for */
#define WORDS (CHUNK_BYTES / WORD_BYTES)

typedef struct {
    size_t written; /* bits that are set */
    uint64_t words[WORDS];
} chunk;

struct stub_contents {
    size_t size;
    chunk *chunks[]; /* NULL: nothing is written */
};

static chunk all_written; /* only its address counts */

static size_t chunk_count(size_t size) {
    return (size + CHUNK_BYTES - 1) / CHUNK_BYTES;
}

stub_contents *stub_contents_new(size_t size) {
    stub_contents *made = calloc(1, sizeof *made + chunk_count(size) * sizeof *made->chunks);
    if (made != NULL) {
        made->size = size;
    }
    return made;
}

static void set_chunk(stub_contents *contents, size_t index, chunk *with) {
    if (contents->chunks[index] != &all_written) {
        free(contents->chunks[index]);
    }
    contents->chunks[index] = with;
}

void stub_contents_free(stub_contents *contents) {
    if (contents != NULL) {
        for (size_t i = 0; i < chunk_count(contents->size); i++) {
            set_chunk(contents, i, NULL);
        }
        free(contents);
    }
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The bits of [begin, end) within a word. */
static uint64_t mask_of(size_t begin, size_t end) {
    const uint64_t below_end = end == WORD_BYTES ? UINT64_MAX : (UINT64_C(1) << end) - 1;
    return below_end & ~((UINT64_C(1) << begin) - 1);
}

static void set_bits(chunk *in, size_t begin, size_t end) {
    while (begin < end) {
        const size_t word = begin / WORD_BYTES;
        const size_t stop = smaller(end, (word + 1) * WORD_BYTES);
        const uint64_t added = mask_of(begin % WORD_BYTES, stop - word * WORD_BYTES) & ~in->words[word];
        in->words[word] |= added;
        in->written += (size_t)__builtin_popcountll(added);
        begin = stop;
    }
}

/* Within one chunk, whose part of the memory is `length` bytes. */
static void write_in_chunk(stub_contents *contents, size_t index, size_t begin, size_t end, size_t length) {
    chunk *in = contents->chunks[index];
    if (in == &all_written) {
        return;
    }
    if (in == NULL && end - begin < length) {
        in = contents->chunks[index] = calloc(1, sizeof *in);
    }
    if (in != NULL) {
        set_bits(in, begin, end);
    }
    if (in == NULL || in->written == length) {
        set_chunk(contents, index, &all_written);
    }
}

void stub_contents_write(stub_contents *contents, size_t begin, size_t end) {
    end = smaller(end, contents->size);
    while (begin < end) {
        const size_t index = begin / CHUNK_BYTES;
        const size_t base = index * CHUNK_BYTES;
        const size_t stop = smaller(end, base + CHUNK_BYTES);
        write_in_chunk(contents, index, begin - base, stop - base, smaller(CHUNK_BYTES, contents->size - base));
        begin = stop;
    }
}

static size_t find_bit(const chunk *in, size_t begin, size_t end, bool written) {
    while (begin < end) {
        const size_t word = begin / WORD_BYTES;
        const size_t stop = smaller(end, (word + 1) * WORD_BYTES);
        const uint64_t bits = written ? in->words[word] : ~in->words[word];
        const uint64_t found = bits & mask_of(begin % WORD_BYTES, stop - word * WORD_BYTES);
        if (found != 0) {
            return word * WORD_BYTES + (size_t)__builtin_ctzll(found);
        }
        begin = stop;
    }
    return end;
}

static size_t find_in_chunk(const chunk *in, size_t begin, size_t end, bool written) {
    if (in != NULL && in != &all_written) {
        return find_bit(in, begin, end, written);
    }
    return (in != NULL) == written ? begin : end;
}

size_t stub_contents_find(const stub_contents *contents, size_t begin, size_t end, bool written) {
    const size_t limit = smaller(end, contents->size);
    while (begin < limit) {
        const size_t index = begin / CHUNK_BYTES;
        const size_t base = index * CHUNK_BYTES;
        const size_t stop = smaller(limit, base + CHUNK_BYTES);
        const size_t found = base + find_in_chunk(contents->chunks[index], begin - base, stop - base, written);
        if (found < stop) {
            return found;
        }
        begin = stop;
    }
    return end;
}
