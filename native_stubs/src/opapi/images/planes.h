/* Images for the rooms of convolutions, pooling and sampling: tensors of 1 to 3 spatial axes, with the channels before
 * them (NCL, NCHW, NCDHW; ND counts as these) or behind them (NHWC, NDHWC). */
#ifndef ASCEND_STUB_OPAPI_IMAGES_PLANES_H
#define ASCEND_STUB_OPAPI_IMAGES_PLANES_H

#include <stdbool.h>
#include <stdint.h>

#include "opapi/kernel.h"

enum { STUB_MAX_SPATIAL = 3 };

static inline bool stub_is_channels_last(const aclTensor *tensor) {
    return tensor->format == ACL_FORMAT_NHWC || tensor->format == ACL_FORMAT_NDHWC;
}

/* The first of `spatial` neighbouring axes. */
static inline uint32_t stub_first_spatial(const aclTensor *tensor, uint32_t spatial) {
    return tensor->rank - spatial - (stub_is_channels_last(tensor) ? 1 : 0);
}

static inline const int64_t *stub_spatial_shape(const aclTensor *tensor, uint32_t spatial) {
    return tensor->shape + stub_first_spatial(tensor, spatial);
}

static inline uint32_t stub_spatial_axes(const aclTensor *tensor, uint32_t spatial) {
    return ((1u << spatial) - 1) << stub_first_spatial(tensor, spatial);
}

static inline uint32_t stub_channel_axis(const aclTensor *tensor, uint32_t spatial) {
    return stub_is_channels_last(tensor) ? tensor->rank - 1 : tensor->rank - spatial - 1;
}

/* 161002 unless the formats are plain, and all have their channels on the same side; channels behind only if the
 * operator takes them. NULL tensors pass. */
aclnnStatus stub_check_image_formats(const stub_call *call, const uint32_t *args, uint32_t count, bool takes_last);

/* The shape of `like` with other lengths of its spatial axes; 161002 unless argument `arg` has it. */
aclnnStatus stub_check_image(const stub_call *call, uint32_t arg, const aclTensor *like, const int64_t *lengths,
                             uint32_t spatial, const char *rule);

/* An array argument with a number for each spatial axis, or one for all of them, or none (`standard` for all; NULL: not
 * allowed), each at least `least`. */
aclnnStatus stub_read_windows(const stub_call *call, uint32_t arg, uint32_t spatial, const int64_t *standard,
                              int64_t least, int64_t numbers[STUB_MAX_SPATIAL]);

/* An array argument of exactly `count` numbers, each at least `least`: 161001 for none, 161002. */
aclnnStatus stub_check_lengths(const stub_call *call, uint32_t arg, uint32_t count, int64_t least);

#endif
