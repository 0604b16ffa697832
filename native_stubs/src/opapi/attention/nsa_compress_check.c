/* Phase one of aclnnNsaCompress: CANN's checks in CANN's order, and before each step what CANN would read out of bounds
 * or divide by. */
#include <string.h>

#include "opapi/attention/nsa_compress.h"
#include "opapi/validate.h"
#include "opapi/view.h"

enum {
    INPUT = NSA_COMPRESS_INPUT,
    WEIGHT = NSA_COMPRESS_WEIGHT,
    SEQUENCES = NSA_COMPRESS_SEQUENCES,
    LAYOUT = NSA_COMPRESS_LAYOUT,
    BLOCK = NSA_COMPRESS_BLOCK,
    STRIDE = NSA_COMPRESS_STRIDE,
    SEQUENCES_TYPE = NSA_COMPRESS_SEQUENCES_TYPE,
    OUTPUT = NSA_COMPRESS_OUTPUT
};

enum { TEXT = 160, UNIT = 16 };

#define NONE 0
#define HALVES (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_BF16))

/* In the order of stub_product: A2, A3, 310P, 910, 950. CANN registers the kernel for A3, though the page leaves A3
 * out. */
static const stub_dtype_rule rule = {INPUT, {HALVES, HALVES, NONE, NONE, NONE}};
static const uint32_t required[] = {INPUT, WEIGHT, OUTPUT};

static int64_t number(const stub_call *call, uint32_t arg) {
    return call->args[arg].integer;
}

static int64_t dim(const stub_call *call, uint32_t arg, uint32_t axis) {
    return stub_tensor_arg(call, arg)->shape[axis];
}

static aclnnStatus check_product(const stub_call *call) {
    const bool exists = rule.allowed[stub_get_settings()->product] != NONE;
    return exists ? ACLNN_SUCCESS : stub_check_dtypes(call, &rule, 1);
}

static aclnnStatus check_input(const stub_call *call) {
    STUB_REQUIRE(stub_check_same_dtype(call, WEIGHT, INPUT));
    STUB_REQUIRE(stub_check_same_dtype(call, OUTPUT, INPUT));
    STUB_REQUIRE(stub_check_rank(call, INPUT, 3, 3));
    if (dim(call, INPUT, 1) > 0 && dim(call, INPUT, 2) > 0) {
        return ACLNN_SUCCESS;
    }
    char given[TEXT];
    return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: input is %s; the number of heads and their size must be above 0",
                     call->op->name, stub_describe(stub_tensor_arg(call, INPUT), given, sizeof given));
}

static aclnnStatus check_weight(const stub_call *call) {
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 2, 2));
    if (dim(call, WEIGHT, 0) != number(call, BLOCK)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: weight has %lld rows, compressBlockSize is %lld; the two must be equal", call->op->name,
                         (long long)dim(call, WEIGHT, 0), (long long)number(call, BLOCK));
    }
    if (dim(call, WEIGHT, 1) != dim(call, INPUT, 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: weight has %lld columns, input %lld heads; they must be equal",
                         call->op->name, (long long)dim(call, WEIGHT, 1), (long long)dim(call, INPUT, 1));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_modes(const stub_call *call) {
    const char *layout = call->args[LAYOUT].text;
    const aclIntArray *sequences = call->args[SEQUENCES].ints;
    if (!layout || strcmp(layout, "TND") != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: layoutOptional is %s; only \"TND\" is supported", call->op->name,
                         layout ? layout : "NULL");
    }
    if (!sequences || sequences->size == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: actSeqLenOptional is %s; give the running total of tokens for each batch", call->op->name,
                         sequences ? "empty" : "NULL");
    }
    if (number(call, SEQUENCES_TYPE) != 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: actSeqLenType is %lld; only 0 (actSeqLenOptional holds running totals) is supported",
                         call->op->name, (long long)number(call, SEQUENCES_TYPE));
    }
    return ACLNN_SUCCESS;
}

