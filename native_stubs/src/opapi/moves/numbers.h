/* Whole tensors as arrays of numbers, for kernels that compute on all of a small tensor at once: one call for each
 * operand. The first failure is kept, later calls give NULL, and stub_numbers_end answers it. */
#ifndef ASCEND_STUB_OPAPI_NUMBERS_H
#define ASCEND_STUB_OPAPI_NUMBERS_H

#include <stddef.h>

#include "opapi/elements.h"
#include "opapi/kernel.h"

typedef struct stub_number_array stub_number_array;

typedef struct {
    const stub_call *call;
    aclnnStatus status;
    stub_number_array *arrays;
} stub_numbers;

/* The elements of argument `arg`, row-major, as numbers of the class of `as`; NULL when it is absent. */
void *stub_numbers_read(stub_numbers *set, uint32_t arg, aclDataType as);
/* The same, broadcast to a shape. */
void *stub_numbers_read_to(stub_numbers *set, uint32_t arg, aclDataType as, const int64_t *shape, uint32_t rank);
/* The same of a tensor in a list, which is argument `arg`. */
void *stub_numbers_read_item(stub_numbers *set, uint32_t arg, const aclTensor *tensor, aclDataType as);

/* Zeros that stub_numbers_end stores in the tensor; NULL when it is absent. */
void *stub_numbers_write(stub_numbers *set, uint32_t arg, aclDataType as);
void *stub_numbers_write_item(stub_numbers *set, uint32_t arg, const aclTensor *tensor, aclDataType as);
/* Elements that are read, changed and stored again. */
void *stub_numbers_update(stub_numbers *set, uint32_t arg, aclDataType as);

/* Zeroed memory for `count` items, besides. */
void *stub_numbers_room(stub_numbers *set, int64_t count, size_t size);

/* 507015 with a text, kept as the set's status, unless low <= values[i] < high for all i. */
void stub_numbers_check_range(stub_numbers *set, uint32_t arg, const int64_t *values, int64_t count, int64_t low,
                              int64_t high);

/* Stores what is to be stored, unless something failed, and frees everything. */
aclnnStatus stub_numbers_end(stub_numbers *set);

#endif
