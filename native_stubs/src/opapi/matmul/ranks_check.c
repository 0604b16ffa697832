/* Phase one of the float products over several ranks. */
#include <string.h>

#include "core/context.h"
#include "opapi/matmul/quant.h"
#include "opapi/matmul/ranks.h"

enum { STOP_ON_FAILURE = 1, SHORTEST = 256, LONGEST = 65535, LINE = 512, HALF = 2, TEXT = 160 };

static uint64_t take(uint64_t *used, uint64_t bytes) {
    const uint64_t at = *used;
    *used += (bytes + LINE - 1) / LINE * LINE;
    return at;
}

stub_ranks_sizes stub_ranks_measure(const stub_call *call, const stub_ranks *op, uint32_t ranks) {
    const aclTensor *x1 = stub_ranks_arg(call, op->x1), *output = stub_ranks_arg(call, op->output);
    const aclTensor *gathered = stub_ranks_arg(call, op->gathered);
    stub_ranks_sizes sizes = {.k = stub_last_dim(x1), .n = stub_last_dim(output), .m = 1};
    for (uint32_t i = 0; i + 1 < x1->rank; i++) {
        sizes.m *= x1->shape[i];
    }
    const uint64_t product = (uint64_t)(sizes.m * sizes.n) * HALF, rows = (uint64_t)(sizes.m * sizes.k) * HALF;
    const bool dense = stub_tensor_is_contiguous(output);
    if (op->kind == STUB_RANKS_ALL_GATHER) {
        sizes.sent = take(&sizes.bytes, stub_tensor_is_contiguous(x1) ? 0 : rows);
        sizes.gathered = take(&sizes.bytes, gathered && stub_tensor_is_contiguous(gathered) ? 0 : rows * ranks);
    } else {
        const bool in_place = dense && op->kind == STUB_RANKS_ALL_REDUCE;
        sizes.product = take(&sizes.bytes, in_place ? 0 : product);
        sizes.result =
            op->kind == STUB_RANKS_ALL_REDUCE ? sizes.product : take(&sizes.bytes, dense ? 0 : product / ranks);
    }
    return sizes;
}

static aclnnStatus check_types(const stub_call *call, const stub_ranks *op) {
    const stub_dtypes packed = STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT4);
    const stub_dtype_rule rules[] = {{op->x1 - 1, STUB_ON_ALL(STUB_HALVES)},
                                     {op->x2 - 1, STUB_ON_ALL(op->scale ? packed : STUB_HALVES)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    const uint32_t same[] = {
        op->scale ? op->x1 : op->x2, op->bias, op->x3, op->scale, op->offset, op->output, op->gathered};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        STUB_REQUIRE(same[i] == 0 ? ACLNN_SUCCESS : stub_check_same_dtype(call, same[i] - 1, op->x1 - 1));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_number(const stub_call *call, uint32_t number, int64_t wanted) {
    const int64_t given = number == 0 ? wanted : call->args[number - 1].integer;
    return given == wanted ? ACLNN_SUCCESS
                           : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %lld; it must be %lld", call->op->name,
                                       call->op->params[number - 1].name, (long long)given, (long long)wanted);
}

static aclnnStatus check_attributes(const stub_call *call, const stub_ranks *op) {
    const char *reduce = op->reduce_op == 0 ? "sum" : call->args[op->reduce_op - 1].text;
    if (!reduce || strcmp(reduce, "sum") != 0) {
        return stub_fail(reduce ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: reduceOp is %.32s; it must be \"sum\"", call->op->name, reduce ? reduce : "NULL");
    }
    STUB_REQUIRE(check_number(call, op->gather_index, 0));
    STUB_REQUIRE(check_number(call, op->comm_turn, 0));
    return check_number(call, op->stream_mode, STOP_ON_FAILURE);
}

static aclnnStatus check_product(const stub_call *call, const stub_ranks *op) {
    const aclTensor *x1 = stub_ranks_arg(call, op->x1), *x2 = stub_ranks_arg(call, op->x2);
    const bool reduces = op->kind == STUB_RANKS_ALL_REDUCE;
    STUB_REQUIRE(stub_check_rank(call, op->x1 - 1, 2, reduces ? 3 : 2));
    STUB_REQUIRE(stub_check_rank(call, op->x2 - 1, 2, 2));
    const stub_int4 by = stub_int4_of(x2);
    const int64_t k = stub_last_dim(x1), low = reduces ? 1 : SHORTEST;
    char left[TEXT], right[TEXT];
    if (x2->format == ACL_FORMAT_FRACTAL_NZ) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for x2 in FRACTAL_NZ",
                         call->op->name);
    }
    if (k != by.rows || k < low || k > LONGEST - !reduces) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x1 (%s) and x2 (%s): k must be the same, and %lld to %d",
                         call->op->name, stub_describe(x1, left, sizeof left), stub_describe(x2, right, sizeof right),
                         (long long)low, LONGEST - !reduces);
    }
    STUB_REQUIRE(stub_check_shape(call, op->bias - 1, &by.columns, 1, "one element for each column of x2"));
    return ACLNN_SUCCESS;
}

