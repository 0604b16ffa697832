/* aclnnGeluQuant: gelu(x) by a given scale and offset, round(g * scale + offset), or dynamically, v = g * scale,
 * outScale = max |v| / 127, round(v / outScale). fp32 arithmetic. */
#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opapi/floats.h"
#include "opapi/glu/gelu.h"
#include "opapi/kernel.h"
#include "opapi/norm/norm_checks.h"
#include "opapi/quantisation/quantised.h"

enum { SELF, SCALE, OFFSET, APPROXIMATE, QUANT_MODE, ROUND_MODE, DST_TYPE, Y, OUT_SCALE };

typedef struct {
    stub_quantised y;
    const float *scale, *offset;
    bool single, tanh, dynamic; /* single: one scale for all */
} constants;

static bool is(const stub_call *call, uint32_t arg, const char *text) {
    return call->args[arg].text && strcmp(call->args[arg].text, text) == 0;
}

static aclnnStatus check_attributes(const stub_call *call) {
    static const struct {
        uint32_t arg;
        const char *one, *other;
    } texts[] = {{APPROXIMATE, "none", "tanh"}, {QUANT_MODE, "static", "dynamic"}, {ROUND_MODE, "rint", "rint"}};
    for (size_t i = 0; i < STUB_COUNT(texts); i++) {
        if (!is(call, texts[i].arg, texts[i].one) && !is(call, texts[i].arg, texts[i].other)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s must be %s or %s", call->op->name,
                             call->op->params[texts[i].arg].name, texts[i].one, texts[i].other);
        }
    }
    if (call->args[DST_TYPE].integer != ACL_INT8) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: dstType is %lld; Atlas A2 and A3 have 2 (INT8)", call->op->name,
                         (long long)call->args[DST_TYPE].integer);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, bool dynamic) {
    const aclTensor *self = stub_tensor_arg(call, SELF), *scale = stub_tensor_arg(call, SCALE);
    STUB_REQUIRE(stub_check_rank(call, SELF, dynamic ? 2 : 1, STUB_MAX_RANK));
    const int64_t one = 1, last = stub_last_dim(self);
    if (scale) {
        const bool single = stub_tensor_numel(scale) == 1;
        STUB_REQUIRE(stub_check_shape(call, SCALE, single ? &one : &last, 1, "1, or the last dimension of self"));
        STUB_REQUIRE(stub_check_same_shape(call, OFFSET, SCALE));
    }
    STUB_REQUIRE(stub_quantised_check(call, Y, self->shape, self->rank, STUB_DTYPE(ACL_INT8)));
    return dynamic
               ? stub_check_shape(call, OUT_SCALE, self->shape, self->rank - 1, "that of self without its last axis")
               : ACLNN_SUCCESS;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const bool dynamic = is(call, QUANT_MODE, "dynamic");
    const int required[] = {SELF, Y, dynamic ? OUT_SCALE : SCALE};
    STUB_REQUIRE(stub_norm_given(call, required, STUB_COUNT(required)));
    STUB_REQUIRE(check_attributes(call));
    STUB_REQUIRE(stub_norm_dtype(call, SELF, STUB_FLOATS));
    STUB_REQUIRE(stub_norm_same_or_float(call, SCALE, SELF));
    STUB_REQUIRE(stub_norm_same_dtype(call, OFFSET, SCALE));
    STUB_REQUIRE(stub_norm_dtype(call, OUT_SCALE, STUB_DTYPE(ACL_FLOAT)));
    STUB_REQUIRE(check_shapes(call, dynamic));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, SELF)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : stub_quantised_product(call, "quantising activations");
}

STUB_VERSIONS(void, activate, (float *x, size_t n, bool tanh_form), {
    if (tanh_form) {
        STUB_EACH for (size_t i = 0; i < n; i++) {
            x[i] = stub_gelu_tanh(x[i]);
        }
    } else {
        STUB_EACH for (size_t i = 0; i < n; i++) {
            x[i] = stub_gelu_exact(x[i]);
        }
    }
})

static aclnnStatus line(const void *data, void *const *array, const int64_t *length, int64_t position, void *scratch) {
    (void)position, (void)scratch;
    const constants *by = data;
    const size_t n = (size_t)length[0];
    float *x = array[0];
    STUB_BEST(activate)(x, n, by->tanh);
    if (by->scale) {
        stub_floats_normalise(x, 0, by->single ? *by->scale : 1, by->single ? NULL : by->scale, NULL, n, x);
    }
    if (by->dynamic) {
        const float scale = stub_floats_largest(x, n) / by->y.limit;
        stub_floats_normalise(x, 0, 1.0f / scale, NULL, NULL, n, x);
        *(float *)array[2] = isnan(scale) ? stub_bits_float(STUB_F32_NAN) : scale;
    } else if (by->offset) {
        stub_floats_normalise(x, by->single ? -*by->offset : 0, 1, NULL, by->single ? NULL : by->offset, n, x);
    }
    stub_quantised_put(&by->y, STUB_ROUND, x, n, array[1]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *scale = stub_tensor_arg(call, SCALE);
    const bool dynamic = is(call, QUANT_MODE, "dynamic");
    stub_line_set set = {.call = call};
    constants by = {.scale = stub_line_weight(&set, SCALE),
                    .offset = stub_line_weight(&set, OFFSET),
                    .single = scale && stub_tensor_numel(scale) == 1,
                    .tanh = is(call, APPROXIMATE, "tanh"),
                    .dynamic = dynamic};
    stub_line_input(&set, SELF, stub_last_axes(call, SELF, 1), ACL_FLOAT);
    stub_quantised_output(&set, Y, 1, &by.y);
    stub_line_output(&set, dynamic ? OUT_SCALE : STUB_NO_ARGUMENT, 0, ACL_FLOAT);
    set.lines.line = line;
    set.lines.constants = &by;
    return stub_line_set_run(&set);
}

STUB_KERNEL(aclnnGeluQuant, check, run)
