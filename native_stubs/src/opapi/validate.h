/* The words in which an operator's phase one says what it accepts. Each check answers 0, or CANN's status with a text
 * that names operator and argument, what was given and what is allowed. NULL (absent optional) tensors pass. */
#ifndef ASCEND_STUB_OPAPI_VALIDATE_H
#define ASCEND_STUB_OPAPI_VALIDATE_H

#include <stdint.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/product.h"
#include "nnopbase/call.h"

/* A set of data types. */
typedef uint64_t stub_dtypes;
#define STUB_DTYPE(dtype) (UINT64_C(1) << (dtype))

/* What each product allows for one argument; nothing at all: the product does not have the operator. */
typedef struct {
    uint32_t arg;
    stub_dtypes allowed[STUB_PRODUCT_COUNT];
} stub_dtype_rule;

/* Returns from the calling function with the status of a check that does not pass. */
#define STUB_REQUIRE(check)                                                                                            \
    do {                                                                                                               \
        const aclnnStatus required_ = (check);                                                                         \
        if (required_ != ACLNN_SUCCESS) {                                                                              \
            return required_;                                                                                          \
        }                                                                                                              \
    } while (0)

static inline const aclTensor *stub_tensor_arg(const stub_call *call, uint32_t arg) {
    return call->args[arg].tensor;
}

static inline int64_t stub_last_dim(const aclTensor *tensor) {
    return tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 1;
}

/* Required tensors: 161001. */
aclnnStatus stub_check_given(const stub_call *call, const uint32_t *args, uint32_t count);

/* 161002 for all that follow. */
aclnnStatus stub_check_dtypes(const stub_call *call, const stub_dtype_rule *rules, uint32_t count);
aclnnStatus stub_check_same_dtype(const stub_call *call, uint32_t arg, uint32_t like);
/* low <= rank <= high, and no negative dimension. */
aclnnStatus stub_check_rank(const stub_call *call, uint32_t arg, uint32_t low, uint32_t high);
/* `rule` says in words where the dimensions come from: "x without its last dimension". */
aclnnStatus stub_check_shape(const stub_call *call, uint32_t arg, const int64_t *dims, uint32_t rank, const char *rule);
aclnnStatus stub_check_same_shape(const stub_call *call, uint32_t arg, uint32_t like);

/* 561003 and a text: the checks passed, but the stand-in does not know how this product computes `what`. */
aclnnStatus stub_refuse_arithmetic(const stub_call *call, const char *what);

#endif
