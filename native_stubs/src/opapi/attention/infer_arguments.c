/* Arguments by their names, which the versions spell differently. */
#include "opapi/attention/infer.h"

static const char *const names[INFER_ARGUMENTS][2] = {
    [INFER_QUERY] = {"query"},
    [INFER_KEY] = {"key"},
    [INFER_VALUE] = {"value"},
    [INFER_PSE] = {"pseShift"},
    [INFER_MASK] = {"attenMask"},
    [INFER_LENGTHS] = {"actualSeqLengths"},
    [INFER_KV_LENGTHS] = {"actualSeqLengthsKv"},
    [INFER_OUT_SCALE] = {"quantScale2"},
    [INFER_OUT_OFFSET] = {"quantOffset2"},
    [INFER_SCALE] = {"antiquantScale"},
    [INFER_OFFSET] = {"antiquantOffset"},
    [INFER_TABLE] = {"blockTable", "blocktable"},
    [INFER_QUERY_PADDING] = {"queryPaddingSize"},
    [INFER_KV_PADDING] = {"kvPaddingSize"},
    [INFER_KEY_SCALE] = {"keyAntiquantScale"},
    [INFER_KEY_OFFSET] = {"keyAntiquantOffset"},
    [INFER_VALUE_SCALE] = {"valueAntiquantScale"},
    [INFER_VALUE_OFFSET] = {"valueAntiquantOffset"},
    [INFER_QUERY_ROPE] = {"queryRope"},
    [INFER_KEY_ROPE] = {"keyRope"},
    [INFER_SINK] = {"learnableSink"},
    [INFER_HEADS] = {"numHeads"},
    [INFER_SCALE_VALUE] = {"scaleValue"},
    [INFER_PRE_TOKENS] = {"preTokens"},
    [INFER_NEXT_TOKENS] = {"nextTokens"},
    [INFER_LAYOUT] = {"inputLayout"},
    [INFER_KV_HEADS] = {"numKeyValueHeads"},
    [INFER_SPARSE_MODE] = {"sparseMode"},
    [INFER_BLOCK_SIZE] = {"blockSize"},
    [INFER_MODE] = {"antiquantMode"},
    [INFER_LSE_FLAG] = {"softmaxLseFlag"},
    [INFER_KEY_MODE] = {"keyAntiquantMode"},
    [INFER_VALUE_MODE] = {"valueAntiquantMode"},
    [INFER_OUT] = {"attentionOut"},
    [INFER_LSE] = {"softmaxLse"},
};

/* What there is no kernel for, when it is given. */
static const struct {
    const char *name, *what;
} refused[] = {
    {"deqScale1", "int8 queries"},
    {"dequantScale1", "int8 queries"},
    {"quantScale1", "int8 queries"},
    {"deqScale2", "int8 queries"},
    {"dequantScale2", "int8 queries"},
    {"dequantScaleQuery", "int8 queries"},
    {"keySharedPrefix", "shared prefixes"},
    {"valueSharedPrefix", "shared prefixes"},
    {"keyRopeAntiquantScale", "int8 keyRope"},
};

static int find(const stub_call *call, const char *const name[2]) {
    const int arg = stub_argument(call, name[0]);
    return arg < 0 && name[1] ? stub_argument(call, name[1]) : arg;
}

/* An optional tensor without elements is as good as none. */
const aclTensor *stub_infer_tensor(const stub_infer *infer, stub_infer_argument argument) {
    const aclTensor *tensor = infer->arg[argument] >= 0 ? infer->call->args[infer->arg[argument]].tensor : NULL;
    const bool required = argument == INFER_QUERY || argument == INFER_OUT;
    return tensor && !required && stub_tensor_numel(tensor) == 0 ? NULL : tensor;
}

bool stub_infer_has(const stub_infer *infer, stub_infer_argument argument) {
    return stub_infer_tensor(infer, argument) != NULL;
}

int64_t stub_infer_number(const stub_infer *infer, stub_infer_argument argument, int64_t otherwise) {
    return infer->arg[argument] >= 0 ? infer->call->args[infer->arg[argument]].integer : otherwise;
}

const aclIntArray *stub_infer_ints(const stub_infer *infer, stub_infer_argument argument) {
    const aclIntArray *ints = infer->arg[argument] >= 0 ? infer->call->args[infer->arg[argument]].ints : NULL;
    return ints && ints->size > 0 ? ints : NULL;
}

static bool is_list(const stub_infer *infer, stub_infer_argument argument) {
    return infer->call->op->params[infer->arg[argument]].kind == STUB_TENSOR_LIST;
}

uint64_t stub_infer_items(const stub_infer *infer, stub_infer_argument argument) {
    return is_list(infer, argument) ? infer->call->args[infer->arg[argument]].tensors->size : 1;
}

const aclTensor *stub_infer_item(const stub_infer *infer, stub_infer_argument argument, uint64_t i) {
    const stub_value value = infer->call->args[infer->arg[argument]];
    return is_list(infer, argument) ? value.tensors->items[i] : value.tensor;
}

static aclnnStatus refuse_features(const stub_call *call) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const int arg = stub_argument(call, refused[i].name);
        if (arg >= 0 && call->args[arg].tensor && stub_tensor_numel(call->args[arg].tensor) > 0) {
            return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                             "%s: %s is given; the stand-in has no kernel for attention with %s", call->op->name,
                             call->op->params[arg].name, refused[i].what);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_given(const stub_infer *infer) {
    static const stub_infer_argument required[] = {INFER_QUERY, INFER_KEY, INFER_VALUE, INFER_OUT};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        const uint32_t arg = (uint32_t)infer->arg[required[i]];
        STUB_REQUIRE(stub_check_given(infer->call, &arg, 1));
    }
    for (int k = INFER_KEY; k <= INFER_VALUE; k++) {
        const stub_infer_argument argument = (stub_infer_argument)k;
        for (uint64_t i = 0; i == 0 || i < stub_infer_items(infer, argument); i++) {
            if (stub_infer_items(infer, argument) == 0 || !stub_infer_item(infer, argument, i)) {
                return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s[%llu] is NULL; this tensor is required",
                                 infer->call->op->name, names[k][0], (unsigned long long)i);
            }
        }
    }
    return infer->call->args[infer->arg[INFER_LAYOUT]].text
               ? ACLNN_SUCCESS
               : stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: inputLayout is NULL", infer->call->op->name);
}

aclnnStatus stub_infer_read(const stub_call *call, const stub_infer_family *family, stub_infer *infer) {
    *infer = (stub_infer){.call = call, .family = family};
    for (int i = 0; i < INFER_ARGUMENTS; i++) {
        infer->arg[i] = find(call, names[i]);
    }
    STUB_REQUIRE(check_given(infer));
    return refuse_features(call);
}
