/* aclnnNsaCompress: what its two phases share. */
#ifndef ASCEND_STUB_OPAPI_NSA_COMPRESS_H
#define ASCEND_STUB_OPAPI_NSA_COMPRESS_H

#include <stdint.h>

#include "nnopbase/call.h"

/* Arguments in the order of the prototype. */
enum {
    NSA_COMPRESS_INPUT,
    NSA_COMPRESS_WEIGHT,
    NSA_COMPRESS_SEQUENCES,
    NSA_COMPRESS_LAYOUT,
    NSA_COMPRESS_BLOCK,
    NSA_COMPRESS_STRIDE,
    NSA_COMPRESS_SEQUENCES_TYPE,
    NSA_COMPRESS_OUTPUT
};

aclnnStatus stub_nsa_compress_check(const stub_call *call, stub_plan *plan);

/* Windows of `block` tokens, `stride` apart, that a sequence holds. */
static inline int64_t stub_nsa_compress_windows(int64_t length, int64_t block, int64_t stride) {
    return length < block ? 0 : (length - block) / stride + 1;
}

#endif
