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

/* Sets of data types, as the documents list them. */
#define STUB_HALVES (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_BF16))
#define STUB_FLOATS (STUB_HALVES | STUB_DTYPE(ACL_FLOAT))
#define STUB_REALS (STUB_FLOATS | STUB_DTYPE(ACL_DOUBLE))
#define STUB_INTEGERS                                                                                                  \
    (STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT16) | STUB_DTYPE(ACL_INT32) |                    \
     STUB_DTYPE(ACL_INT64))
#define STUB_COMPLEXES (STUB_DTYPE(ACL_COMPLEX64) | STUB_DTYPE(ACL_COMPLEX128))
#define STUB_BOOLS STUB_DTYPE(ACL_BOOL)
#define STUB_NUMBERS (STUB_REALS | STUB_INTEGERS | STUB_BOOLS)

/* What each product allows for one argument; nothing at all: the product does not have the operator. */
typedef struct {
    uint32_t arg;
    stub_dtypes allowed[STUB_PRODUCT_COUNT];
} stub_dtype_rule;

/* The same on every product; dtypes that a product lacks altogether are refused before any kernel's check. */
#define STUB_ON_ALL(set) {(set), (set), (set), (set), (set)}

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

/* Required tensors, scalars, arrays and lists: 161001. */
aclnnStatus stub_check_given(const stub_call *call, const uint32_t *args, uint32_t count);

/* 161002 for all that follow. */
aclnnStatus stub_check_dtypes(const stub_call *call, const stub_dtype_rule *rules, uint32_t count);
aclnnStatus stub_check_same_dtype(const stub_call *call, uint32_t arg, uint32_t like);
/* low <= rank <= high, and no negative dimension. */
aclnnStatus stub_check_rank(const stub_call *call, uint32_t arg, uint32_t low, uint32_t high);
/* `rule` says in words where the dimensions come from: "x without its last dimension". */
aclnnStatus stub_check_shape(const stub_call *call, uint32_t arg, const int64_t *dims, uint32_t rank, const char *rule);
aclnnStatus stub_check_same_shape(const stub_call *call, uint32_t arg, uint32_t like);

/* Argument `arg`, an integer, names an axis of a tensor of that rank: -rank .. rank - 1, of a scalar -1 or 0. */
aclnnStatus stub_check_axis(const stub_call *call, uint32_t arg, uint32_t rank);

/* 561003 and a text: the checks passed, but the stand-in does not know how this product computes `what`. */
aclnnStatus stub_refuse_arithmetic(const stub_call *call, const char *what);

#endif
