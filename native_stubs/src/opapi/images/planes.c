/* Checks of images and of the arrays that describe windows over them. */
#include "opapi/images/planes.h"

#include <string.h>

static const char *name_of(const stub_call *call, uint32_t arg) {
    return call->op->params[arg].name;
}

aclnnStatus stub_check_image_formats(const stub_call *call, const uint32_t *args, uint32_t count, bool takes_last) {
    const bool last = stub_is_channels_last(stub_tensor_arg(call, args[0]));
    for (uint32_t i = 0; i < count; i++) {
        const aclTensor *tensor = stub_tensor_arg(call, args[i]);
        if (!tensor) {
            continue;
        }
        if (!stub_tensor_has_base_format(tensor) || (stub_is_channels_last(tensor) && !takes_last)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has format %d; allowed are ND, NCL, NCHW, NCDHW%s",
                             call->op->name, name_of(call, args[i]), (int)tensor->format,
                             takes_last ? ", NHWC, NDHWC" : "");
        }
        if (stub_is_channels_last(tensor) != last) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has format %d, %s has %d; the two must be the same",
                             call->op->name, name_of(call, args[i]), (int)tensor->format, name_of(call, args[0]),
                             (int)stub_tensor_arg(call, args[0])->format);
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_check_image(const stub_call *call, uint32_t arg, const aclTensor *like, const int64_t *lengths,
                             uint32_t spatial, const char *rule) {
    int64_t shape[STUB_MAX_RANK];
    memcpy(shape, like->shape, like->rank * sizeof *shape);
    memcpy(shape + stub_first_spatial(like, spatial), lengths, spatial * sizeof *shape);
    return stub_check_shape(call, arg, shape, like->rank, rule);
}

aclnnStatus stub_read_windows(const stub_call *call, uint32_t arg, uint32_t spatial, const int64_t *standard,
                              int64_t least, int64_t numbers[STUB_MAX_SPATIAL]) {
    uint64_t count = 0;
    const int64_t *given = stub_argument_items(call, arg, &count);
    const bool none = count == 0 && standard;
    if (!given && !none) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; give one number, or one for each of %u axes",
                         call->op->name, name_of(call, arg), spatial);
    }
    if (!none && count != 1 && count != spatial) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu numbers; give one, or one for each of %u axes",
                         call->op->name, name_of(call, arg), (unsigned long long)count, spatial);
    }
    for (uint32_t i = 0; i < spatial; i++) {
        numbers[i] = none ? standard[i] : given[count == 1 ? 0 : i];
        if (numbers[i] < least || numbers[i] > INT32_MAX) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has the number %lld; allowed are %lld to %d",
                             call->op->name, name_of(call, arg), (long long)numbers[i], (long long)least, INT32_MAX);
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_check_lengths(const stub_call *call, uint32_t arg, uint32_t count, int64_t least) {
    uint64_t given = 0;
    const int64_t *lengths = stub_argument_items(call, arg, &given);
    if (!lengths) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it must have %u numbers", call->op->name,
                         name_of(call, arg), count);
    }
    if (given != count) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu numbers; it must have %u", call->op->name,
                         name_of(call, arg), (unsigned long long)given, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (lengths[i] < least || lengths[i] > INT32_MAX) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has the number %lld; allowed are %lld to %d",
                             call->op->name, name_of(call, arg), (long long)lengths[i], (long long)least, INT32_MAX);
        }
    }
    return ACLNN_SUCCESS;
}
