/* Products of int8 matrices and what becomes of their int32 sums:
 *
 *     out = round(((sum + bias) * scale * token) + offset)       each fp32 operation rounded once
 *
 * INT32 results are the sums with their bias. A bias of floats is added at the end, as an offset. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_QUANT_H
#define ASCEND_STUB_OPAPI_MATMUL_QUANT_H

#include "nnopbase/call.h"
#include "opapi/matmul/int8_matmul.h"
#include "opapi/matmul/product.h"

/* One product. Arrays of n numbers, `token` of m; NULL: none. */
typedef struct {
    const int8_t *x, *weight;
    int64_t x_stride, weight_stride; /* elements between rows, of the weight as it is stored */
    stub_weight_layout layout;
    int64_t m, k, n;
    const int32_t *bias;
    const float *scale, *offset, *token;
    float limit; /* of results before they are rounded; infinity: none */
    void (*function)(size_t n, float *numbers);
    stub_part out; /* FLOAT16, BF16, FLOAT, INT8 or INT32 */
} stub_quant;

/* What the output stage that packed scales go through cannot exceed: it saturates where others give infinity. */
#define STUB_LARGEST_FP16 65504.0f

aclnnStatus stub_quant_run(const stub_quant *quant);

/* The weight's place and layout from its matrix: rows or columns are neighbours. False: neither. */
bool stub_quant_weight(stub_quant *quant, const stub_part *weight, const uint8_t *at);

/* `count` numbers of a part's row as float: FLOAT, FLOAT16, BF16, and packed scales (UINT64, INT64), of which the
 * hardware reads 19 bits. One number serves all when `given` is 1. */
void stub_quant_numbers(const stub_part *part, const uint8_t *at, int64_t given, int64_t count, float *numbers);
/* The offsets that packed scales carry. */
void stub_quant_offsets(const stub_part *part, const uint8_t *at, int64_t given, int64_t count, float *offsets);

/* INT4 elements, and INT32 ones that hold eight of them each, as int8 in memory that the caller frees; other types are
 * left alone (*owned is NULL). Elements are packed along the axis, of the last two, whose neighbours touch; `part` is
 * that of matrices of the unpacked tensor. */
typedef struct {
    bool is_packed, along_rows; /* along_rows: neighbours are rows of a matrix */
    int64_t rows, columns;      /* unpacked */
} stub_int4;
stub_int4 stub_int4_of(const aclTensor *tensor);
aclnnStatus stub_int4_open(const stub_call *call, uint32_t arg, const stub_view *view, uint32_t batch_rank,
                           stub_part *part, void **owned);

#endif
