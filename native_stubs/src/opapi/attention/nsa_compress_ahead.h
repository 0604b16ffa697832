/* Lines of the input of aclnnNsaCompress that are wanted soon. The order of summation jumps from token to token, which
 * no processor foresees: the loops ask for them while they work, in the order of memory. */
#ifndef ASCEND_STUB_OPAPI_NSA_COMPRESS_AHEAD_H
#define ASCEND_STUB_OPAPI_NSA_COMPRESS_AHEAD_H

#include <stddef.h>
#include <stdint.h>

enum { STUB_LINE = 64, STUB_AHEAD_TOKENS = 16 /* that are widened in one step */ };

/* Runs of neighbouring lines. */
typedef struct {
    const uint8_t *next;
    size_t left, per_step;       /* lines: of this run, and to fetch at each step */
    size_t runs_left, run_lines; /* the runs behind this one */
    int64_t gap;                 /* bytes from the end of one run to the next */
} stub_ahead;

static inline void stub_fetch_ahead(stub_ahead *ahead) {
    if (ahead->left == 0) {
        return;
    }
    const size_t count = ahead->per_step < ahead->left ? ahead->per_step : ahead->left;
    const uint8_t *const end = ahead->next + count * STUB_LINE;
    for (const uint8_t *line = ahead->next; line != end; line += STUB_LINE) {
        __builtin_prefetch(line, 0, 2);
    }
    ahead->next = end;
    ahead->left -= count;
    if (ahead->left == 0 && ahead->runs_left > 0) {
        ahead->runs_left--;
        ahead->left = ahead->run_lines;
        ahead->next += ahead->gap;
    }
}

#endif
