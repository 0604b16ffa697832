/* The kernels' rooms, beside this file's shared machinery (elements: conversion; walk: strides and broadcasting; map:
 * elementwise families; lines, line_set: what works line by line; whole: all of a tensor at once; floats: loops of
 * norms and quantisers; turn: rows into columns; loops: versions per instruction set):
 *
 *   elementwise, foreach   functions of one operand, activations; the same over lists of tensors
 *   arithmetic             functions of two and more, comparisons, casts, clamps
 *   moves, indexing        copies, views, padding, filling; gather, scatter, masks
 *   reduction, ordering    sums to norms and running sums; sorting, top k, medians, unique
 *   matmul, linalg         products, quantised, grouped, over cards, recurrent; solving, crossing, distances
 *   norm, glu              norms and softmax; gated activations
 *   quantisation           quantising and dequantising on their own
 *   attention, rope        attention and its caches; rotary embeddings
 *   moe, expert_parallel   routing of tokens to experts, on one card and over cards
 *   convolution, pooling, images   and resampling, grids, regions
 *   loss, optimiser, random
 *
 * How a kernel is made known: stub_kernel_<operator>, which the generated operator table refers to weakly.
 *
 * STUB_KERNEL names the two functions. STUB_FAMILY_KERNEL is for operators of a family that differ in data alone: the
 * family has `<family>_check(call, plan, data)` and `<family>_run(call, data)`, and each operator its own data. */
#ifndef ASCEND_STUB_OPAPI_KERNEL_H
#define ASCEND_STUB_OPAPI_KERNEL_H

#include "opapi/validate.h"
#include "opapi/view.h"

#define STUB_KERNEL(operator_, check_, run_)                                                                           \
    extern const stub_kernel stub_kernel_##operator_;                                                                  \
    const stub_kernel stub_kernel_##operator_ = {check_, run_};

/* The last arguments: the initializer of a `family` struct, in braces. */
#define STUB_FAMILY_KERNEL(operator_, family, ...)                                                                     \
    static const family data_of_##operator_ = __VA_ARGS__;                                                             \
    static aclnnStatus check_##operator_(const stub_call *call, stub_plan *plan) {                                     \
        return family##_check(call, plan, &data_of_##operator_);                                                       \
    }                                                                                                                  \
    static aclnnStatus run_##operator_(const stub_call *call) {                                                        \
        return family##_run(call, &data_of_##operator_);                                                               \
    }                                                                                                                  \
    STUB_KERNEL(operator_, check_##operator_, run_##operator_)

#endif
