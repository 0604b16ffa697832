/* Operators on square matrices: each matrix of a batch as an array of double or double complex, and back. */
#ifndef ASCEND_STUB_OPAPI_LINALG_MATRICES_H
#define ASCEND_STUB_OPAPI_LINALG_MATRICES_H

#include <stdbool.h>

#include "opapi/kernel.h"
#include "opapi/walk.h"

enum { STUB_MATRIX_TENSORS = 4 };

/* Tensors whose last two axes are matrices (or that have no such axes: one number for each matrix), broadcast to a
 * batch. The first `inputs` are loaded, the others stored. */
typedef struct {
    uint32_t count, inputs;
    uint32_t arg[STUB_MATRIX_TENSORS];
    uint32_t numbers; /* bit i: tensor i has one number for each matrix */
    bool extra_row;   /* the array of tensor 0 has room for one more row */
    /* One matrix of each: row-major arrays of double or double complex. */
    void (*of_reals)(const void *constants, double *const *matrix, const int64_t *rows, const int64_t *columns);
    void (*of_complexes)(const void *constants, double _Complex *const *matrix, const int64_t *rows,
                         const int64_t *columns);
    const void *constants;
} stub_matrices;

aclnnStatus stub_matrices_run(const stub_call *call, const stub_matrices *by);

#endif
