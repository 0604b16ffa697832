/* Phase two of the grouped matrix products. */
#include "opapi/matmul/grouped.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "opapi/matmul/antiquant.h"

/* A weight tensor as matrices. */
typedef struct {
    stub_part part;
    bool tiles;
    stub_weight_layout layout; /* of tiles */
    void *owned;
} weights;

typedef struct {
    const stub_call *call;
    const stub_grouped *op;
    stub_grouped_plan plan;
    stub_activation *function;
    weights *weight;          /* one for each tensor of the list */
    int64_t *lengths, *index; /* of every group: its rows (or inner elements), its number among the weights */
} job;

/* One group: where its parts begin. */
typedef struct {
    int64_t number, m, k, n;
    stub_part x, y;
    int64_t first_row; /* of x, for scales per token */
} group;

static aclnnStatus open_item(const job *all, uint32_t arg, const aclTensor *tensor, stub_view *view) {
    void *base;
    const aclnnStatus status = stub_tensor_open(all->call, arg, tensor, &base);
    *view = (stub_view){.tensor = tensor, .base = base, .bits = stub_dtype_bits(tensor->dtype)};
    return status;
}

/* ---- the group list ---- */

static aclnnStatus read_list(const job *all, int64_t *numbers) {
    if (all->op->ends_array != 0) {
        const aclIntArray *array = all->call->args[all->op->ends_array - 1].ints;
        for (uint64_t i = 0; i < array->size; i++) {
            numbers[i] = array->values[i];
        }
        return ACLNN_SUCCESS;
    }
    stub_view view;
    STUB_REQUIRE(stub_view_open(all->call, all->op->ends_tensor - 1, &view));
    const int64_t total = stub_tensor_numel(view.tensor);
    stub_row row;
    for (int64_t i = 0; i < total; i++) {
        stub_row_start(&row, &view, view.tensor->rank, i);
        memcpy(&numbers[i], view.base + row.offset * (int64_t)sizeof *numbers, sizeof *numbers);
    }
    return ACLNN_SUCCESS;
}

static bool has_list(const job *all) {
    return all->op->ends_array != 0 ? all->call->args[all->op->ends_array - 1].ints != NULL
                                    : stub_tensor_arg(all->call, all->op->ends_tensor - 1) != NULL;
}

/* Rows that the groups divide among themselves. */
static int64_t extent(const job *all) {
    const aclTensor *x = all->plan.x.items[0];
    return all->plan.type == STUB_SPLIT_K ? x->shape[1] : x->shape[0];
}

static aclnnStatus lengths_of_list(const job *all) {
    const int64_t count = (int64_t)all->plan.groups, most = extent(all);
    int64_t numbers[2 * 1024], before = 0, total = 0;
    if (2 * count > (int64_t)(sizeof numbers / sizeof *numbers)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: groupListOptional has more than 1024 groups",
                         all->call->op->name);
    }
    STUB_REQUIRE(read_list(all, numbers));
    for (int64_t i = 0; i < count; i++) {
        const bool sparse = all->plan.list_type == STUB_SPARSE;
        const int64_t given = numbers[sparse ? 2 * i + 1 : i];
        all->index[i] = sparse ? numbers[2 * i] : i;
        all->lengths[i] = all->plan.list_type == STUB_ENDS ? given - before : given;
        before = given;
        if (all->lengths[i] < 0 || all->lengths[i] > most - total || all->index[i] < 0 || all->index[i] >= count) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION,
                             "%s: groupListOptional says %lld for group %lld; the groups do not fit into the %lld rows",
                             all->call->op->name, (long long)given, (long long)i, (long long)most);
        }
        total += all->lengths[i];
    }
    return ACLNN_SUCCESS;
}

static int64_t rows_of(const aclTensor *tensor) {
    int64_t rows = 1;
    for (uint32_t i = 0; i + 1 < tensor->rank; i++) {
        rows *= tensor->shape[i];
    }
    return rows;
}

static aclnnStatus find_lengths(const job *all) {
    const stub_grouped_plan *plan = &all->plan;
    const bool listed = plan->x.count == 1 && plan->type != STUB_SPLIT_NONE && has_list(all);
    if (listed) {
        return lengths_of_list(all);
    }
    for (uint64_t i = 0; i < plan->groups; i++) {
        all->index[i] = (int64_t)i;
        all->lengths[i] = rows_of(plan->x.count > 1 || plan->groups == 1 ? plan->x.items[i] : plan->y.items[i]);
    }
    return ACLNN_SUCCESS;
}

/* ---- weights and their parameters ---- */

