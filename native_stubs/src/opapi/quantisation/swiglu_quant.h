/* SwiGLU with a quantisation behind, and a dequantisation before: what the phases of its four operators share. */
#ifndef ASCEND_STUB_OPAPI_SWIGLU_QUANT_H
#define ASCEND_STUB_OPAPI_SWIGLU_QUANT_H

#include "nnopbase/call.h"

/* How a scale is found, and what scaleOut is. */
typedef enum {
    SWIGLU_BY_FACTOR, /* SwiGluQuant: v * (limit / max); scaleOut is that factor */
    SWIGLU_BY_SCALE   /* DequantSwigluQuant: v * (1 / (max / 127)), with experts v / (max * (1 / 127)) */
} swiglu_scaling;

/* Where the arguments are; STUB_NO_ARGUMENT for what an operator lacks. */
typedef struct {
    int x, weight_scale, activation_scale, bias, scale, offset, group, left, mode, lengths, dst_type, round_mode;
    int activate_dim, swiglu_mode, limit, alpha, glu_bias, y, scale_out;
    swiglu_scaling scaling;
    bool counts; /* the group has lengths; else, without an argument `lengths`, ends */
} swiglu_quant;

/* The argument quantMode: NULL is the operator's default. */
bool stub_swiglu_is_dynamic(const stub_call *call, const swiglu_quant *op);

aclnnStatus swiglu_quant_check(const stub_call *call, stub_plan *plan, const swiglu_quant *op);

#endif
