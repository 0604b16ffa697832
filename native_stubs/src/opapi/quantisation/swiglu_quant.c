/* aclnnSwiGluQuant, aclnnDequantSwigluQuant and their second versions: x (dequantised) in two halves a and b becomes
 * a * sigmoid(a) * b, is scaled and rounded to integers. fp32 arithmetic, each operation rounded once. */
#include "opapi/quantisation/swiglu_quant.h"

#include <math.h>

#include "core/half.h"
#include "opapi/floats.h"
#include "opapi/kernel.h"
#include "opapi/math.h"
#include "opapi/quantisation/experts.h"
#include "opapi/quantisation/quantised.h"

enum { NONE = STUB_NO_ARGUMENT };

/* Of the lines: x, the row's activation scale -> y, scaleOut. */
enum { X, ROW_SCALE, Y, SCALE_OUT };

typedef enum { PLAIN, CLAMPED_INTERLEAVED, CLAMPED, CLAMPED_AFTER } swiglu_form;

/* A parameter of rows: its expert's row of `columns` numbers, or one number. */
typedef struct {
    const float *values;
    int64_t columns; /* 1: one number */
} parameter;

typedef struct {
    stub_quantised y;
    stub_experts experts;
    parameter weight_scale, bias, scale, offset;
    const int64_t *integer_bias;
    swiglu_form form;
    swiglu_scaling scaling;
    float limit, alpha, glu_bias;
    bool right, dynamic, integer, grouped;
} constants;

/* With experts, a tensor of one axis has one number for each. */
static parameter load(stub_line_set *set, int arg, int64_t columns, bool grouped) {
    const aclTensor *tensor = stub_tensor_or_none(set->call, arg);
    const bool single = tensor && tensor->rank == 1 && (grouped || tensor->shape[0] == 1);
    return (parameter){stub_line_weight(set, arg), single ? 1 : columns};
}

static const float *row_of(const parameter *of, int64_t expert) {
    return of->values ? of->values + expert * of->columns : NULL;
}

/* v * p, or v + p, of a vector or a single number. */
static void multiply(float *v, const float *by, int64_t columns, size_t n) {
    stub_floats_normalise(v, 0, columns == 1 ? *by : 1, columns == 1 ? NULL : by, NULL, n, v);
}

static void add(float *v, const float *by, int64_t columns, size_t n) {
    stub_floats_normalise(v, columns == 1 ? -*by : 0, 1, NULL, columns == 1 ? NULL : by, n, v);
}

/* The line's numbers as floats, dequantised. */
static void dequantise(const constants *by, void *const *array, int64_t expert, size_t n, float *values) {
    const int64_t *x = array[X], *bias = by->integer_bias ? by->integer_bias + expert * (int64_t)n : NULL;
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)(bias ? x[i] + bias[i] : x[i]);
    }
    multiply(values, row_of(&by->weight_scale, expert), (int64_t)n, n);
    if (array[ROW_SCALE]) {
        multiply(values, array[ROW_SCALE], 1, n);
    }
    if (by->bias.values) {
        add(values, row_of(&by->bias, expert), (int64_t)n, n);
    }
}

static float within(float x, float limit) {
    return x > limit ? limit : x < -limit ? -limit : x;
}

static float activated(const constants *by, float a, float b) {
    if (by->form == CLAMPED_AFTER) {
        const float gate = stub_siluf(a);
        return (gate > by->limit ? by->limit : gate) * within(b, by->limit);
    }
    const float gate = a > by->limit ? by->limit : a;
    return gate * stub_sigmoidf(by->alpha * gate) * (within(b, by->limit) + by->glu_bias);
}

STUB_VERSIONS(void, plain, (const float *a, const float *b, size_t n, float *v), {
    STUB_EACH for (size_t i = 0; i < n; i++) {
        v[i] = stub_siluf(a[i]) * b[i];
    }
})

