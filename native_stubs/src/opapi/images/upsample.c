/* The upsampling operators: each is a filter, a number of axes and what it takes. */
#include "opapi/images/upsample.h"

static bool make_taps(const stub_upsample *data, const stub_upsample_call *found, uint32_t axis, stub_taps *taps) {
    stub_taps forward;
    bool made = stub_taps_make(&forward, data->filter, found->inputs[axis], found->outputs[axis], found->steps[axis],
                               found->corners);
    if (!found->backward) {
        *taps = forward;
        return made;
    }
    made = made && stub_taps_transpose(&forward, taps);
    stub_taps_free(&forward);
    return made;
}

static aclnnStatus stub_upsample_run(const stub_call *call, const stub_upsample *data) {
    stub_upsample_call found;
    stub_taps taps[STUB_MAX_SPATIAL] = {{0}};
    stub_view in, out;
    stub_upsample_read(call, data, &found);
    STUB_REQUIRE(stub_view_open(call, 0, &in));
    STUB_REQUIRE(stub_view_open(call, found.out, &out));
    bool made = true;
    for (uint32_t i = 0; i < data->axes && made; i++) {
        made = make_taps(data, &found, i, &taps[i]);
    }
    const aclnnStatus status = made ? stub_resample(call, &in, &out, taps, data->axes)
                                    : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its taps", call->op->name);
    for (uint32_t i = 0; i < data->axes; i++) {
        stub_taps_free(&taps[i]);
    }
    return status;
}

#define BYTES STUB_DTYPE(ACL_UINT8)

#define UPSAMPLE(filter_, axes_, allowed_, ...) {.filter = filter_, .axes = axes_, .allowed = allowed_, __VA_ARGS__}
#define LAST .takes_last = true
#define POSITIVE .no_negative = true

STUB_FAMILY_KERNEL(aclnnUpsampleNearest1d, stub_upsample, UPSAMPLE(STUB_NEAREST, 1, STUB_REALS | BYTES))
STUB_FAMILY_KERNEL(aclnnUpsampleNearest1dV2, stub_upsample, UPSAMPLE(STUB_NEAREST, 1, STUB_REALS | BYTES))
STUB_FAMILY_KERNEL(aclnnUpsampleNearest1dBackward, stub_upsample, UPSAMPLE(STUB_NEAREST, 1, STUB_REALS))
STUB_FAMILY_KERNEL(aclnnUpsampleNearest2d, stub_upsample, UPSAMPLE(STUB_NEAREST, 2, STUB_REALS | BYTES, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleNearest2dV2, stub_upsample, UPSAMPLE(STUB_NEAREST, 2, STUB_REALS | BYTES, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleNearest2dBackward, stub_upsample, UPSAMPLE(STUB_NEAREST, 2, STUB_FLOATS, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleNearest3d, stub_upsample, UPSAMPLE(STUB_NEAREST, 3, STUB_REALS, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleNearest3dBackward, stub_upsample, UPSAMPLE(STUB_NEAREST, 3, STUB_REALS, LAST))

STUB_FAMILY_KERNEL(aclnnUpsampleNearestExact1d, stub_upsample, UPSAMPLE(STUB_NEAREST_EXACT, 1, STUB_FLOATS | BYTES))
STUB_FAMILY_KERNEL(aclnnUpsampleNearestExact1dBackward, stub_upsample,
                   UPSAMPLE(STUB_NEAREST_EXACT, 1, STUB_FLOATS, POSITIVE))
STUB_FAMILY_KERNEL(aclnnUpsampleNearestExact2d, stub_upsample,
                   UPSAMPLE(STUB_NEAREST_EXACT, 2, STUB_FLOATS | BYTES, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleNearestExact2dBackward, stub_upsample,
                   UPSAMPLE(STUB_NEAREST_EXACT, 2, STUB_FLOATS, POSITIVE))
STUB_FAMILY_KERNEL(aclnnUpsampleNearestExact3d, stub_upsample,
                   UPSAMPLE(STUB_NEAREST_EXACT, 3, STUB_FLOATS, LAST, .agrees = true))
STUB_FAMILY_KERNEL(aclnnUpsampleNearestExact3dBackward, stub_upsample,
                   UPSAMPLE(STUB_NEAREST_EXACT, 3, STUB_FLOATS, LAST, .most = 50))

STUB_FAMILY_KERNEL(aclnnUpsampleLinear1d, stub_upsample, UPSAMPLE(STUB_LINEAR, 1, STUB_FLOATS, .agrees = true))
STUB_FAMILY_KERNEL(aclnnUpsampleLinear1dBackward, stub_upsample, UPSAMPLE(STUB_LINEAR, 1, STUB_FLOATS, .most = 500))
STUB_FAMILY_KERNEL(aclnnUpsampleBilinear2d, stub_upsample,
                   UPSAMPLE(STUB_LINEAR, 2, STUB_REALS, LAST, POSITIVE, .wide_is_last = true))
STUB_FAMILY_KERNEL(aclnnUpsampleBilinear2dBackward, stub_upsample, UPSAMPLE(STUB_LINEAR, 2, STUB_FLOATS, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleBilinear2dBackwardV2, stub_upsample, UPSAMPLE(STUB_LINEAR, 2, STUB_FLOATS, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleTrilinear3d, stub_upsample, UPSAMPLE(STUB_LINEAR, 3, STUB_REALS, LAST))
STUB_FAMILY_KERNEL(aclnnUpsampleTrilinear3dBackward, stub_upsample, UPSAMPLE(STUB_LINEAR, 3, STUB_REALS, LAST))

STUB_FAMILY_KERNEL(aclnnUpsampleBicubic2d, stub_upsample, UPSAMPLE(STUB_CUBIC, 2, STUB_FLOATS, .agrees = true))
STUB_FAMILY_KERNEL(aclnnUpsampleBicubic2dBackward, stub_upsample, UPSAMPLE(STUB_CUBIC, 2, STUB_FLOATS))

STUB_FAMILY_KERNEL(aclnnUpsampleBilinear2dAA, stub_upsample,
                   UPSAMPLE(STUB_LINEAR_AA, 2, STUB_FLOATS, POSITIVE, .most = 50))
STUB_FAMILY_KERNEL(aclnnUpsampleBilinear2dAABackward, stub_upsample, UPSAMPLE(STUB_LINEAR_AA, 2, STUB_FLOATS, POSITIVE))
STUB_FAMILY_KERNEL(aclnnUpsampleBicubic2dAA, stub_upsample, UPSAMPLE(STUB_CUBIC_AA, 2, STUB_FLOATS, .most = 50))
STUB_FAMILY_KERNEL(aclnnUpsampleBicubic2dAAGrad, stub_upsample, UPSAMPLE(STUB_CUBIC_AA, 2, STUB_FLOATS, POSITIVE))