static aclnnStatus open_weight(const job *all, uint64_t i) {
    const aclTensor *tensor = all->plan.weight.items[i];
    const uint32_t arg = all->plan.weight.arg, batch = tensor->rank - 2;
    weights *to = &all->weight[i];
    stub_view view;
    stub_nz nz;
    if (!stub_is_nz(tensor)) {
        STUB_REQUIRE(open_item(all, arg, tensor, &view));
        return stub_int4_open(all->call, arg, &view, batch, &to->part, &to->owned);
    }
    STUB_REQUIRE(stub_nz_find(all->call, arg, tensor, tensor->shape[batch], tensor->shape[batch + 1], -1, &nz));
    if (all->plan.kind != STUB_GROUPED_INT8) {
        return stub_nz_open(all->call, arg, tensor, &nz, batch, &to->part, &to->owned);
    }
    to->tiles = true;
    to->layout = nz.transposed ? STUB_WEIGHT_NZ_TRANSPOSED : STUB_WEIGHT_NZ;
    return stub_nz_tiles(all->call, arg, tensor, batch, &to->part);
}

static stub_part weight_of(const job *all, int64_t number) {
    const bool one = all->plan.weight.count == 1;
    stub_part part = all->weight[one ? 0 : number].part;
    if (one && all->plan.one_weight && part.first) {
        part.first += number * part.batch[0] * stub_part_size(&part);
    }
    return part;
}

/* A group's parameters: its tensor, or its row of the only one. Rows of the part are groups along k. */
static aclnnStatus parameters_of(const job *all, const stub_list *list, int64_t number, stub_part *part) {
    stub_view view;
    *part = (stub_part){0};
    if (list->count == 0) {
        return ACLNN_SUCCESS;
    }
    const aclTensor *tensor = list->items[list->count > 1 ? number : 0];
    STUB_REQUIRE(open_item(all, list->arg, tensor, &view));
    const int rank = (int)tensor->rank, lead = all->plan.one_weight;
    *part = stub_part_of(&view, rank - lead > 1 ? rank - 2 : STUB_NO_AXIS, rank - 1, (uint32_t)lead);
    if (lead) {
        part->first += number * part->batch[0] * stub_part_size(part);
    }
    return ACLNN_SUCCESS;
}

/* ---- one group ---- */

static stub_batch_product product_of(const group *here) {
    return (stub_batch_product){.m = here->m, .n = here->n, .k = here->k, .a = here->x, .out = here->y, .alpha = 1};
}

static aclnnStatus run_floats(const job *all, const group *here, stub_part weight) {
    stub_batch_product product = product_of(here);
    product.b = weight;
    STUB_REQUIRE(parameters_of(all, &all->plan.bias, here->number, &product.term[0].part));
    product.term[0].factor = 1;
    product.terms = product.term[0].part.first != NULL;
    return stub_batch_product_run(all->call, &product);
}

/* Groups along k that a group's weight has. */
static int64_t inner_groups(const job *all) {
    const aclTensor *scale = all->plan.antiquant_scale.items[0];
    const uint32_t lead = all->plan.one_weight;
    return scale->rank - lead > 1 ? scale->shape[lead] : 1;
}

static aclnnStatus run_weights(const job *all, const group *here) {
    const int64_t inner = inner_groups(all);
    stub_antiquant by = {.k = here->k,
                         .n = here->n,
                         .weight = weight_of(all, here->number),
                         .group = inner > 0 && here->k >= inner ? here->k / inner : 1,
                         .as = here->x.dtype};
    stub_part weight;
    void *owned = NULL;
    STUB_REQUIRE(parameters_of(all, &all->plan.antiquant_scale, here->number, &by.scale));
    STUB_REQUIRE(parameters_of(all, &all->plan.antiquant_offset, here->number, &by.offset));
    aclnnStatus status = stub_antiquant_run(all->call, &by, &weight, &owned);
    if (status == ACLNN_SUCCESS) {
        status = run_floats(all, here, weight);
    }
    free(owned);
    return status;
}

/* Arrays of an int8 product. */
typedef struct {
    float *scale, *offset, *token; /* one block */
    int32_t *bias;
} arrays;