/* The residual is b x s x n, also where x1 has all its b * s rows on one axis. */
static aclnnStatus check_as_residual(const stub_call *call, const stub_ranks *op, const aclTensor *x1, int64_t n) {
    const aclTensor *residual = stub_ranks_arg(call, op->residual);
    const uint32_t required = op->residual - 1;
    STUB_REQUIRE(stub_check_given(call, &required, 1));
    STUB_REQUIRE(stub_check_rank(call, required, 3, 3));
    const int64_t dims[] = {residual->shape[0], residual->shape[1], n};
    STUB_REQUIRE(stub_check_shape(call, required, dims, 3, "b, s and n columns"));
    STUB_REQUIRE(stub_check_same_shape(call, op->output - 1, required));
    const int64_t rows = x1->rank == 3 ? x1->shape[0] * x1->shape[1] : x1->shape[0];
    return dims[0] * dims[1] == rows
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: residual has %lld x %lld rows, x1 has %lld", call->op->name,
                           (long long)dims[0], (long long)dims[1], (long long)rows);
}

static aclnnStatus check_results(const stub_call *call, const stub_ranks *op, uint32_t ranks) {
    const aclTensor *x1 = stub_ranks_arg(call, op->x1);
    const uint32_t last = x1->rank - 1;
    int64_t dims[3], rows = x1->shape[0];
    memcpy(dims, x1->shape, x1->rank * sizeof *dims);
    dims[last] = stub_int4_of(stub_ranks_arg(call, op->x2)).columns;
    if (op->kind == STUB_RANKS_REDUCE_SCATTER && rows % ranks != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: x1 has %lld rows, which %u ranks cannot share", call->op->name,
                         (long long)rows, ranks);
    }
    if (op->kind != STUB_RANKS_ALL_REDUCE) {
        dims[0] = op->kind == STUB_RANKS_ALL_GATHER ? rows * ranks : rows / ranks;
    }
    STUB_REQUIRE(op->residual
                     ? check_as_residual(call, op, x1, dims[last])
                     : stub_check_shape(call, op->output - 1, dims, x1->rank, "the rows of this rank and n columns"));
    if (stub_ranks_arg(call, op->gathered)) {
        const int64_t all[] = {rows * ranks, x1->shape[last]};
        STUB_REQUIRE(stub_check_shape(call, op->gathered - 1, all, 2, "x1 of all ranks"));
    }
    return op->x3 == 0 ? ACLNN_SUCCESS : stub_check_same_shape(call, op->x3 - 1, op->output - 1);
}

