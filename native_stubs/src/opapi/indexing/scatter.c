/* One place per element along an axis: aclnnScatter, aclnnScatterValue, aclnnScatterAdd, aclnnScatterReduce and their
 * in-place forms. */
#include "opapi/indexing/places.h"

enum { SELF, DIM, INDEX, SRC, REDUCE, INCLUDE_SELF };

#define INDICES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define SCATTERED (STUB_NUMBERS | STUB_COMPLEXES)

typedef struct {
    uint32_t out;              /* argument; SELF: in place */
    stub_reduction fixed;      /* without an argument `reduce` */
    int64_t reductions;        /* how many values `reduce` may have; 0: there is no such argument */
    bool value, asks_for_self; /* the source is a scalar; there is an argument includeSelf */
} stub_scatters;

/* Of ScatterReduce, Atlas A2 and A3 have sums of FLOAT into what is there, and nothing else. */
static aclnnStatus check_reduce(const stub_call *call, const stub_scatters *data) {
    const int64_t reduce = data->reductions == 0 ? data->fixed : call->args[REDUCE].integer;
    if (data->reductions > 0 && (reduce < 0 || reduce >= data->reductions)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: reduce is %lld; allowed are 0 to %lld", call->op->name,
                         (long long)reduce, (long long)data->reductions - 1);
    }
    if (!data->asks_for_self ||
        (reduce == STUB_ADD && call->args[INCLUDE_SELF].flag && stub_tensor_arg(call, SELF)->dtype == ACL_FLOAT)) {
        return ACLNN_SUCCESS;
    }
    const stub_product product = stub_get_settings()->product;
    const bool many = product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3;
    return stub_fail(many ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                     "%s: reduce is %lld, includeSelf %s; %s reduces FLOAT with reduce 1 (add) and includeSelf true",
                     call->op->name, (long long)reduce, call->args[INCLUDE_SELF].flag ? "true" : "false",
                     many ? stub_product_name() : "the stand-in has no other kernel and");
}

static uint32_t rank_of(const aclTensor *tensor) {
    return tensor->rank == 0 ? 1 : tensor->rank;
}

static int64_t size_of(const aclTensor *tensor, uint32_t axis) {
    return tensor->rank == 0 ? 1 : tensor->shape[axis];
}

/* index is nowhere larger than src, nor than self but for the axis. */
static aclnnStatus check_sizes(const stub_call *call, const aclTensor *limit, const char *name, int free_axis) {
    const aclTensor *index = stub_tensor_arg(call, INDEX);
    const stub_product product = stub_get_settings()->product;
    const bool strict = product == STUB_PRODUCT_A2 || product == STUB_PRODUCT_A3; /* a scalar is no vector of one */
    bool fits = strict ? index->rank == limit->rank : rank_of(index) == rank_of(limit);
    for (uint32_t i = 0; fits && i < rank_of(index); i++) {
        fits = (int)i == free_axis || size_of(index, i) <= size_of(limit, i);
    }
    if (fits) {
        return ACLNN_SUCCESS;
    }
    char given[160], allowed[160];
    return stub_fail(ACLNN_ERR_PARAM_INVALID,
                     "%s: index is %s; it must have as many axes as %s (%s), and not be larger", call->op->name,
                     stub_describe(index, given, sizeof given), name, stub_describe(limit, allowed, sizeof allowed));
}

static aclnnStatus stub_scatters_check(const stub_call *call, stub_plan *plan, const stub_scatters *data) {
    const uint32_t tensors[] = {INDEX, SRC};
    const stub_dtype_rule rule = {INDEX, STUB_ON_ALL(INDICES)};
    STUB_REQUIRE(stub_check_given(call, tensors, data->value ? 1 : 2));
    STUB_REQUIRE(stub_check_move(call, SELF, data->out, SCATTERED));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_shape(call, data->out, SELF));
    STUB_REQUIRE(check_reduce(call, data));
    const aclTensor *self = stub_tensor_arg(call, SELF), *index = stub_tensor_arg(call, INDEX);
    STUB_REQUIRE(stub_check_axis(call, DIM, self->rank));
    plan->nothing_to_run = stub_tensor_numel(self) == 0;
    if (data->value) {
        if (call->args[SRC].scalar == NULL) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: value is NULL; this scalar is required", call->op->name);
        }
    } else {
        STUB_REQUIRE(stub_check_same_dtype(call, SRC, SELF));
    }
    if (stub_tensor_numel(index) == 0) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(check_sizes(call, self, "self", stub_axis(call->args[DIM].integer, self->rank)));
    return data->value ? ACLNN_SUCCESS : check_sizes(call, stub_tensor_arg(call, SRC), "src", -1);
}

static aclnnStatus describe(const stub_call *call, stub_indexing *job, const stub_scatters *data, uint8_t room[16]) {
    stub_box out;
    STUB_REQUIRE(stub_box_open(call, data->out, &out));
    const stub_reduction reduction = data->reductions == 0 ? data->fixed : (stub_reduction)call->args[REDUCE].integer;
    if (data->value) {
        job->values = stub_box_of_scalar(call->args[SRC].scalar, &out, room);
    } else {
        STUB_REQUIRE(stub_box_open(call, SRC, &job->values));
    }
    STUB_REQUIRE(stub_scatter_start(call, job, &out, reduction));
    return stub_index_along(call, job, INDEX, (uint32_t)stub_axis(call->args[DIM].integer, out.rank), true);
}

static aclnnStatus stub_scatters_run(const stub_call *call, const stub_scatters *data) {
    stub_indexing job = {0};
    _Alignas(16) uint8_t room[16];
    stub_box self, out;
    if (data->out != SELF) {
        STUB_REQUIRE(stub_box_open(call, SELF, &self));
        STUB_REQUIRE(stub_box_open(call, data->out, &out));
        stub_copy(&out, &self);
    }
    if (stub_tensor_numel(stub_tensor_arg(call, INDEX)) == 0) {
        return ACLNN_SUCCESS;
    }
    const aclnnStatus status = describe(call, &job, data, room);
    if (status == ACLNN_SUCCESS) {
        stub_scatter(&job, NULL);
    }
    stub_indexing_end(&job);
    return status;
}

STUB_FAMILY_KERNEL(aclnnScatter, stub_scatters, {.out = 5, .reductions = 3})
STUB_FAMILY_KERNEL(aclnnInplaceScatter, stub_scatters, {.out = SELF, .reductions = 3})
STUB_FAMILY_KERNEL(aclnnScatterValue, stub_scatters, {.out = 5, .reductions = 3, .value = true})
STUB_FAMILY_KERNEL(aclnnInplaceScatterValue, stub_scatters, {.out = SELF, .reductions = 3, .value = true})
STUB_FAMILY_KERNEL(aclnnScatterAdd, stub_scatters, {.out = 4, .fixed = STUB_ADD})
STUB_FAMILY_KERNEL(aclnnScatterReduce, stub_scatters, {.out = 6, .reductions = 6, .asks_for_self = true})
STUB_FAMILY_KERNEL(aclnnInplaceScatterReduce, stub_scatters, {.out = SELF, .reductions = 6, .asks_for_self = true})
