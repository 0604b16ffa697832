/* The family of operators that look at one axis line by line and write values, indices or both: sorting, selecting,
 * running extremes. */
#ifndef ASCEND_STUB_OPAPI_ORDERING_ALONG_H
#define ASCEND_STUB_OPAPI_ORDERING_ALONG_H

#include "opapi/kernel.h"
#include "opapi/lines.h"

/* Elements of an output's line. */
typedef enum { STUB_ALONG_SAME, STUB_ALONG_ONE, STUB_ALONG_K } stub_along_length;

/* What a line's function gets beside its arrays. */
typedef struct {
    stub_class class_; /* of the numbers */
    int64_t k;
    bool flag;
} stub_along_line;

/* Arguments by number; 0, which is self's, where the operator has no such argument. Without `dim` the line is the
 * whole tensor. */
typedef struct {
    stub_dtypes allowed;
    uint32_t dim, keep, k, flag, values, indices;
    stub_along_length length;
    stub_dtypes index_types, value_types; /* value_types 0: self's */
    size_t scratch;                       /* bytes per element of a line */
    bool pairs_only;                      /* A2 and A3 have no kernel for a line of one BF16 element */
    bool empty_runs;                      /* results of no elements */
    /* array: self, then values, then indices, as far as there are any; indices are INT64. */
    aclnnStatus (*line)(const void *along_line, void *const *array, const int64_t *length, int64_t position,
                        void *scratch);
} stub_along;

aclnnStatus stub_along_check(const stub_call *call, stub_plan *plan, const stub_along *along);
aclnnStatus stub_along_run(const stub_call *call, const stub_along *along);

#endif
