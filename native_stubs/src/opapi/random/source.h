/* Random numbers for a call: arrays of them in host memory, one for each element of an output in row-major order, which
 * maps then read as an operand. */
#ifndef ASCEND_STUB_OPAPI_RANDOM_SOURCE_H
#define ASCEND_STUB_OPAPI_RANDOM_SOURCE_H

#include "opapi/kernel.h"
#include "opapi/random/philox.h"

/* n numbers (n is even, or the last ones) from n * words words; constants: what the distribution needs. */
typedef void stub_draw(size_t n, const uint32_t *words, void *numbers, const void *constants);

typedef struct {
    stub_draw *draw;
    aclDataType type; /* of the numbers */
    size_t words;     /* that one number takes */
    const void *constants;
} stub_distribution;

/* Random numbers, or any array, as a tensor: contiguous, with the shape of another one. */
typedef struct {
    stub_view view;
    aclTensor tensor;
    int64_t strides[STUB_MAX_RANK];
} stub_array;

/* seed and offset of the call, by value, in tensors, or both: offsets add up. */
aclnnStatus stub_stream_open(const stub_call *call, stub_stream *stream);
/* Checks the tensors of them: 161001, 161002. */
aclnnStatus stub_stream_check(const stub_call *call);

/* An array like `like`, filled. 561000 with a text without memory. To be released. */
aclnnStatus stub_array_draw(const stub_call *call, const stub_distribution *from, const aclTensor *like,
                            stub_array *array);
aclnnStatus stub_array_make(const stub_call *call, aclDataType type, const aclTensor *like, stub_array *array);
void stub_array_release(stub_array *array);

/* A uniform number in [0, 1) of 32 random bits, exactly. */
static inline double stub_unit(uint32_t word) {
    return (double)word * 0x1p-32;
}

#endif