static aclnnStatus load_arrays(const job *all, const group *here, arrays *to, stub_quant *quant) {
    stub_part scale, bias, token;
    stub_view view;
    STUB_REQUIRE(parameters_of(all, &all->plan.scale, here->number, &scale));
    STUB_REQUIRE(parameters_of(all, &all->plan.bias, here->number, &bias));
    if (scale.first) {
        stub_quant_numbers(&scale, scale.first, 0, here->n, to->scale);
        quant->scale = to->scale;
    }
    if (scale.first && here->y.dtype == ACL_INT8) {
        stub_quant_offsets(&scale, scale.first, 0, here->n, to->offset);
        quant->offset = to->offset;
    }
    if (bias.first && bias.dtype == ACL_INT32) {
        for (int64_t i = 0; i < here->n; i++) {
            memcpy(&to->bias[i], bias.first + i * bias.column * (int64_t)sizeof(int32_t), sizeof(int32_t));
        }
        quant->bias = to->bias;
    } else if (bias.first) {
        stub_quant_numbers(&bias, bias.first, 0, here->n, to->offset);
        quant->offset = to->offset;
    }
    if (all->plan.token.count > 0) {
        STUB_REQUIRE(open_item(all, all->plan.token.arg, all->plan.token.items[0], &view));
        token = stub_part_last(&view, 0);
        stub_quant_numbers(&token, token.first + here->first_row * token.column * stub_part_size(&token), 0, here->m,
                           to->token);
        quant->token = to->token;
    }
    return ACLNN_SUCCESS;
}

/* Rows of x and rows or columns of the weight without gaps; else copies. */
static aclnnStatus run_int8_dense(const job *all, const group *here, stub_quant *quant) {
    const weights *given = &all->weight[all->plan.weight.count == 1 ? 0 : here->number];
    stub_part x = here->x, weight = weight_of(all, here->number);
    void *x_copy = NULL, *weight_copy = NULL;
    aclnnStatus status = ACLNN_SUCCESS;
    if (x.column != 1 && here->k != 1) {
        status = stub_part_copy(all->call, &here->x, here->m, here->k, NULL, 0, ACL_INT8, &x, &x_copy);
    }
    quant->layout = given->layout;
    quant->weight = (const int8_t *)weight.first;
    if (!given->tiles && status == ACLNN_SUCCESS && !stub_quant_weight(quant, &weight, weight.first)) {
        const stub_part from = weight;
        status = stub_part_copy(all->call, &from, here->k, here->n, NULL, 0, ACL_INT8, &weight, &weight_copy);
        stub_quant_weight(quant, &weight, weight.first);
    }
    quant->x = (const int8_t *)x.first;
    quant->x_stride = x.row;
    if (status == ACLNN_SUCCESS) {
        status = stub_quant_run(quant);
    }
    free(x_copy);
    free(weight_copy);
    return status;
}

static aclnnStatus run_int8(const job *all, const group *here) {
    const size_t m = (size_t)here->m, n = (size_t)here->n;
    stub_quant quant = {
        .m = here->m, .k = here->k, .n = here->n, .limit = INFINITY, .function = all->function, .out = here->y};
    arrays own = {.scale = malloc((2 * n + m) * sizeof(float)), .bias = malloc(n * sizeof(int32_t))};
    if (!own.scale || !own.bias) {
        free(own.scale);
        free(own.bias);
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the scales of %zu rows and %zu columns",
                         all->call->op->name, m, n);
    }
    own.offset = own.scale + n;
    own.token = own.offset + n;
    aclnnStatus status = load_arrays(all, here, &own, &quant);
    if (status == ACLNN_SUCCESS) {
        status = run_int8_dense(all, here, &quant);
    }
    free(own.scale);
    free(own.bias);
    return status;
}

/* ---- all groups ---- */

