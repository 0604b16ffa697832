/* aclnnEinsum, of which CANN has two equations. Sums of floats in fp64, rounded once; integers wrap around. */
#include <string.h>

#include "opapi/moves/numbers.h"

enum { TENSORS, EQUATION, OUTPUT };

#define TYPES                                                                                                          \
    (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_INT16) | STUB_DTYPE(ACL_UINT16) |                \
     STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_UINT64))

/* As products of `outer` pairs of a vector of `inner` numbers and a matrix of `columns` such vectors. */
typedef struct {
    const char *text;
    uint32_t ranks[2];
    bool is_outer;
} equation;

static const equation equations[] = {{"abcd,abced->abce", {4, 5}, false}, {"a,b->ab", {1, 1}, true}};

static const equation *equation_of(const stub_call *call) {
    for (int i = 0; i < 2; i++) {
        if (strcmp(call->args[EQUATION].text, equations[i].text) == 0) {
            return &equations[i];
        }
    }
    return NULL;
}

static aclnnStatus check_operand(const stub_call *call, const equation *by, int i) {
    const aclTensor *tensor = call->args[TENSORS].tensors->items[i], *output = stub_tensor_arg(call, OUTPUT);
    char text[128];
    if (tensor == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: tensors[%d] is NULL; it is required", call->op->name, i);
    }
    if (tensor->dtype != output->dtype || tensor->rank != by->ranks[i]) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: tensors[%d] is %s; of %s it must have %u dimensions and type %s",
                         call->op->name, i, stub_describe(tensor, text, sizeof text), by->text, by->ranks[i],
                         stub_dtype_name(output->dtype));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const equation *by) {
    const aclTensorList *list = call->args[TENSORS].tensors;
    const int64_t *x = list->items[0]->shape, *y = list->items[1]->shape;
    if (by->is_outer) {
        const int64_t dims[] = {x[0], y[0]};
        return stub_check_shape(call, OUTPUT, dims, 2, "the lengths of the tensors");
    }
    if (memcmp(x, y, 3 * sizeof *x) != 0 || x[3] != y[4]) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: tensors[0] and tensors[1] do not agree along a, b, c and d of %s", call->op->name,
                         by->text);
    }
    return stub_check_shape(call, OUTPUT, y, 4, "a, b, c, e of tensors[1]");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const aclTensorList *list = call->args[TENSORS].tensors;
    const uint32_t output = OUTPUT;
    const stub_dtype_rule rule = {OUTPUT, STUB_ON_ALL(TYPES)};
    if (list == NULL || call->args[EQUATION].text == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it is required", call->op->name,
                         list ? "equation" : "tensors");
    }
    STUB_REQUIRE(stub_check_given(call, &output, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    const equation *by = equation_of(call);
    if (by == NULL || list->size != 2) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: equation is \"%s\", of %llu tensors; CANN has \"%s\" and \"%s\", of 2", call->op->name,
                         call->args[EQUATION].text, (unsigned long long)list->size, equations[0].text,
                         equations[1].text);
    }
    for (int i = 0; i < 2; i++) {
        STUB_REQUIRE(check_operand(call, by, i));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUTPUT)) == 0;
    return check_shapes(call, by);
}

/* out[o, c] = sum over i of x[o, i] y[o, c, i]; y is the same for all o where `again` is 0. */
typedef struct {
    int64_t outer, columns, inner, again;
} sizes;

#define CONTRACTION(name, T)                                                                                           \
    static void name(const sizes *of, const void *left, const void *right, void *out) {                                \
        const T *x = left, *y = right;                                                                                 \
        T *to = out;                                                                                                   \
        for (int64_t o = 0; o < of->outer * of->columns; o++) {                                                        \
            const T *vector = x + o / of->columns * of->inner;                                                         \
            const T *other = y + (of->again ? o : o % of->columns) * of->inner;                                        \
            for (int64_t i = 0; i < of->inner; i++) {                                                                  \
                to[o] += vector[i] * other[i];                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }
CONTRACTION(contract_floats, double)
CONTRACTION(contract_integers, uint64_t)

static aclnnStatus run(const stub_call *call) {
    const aclTensorList *list = call->args[TENSORS].tensors;
    const bool floats = stub_class_of(stub_tensor_arg(call, OUTPUT)->dtype) == STUB_F32;
    const aclDataType as = floats ? ACL_DOUBLE : ACL_INT64;
    const int64_t *y = list->items[1]->shape;
    const sizes of = equation_of(call)->is_outer ? (sizes){list->items[0]->shape[0], y[0], 1, 0}
                                                 : (sizes){y[0] * y[1] * y[2], y[3], y[4], 1};
    stub_numbers set = {.call = call};
    const void *left = stub_numbers_read_item(&set, TENSORS, list->items[0], as);
    const void *right = stub_numbers_read_item(&set, TENSORS, list->items[1], as);
    void *out = stub_numbers_write(&set, OUTPUT, as);
    if (set.status == ACLNN_SUCCESS) {
        (floats ? contract_floats : contract_integers)(&of, left, right, out);
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnEinsum, check, run)
