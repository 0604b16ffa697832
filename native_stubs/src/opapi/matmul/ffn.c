/* aclnnFFNV2 and V3: y = activation(x W1 + b1) W2 + b2, for all rows or for those of each expert with its weights. fp32
 * sums; what the activation gives is rounded to the type of x. Quantised weights are refused. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opapi/kernel.h"
#include "opapi/matmul/activations.h"
#include "opapi/matmul/product.h"
#include "opapi/whole.h"

enum { X, W1, W2, EXPERTS, B1, B2, SCALE, LAST_QUANTISER = 13, ACTIVATION, PRECISE, ENDS, Y };
enum { MOST_EXPERTS = 256 };

/* V3 has the tokens of the experts in a tensor. */
typedef struct {
    bool on_device;
} ffn;

static stub_activation *activation_of(const stub_call *call) {
    static const struct {
        const char *name;
        stub_activation *function;
    } known[] = {{"fastgelu", stub_apply_fast_gelu},
                 {"relu", stub_apply_relu},
                 {"silu", stub_apply_silu},
                 {"gelu", stub_apply_gelu_tanh}};
    const char *name = call->args[ACTIVATION].text;
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(name, known[i].name) == 0) {
            return known[i].function;
        }
    }
    return NULL;
}

/* 0: all rows go through the same weights. */
static int64_t experts_of(const stub_call *call, const ffn *op) {
    const stub_value given = call->args[EXPERTS];
    return op->on_device ? (given.tensor ? given.tensor->shape[0] : 0) : (given.ints ? (int64_t)given.ints->size : 0);
}

static aclnnStatus check_kinds(const stub_call *call) {
    for (uint32_t arg = SCALE; arg <= LAST_QUANTISER; arg++) {
        if (stub_tensor_arg(call, arg)) {
            return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                             "%s: the stand-in has no kernel for quantised weights; pass NULL for %s", call->op->name,
                             call->op->params[arg].name);
        }
    }
    const char *name = call->args[ACTIVATION].text;
    if (!activation_of(call)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for activation %s; it has fastgelu, gelu, relu and silu",
                         call->op->name, name ? name : "NULL");
    }
    const int64_t precise = call->args[PRECISE].integer;
    return precise == 0 || precise == 1 ? ACLNN_SUCCESS
                                        : stub_fail(ACLNN_ERR_PARAM_INVALID,
                                                    "%s: innerPrecise is %lld; allowed are 0 "
                                                    "and 1",
                                                    call->op->name, (long long)precise);
}

static aclnnStatus check_types(const stub_call *call) {
    const uint32_t tensors[] = {X, W1, W2, Y}, alike[] = {W1, W2, Y};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    const aclDataType type = stub_tensor_arg(call, X)->dtype;
    const stub_dtypes bias = STUB_DTYPE(type == ACL_BF16 ? ACL_FLOAT : ACL_FLOAT16);
    const stub_dtype_rule rules[] = {{X, STUB_ON_ALL(STUB_HALVES)}, {B1, STUB_ON_ALL(bias)}, {B2, STUB_ON_ALL(bias)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 3));
    for (uint32_t i = 0; i < 3; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, alike[i], X));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_weight(const stub_call *call, uint32_t arg, uint32_t bias, int64_t experts, int64_t k) {
    const uint32_t lead = experts > 0;
    STUB_REQUIRE(stub_check_rank(call, arg, 2 + lead, 2 + lead));
    const int64_t n = stub_last_dim(stub_tensor_arg(call, arg));
    const int64_t three[] = {experts, k, n}, two[] = {experts, n};
    STUB_REQUIRE(stub_check_shape(call, arg, three + 1 - lead, 2 + lead, "experts if any, inner length, columns"));
    return stub_check_shape(call, bias, two + 1 - lead, 1 + lead, "experts if any, columns of the weight");
}

static aclnnStatus check_shapes(const stub_call *call, int64_t experts) {
    STUB_REQUIRE(stub_check_rank(call, X, 2, STUB_MAX_RANK));
    const aclTensor *x = stub_tensor_arg(call, X);
    int64_t dims[STUB_MAX_RANK];
    memcpy(dims, x->shape, x->rank * sizeof *dims);
    STUB_REQUIRE(check_weight(call, W1, B1, experts, stub_last_dim(x)));
    STUB_REQUIRE(check_weight(call, W2, B2, experts, stub_last_dim(stub_tensor_arg(call, W1))));
    dims[x->rank - 1] = stub_last_dim(stub_tensor_arg(call, W2));
    return stub_check_shape(call, Y, dims, x->rank, "that of x with the columns of weight2");
}

static aclnnStatus ffn_check(const stub_call *call, stub_plan *plan, const ffn *op) {
    const stub_dtype_rule list = {EXPERTS, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))};
    STUB_REQUIRE(check_types(call));
    STUB_REQUIRE(check_kinds(call));
    if (op->on_device) {
        STUB_REQUIRE(stub_check_dtypes(call, &list, 1));
        STUB_REQUIRE(stub_check_rank(call, EXPERTS, 1, 1));
    }
    const int64_t experts = experts_of(call, op);
    if (experts > MOST_EXPERTS) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %lld experts; at most %d are allowed", call->op->name,
                         call->op->params[EXPERTS].name, (long long)experts, MOST_EXPERTS);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, X)) == 0;
    return check_shapes(call, experts);
}