/* n values from 2 n. */
static void activate(const constants *by, const float *x, size_t n, float *v) {
    if (by->form == PLAIN) {
        STUB_BEST(plain)(by->right ? x + n : x, by->right ? x : x + n, n, v);
        return;
    }
    const size_t step = by->form == CLAMPED_INTERLEAVED ? 2 : 1, other = by->form == CLAMPED_INTERLEAVED ? 1 : n;
    for (size_t i = 0; i < n; i++) {
        const float a = x[i * step], b = x[i * step + other];
        v[i] = by->right ? activated(by, b, a) : activated(by, a, b);
    }
}

static float one_nan(float value) {
    return isnan(value) ? stub_bits_float(STUB_F32_NAN) : value;
}

static void scale_dynamically(const constants *by, float *v, size_t n, float *scale_out) {
    const float largest = stub_floats_largest(v, n);
    float scale = by->y.limit / largest;
    if (by->scaling == SWIGLU_BY_FACTOR) {
        stub_floats_normalise(v, 0, scale, NULL, NULL, n, v);
    } else if (by->grouped) {
        scale = largest * (1.0f / by->y.limit);
        for (size_t i = 0; i < n; i++) {
            v[i] /= scale;
        }
    } else {
        scale = largest / by->y.limit;
        stub_floats_normalise(v, 0, 1.0f / scale, NULL, NULL, n, v);
    }
    *scale_out = one_nan(scale);
}

/* By given scales: a product in SwiGluQuant, a quotient in DequantSwigluQuant. */
static void scale_statically(const constants *by, float *v, int64_t expert, size_t n) {
    const float *scale = row_of(&by->scale, expert);
    if (by->scaling == SWIGLU_BY_FACTOR) {
        multiply(v, scale, by->scale.columns, n);
    } else if (by->scale.columns == 1) {
        const float reciprocal = *scale == 0 ? 1.0f : 1.0f / *scale;
        multiply(v, &reciprocal, 1, n);
    } else {
        for (size_t i = 0; i < n; i++) {
            v[i] /= scale[i];
        }
    }
    if (by->offset.values) {
        add(v, row_of(&by->offset, expert), by->offset.columns, n);
    }
}

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    const constants *by = data;
    const size_t n = (size_t)length[X] / 2;
    const int64_t expert = stub_expert_of(&by->experts, position);
    float *v = scratch, *x = by->integer ? v + n : array[X];
    if (by->integer) {
        dequantise(by, array, expert, 2 * n, x);
    }
    activate(by, x, n, v);
    if (!by->dynamic) {
        scale_statically(by, v, expert, n);
    } else {
        if (by->scale.values) {
            multiply(v, row_of(&by->scale, expert), by->scale.columns, n);
        }
        scale_dynamically(by, v, n, array[SCALE_OUT]);
    }
    stub_quantised_put(&by->y, STUB_ROUND, v, n, array[Y]);
    return ACLNN_SUCCESS;
}

static float number_or(const stub_call *call, int arg, float otherwise) {
    return arg == NONE ? otherwise : (float)call->args[arg].real;
}

