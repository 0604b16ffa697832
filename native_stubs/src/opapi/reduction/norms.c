/* p-norms along axes, summed in fp64: aclnnNorm, aclnnLinalgVectorNorm. Which fold it is depends on p: 0 counts what is
 * not 0, infinities take extremes. */
#include "opapi/reduction/reduce.h"

#include <math.h>

#include "opapi/map.h"

#define MAGNITUDE(x) fabs((double)(x))
#define LARGER(a, x) ((((x) > (a)) | ((x) != (x))) ? (x) : (a))
#define SMALLER(a, x) ((((x) < (a)) | ((x) != (x))) ? (x) : (a))

STUB_FOLD(norm_0, float, double, float, 0, a + (x != 0), a + b, a)
STUB_FOLD(norm_1, float, double, float, 0, a + MAGNITUDE(x), a + b, a)
STUB_FOLD(norm_2, float, double, float, 0, a + (double)x * x, a + b, sqrt(a))
STUB_FOLD(norm_p, float, double, float, 0, a + pow(MAGNITUDE(x), c[0]), a + b, pow(a, 1 / c[0]))
STUB_FOLD(norm_most, float, float, float, 0, LARGER(a, fabsf(x)), LARGER(a, b), a)
STUB_FOLD(norm_least, float, float, float, INFINITY, SMALLER(a, fabsf(x)), SMALLER(a, b), a)

static const stub_fold *fold_of(double p) {
    if (isinf(p)) {
        return p > 0 ? &norm_most : &norm_least;
    }
    return p == 0 ? &norm_0 : p == 1 ? &norm_1 : p == 2 ? &norm_2 : &norm_p;
}

typedef struct {
    uint32_t p; /* the argument */
    stub_reduce reduce;
} norm;

static aclnnStatus norm_check(const stub_call *call, stub_plan *plan, const norm *data) {
    stub_reduce reduce = data->reduce;
    reduce.folds[STUB_F32] = &norm_p;
    return stub_reduce_check(call, plan, &reduce);
}

static aclnnStatus norm_run(const stub_call *call, const norm *data) {
    stub_reduce reduce = data->reduce;
    const bool empty = stub_tensor_numel(stub_tensor_arg(call, 0)) == 0; /* its norm is 0, whatever p is */
    reduce.folds[STUB_F32] = fold_of(empty ? 2 : stub_number(call, data->p));
    return stub_reduce_run(call, &reduce);
}

STUB_FAMILY_KERNEL(aclnnNorm, norm, {1, {.allowed = STUB_FLOATS, .results = {STUB_FLOATS}}})
STUB_FAMILY_KERNEL(aclnnLinalgVectorNorm, norm,
                   {1, {.allowed = STUB_FLOATS, .loads = STUB_LOADS_DTYPE, .dims_optional = true}})