/* ends[e]: the row behind expert e's. */
static aclnnStatus read_ends(const stub_call *call, const ffn *op, int64_t rows, int64_t *ends) {
    const int64_t experts = experts_of(call, op);
    stub_view view;
    if (op->on_device && experts > 0) {
        STUB_REQUIRE(stub_view_open(call, EXPERTS, &view));
        stub_whole_load(&view, ACL_INT64, ends);
    } else if (experts > 0) {
        memcpy(ends, call->args[EXPERTS].ints->values, (size_t)experts * sizeof *ends);
    }
    for (int64_t e = 0, before = 0; e < experts; before = ends[e++]) {
        const int64_t count = ends[e] - (call->args[ENDS].flag ? before : 0);
        if (count < 0 || count > rows - before || (e == experts - 1 && before + count != rows)) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: element %lld of %s is %lld; the experts must share out the %lld rows of x",
                             call->op->name, (long long)e, call->op->params[EXPERTS].name, (long long)ends[e],
                             (long long)rows);
        }
        ends[e] = before + count;
    }
    return ACLNN_SUCCESS;
}

typedef struct {
    const stub_call *call;
    int64_t rows, k, middle, n;
    stub_part x, weight[2], bias[2], hidden, out;
} job;

static aclnnStatus open_part(const stub_call *call, uint32_t arg, bool row_only, uint32_t batch, stub_part *part) {
    stub_view view;
    if (!stub_tensor_arg(call, arg)) {
        return ACLNN_SUCCESS;
    }
    STUB_REQUIRE(stub_view_open(call, arg, &view));
    const int last = (int)view.tensor->rank - 1;
    *part = stub_part_of(&view, row_only ? STUB_NO_AXIS : last - 1, last, batch);
    return ACLNN_SUCCESS;
}

static stub_part rows_from(stub_part part, int64_t row) {
    part.first += row * part.row * stub_part_size(&part);
    return part;
}

static stub_part expert_of(stub_part part, int64_t expert) {
    part.first += part.first ? expert * part.batch[0] * stub_part_size(&part) : 0;
    return part;
}

/* Rows from `first` on through the weights of one expert. */
static aclnnStatus run_rows(const job *all, int64_t expert, int64_t first, int64_t count) {
    const stub_part ends[3] = {rows_from(all->x, first), rows_from(all->hidden, first), rows_from(all->out, first)};
    for (int layer = 0; layer < 2; layer++) {
        const stub_batch_product product = {.m = count,
                                            .n = layer == 0 ? all->middle : all->n,
                                            .k = layer == 0 ? all->k : all->middle,
                                            .a = ends[layer],
                                            .b = expert_of(all->weight[layer], expert),
                                            .out = ends[layer + 1],
                                            .alpha = 1,
                                            .terms = all->bias[layer].first != NULL,
                                            .term = {{expert_of(all->bias[layer], expert), 1, false, false}},
                                            .function = layer == 0 ? activation_of(all->call) : NULL};
        STUB_REQUIRE(stub_batch_product_run(all->call, &product));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_experts(const job *all, const ffn *op) {
    const int64_t experts = experts_of(all->call, op);
    int64_t ends[MOST_EXPERTS];
    STUB_REQUIRE(read_ends(all->call, op, all->rows, ends));
    if (experts == 0) {
        return run_rows(all, 0, 0, all->rows);
    }
    for (int64_t e = 0, first = 0; e < experts; first = ends[e++]) {
        STUB_REQUIRE(ends[e] > first ? run_rows(all, e, first, ends[e] - first) : ACLNN_SUCCESS);
    }
    return ACLNN_SUCCESS;
}

/* x as rows, which are copied when they have gaps between more than two axes. */
static aclnnStatus open_all(const stub_call *call, const ffn *op, job *all, void **copy) {
    const aclTensor *x = stub_tensor_arg(call, X);
    const uint32_t lead = experts_of(call, op) > 0;
    STUB_REQUIRE(open_part(call, X, false, x->rank - 2, &all->x));
    for (uint32_t layer = 0; layer < 2; layer++) {
        STUB_REQUIRE(open_part(call, W1 + layer, false, lead, &all->weight[layer]));
        STUB_REQUIRE(open_part(call, B1 + layer, true, lead, &all->bias[layer]));
    }
    if (x->rank > 2) {
        const stub_part from = all->x;
        return stub_part_copy(call, &from, x->shape[x->rank - 2], all->k, x->shape, x->rank - 2, x->dtype, &all->x,
                              copy);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus ffn_run(const stub_call *call, const ffn *op) {
    const aclTensor *x = stub_tensor_arg(call, X);
    job all = {.call = call,
               .k = stub_last_dim(x),
               .middle = stub_last_dim(stub_tensor_arg(call, W1)),
               .n = stub_last_dim(stub_tensor_arg(call, W2))};
    void *copy = NULL;
    stub_view y;
    all.rows = stub_tensor_numel(x) / all.k;
    STUB_REQUIRE(stub_view_open(call, Y, &y));
    float *memory = calloc((size_t)(all.rows * (all.n + all.middle) + 1), sizeof *memory);
    if (!memory) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld rows", call->op->name, (long long)all.rows);
    }
    all.out = (stub_part){.first = (uint8_t *)memory, .dtype = ACL_FLOAT, .row = all.n, .column = 1};
    all.hidden =
        (stub_part){.first = (uint8_t *)(memory + all.rows * all.n), .dtype = x->dtype, .row = all.middle, .column = 1};
    aclnnStatus status = open_all(call, op, &all, &copy);
    status = status ? status : run_experts(&all, op);
    if (status == ACLNN_SUCCESS && all.rows * all.n > 0) {
        stub_whole_store(&y, ACL_FLOAT, memory, all.rows * all.n);
    }
    free(copy);
    free(memory);
    return status;
}

STUB_FAMILY_KERNEL(aclnnFFNV2, ffn, {.on_device = false})
STUB_FAMILY_KERNEL(aclnnFFNV3, ffn, {.on_device = true})