static aclnnStatus swiglu_quant_run(const stub_call *call, const swiglu_quant *op) {
    const aclTensor *x = stub_tensor_or_none(call, op->x), *bias = stub_tensor_or_none(call, op->bias);
    const aclTensor *row_scale = stub_tensor_or_none(call, op->activation_scale);
    const int64_t columns = stub_last_dim(x);
    const bool grouped = stub_tensor_or_none(call, op->group) != NULL;
    const bool integer_bias = bias && bias->dtype == ACL_INT32, dynamic = stub_swiglu_is_dynamic(call, op);
    stub_line_set set = {.call = call};
    constants by = {
        .experts =
            stub_experts_load(&set, op->group, op->lengths == NONE ? op->counts : call->args[op->lengths].integer == 1),
        .weight_scale = load(&set, op->weight_scale, columns, grouped),
        .bias = load(&set, integer_bias ? NONE : op->bias, columns, grouped),
        .integer_bias = integer_bias ? stub_line_weight_as(&set, op->bias, ACL_INT64) : NULL,
        .scale = load(&set, op->scale, columns / 2, grouped),
        .offset = load(&set, dynamic ? NONE : op->offset, columns / 2, grouped),
        .form = op->swiglu_mode == NONE ? PLAIN : (swiglu_form)call->args[op->swiglu_mode].integer,
        .scaling = op->scaling,
        .limit = number_or(call, op->limit, 0),
        .alpha = number_or(call, op->alpha, 1),
        .glu_bias = number_or(call, op->glu_bias, 0),
        .right = !call->args[op->left].flag,
        .dynamic = dynamic,
        .integer = x->dtype == ACL_INT32,
        .grouped = grouped,
    };
    const uint32_t row_axes =
        row_scale && row_scale->rank == x->rank ? stub_last_axes(call, op->activation_scale, 1) : 0;
    stub_line_input(&set, op->x, stub_last_axes(call, op->x, 1), by.integer ? ACL_INT64 : ACL_FLOAT);
    stub_line_input(&set, op->activation_scale, row_axes, ACL_FLOAT);
    stub_quantised_output(&set, op->y, 1, &by.y);
    stub_line_output(&set, dynamic ? op->scale_out : NONE, 0, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    set.lines.scratch = (size_t)columns * 2 * sizeof(float);
    return stub_line_set_run(&set);
}

#define NO_DEQUANTISATION .weight_scale = NONE, .activation_scale = NONE, .bias = NONE
#define NO_FORM .activate_dim = NONE, .swiglu_mode = NONE, .limit = NONE, .alpha = NONE, .glu_bias = NONE

STUB_FAMILY_KERNEL(aclnnSwiGluQuant, swiglu_quant,
                   {NO_DEQUANTISATION, NO_FORM, .x = 0, .scale = 1, .offset = 2, .group = 3, .left = 4, .mode = 5,
                    .lengths = NONE, .dst_type = NONE, .round_mode = NONE, .y = 6, .scale_out = 7,
                    .scaling = SWIGLU_BY_FACTOR})
STUB_FAMILY_KERNEL(aclnnSwiGluQuantV2, swiglu_quant,
                   {NO_DEQUANTISATION, NO_FORM, .x = 0, .scale = 1, .offset = 2, .group = 3, .left = 4, .mode = 5,
                    .lengths = 6, .dst_type = 7, .round_mode = NONE, .y = 8, .scale_out = 9,
                    .scaling = SWIGLU_BY_FACTOR})
STUB_FAMILY_KERNEL(aclnnDequantSwigluQuant, swiglu_quant,
                   {NO_FORM, .x = 0, .weight_scale = 1, .activation_scale = 2, .bias = 3, .scale = 4, .offset = 5,
                    .group = 6, .left = 7, .mode = 8, .lengths = NONE, .dst_type = NONE, .round_mode = NONE, .y = 9,
                    .scale_out = 10, .scaling = SWIGLU_BY_SCALE, .counts = true})
STUB_FAMILY_KERNEL(aclnnDequantSwigluQuantV2, swiglu_quant,
                   {.x = 0,
                    .weight_scale = 1,
                    .activation_scale = 2,
                    .bias = 3,
                    .scale = 4,
                    .offset = 5,
                    .group = 6,
                    .left = 7,
                    .mode = 8,
                    .lengths = NONE,
                    .dst_type = 9,
                    .round_mode = 10,
                    .activate_dim = 11,
                    .swiglu_mode = 12,
                    .limit = 13,
                    .alpha = 14,
                    .glu_bias = 15,
                    .y = 16,
                    .scale_out = 17,
                    .scaling = SWIGLU_BY_SCALE,
                    .counts = true})
