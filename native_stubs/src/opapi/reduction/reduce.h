/* The family of reductions: an operator is its folds and what its types do. The signature says the rest: the first
 * tensor is reduced; an integer array, or an integer named dim or axes, names axes; flags named keep... and noop...
 * are what they say; `dtype` is a type; all other numbers are the folds' constants, in order. */
#ifndef ASCEND_STUB_OPAPI_REDUCTION_REDUCE_H
#define ASCEND_STUB_OPAPI_REDUCTION_REDUCE_H

#include "opapi/kernel.h"
#include "opapi/reduction/fold.h"

enum { STUB_REDUCE_CONSTANTS = 2 };

/* The type that elements are loaded as. */
typedef enum {
    STUB_LOADS_INPUT,
    STUB_LOADS_DTYPE,    /* the attribute, or the input's type where that is undefined */
    STUB_LOADS_FLOATING, /* the input's; FLOAT for integers and BOOL */
    STUB_LOADS_BOOL
} stub_reduce_loads;

/* The type of a result. */
typedef enum {
    STUB_RESULT_SAME, /* the one that elements are loaded as */
    STUB_RESULT_INDEX /* INT64 */
} stub_reduce_result;

typedef enum {
    STUB_EMPTY_FOLDS,  /* results of no elements: 0, 1, NaN, ... */
    STUB_EMPTY_LEAVES, /* outputs are left as they are */
    STUB_EMPTY_NAMED,  /* the same, but an axis that the call names must not be empty */
    STUB_EMPTY_REFUSED /* a reduced axis must not be empty */
} stub_reduce_empty;

typedef struct {
    const stub_fold *folds[STUB_CLASS_COUNT];
    stub_dtypes allowed; /* of the input on A2 and A3, and of the dtype attribute */
    stub_reduce_loads loads;
    stub_reduce_result result[STUB_FOLD_RESULTS];
    stub_dtypes results[STUB_FOLD_RESULTS]; /* types of the outputs; 0: the result's own alone */
    stub_reduce_empty empty;
    bool one_is_one;    /* a result of one element goes to an output of one element, whatever the shape */
    bool casts;         /* self has to be castable to the dtype */
    bool any_output;    /* outputs may have any of `results`, whatever is cast to it */
    bool dims_optional; /* NULL names all axes, as an empty array does */
} stub_reduce;

aclnnStatus stub_reduce_check(const stub_call *call, stub_plan *plan, const stub_reduce *reduce);
aclnnStatus stub_reduce_run(const stub_call *call, const stub_reduce *reduce);

#endif
