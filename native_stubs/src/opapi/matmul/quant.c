/* One int8 product, its parameters, and its sums on their way to the output. */
#include "opapi/matmul/quant.h"

#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/elements.h"
#include "opapi/loops.h"
#include "opapi/quantisation/trans_quant_param.h"

STUB_VERSIONS(void, add_bias, (size_t n, const int32_t *sums, const int32_t *bias, int32_t *totals), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        totals[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)bias[i]);
    }
})

STUB_VERSIONS(void, dequantise, (size_t n, const int32_t *totals, const float *scale, float token, float *y), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        y[i] = (float)totals[i] * scale[i] * token;
    }
})

STUB_VERSIONS(void, add_offset, (size_t n, const float *offset, float *y), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        y[i] += offset[i];
    }
})

/* A NaN fails both comparisons and stays. */
STUB_VERSIONS(void, bound, (size_t n, float limit, float *y), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        const float low = y[i] > limit ? limit : y[i];
        y[i] = low < -limit ? -limit : low;
    }
})

static void store_int32(const int32_t *numbers, size_t n, uint8_t *to, int64_t step) {
    for (size_t i = 0; i < n; i++, to += step) {
        memcpy(to, &numbers[i], sizeof numbers[i]);
    }
}

/* Half to even, saturated; NaN gives 0. */
static void store_int8(const float *numbers, size_t n, uint8_t *to, int64_t step) {
    for (size_t i = 0; i < n; i++, to += step) {
        const float near = rintf(numbers[i]), high = near > 127 ? 127 : near;
        const int8_t value = high >= -128 ? (int8_t)high : near < -128 ? -128 : 0;
        memcpy(to, &value, sizeof value);
    }
}

static void finish_stretch(const stub_quant *by, size_t row, size_t column, const int32_t *sums, size_t n) {
    _Alignas(64) float y[STUB_STRETCH];
    _Alignas(64) int32_t totals[STUB_STRETCH];
    const int64_t size = stub_part_size(&by->out), step = by->out.column * size;
    uint8_t *to = by->out.first + ((int64_t)row * by->out.row + (int64_t)column * by->out.column) * size;
    if (by->bias) {
        STUB_BEST(add_bias)(n, sums, by->bias + column, totals);
        sums = totals;
    }
    if (by->out.dtype == ACL_INT32) {
        store_int32(sums, n, to, step);
        return;
    }
    STUB_BEST(dequantise)(n, sums, by->scale + column, by->token ? by->token[row] : 1.0f, y);
    if (by->offset) {
        STUB_BEST(add_offset)(n, by->offset + column, y);
    }
    if (by->function) {
        by->function(n, y);
    }
    if (by->out.dtype == ACL_INT8) {
        store_int8(y, n, to, step);
        return;
    }
    if (isfinite(by->limit)) {
        STUB_BEST(bound)(n, by->limit, y);
    }
    stub_store(ACL_FLOAT, y, n, by->out.dtype, to, step);
}

static void finish(void *state, size_t row, size_t column, const int32_t *sums, size_t count) {
    for (size_t done = 0; done < count; done += STUB_STRETCH) {
        const size_t n = count - done < STUB_STRETCH ? count - done : STUB_STRETCH;
        finish_stretch(state, row, column + done, sums + done, n);
    }
}

aclnnStatus stub_quant_run(const stub_quant *quant) {
    stub_quant state = *quant;
    const stub_int8_matmul work = {
        .x = quant->x,
        .x_stride = (size_t)quant->x_stride,
        .weight = quant->weight,
        .weight_stride = (size_t)quant->weight_stride,
        .layout = quant->layout,
        .m = (size_t)quant->m,
        .k = (size_t)quant->k,
        .n = (size_t)quant->n,
        .finish = finish,
        .state = &state,
    };
    return stub_int8_matmul_run(&work);
}

bool stub_quant_weight(stub_quant *quant, const stub_part *weight, const uint8_t *at) {
    const bool rows = (weight->column == 1 || quant->n == 1) && weight->row >= 0;
    const bool columns = (weight->row == 1 || quant->k == 1) && weight->column >= 0;
    quant->weight = (const int8_t *)at;
    quant->layout = rows ? STUB_WEIGHT_ROWS : STUB_WEIGHT_COLUMNS;
    quant->weight_stride = rows ? weight->row : weight->column;
    return rows || columns;
}

static bool is_packed_scale(aclDataType dtype) {
    return dtype == ACL_UINT64 || dtype == ACL_INT64;
}

static uint64_t packed_scale(const uint8_t *at, int64_t step, int64_t index) {
    uint64_t bits;
    memcpy(&bits, at + index * step, sizeof bits);
    return bits;
}

static void repeat(int64_t given, int64_t count, float *numbers) {
    for (int64_t i = given; i < count; i++) {
        numbers[i] = numbers[0];
    }
}

void stub_quant_numbers(const stub_part *part, const uint8_t *at, int64_t given, int64_t count, float *numbers) {
    const int64_t step = part->column * stub_part_size(part);
    const int64_t distinct = given == 1 ? 1 : count;
    if (is_packed_scale(part->dtype)) {
        for (int64_t i = 0; i < distinct; i++) {
            numbers[i] = stub_bits_float((uint32_t)(packed_scale(at, step, i) & STUB_QUANT_PARAM_SCALE));
        }
    } else {
        for (int64_t i = 0; i < distinct; i += STUB_STRETCH) {
            const size_t n = distinct - i < STUB_STRETCH ? (size_t)(distinct - i) : STUB_STRETCH;
            stub_load(part->dtype, at + i * step, step, n, ACL_FLOAT, numbers + i);
        }
    }
    repeat(distinct, count, numbers);
}

void stub_quant_offsets(const stub_part *part, const uint8_t *at, int64_t given, int64_t count, float *offsets) {
    enum { SHIFT = 37, FIELD = 0x1FF, SIGN = 0x100 };
    const int64_t distinct = given == 1 ? 1 : count;
    for (int64_t i = 0; i < distinct; i++) {
        const int field = (int)(packed_scale(at, part->column * (int64_t)sizeof(uint64_t), i) >> SHIFT & FIELD);
        offsets[i] = (float)((field ^ SIGN) - SIGN);
    }
    repeat(distinct, count, offsets);
}
