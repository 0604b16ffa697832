/* aclnnRoiAlign (ONNX), aclnnRoiAlignV2 (torchvision) and its gradient. */
#include "opapi/images/roi_align.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "opapi/images/floats.h"
#include "opapi/images/planes.h"

/* Numbers of arguments; `image` (batchIndices) and `mode` -1: the image's number leads each box, averages. */
typedef struct {
    bool backward;
    stub_dtypes allowed;
    uint32_t first, boxes, out; /* the images, or the result's gradient */
    int image, mode, aligned;
    uint32_t rows, samples, scale;
    uint32_t shape; /* backward: inputShape */
} stub_roi;

static aclnnStatus check_attributes(const stub_call *call, const stub_roi *data) {
    const double scale = call->args[data->scale].real;
    const char *mode = data->mode < 0 ? "avg" : call->args[data->mode].text;
    if (!mode || (strcmp(mode, "avg") != 0 && strcmp(mode, "max") != 0)) {
        return stub_fail(mode ? ACLNN_ERR_PARAM_INVALID : ACLNN_ERR_PARAM_NULLPTR,
                         "%s: mode is %s; allowed are avg and max", call->op->name, mode ? mode : "NULL");
    }
    if (!(scale > 0) || call->args[data->samples].integer < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: spatialScale is %g and samplingRatio is %lld; they must be positive, and not negative",
                         call->op->name, scale, (long long)call->args[data->samples].integer);
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const stub_roi *data) {
    const stub_dtype_rule rule = {data->first, STUB_ON_ALL(data->allowed)};
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_same_dtype(call, data->boxes, data->first));
    STUB_REQUIRE(stub_check_same_dtype(call, data->out, data->first));
    if (data->image >= 0) {
        const stub_dtype_rule image = {(uint32_t)data->image, STUB_ON_ALL(STUB_DTYPE(ACL_INT32))};
        STUB_REQUIRE(stub_check_dtypes(call, &image, 1));
    }
    return ACLNN_SUCCESS;
}

static const aclTensor *images_of(const stub_call *call, const stub_roi *data) {
    return stub_tensor_arg(call, data->backward ? data->out : data->first);
}

static aclnnStatus check_shapes(const stub_call *call, const stub_roi *data) {
    STUB_REQUIRE(stub_check_rank(call, data->first, 4, 4));
    STUB_REQUIRE(stub_check_rank(call, data->boxes, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, data->out, 4, 4));
    const aclTensor *images = images_of(call, data);
    const int64_t count = stub_tensor_arg(call, data->boxes)->shape[0], columns = data->image < 0 ? 5 : 4;
    const int64_t boxes[] = {count, columns};
    const int64_t result[] = {count, images->shape[1], call->args[data->rows].integer,
                              call->args[data->rows + 1].integer};
    STUB_REQUIRE(stub_check_shape(call, data->boxes, boxes, 2,
                                  data->image < 0 ? "image, x1, y1, x2, y2"
                                                  : "x1, y1, x2, "
                                                    "y2"));
    STUB_REQUIRE(stub_check_shape(call, data->backward ? data->first : data->out, result, 4,
                                  "regions, channels, height and width of a region's result"));
    if (data->backward) {
        uint64_t n;
        STUB_REQUIRE(stub_check_lengths(call, data->shape, 4, 0));
        return stub_check_shape(call, data->out, stub_argument_items(call, data->shape, &n), 4, "inputShape");
    }
    return data->image < 0 ? ACLNN_SUCCESS
                           : stub_check_shape(call, (uint32_t)data->image, &count, 1, "a number for each region");
}

static aclnnStatus stub_roi_check(const stub_call *call, stub_plan *plan, const stub_roi *data) {
    const uint32_t tensors[] = {data->first, data->boxes, data->out}, images[] = {data->first, data->out};
    STUB_REQUIRE(stub_check_given(call, tensors, 3));
    if (data->image >= 0) {
        STUB_REQUIRE(stub_check_given(call, &(uint32_t){(uint32_t)data->image}, 1));
    }
    STUB_REQUIRE(check_types(call, data));
    STUB_REQUIRE(stub_check_image_formats(call, images, 2, false));
    STUB_REQUIRE(check_attributes(call, data));
    STUB_REQUIRE(check_shapes(call, data));
    const int64_t *shape = images_of(call, data)->shape;
    if (shape[2] < 1 || shape[3] < 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: images of %lld x %lld elements have nothing to sample",
                         call->op->name, (long long)shape[2], (long long)shape[3]);
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, data->out)) == 0;
    return ACLNN_SUCCESS;
}

