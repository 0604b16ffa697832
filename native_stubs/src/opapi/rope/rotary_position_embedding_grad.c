/* aclnnRotaryPositionEmbeddingGrad: dx turns dy back; dcos and dsin are sums over the axes along which cos and sin were
 * broadcast, in fp64. */
#include "opapi/rope/rope.h"

enum { DY, COS, SIN, X, MODE, DX, DCOS, DSIN };
enum { RANK = 4, MOST_SIZE = 896 };

static aclnnStatus check_like(const stub_call *call, uint32_t arg, uint32_t model) {
    return stub_check_same_shape(call, arg, model) == ACLNN_SUCCESS ? ACLNN_SUCCESS : ACLNN_ERR_INNER_TILING_ERROR;
}

static aclnnStatus check_shapes(const stub_call *call) {
    const int64_t mode = call->args[MODE].integer;
    if (mode < 0 || mode >= STUB_ROPE_MODES) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: mode is %lld; allowed are 0 to 3", call->op->name,
                         (long long)mode);
    }
    if (stub_check_rank(call, DY, RANK, RANK) != ACLNN_SUCCESS) {
        return ACLNN_ERR_INNER_TILING_ERROR;
    }
    if (stub_last_dim(stub_tensor_arg(call, DY)) >= MOST_SIZE) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: the last dimension of dy is %lld; it must be below 896",
                         call->op->name, (long long)stub_last_dim(stub_tensor_arg(call, DY)));
    }
    STUB_REQUIRE(stub_rope_check_broadcast(call, DY, COS, SIN));
    STUB_REQUIRE(stub_rope_check_size(call, DY, (stub_rope_mode)mode));
    STUB_REQUIRE(check_like(call, X, DY));
    STUB_REQUIRE(check_like(call, DX, DY));
    if (!stub_tensor_arg(call, X)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_like(call, DCOS, COS));
    return check_like(call, DSIN, COS);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    static const uint32_t required[] = {DY, COS, SIN, DX, DCOS, DSIN};
    static const uint32_t tensors[] = {DY, COS, SIN, X, DX, DCOS, DSIN};
    STUB_REQUIRE(stub_check_given(call, required, stub_tensor_arg(call, X) ? 6 : 4));
    for (uint32_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        const stub_dtype_rule rule = {tensors[i], STUB_ON_ALL(STUB_FLOATS)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_same_dtype(call, tensors[i], DY));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, DY)) == 0;
    return plan->nothing_to_run ? ACLNN_SUCCESS : check_shapes(call);
}

static aclnnStatus turn_line_back(const void *constants, void *const *array, const int64_t *length, int64_t position,
                                  void *scratch) {
    (void)position, (void)scratch;
    stub_rope_turn_back(*(const stub_rope_mode *)constants, length[0], array[0], array[1], array[2], array[3]);
    return ACLNN_SUCCESS;
}

static aclnnStatus run_dx(const stub_call *call, stub_rope_mode mode, const stub_view *dy) {
    stub_view cosines, sines, dx;
    STUB_REQUIRE(stub_view_open(call, COS, &cosines));
    STUB_REQUIRE(stub_view_open(call, SIN, &sines));
    STUB_REQUIRE(stub_view_open(call, DX, &dx));
    const uint32_t last = 1u << (RANK - 1);
    const stub_lines lines = {.inputs = 3,
                              .outputs = 1,
                              .operand = {{dy, last, ACL_FLOAT},
                                          {&cosines, last, ACL_FLOAT},
                                          {&sines, last, ACL_FLOAT},
                                          {&dx, last, ACL_FLOAT}},
                              .line = turn_line_back,
                              .constants = &mode};
    return stub_lines_run(call, &lines);
}

/* All vectors that one vector of cosines was for. */
static aclnnStatus sum_line(const void *constants, void *const *array, const int64_t *length, int64_t position,
                            void *scratch) {
    (void)position;
    const float *dy = array[0], *x = array[1];
    double *dcos = array[2], *dsin = array[3];
    const int64_t d = length[2];
    float *for_cosines = scratch, *for_sines = for_cosines + d;
    for (int64_t i = 0; i < d; i++) {
        dcos[i] = dsin[i] = 0;
    }
    for (int64_t first = 0; first < length[0]; first += d) {
        stub_rope_factors(*(const stub_rope_mode *)constants, d, x + first, for_cosines, for_sines);
        for (int64_t i = 0; i < d; i++) {
            dcos[i] += (double)dy[first + i] * for_cosines[i];
            dsin[i] += (double)dy[first + i] * for_sines[i];
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_sums(const stub_call *call, stub_rope_mode mode, const stub_view *dy) {
    stub_view x, dcos, dsin;
    STUB_REQUIRE(stub_view_open(call, X, &x));
    STUB_REQUIRE(stub_view_open(call, DCOS, &dcos));
    STUB_REQUIRE(stub_view_open(call, DSIN, &dsin));
    uint32_t summed = 1u << (RANK - 1);
    for (uint32_t i = 0; i + 1 < RANK; i++) {
        summed |= dcos.tensor->shape[i] == 1 ? 1u << i : 0;
    }
    const stub_lines lines = {.inputs = 2,
                              .outputs = 2,
                              .operand = {{dy, summed, ACL_FLOAT},
                                          {&x, summed, ACL_FLOAT},
                                          {&dcos, summed, ACL_DOUBLE},
                                          {&dsin, summed, ACL_DOUBLE}},
                              .scratch = 2 * (size_t)stub_last_dim(dy->tensor) * sizeof(float),
                              .line = sum_line,
                              .constants = &mode};
    return stub_lines_run(call, &lines);
}

static aclnnStatus run(const stub_call *call) {
    const stub_rope_mode mode = (stub_rope_mode)call->args[MODE].integer;
    stub_view dy;
    STUB_REQUIRE(stub_view_open(call, DY, &dy));
    STUB_REQUIRE(run_dx(call, mode, &dy));
    return stub_tensor_arg(call, X) ? run_sums(call, mode, &dy) : ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnRotaryPositionEmbeddingGrad, check, run)
