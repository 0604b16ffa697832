/* Operators whose output is another view of their input: one function per operator turns the input's box into the
 * output's. The first argument is the input, the last one the output, of the same data type. */
#ifndef ASCEND_STUB_OPAPI_ARRANGE_H
#define ASCEND_STUB_OPAPI_ARRANGE_H

#include "opapi/kernel.h"
#include "opapi/lines.h"
#include "opapi/moves/box.h"

#define STUB_UNSIGNED (STUB_DTYPE(ACL_UINT16) | STUB_DTYPE(ACL_UINT32) | STUB_DTYPE(ACL_UINT64))
#define STUB_MOVABLE (STUB_NUMBERS | STUB_COMPLEXES | STUB_UNSIGNED)

typedef struct {
    stub_dtypes allowed;
    /* Checks the attributes and arranges. In phase one the box has no address. Bit i of *joined: axis i of the result
     * is one axis of the output together with the axis before it. */
    aclnnStatus (*arrange)(const stub_call *call, stub_box *box, uint32_t *joined);
} stub_arranged;

aclnnStatus stub_arranged_check(const stub_call *call, stub_plan *plan, const stub_arranged *data);
aclnnStatus stub_arranged_run(const stub_call *call, const stub_arranged *data);

/* Tensors given, of allowed and equal types, at most 8 axes. */
aclnnStatus stub_check_move(const stub_call *call, uint32_t from, uint32_t to, stub_dtypes allowed);
/* A box without address, for phase one. */
stub_box stub_box_planned(const aclTensor *tensor);

/* The numbers of an aclIntArray; 161001 when it is NULL, 161002 with a text when there are fewer or more. */
aclnnStatus stub_read_ints(const stub_call *call, uint32_t arg, uint32_t low, uint32_t high, const int64_t **values,
                           uint32_t *count);
/* The axis that an array's entry names, of a tensor of that rank; each axis at most once (`used`, bits). */
aclnnStatus stub_read_axis(const stub_call *call, uint32_t arg, int64_t value, uint32_t rank, uint32_t *used,
                           uint32_t *axis);

#endif