static stub_roi_shape shape_of(const stub_call *call, const stub_roi *data) {
    const int64_t *images = images_of(call, data)->shape;
    return (stub_roi_shape){.images = images[0],
                            .channels = images[1],
                            .height = images[2],
                            .width = images[3],
                            .regions = stub_tensor_arg(call, data->boxes)->shape[0],
                            .rows = call->args[data->rows].integer,
                            .columns = call->args[data->rows + 1].integer,
                            .samples = call->args[data->samples].integer,
                            .scale = (float)call->args[data->scale].real,
                            .aligned = data->aligned >= 0 && call->args[data->aligned].flag,
                            .largest = data->mode >= 0 && strcmp(call->args[data->mode].text, "max") == 0};
}

/* Moves the image numbers out of the boxes, or reads them from their own tensor. */
static void split_boxes(float *boxes, const float *image, int64_t regions, int64_t *numbers) {
    for (int64_t i = 0; i < regions; i++) {
        float box[5];
        memcpy(box, image ? boxes + i * 4 : boxes + i * 5, (image ? 4 : 5) * sizeof *box);
        const float number = image ? image[i] : floorf(box[0]);
        numbers[i] = number >= 0 && number < 0x1p31f ? (int64_t)number : -1;
        memmove(boxes + i * 4, box + (image ? 0 : 1), 4 * sizeof *box);
    }
}

typedef struct {
    stub_view first, boxes, image, out;
    stub_floats x, b, i, y;
} tensors;

static aclnnStatus open(const stub_call *call, const stub_roi *data, tensors *t) {
    STUB_REQUIRE(stub_view_open(call, data->first, &t->first));
    STUB_REQUIRE(stub_view_open(call, data->boxes, &t->boxes));
    STUB_REQUIRE(stub_view_open(call, data->out, &t->out));
    return data->image < 0 ? ACLNN_SUCCESS : stub_view_open(call, (uint32_t)data->image, &t->image);
}

static bool compute(const stub_roi *data, const stub_roi_shape *shape, tensors *t) {
    float *boxes = malloc(((size_t)stub_tensor_numel(t->boxes.tensor) + 1) * sizeof *boxes);
    int64_t *numbers = malloc(((size_t)shape->regions + 1) * sizeof *numbers);
    const bool ready = boxes && numbers && stub_floats_read(&t->x, &t->first, ACL_FLOAT) &&
                       stub_floats_read(&t->b, &t->boxes, ACL_FLOAT) && stub_floats_room(&t->y, &t->out) &&
                       (data->image < 0 || stub_floats_read(&t->i, &t->image, ACL_FLOAT));
    if (ready) {
        memcpy(boxes, t->b.numbers, (size_t)stub_tensor_numel(t->boxes.tensor) * sizeof *boxes);
        split_boxes(boxes, t->i.numbers, shape->regions, numbers);
        const stub_regions regions = {boxes, numbers};
        if (data->backward) {
            memset(t->y.numbers, 0, (size_t)stub_tensor_numel(t->out.tensor) * sizeof(float));
            stub_roi_backward(shape, &regions, t->x.numbers, t->y.numbers);
        } else {
            stub_roi_forward(shape, &regions, t->x.numbers, t->y.numbers);
        }
        stub_floats_write(&t->y, &t->out);
    }
    free(boxes);
    free(numbers);
    return ready;
}

static aclnnStatus stub_roi_run(const stub_call *call, const stub_roi *data) {
    const stub_roi_shape shape = shape_of(call, data);
    tensors t = {0};
    STUB_REQUIRE(open(call, data, &t));
    const bool done = compute(data, &shape, &t);
    stub_floats_free(&t.x);
    stub_floats_free(&t.b);
    stub_floats_free(&t.i);
    stub_floats_free(&t.y);
    return done ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER, "%s: no host memory for its arrays", call->op->name);
}

#define FLOAT16_AND_FLOAT (STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT))

STUB_FAMILY_KERNEL(aclnnRoiAlign, stub_roi,
                   {.allowed = FLOAT16_AND_FLOAT,
                    .first = 0,
                    .boxes = 1,
                    .image = 2,
                    .mode = 3,
                    .rows = 4,
                    .samples = 6,
                    .scale = 7,
                    .out = 8,
                    .aligned = -1})
STUB_FAMILY_KERNEL(aclnnRoiAlignV2, stub_roi,
                   {.allowed = FLOAT16_AND_FLOAT,
                    .first = 0,
                    .boxes = 1,
                    .image = -1,
                    .mode = -1,
                    .rows = 2,
                    .scale = 4,
                    .samples = 5,
                    .aligned = 6,
                    .out = 7})
STUB_FAMILY_KERNEL(aclnnRoiAlignV2Backward, stub_roi,
                   {.backward = true,
                    .allowed = STUB_DTYPE(ACL_FLOAT),
                    .first = 0,
                    .boxes = 1,
                    .image = -1,
                    .mode = -1,
                    .shape = 2,
                    .rows = 3,
                    .scale = 5,
                    .samples = 6,
                    .aligned = 7,
                    .out = 8})
