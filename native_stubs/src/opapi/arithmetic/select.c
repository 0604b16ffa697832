/* Choosing and converting: aclnnSWhere, aclnnInplaceMaskedFill*, aclnnCast. */
#include <string.h>

#include "opapi/map.h"

/* rs = condition ? yes : no. */
#define SELECT(name, T, condition, yes, no)                                                                            \
    STUB_LOOP(name, {                                                                                                  \
        const uint8_t *const conditions = in[condition];                                                               \
        const T *const yeses = in[yes], *const nos = in[no];                                                           \
        T *const rs = out[0];                                                                                          \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            rs[i] = conditions[i] ? yeses[i] : nos[i];                                                                 \
        }                                                                                                              \
    })
#define SELECTS(name, condition, yes, no)                                                                              \
    SELECT(name##_f32, float, condition, yes, no)                                                                      \
    SELECT(name##_f64, double, condition, yes, no)                                                                     \
    SELECT(name##_i64, int64_t, condition, yes, no)                                                                    \
    SELECT(name##_b8, uint8_t, condition, yes, no)                                                                     \
    SELECT(name##_c128, double complex, condition, yes, no)
#define LOOPS(name) {&name##_f32, &name##_f64, &name##_i64, &name##_b8, &name##_c128}

SELECTS(where, 0, 1, 2)
SELECTS(fill, 1, 2, 0)

#define UNSIGNED (STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))
#define CASTABLE (STUB_NUMBERS | UNSIGNED | STUB_COMPLEXES)

/* A choice with what it allows besides the map: of its condition, and of a value that fills. */
typedef struct {
    stub_map map;
    stub_dtypes conditions;
    uint32_t condition;
    bool fills; /* with argument 2, of the map's types and, if a tensor, of no dimensions */
} choice;

enum { CHOSEN = 2 };

static aclnnStatus choice_check(const stub_call *call, stub_plan *plan, const choice *which) {
    STUB_REQUIRE(stub_map_check(call, plan, &which->map));
    const stub_dtype_rule condition = {which->condition, STUB_ON_ALL(which->conditions)};
    STUB_REQUIRE(stub_check_dtypes(call, &condition, 1));
    const bool tensor = call->op->params[CHOSEN].kind == STUB_TENSOR;
    if (which->fills) {
        return tensor ? stub_check_rank(call, CHOSEN, 0, 0) : ACLNN_SUCCESS;
    }
    const stub_dtype_rule out = {call->op->count - 1, STUB_ON_ALL(which->map.allowed)};
    return stub_check_dtypes(call, &out, 1);
}

static aclnnStatus choice_run(const stub_call *call, const choice *which) {
    return stub_map_run(call, &which->map);
}

STUB_FAMILY_KERNEL(aclnnSWhere, choice,
                   {.map = {.loops = LOOPS(where), .allowed = CASTABLE, .conditions = 1u << 0, .any_output = true},
                    .conditions = STUB_BOOLS | STUB_DTYPE(ACL_UINT8)})

/* The value takes the type of the tensor it fills. */
#define FILLED (STUB_FLOATS | STUB_BOOLS | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define FILL                                                                                                           \
    {.map = {.loops = LOOPS(fill), .allowed = FILLED, .type = STUB_AS_OUTPUT, .conditions = 1u << 1},                  \
     .conditions = STUB_BOOLS,                                                                                         \
     .condition = 1,                                                                                                   \
     .fills = true}

STUB_FAMILY_KERNEL(aclnnInplaceMaskedFillScalar, choice, FILL)
STUB_FAMILY_KERNEL(aclnnInplaceMaskedFillTensor, choice, FILL)

/* aclnnCast: all is in the loading and storing. */
#define COPY(name, T)                                                                                                  \
    static void name##_loop(size_t n, const void *const *in, void *const *out, const double *c) {                      \
        (void)c;                                                                                                       \
        memcpy(out[0], in[0], n * sizeof(T));                                                                          \
    }                                                                                                                  \
    static const stub_loops name = {.baseline = name##_loop, .avx2 = name##_loop};
COPY(copy_f32, float)
COPY(copy_f64, double)
COPY(copy_i64, int64_t)
COPY(copy_b8, uint8_t)
COPY(copy_c128, double complex)

enum { SELF, TYPE, OUT };
static const stub_map cast = {.loops = LOOPS(copy), .allowed = CASTABLE, .type = STUB_AS_OUTPUT, .any_output = true};

static aclnnStatus check_cast(const stub_call *call, stub_plan *plan) {
    STUB_REQUIRE(stub_map_check(call, plan, &cast));
    const aclDataType type = (aclDataType)call->args[TYPE].integer, given = stub_tensor_arg(call, OUT)->dtype;
    const stub_dtype_rule rule = {OUT, STUB_ON_ALL(CASTABLE)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    if (type != given) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %s, but %s is of type %s", call->op->name,
                         call->op->params[TYPE].name, stub_dtype_name(type), call->op->params[OUT].name,
                         stub_dtype_name(given));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus run_cast(const stub_call *call) {
    return stub_map_run(call, &cast);
}

STUB_KERNEL(aclnnCast, check_cast, run_cast)
STUB_KERNEL(aclnnCastV3, check_cast, run_cast)