/* One scale, one for each column, or one row of them for each group of rows. */
static aclnnStatus check_scale(const stub_call *call, const stub_ranks *op) {
    if (op->scale == 0) {
        return ACLNN_SUCCESS;
    }
    const aclTensor *scale = stub_ranks_arg(call, op->scale);
    const int64_t k = stub_last_dim(stub_ranks_arg(call, op->x1)), given = call->args[op->group_size - 1].integer;
    const int64_t n = stub_int4_of(stub_ranks_arg(call, op->x2)).columns, columns = stub_last_dim(scale);
    const int64_t groups = given > 0 ? (k + given - 1) / given : 1;
    char text[TEXT];
    STUB_REQUIRE(stub_check_rank(call, op->scale - 1, given > 0 ? 2 : 1, 2));
    if (given < 0 || (given > 0 && (given % 32 != 0 || given >= k)) ||
        (scale->rank == 2 && scale->shape[0] != groups) || (columns != n && (columns != 1 || given > 0))) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: antiquantScale is %s with antiquantGroupSize %lld, k = %lld and n = %lld", call->op->name,
                         stub_describe(scale, text, sizeof text), (long long)given, (long long)k, (long long)n);
    }
    return stub_ranks_arg(call, op->offset) ? stub_check_same_shape(call, op->offset - 1, op->scale - 1)
                                            : ACLNN_SUCCESS;
}

static aclnnStatus check_platform(const stub_call *call, const stub_ranks *op) {
    const stub_product product = stub_get_settings()->product;
    const bool known = product == STUB_PRODUCT_A2 || (product == STUB_PRODUCT_A3 && op->kind != STUB_RANKS_ALL_REDUCE);
    return known ? ACLNN_SUCCESS
                 : stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                             "%s: the stand-in has no kernel for this operator as %s; choose a product with "
                             "ASCEND_STUB_SOC",
                             call->op->name, stub_product_name());
}

static aclnnStatus find_communicator(const stub_call *call, const stub_ranks *op, stub_plan *plan) {
    const char *group = call->args[op->group - 1].text;
    stub_context *context;
    if (!group || !*group) {
        return stub_fail(ACLNN_ERR_INNER_TILING_ERROR, "%s: group is %s; pass what HcclGetCommName wrote",
                         call->op->name, group ? "empty" : "NULL");
    }
    if (stub_context_current(&context) != 0) {
        return ACLNN_ERR_RUNTIME_ERROR;
    }
    plan->comm = stub_comm_find(stub_context_device(context), group);
    if (!plan->comm) {
        return ACLNN_ERR_INNER_TILING_ERROR;
    }
    const uint32_t ranks = stub_comm_size(plan->comm);
    return ranks <= 32 && (ranks & (ranks - 1)) == 0
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_INNER_TILING_ERROR,
                           "%s: the communicator \"%s\" has %u ranks; allowed are powers "
                           "of 2 up to 32",
                           call->op->name, stub_comm_name(plan->comm), ranks);
}

aclnnStatus stub_ranks_check(const stub_call *call, stub_plan *plan, const stub_ranks *op) {
    const uint32_t required[] = {op->x1 - 1, op->x2 - 1, op->output - 1, (op->scale ? op->scale : op->x1) - 1};
    STUB_REQUIRE(stub_check_given(call, required, 4));
    STUB_REQUIRE(check_types(call, op));
    STUB_REQUIRE(check_attributes(call, op));
    STUB_REQUIRE(check_product(call, op));
    STUB_REQUIRE(check_scale(call, op));
    STUB_REQUIRE(stub_ranks_check_norm(call, op));
    STUB_REQUIRE(check_platform(call, op));
    STUB_REQUIRE(find_communicator(call, op, plan));
    const uint32_t ranks = stub_comm_size(plan->comm);
    STUB_REQUIRE(check_results(call, op, ranks));
    plan->nothing_to_run = stub_tensor_numel(stub_ranks_arg(call, op->output)) == 0;
    plan->workspace_size = stub_ranks_measure(call, op, ranks).bytes;
    return ACLNN_SUCCESS;
}
