/* The operands of an operator that works line by line, one call each. The first failure is kept, later calls do
 * nothing, and stub_line_set_run answers it; it also frees what was loaded. */
#ifndef ASCEND_STUB_OPAPI_LINE_SET_H
#define ASCEND_STUB_OPAPI_LINE_SET_H

#include "opapi/lines.h"

enum { STUB_MAX_WEIGHTS = 8, STUB_NO_ARGUMENT = -1 };

typedef struct {
    const stub_call *call;
    aclnnStatus status;
    stub_lines lines; /* line, constants and scratch are the caller's to set */
    stub_view views[STUB_MAX_LINES];
    void *weights[STUB_MAX_WEIGHTS];
    uint32_t weight_count;
} stub_line_set;

/* The next input or output: argument `arg`, a tensor, with these axes as its line. STUB_NO_ARGUMENT and absent tensors
 * keep their place as NULL. Inputs come before outputs. */
void stub_line_input(stub_line_set *set, int arg, uint32_t axes, aclDataType as);
void stub_line_output(stub_line_set *set, int arg, uint32_t axes, aclDataType as);
/* The same for a view that the caller has opened or made. */
void stub_line_input_view(stub_line_set *set, const stub_view *view, uint32_t axes, aclDataType as);
void stub_line_output_view(stub_line_set *set, const stub_view *view, uint32_t axes, aclDataType as);

/* All elements of a tensor that every line uses, row-major, as numbers of the class of `as`; NULL when it is absent. */
void *stub_line_weight_as(stub_line_set *set, int arg, aclDataType as);
/* As float. */
float *stub_line_weight(stub_line_set *set, int arg);

aclnnStatus stub_line_set_run(stub_line_set *set);

/* The last `count` axes of a tensor argument, as bits; 0 for an absent one. */
uint32_t stub_last_axes(const stub_call *call, int arg, uint32_t count);

/* The tensor of argument `arg`, or NULL. */
static inline const aclTensor *stub_tensor_or_none(const stub_call *call, int arg) {
    return arg == STUB_NO_ARGUMENT ? NULL : call->args[arg].tensor;
}

#endif