/* A device does not check this, and reads wherever the numbers lead. */
static aclnnStatus check_sequences(const stub_call *call) {
    const aclIntArray *ends = call->args[SEQUENCES].ints;
    int64_t before = 0;
    for (uint64_t i = 0; i < ends->size; i++) {
        if (ends->values[i] < before || ends->values[i] > dim(call, INPUT, 0)) {
            return stub_fail(ACLNN_ERR_INNER_NULLPTR,
                             "%s: actSeqLenOptional[%llu] is %lld; running totals start at 0 or above, never decrease "
                             "(%lld comes before it) and end within the %lld tokens of input",
                             call->op->name, (unsigned long long)i, (long long)ends->values[i], (long long)before,
                             (long long)dim(call, INPUT, 0));
        }
        before = ends->values[i];
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_sizes(const stub_call *call) {
    const int64_t block = number(call, BLOCK), stride = number(call, STRIDE);
    if (block % UNIT == 0 && stride % UNIT == 0 && stride > 0 && stride <= block) {
        return ACLNN_SUCCESS;
    }
    return stub_fail(ACLNN_ERR_INNER_NULLPTR,
                     "%s: compressBlockSize is %lld, compressStride %lld; both must be multiples of 16, the stride at "
                     "least 16 and at most the block size",
                     call->op->name, (long long)block, (long long)stride);
}

static aclnnStatus check_filled(const stub_call *call, uint32_t arg) {
    if (stub_tensor_numel(stub_tensor_arg(call, arg)) > 0) {
        return ACLNN_SUCCESS;
    }
    char given[TEXT];
    return stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: %s is %s; an empty tensor is not supported", call->op->name,
                     call->op->params[arg].name, stub_describe(stub_tensor_arg(call, arg), given, sizeof given));
}

/* Here CANN prepares the launch, and whatever fails has one status. */
static aclnnStatus check_launch(const stub_call *call) {
    STUB_REQUIRE(check_filled(call, INPUT));
    STUB_REQUIRE(check_filled(call, WEIGHT));
    STUB_REQUIRE(check_sizes(call));
    STUB_REQUIRE(check_sequences(call));
    return stub_check_dtypes(call, &rule, 1) == ACLNN_SUCCESS ? ACLNN_SUCCESS : ACLNN_ERR_INNER_NULLPTR;
}

static int64_t count_windows(const stub_call *call) {
    const aclIntArray *ends = call->args[SEQUENCES].ints;
    int64_t count = 0, start = 0;
    for (uint64_t i = 0; i < ends->size; i++) {
        count += stub_nsa_compress_windows(ends->values[i] - start, number(call, BLOCK), number(call, STRIDE));
        start = ends->values[i];
    }
    return count;
}

static aclnnStatus check_output(const stub_call *call) {
    const int64_t rows = count_windows(call);
    if (rows == 0) {
        return stub_fail(ACLNN_ERR_INNER_NULLPTR,
                         "%s: no batch of actSeqLenOptional has the %lld tokens of compressBlockSize, so output would "
                         "be empty, which is not supported",
                         call->op->name, (long long)number(call, BLOCK));
    }
    const int64_t dims[] = {rows, dim(call, INPUT, 1), dim(call, INPUT, 2)};
    const aclnnStatus status = stub_check_shape(call, OUTPUT, dims, 3, "windows in all batches, heads, head size");
    return status == ACLNN_SUCCESS ? ACLNN_SUCCESS : ACLNN_ERR_INNER_NULLPTR;
}

aclnnStatus stub_nsa_compress_check(const stub_call *call, stub_plan *plan) {
    (void)plan;
    STUB_REQUIRE(stub_check_given(call, required, 3));
    STUB_REQUIRE(check_product(call));
    STUB_REQUIRE(check_input(call));
    STUB_REQUIRE(check_weight(call));
    STUB_REQUIRE(check_modes(call));
    STUB_REQUIRE(check_launch(call));
    return check_output(call);
}
