/* The classes that targets name: aclnnNLLLoss and its two-dimensional form have them on an axis of their own, behind
 * the batch. Both are seen as positions (those of the target) with one row of classes each. */
#ifndef ASCEND_STUB_OPAPI_LOSS_NLL_H
#define ASCEND_STUB_OPAPI_LOSS_NLL_H

#include "opapi/kernel.h"

/* How to get from a position of the target to the scores. */
typedef struct {
    stub_view scores, target, weight; /* weight without a tensor: 1 for each class */
    uint32_t axis;                    /* of the classes in the scores */
    int64_t classes, positions, ignored;
} stub_classes;

/* The class at a position, or -1 for an ignored one. 507015 with a text for one that is out of range. */
aclnnStatus stub_classes_at(const stub_call *call, const stub_classes *of, int64_t position, int64_t *found);
/* Offset, in elements, of a class' score at a position, in a tensor with the scores' shape. */
int64_t stub_classes_offset(const stub_classes *of, const aclTensor *in, int64_t position, int64_t class_);
float stub_classes_weight(const stub_classes *of, int64_t class_);

/* Single elements of float types, offsets in elements from the storage's start. */
float stub_element_get(const stub_view *view, int64_t offset);
void stub_element_set(const stub_view *view, int64_t offset, float value);

#endif