/* x of more than two dimensions becomes rows, which must lie at one distance. */
static aclnnStatus open_rows(const job *all, const stub_list *list, uint64_t i, stub_part *part) {
    const aclTensor *tensor = list->items[i];
    stub_view view;
    char text[160];
    STUB_REQUIRE(open_item(all, list->arg, tensor, &view));
    *part = stub_part_last(&view, tensor->rank - 2);
    int64_t step = part->row * tensor->shape[tensor->rank - 2];
    for (uint32_t axis = tensor->rank - 2; axis-- > 0; step *= tensor->shape[axis]) {
        if (tensor->shape[axis] != 1 && tensor->strides[axis] != step && stub_tensor_numel(tensor) > 0) {
            return stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: the rows of %s[%llu] (%s) have gaps; copy it first",
                             all->call->op->name, all->call->op->params[list->arg].name, (unsigned long long)i,
                             stub_describe(tensor, text, sizeof text));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_group(const job *all, uint64_t i, int64_t before) {
    const stub_grouped_plan *plan = &all->plan;
    group here = {.number = all->index[i], .m = all->lengths[i]};
    const bool split_k = plan->type == STUB_SPLIT_K;
    const int64_t x_before = plan->x.count > 1 ? 0 : before, y_before = plan->y.count > 1 ? 0 : before;
    STUB_REQUIRE(open_rows(all, &plan->x, plan->x.count > 1 ? i : 0, &here.x));
    const stub_int4 weight = stub_int4_of(plan->weight.items[plan->weight.count > 1 ? here.number : 0]);
    here.k = weight.rows;
    here.n = weight.columns;
    here.first_row = x_before;
    if (split_k) {
        stub_view view;
        stub_part right = weight_of(all, 0);
        here.k = here.m;
        here.m = plan->x.items[0]->shape[0];
        here.x.first += before * here.x.column * stub_part_size(&here.x);
        right.first += before * right.row * stub_part_size(&right);
        STUB_REQUIRE(open_item(all, plan->y.arg, plan->y.items[0], &view));
        here.y = stub_part_last(&view, 1);
        here.y.first += (int64_t)i * here.y.batch[0] * stub_part_size(&here.y);
        return run_floats(all, &here, right);
    }
    STUB_REQUIRE(open_rows(all, &plan->y, plan->y.count > 1 ? i : 0, &here.y));
    if (here.m == 0 || here.n == 0) {
        return ACLNN_SUCCESS;
    }
    here.x.first += here.k ? x_before * here.x.row * stub_part_size(&here.x) : 0;
    here.y.first += y_before * here.y.row * stub_part_size(&here.y);
    return plan->kind == STUB_GROUPED_FLOATS ? run_floats(all, &here, weight_of(all, here.number))
           : plan->kind == STUB_GROUPED_INT8 ? run_int8(all, &here)
                                             : run_weights(all, &here);
}

static aclnnStatus run_groups(const job *all) {
    int64_t before = 0;
    STUB_REQUIRE(find_lengths(all));
    for (uint64_t i = 0; i < all->plan.weight.count; i++) {
        STUB_REQUIRE(open_weight(all, i));
    }
    for (uint64_t i = 0; i < all->plan.groups; i++) {
        STUB_REQUIRE(run_group(all, i, before));
        before += all->lengths[i];
    }
    return ACLNN_SUCCESS;
}

static stub_activation *activation_of(const stub_call *call, const stub_grouped *op) {
    static stub_activation *const functions[] = {NULL, stub_apply_relu,      stub_apply_gelu_tanh,
                                                 NULL, stub_apply_fast_gelu, stub_apply_silu};
    return op->act_type == 0 ? NULL : functions[call->args[op->act_type - 1].integer];
}

static aclnnStatus stub_grouped_run(const stub_call *call, const stub_grouped *op) {
    job all = {.call = call, .op = op, .function = activation_of(call, op)};
    STUB_REQUIRE(stub_grouped_plan_call(call, op, &all.plan));
    all.weight = calloc(all.plan.weight.count, sizeof *all.weight);
    all.lengths = calloc(2 * all.plan.groups + 1, sizeof *all.lengths);
    all.index = all.lengths ? all.lengths + all.plan.groups : NULL;
    const aclnnStatus status = all.weight && all.lengths
                                   ? run_groups(&all)
                                   : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for groups", call->op->name);
    for (uint64_t i = 0; all.weight && i < all.plan.weight.count; i++) {
        free(all.weight[i].owned);
    }
    free(all.weight);
    free(all.lengths);
    return status;
}

#define LISTS .x = 1, .weight = 2, .bias = 3, .scale = 4, .offset = 5, .antiquant_scale = 6, .antiquant_offset = 7
STUB_FAMILY_KERNEL(aclnnGroupedMatmul, stub_grouped, {LISTS, .ends_array = 8, .split_item = 9, .y = 10})
STUB_FAMILY_KERNEL(aclnnGroupedMatmulV2, stub_grouped,
                   {LISTS, .ends_array = 8, .split_item = 9, .group_type = 10, .y = 11})
STUB_FAMILY_KERNEL(aclnnGroupedMatmulV3, stub_grouped,
                   {LISTS, .ends_tensor = 8, .split_item = 9, .group_type = 10, .y = 11})
#define TOKENS                                                                                                         \
    LISTS, .token = 8, .ends_tensor = 9, .reserved = {10, 11, 12}, .split_item = 13, .group_type = 14,                 \
        .list_type = 15, .act_type = 16
STUB_FAMILY_KERNEL(aclnnGroupedMatmulV4, stub_grouped, {TOKENS, .y = 17})
STUB_FAMILY_KERNEL(aclnnGroupedMatmulV5, stub_grouped, {TOKENS, .y = 18})
STUB_FAMILY_KERNEL(aclnnGroupedMatmulWeightNz, stub_grouped, {TOKENS, .group_size = 18, .y = 19})
