/* Moving bytes; see bytes.h. Large ranges are cut into pieces that end where huge pages of the destination end, so that
 * no two threads meet in the first touch of one. */
#include "core/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/parallel.h"

#define PIECE_BYTES ((size_t)2 << 20)
#define LARGE_BYTES ((size_t)8 << 20) /* smaller ranges are better off in the caches */

#if defined(__SSE2__)
#include <emmintrin.h>

enum { LINE = 64, LANE = 16, AHEAD = 1024 };

#define COPY_PAGE ((uintptr_t)4096)
#define REP_BYTES ((size_t)2048) /* below, no C library uses the processor's string copy */

typedef struct {
    __m128i lanes[LINE / LANE];
} cache_line;

static inline cache_line load_line(const char *from) {
    cache_line line;
    for (size_t i = 0; i < LINE / LANE; i++) {
        line.lanes[i] = _mm_loadu_si128((const __m128i *)(const void *)(from + i * LANE));
    }
    return line;
}

/* `to` is aligned to a line. */
static inline void store_line(char *to, cache_line line) {
    for (size_t i = 0; i < LINE / LANE; i++) {
        _mm_store_si128((__m128i *)(void *)(to + i * LANE), line.lanes[i]);
    }
}

static inline void stream_line(char *to, cache_line line) {
    for (size_t i = 0; i < LINE / LANE; i++) {
        _mm_stream_si128((__m128i *)(void *)(to + i * LANE), line.lanes[i]);
    }
}

/* Copies up to the first line boundary of the destination and returns how many bytes that were. */
static size_t copy_head(char *dst, const char *src, size_t count) {
    size_t head = -(uintptr_t)dst % LINE;
    head = head < count ? head : count;
    memcpy(dst, src, head);
    return head;
}

static void copy_lines(char *dst, const char *src, size_t count) {
    size_t at = copy_head(dst, src, count);
    for (; at + LINE <= count; at += LINE) {
        store_line(dst + at, load_line(src + at));
    }
    memcpy(dst + at, src + at, count - at);
}

static void copy_piece(char *dst, const char *src, size_t count) {
    size_t at = copy_head(dst, src, count);
    for (; at + LINE <= count; at += LINE) {
        _mm_prefetch(src + at + AHEAD, _MM_HINT_T0);
        stream_line(dst + at, load_line(src + at));
    }
    _mm_sfence();
    memcpy(dst + at, src + at, count - at);
}

/* The string copy of AMD's Zen 3 and Zen 4, which C libraries use for ranges like these, is ten times slower when the
 * destination lies within a page a few bytes behind the source. NumPy's large arrays begin 16 bytes into a page. */
static bool suits_memcpy(const char *dst, const char *src, size_t count) {
    uintptr_t distance = ((uintptr_t)dst - (uintptr_t)src) % COPY_PAGE;
    return count < REP_BYTES || distance == 0 || distance >= LINE;
}
#else
static void copy_lines(char *dst, const char *src, size_t count) {
    memcpy(dst, src, count);
}

static void copy_piece(char *dst, const char *src, size_t count) {
    memcpy(dst, src, count);
}

static bool suits_memcpy(const char *dst, const char *src, size_t count) {
    (void)dst, (void)src, (void)count;
    return true;
}
#endif

typedef struct {
    char *dst;
    const char *src;
    size_t count;
    size_t first; /* bytes of the first piece */
} move;

static void move_piece(void *state, size_t index) {
    const move *whole = state;
    size_t begin = index == 0 ? 0 : whole->first + (index - 1) * PIECE_BYTES;
    size_t length = index == 0 ? whole->first : PIECE_BYTES;
    size_t rest = whole->count - begin;
    copy_piece(whole->dst + begin, whole->src + begin, length < rest ? length : rest);
}

static void move_large(char *dst, const char *src, size_t count) {
    size_t first = PIECE_BYTES - (uintptr_t)dst % PIECE_BYTES;
    move whole = {dst, src, count, first};
    stub_parallel(1 + (count - first + PIECE_BYTES - 1) / PIECE_BYTES, move_piece, &whole);
}

static bool overlap(const char *dst, const char *src, size_t count) {
    return (uintptr_t)dst - (uintptr_t)src < count || (uintptr_t)src - (uintptr_t)dst < count;
}

void stub_bytes_move(void *dst, const void *src, size_t count) {
    if (overlap(dst, src, count)) {
        memmove(dst, src, count);
    } else if (count >= LARGE_BYTES) {
        move_large(dst, src, count);
    } else if (suits_memcpy(dst, src, count)) {
        memcpy(dst, src, count);
    } else {
        copy_lines(dst, src, count);
    }
}
