/* Rounding, bounding and packing of quantised values. */
#include "opapi/quantisation/quantised.h"

#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/floats.h"
#include "opapi/loops.h"

enum { INT8_LIMIT = 127, INT4_LIMIT = 7, INT4_PER_WORD = 8, INT4_PER_BYTE = 2 };

aclnnStatus stub_quantised_check(const stub_call *call, int y, const int64_t *dims, uint32_t rank,
                                 stub_dtypes allowed) {
    const aclTensor *tensor = stub_tensor_or_none(call, y);
    const stub_dtype_rule rule = {(uint32_t)y, STUB_ON_ALL(allowed)};
    if (!tensor) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const int64_t unit = tensor->dtype == ACL_INT32 ? INT4_PER_WORD : tensor->dtype == ACL_INT4 ? INT4_PER_BYTE : 1;
    if (unit > 1 && (rank == 0 || dims[rank - 1] % unit != 0)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the last dimension is %lld; with %s of type %s it must be a "
                         "multiple of %d",
                         call->op->name, (long long)(rank > 0 ? dims[rank - 1] : 1), call->op->params[y].name,
                         stub_dtype_name(tensor->dtype), (int)unit);
    }
    int64_t wanted[STUB_MAX_RANK] = {0};
    memcpy(wanted, dims, rank * sizeof *dims);
    if (tensor->dtype == ACL_INT32) {
        wanted[rank - 1] /= INT4_PER_WORD;
    }
    return stub_check_shape(call, (uint32_t)y, wanted, rank,
                            "that of the quantised values; with INT32, an eighth of the last dimension");
}

/* Whether rows of an INT4 tensor are whole bytes. */
static bool in_bytes(const aclTensor *tensor) {
    bool whole = tensor->offset % 2 == 0 && tensor->strides[tensor->rank - 1] == 1;
    for (uint32_t i = 0; i + 1 < tensor->rank; i++) {
        whole = whole && (tensor->shape[i] == 1 || tensor->strides[i] % 2 == 0);
    }
    return whole;
}

static void see_as_bytes(stub_quantised *quantised) {
    aclTensor *bytes = &quantised->tensor;
    *bytes = *quantised->view.tensor;
    memcpy(quantised->shape, bytes->shape, bytes->rank * sizeof *bytes->shape);
    for (uint32_t i = 0; i + 1 < bytes->rank; i++) {
        quantised->strides[i] = bytes->strides[i] / 2;
    }
    quantised->strides[bytes->rank - 1] = 1;
    quantised->shape[bytes->rank - 1] /= 2;
    bytes->shape = quantised->shape;
    bytes->strides = quantised->strides;
    bytes->offset /= 2;
    bytes->dtype = ACL_UINT8;
    quantised->view.tensor = bytes;
    quantised->view.bits = 8;
}

void stub_quantised_output(stub_line_set *set, int y, uint32_t axes, stub_quantised *quantised) {
    const aclTensor *tensor = stub_tensor_or_none(set->call, y);
    *quantised = (stub_quantised){.as = ACL_INT8, .per_number = 1, .limit = INT8_LIMIT};
    if (!tensor || set->status != ACLNN_SUCCESS) {
        stub_line_output_view(set, NULL, 0, ACL_INT8);
        return;
    }
    set->status = stub_view_open(set->call, (uint32_t)y, &quantised->view);
    if (tensor->dtype == ACL_INT4 && set->status == ACLNN_SUCCESS) {
        if (!in_bytes(tensor)) {
            set->status =
                stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                          "%s: the stand-in has no kernel for an INT4 %s whose rows do not lie in whole bytes",
                          set->call->op->name, set->call->op->params[y].name);
        } else {
            see_as_bytes(quantised);
        }
    }
    if (tensor->dtype != ACL_INT8) {
        quantised->as = tensor->dtype == ACL_INT4 ? ACL_UINT8 : ACL_INT32;
        quantised->per_number = tensor->dtype == ACL_INT4 ? INT4_PER_BYTE : INT4_PER_WORD;
        quantised->limit = INT4_LIMIT;
    }
    stub_line_output_view(set, &quantised->view, stub_last_axes(set->call, y, axes), quantised->as);
}

/* The nearest integer, half to even: for numbers as small as these the adder does it. */
STUB_INLINE float nearest(float x) {
    return (x + 0x1.8p23f) - 0x1.8p23f;
}

/* Bounding before rounding gives the same: the bounds are integers. */
#define ROUNDING(name, expression)                                                                                     \
    STUB_VERSIONS(void, name, (float *values, size_t n, float limit), {                                                \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const float v = values[i] == values[i] ? values[i] : 0.0f;                                                 \
            const float low = v < -limit - 1.0f ? -limit - 1.0f : v;                                                   \
            const float x = low > limit ? limit : low;                                                                 \
            const float near = nearest(x);                                                                             \
            values[i] = (expression);                                                                                  \
        }                                                                                                              \
    })
ROUNDING(to_nearest, near)
ROUNDING(down, near > x ? near - 1.0f : near)
ROUNDING(up, near < x ? near + 1.0f : near)
ROUNDING(to_zero, near > x && x > 0 ? near - 1.0f : near < x && x < 0 ? near + 1.0f : near)

STUB_VERSIONS(void, widen, (const float *values, size_t n, int64_t *numbers), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        numbers[i] = (int32_t)values[i];
    }
})

static void pack(const float *values, size_t n, size_t per_number, int64_t *numbers) {
    for (size_t first = 0; first < n; first += per_number) {
        uint32_t word = 0;
        for (size_t k = 0; k < per_number; k++) {
            word |= ((uint32_t)(int32_t)values[first + k] & 0xFu) << 4 * k;
        }
        numbers[first / per_number] = word;
    }
}

void stub_quantised_put(const stub_quantised *quantised, stub_rounding mode, float *values, size_t n,
                        int64_t *numbers) {
    if (mode == STUB_ROUND) {
        STUB_BEST(to_nearest)(values, n, quantised->limit);
    } else if (mode == STUB_FLOOR) {
        STUB_BEST(down)(values, n, quantised->limit);
    } else if (mode == STUB_CEIL) {
        STUB_BEST(up)(values, n, quantised->limit);
    } else {
        STUB_BEST(to_zero)(values, n, quantised->limit);
    }
    if (quantised->per_number == 1) {
        STUB_BEST(widen)(values, n, numbers);
    } else {
        pack(values, n, quantised->per_number, numbers);
    }
}

aclnnStatus stub_rounding_of(const stub_call *call, int arg, stub_rounding *mode) {
    static const char *const names[STUB_ROUNDING_COUNT] = {"round", "floor", "ceil", "trunc"};
    const char *given = call->args[arg].text;
    for (int i = 0; given && i < STUB_ROUNDING_COUNT; i++) {
        if (strcmp(given, names[i]) == 0) {
            *mode = (stub_rounding)i;
            return ACLNN_SUCCESS;
        }
    }
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s; allowed are round, floor, ceil and trunc", call->op->name,
                     call->op->params[arg].name, given ? given : "NULL");
}

stub_row_scale stub_quantised_row_scale(const stub_quantised *quantised, const float *values, size_t n) {
    const float factor = quantised->limit / stub_floats_largest(values, n), scale = 1.0f / factor;
    return (stub_row_scale){factor, isnan(scale) ? stub_bits_float(STUB_F32_NAN) : scale};
}

aclnnStatus stub_quantised_product(const stub_call *call, const char *what) {
    const stub_product product = stub_get_settings()->product;
    const bool known = product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3;
    return known ? ACLNN_SUCCESS : stub_refuse_arithmetic(call, what);
}
