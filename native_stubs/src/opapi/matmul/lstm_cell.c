/* aclnnThnnFusedLstmCell and its gradient: one step of an LSTM behind the products. Gates lie in the order i, f, g (the
 * candidate), o, as A2's kernels have them. fp32, rounded once; sums for the bias in fp64. */
#include <math.h>

#include "opapi/math.h"
#include "opapi/moves/numbers.h"

enum { GATES = 4 };
#define TYPES (STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16))

/* Tensors of one call: [batch, size], [batch, 4 size] or [4 size], all of one type. */
typedef struct {
    uint32_t arg, rank;
    int64_t blocks; /* of `size` elements in a row */
    bool required;
} cell_tensor;

static aclnnStatus check_tensors(const stub_call *call, const cell_tensor *tensors, uint32_t count, uint32_t model) {
    const stub_dtype_rule rule = {model, STUB_ON_ALL(TYPES)};
    for (uint32_t i = 0; i < count; i++) {
        STUB_REQUIRE(tensors[i].required ? stub_check_given(call, &tensors[i].arg, 1) : ACLNN_SUCCESS);
    }
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_rank(call, model, 2, 2));
    const int64_t *shape = stub_tensor_arg(call, model)->shape;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t dims[] = {shape[0], tensors[i].blocks * shape[1]};
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i].arg, model));
        STUB_REQUIRE(stub_check_shape(call, tensors[i].arg, dims + 2 - tensors[i].rank, tensors[i].rank,
                                      "batch, the size of the state or four times that"));
    }
    return ACLNN_SUCCESS;
}

enum { INPUT_GATES, HIDDEN_GATES, CX, INPUT_BIAS, HIDDEN_BIAS, HY, CY, STORAGE };

static aclnnStatus check_cell(const stub_call *call, stub_plan *plan) {
    static const cell_tensor tensors[] = {{INPUT_GATES, 2, GATES, true},
                                          {HIDDEN_GATES, 2, GATES, true},
                                          {CX, 2, 1, true},
                                          {INPUT_BIAS, 1, GATES, false},
                                          {HIDDEN_BIAS, 1, GATES, false},
                                          {HY, 2, 1, true},
                                          {CY, 2, 1, true},
                                          {STORAGE, 2, GATES, true}};
    STUB_REQUIRE(check_tensors(call, tensors, 8, CX));
    if (!stub_tensor_arg(call, INPUT_BIAS) != !stub_tensor_arg(call, HIDDEN_BIAS)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: inputBiasOptional and hiddenBiasOptional go together",
                         call->op->name);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, CX)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_cell(const stub_call *call) {
    const int64_t *shape = stub_tensor_arg(call, CX)->shape, n = shape[1], width = GATES * n;
    stub_numbers set = {.call = call};
    const float *input = stub_numbers_read(&set, INPUT_GATES, ACL_FLOAT);
    const float *hidden = stub_numbers_read(&set, HIDDEN_GATES, ACL_FLOAT),
                *cx = stub_numbers_read(&set, CX, ACL_FLOAT);
    const float *bias[] = {stub_numbers_read(&set, INPUT_BIAS, ACL_FLOAT),
                           stub_numbers_read(&set, HIDDEN_BIAS, ACL_FLOAT)};
    float *hy = stub_numbers_write(&set, HY, ACL_FLOAT), *cy = stub_numbers_write(&set, CY, ACL_FLOAT);
    float *storage = stub_numbers_write(&set, STORAGE, ACL_FLOAT);
    for (int64_t i = 0; i < shape[0] * n && set.status == ACLNN_SUCCESS; i++) {
        const int64_t first = i / n * width + i % n;
        float gate[GATES];
        for (int g = 0; g < GATES; g++) {
            const int64_t at = first + g * n, column = i % n + g * n;
            const float sum = input[at] + hidden[at] + (bias[0] ? bias[0][column] + bias[1][column] : 0);
            gate[g] = g == 2 ? stub_tanhf(sum) : stub_sigmoidf(sum);
            storage[at] = gate[g];
        }
        cy[i] = gate[1] * cx[i] + gate[0] * gate[2];
        hy[i] = gate[3] * stub_tanhf(cy[i]);
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnThnnFusedLstmCell, check_cell, run_cell)

enum { GRAD_HY, GRAD_C, OLD_C, NEW_C, SAVED, HAS_BIAS, GRAD_GATES, GRAD_CX, GRAD_BIAS };

static aclnnStatus check_backward(const stub_call *call, stub_plan *plan) {
    const cell_tensor tensors[] = {{GRAD_HY, 2, 1, false},  {GRAD_C, 2, 1, false},
                                   {OLD_C, 2, 1, true},     {NEW_C, 2, 1, true},
                                   {SAVED, 2, GATES, true}, {GRAD_GATES, 2, GATES, true},
                                   {GRAD_CX, 2, 1, true},   {GRAD_BIAS, 1, GATES, call->args[HAS_BIAS].flag}};
    STUB_REQUIRE(check_tensors(call, tensors, call->args[HAS_BIAS].flag ? 8 : 7, OLD_C));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OLD_C)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run_backward(const stub_call *call) {
    const int64_t *shape = stub_tensor_arg(call, OLD_C)->shape, n = shape[1], width = GATES * n;
    stub_numbers set = {.call = call};
    const float *grad_h = stub_numbers_read(&set, GRAD_HY, ACL_FLOAT),
                *grad_c = stub_numbers_read(&set, GRAD_C, ACL_FLOAT);
    const float *cx = stub_numbers_read(&set, OLD_C, ACL_FLOAT), *cy = stub_numbers_read(&set, NEW_C, ACL_FLOAT);
    const float *saved = stub_numbers_read(&set, SAVED, ACL_FLOAT);
    float *gates = stub_numbers_write(&set, GRAD_GATES, ACL_FLOAT),
          *grad_cx = stub_numbers_write(&set, GRAD_CX, ACL_FLOAT);
    double *bias = call->args[HAS_BIAS].flag ? stub_numbers_write(&set, GRAD_BIAS, ACL_DOUBLE) : NULL;
    for (int64_t k = 0; k < shape[0] * n && set.status == ACLNN_SUCCESS; k++) {
        const float *gate = saved + k / n * width + k % n;
        const float i = gate[0], f = gate[n], g = gate[2 * n], o = gate[3 * n], bent = stub_tanhf(cy[k]);
        const float to_h = grad_h ? grad_h[k] : 0, to_c = to_h * o * (1 - bent * bent) + (grad_c ? grad_c[k] : 0);
        const float grads[] = {to_c * g * i * (1 - i), to_c * cx[k] * f * (1 - f), to_c * i * (1 - g * g),
                               to_h * bent * o * (1 - o)};
        grad_cx[k] = to_c * f;
        for (int64_t b = 0; b < GATES; b++) {
            gates[k / n * width + k % n + b * n] = grads[b];
            if (bias) {
                bias[k % n + b * n] += grads[b];
            }
        }
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnThnnFusedLstmCellBackward, check_backward, run_backward)
