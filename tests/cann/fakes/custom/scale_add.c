/* A custom operator library: two operators with kernels of their own, one that forwards to a built-in operator. */
#include "aclnn_scale_add.h"
#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "ascend_stub/kernel.h"

/* A tensor of one axis of floats. */
typedef struct {
    float *first;
    int64_t count, stride;
} row;

static aclnnStatus open_row(const stub_call *call, uint32_t arg, row *opened) {
    const aclTensor *tensor = call->args[arg].tensor;
    stub_tensor_info info;
    void *host;
    stub_tensor_read(tensor, &info);
    const aclnnStatus status = stub_tensor_open(call, arg, tensor, &host);
    *opened = (row){(float *)host + info.offset, info.shape[0], info.strides[0]};
    return status;
}

static bool is_row(const aclTensor *tensor) {
    stub_tensor_info info;
    if (tensor == NULL) {
        return false;
    }
    stub_tensor_read(tensor, &info);
    return info.rank == 1 && info.dtype == ACL_FLOAT;
}

static const stub_param scale_add_params[] = {{"x", STUB_TENSOR, STUB_IN},
                                              {"other", STUB_TENSOR, STUB_IN},
                                              {"alpha", STUB_REAL, STUB_IN},
                                              {"factors", STUB_INT_ARRAY, STUB_IN},
                                              {"out", STUB_TENSOR, STUB_OUT}};

static aclnnStatus check_scale_add(const stub_call *call, stub_plan *plan) {
    (void)plan;
    if (!is_row(call->args[0].tensor) || !is_row(call->args[1].tensor) || !is_row(call->args[4].tensor)) {
        return stub_kernel_fail(161002, "aclnnScaleAdd takes float tensors of one axis");
    }
    return 0;
}

static aclnnStatus run_scale_add(const stub_call *call) {
    row x, other, out;
    uint64_t count;
    const int64_t *factors = stub_argument_items(call, 3, &count);
    double scale = 0;
    for (uint64_t i = 0; i < count; i++) {
        scale += call->args[2].real * (double)factors[i];
    }
    aclnnStatus status = open_row(call, 0, &x);
    status = status == 0 ? open_row(call, 1, &other) : status;
    status = status == 0 ? open_row(call, 4, &out) : status;
    for (int64_t i = 0; status == 0 && i < out.count; i++) {
        out.first[i * out.stride] = (float)(x.first[i * x.stride] + scale * other.first[i * other.stride]);
    }
    return status;
}

static const stub_kernel scale_add_kernel = {check_scale_add, run_scale_add};
static const stub_operator scale_add = {"aclnnScaleAdd", scale_add_params, 5, &scale_add_kernel};

aclnnStatus aclnnScaleAddGetWorkspaceSize(const aclTensor *x, const aclTensor *other, double alpha,
                                          const aclIntArray *factors, const aclTensor *out, uint64_t *workspaceSize,
                                          aclOpExecutor **executor) {
    const stub_value args[] = {{.tensor = x}, {.tensor = other}, {.real = alpha}, {.ints = factors}, {.tensor = out}};
    return stub_phase_one(&scale_add, args, workspaceSize, executor);
}

aclnnStatus aclnnScaleAdd(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream) {
    return stub_phase_two(&scale_add, workspace, workspaceSize, executor, stream);
}

static const stub_param abs_params[] = {
    {"self", STUB_TENSOR, STUB_IN}, {"factor", STUB_REAL, STUB_IN}, {"out", STUB_TENSOR, STUB_OUT}};

static aclnnStatus run_abs(const stub_call *call) {
    row self, out;
    aclnnStatus status = open_row(call, 0, &self);
    status = status == 0 ? open_row(call, 2, &out) : status;
    for (int64_t i = 0; status == 0 && i < out.count; i++) {
        const float value = self.first[i * self.stride];
        out.first[i * out.stride] = (float)call->args[1].real * (value < 0 ? -value : value);
    }
    return status;
}

static const stub_kernel abs_kernel = {NULL, run_abs};
static const stub_operator scaled_abs = {"aclnnAbs", abs_params, 3, &abs_kernel};

aclnnStatus aclnnAbsGetWorkspaceSize(const aclTensor *self, double factor, aclTensor *out, uint64_t *workspaceSize,
                                     aclOpExecutor **executor) {
    const stub_value args[] = {{.tensor = self}, {.real = factor}, {.tensor = out}};
    return stub_phase_one(&scaled_abs, args, workspaceSize, executor);
}

aclnnStatus aclnnAbs(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream) {
    return stub_phase_two(&scaled_abs, workspace, workspaceSize, executor, stream);
}

aclnnStatus aclnnHalfOfInt8GetWorkspaceSize(const aclTensor *x, const aclTensor *scale, const aclTensor *y,
                                            uint64_t *workspaceSize, aclOpExecutor **executor) {
    return aclnnAscendAntiQuantGetWorkspaceSize(x, scale, NULL, ACL_FLOAT16, false, y, workspaceSize, executor);
}

aclnnStatus aclnnHalfOfInt8(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream) {
    return aclnnAscendAntiQuant(workspace, workspaceSize, executor, stream);
}
