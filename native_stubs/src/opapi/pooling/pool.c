/* The pooling operators: which arguments each has, and how its planes are run. */
#include "opapi/pooling/pool.h"

#include "opapi/lines.h"

static const stub_pool_planes *const planes_of[] = {[STUB_POOL_AVERAGE] = &stub_pool_average,
                                                    [STUB_POOL_LARGEST] = &stub_pool_largest,
                                                    [STUB_POOL_MASK] = &stub_pool_mask};

/* Opens a tensor as the next operand of the lines; arrays of the mask have its two axes. */
static aclnnStatus add(const stub_call *call, const stub_pool *data, int arg, aclDataType as, stub_view *views,
                       stub_lines *lines, uint32_t *number) {
    const uint32_t k = lines->inputs + lines->outputs;
    STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &views[k]));
    lines->operand[k] = (stub_line_operand){&views[k], stub_spatial_axes(views[k].tensor, data->spatial), as};
    (*number)++;
    return ACLNN_SUCCESS;
}

static stub_pool_plane *choose(const stub_pool *data, const stub_pool_boxes *boxes, bool wide) {
    if (data->grad != STUB_POOL_NONE) {
        return planes_of[data->kind]->backward[wide];
    }
    if (boxes->shape.adaptive || data->indices != STUB_POOL_NONE || wide) {
        return planes_of[data->kind]->forward[wide];
    }
    return data->kind == STUB_POOL_AVERAGE ? stub_pool_rows_average : stub_pool_rows_largest;
}

static aclnnStatus run_planes(const stub_call *call, const stub_pool *data, const stub_pool_boxes *boxes) {
    const bool backward = data->grad != STUB_POOL_NONE, has_indices = data->indices != STUB_POOL_NONE;
    const bool wide = stub_tensor_arg(call, (uint32_t)data->self)->dtype == ACL_DOUBLE;
    const aclDataType as = wide ? ACL_DOUBLE : ACL_FLOAT;
    stub_view views[3];
    stub_lines lines = {.constants = boxes, .line = choose(data, boxes, wide)};
    const bool rounds = data->cube && call->args[data->cube].integer == STUB_POOL_FP16;
    const aclDataType loaded = rounds ? ACL_FLOAT16 : as;
    STUB_REQUIRE(add(call, data, backward ? data->grad : data->self, loaded, views, &lines, &lines.inputs));
    if (has_indices && backward) {
        STUB_REQUIRE(add(call, data, data->indices, ACL_INT64, views, &lines, &lines.inputs));
    }
    STUB_REQUIRE(add(call, data, data->out, as, views, &lines, &lines.outputs));
    if (has_indices && !backward) {
        STUB_REQUIRE(add(call, data, data->indices, ACL_INT64, views, &lines, &lines.outputs));
    }
    return stub_lines_run(call, &lines);
}

static aclnnStatus stub_pool_run(const stub_call *call, const stub_pool *data) {
    stub_pool_shape shape;
    stub_pool_boxes boxes;
    STUB_REQUIRE(stub_pool_read(call, data, &shape));
    const bool made = stub_pool_boxes_make(&boxes, &shape);
    const aclnnStatus status =
        made ? run_planes(call, data, &boxes) : stub_fail(ACLNN_ERR_INNER, "%s: no host memory", call->op->name);
    stub_pool_boxes_free(&boxes);
    return status != ACL_ERROR_RT_AICORE_EXCEPTION ? status
                                                   : stub_fail(status, "%s: %s has an index outside of the plane",
                                                               call->op->name, call->op->params[data->indices].name);
}

#define NONE STUB_POOL_NONE
#define INDEX32 STUB_DTYPE(ACL_INT32)
#define INDEX64 STUB_DTYPE(ACL_INT64)
#define AVERAGE .kind = STUB_POOL_AVERAGE, .indices = NONE
#define LARGEST .kind = STUB_POOL_LARGEST
#define MASK .kind = STUB_POOL_MASK, .index_types = STUB_DTYPE(ACL_INT8)

/* Arguments in the order of the signatures; averages have no dilation, largest elements no divisor. */
#define WINDOW(first) .size = NONE, .kernel = (first), .stride = (first) + 1, .padding = (first) + 2
#define AVERAGED(first)                                                                                                \
    WINDOW(first), .dilation = NONE, .ceil = (first) + 3, .include = (first) + 4, .divisor = (first) + 5
#define SEARCHED(first) WINDOW(first), .dilation = (first) + 3, .ceil = (first) + 4, .include = NONE, .divisor = NONE
#define ADAPTED(size_)                                                                                                 \
    .size = (size_), .kernel = NONE, .stride = NONE, .padding = NONE, .dilation = NONE, .ceil = NONE, .include = NONE, \
    .divisor = NONE
#define TENSORS(axes, self_, grad_, out_) .spatial = (axes), .self = (self_), .grad = (grad_), .out = (out_)
#define FLOATS .allowed = STUB_FLOATS

STUB_FAMILY_KERNEL(aclnnAvgPool2d, stub_pool, {AVERAGE, FLOATS, TENSORS(2, 0, NONE, 8), AVERAGED(1), .cube = 7})
STUB_FAMILY_KERNEL(aclnnAvgPool2dBackward, stub_pool, {AVERAGE, FLOATS, TENSORS(2, 1, 0, 9), AVERAGED(2)})
STUB_FAMILY_KERNEL(aclnnAvgPool3d, stub_pool,
                   {AVERAGE, FLOATS, TENSORS(3, 0, NONE, 7), AVERAGED(1), .kernel_fits = true})
STUB_FAMILY_KERNEL(aclnnAvgPool3dBackward, stub_pool, {AVERAGE, FLOATS, TENSORS(3, 1, 0, 8), AVERAGED(2)})

STUB_FAMILY_KERNEL(aclnnMaxPool, stub_pool,
                   {LARGEST, .allowed = STUB_DTYPE(ACL_FLOAT16) | STUB_DTYPE(ACL_FLOAT), TENSORS(2, 0, NONE, 7),
                    .indices = NONE, .stride_is_one = true, .size = NONE, .kernel = 1, .stride = 2, .padding = 4,
                    .dilation = 5, .ceil = 6, .auto_pad = 3, .include = NONE, .divisor = NONE})
STUB_FAMILY_KERNEL(aclnnMaxPool2dWithIndices, stub_pool,
                   {LARGEST, FLOATS, TENSORS(2, 0, NONE, 6), SEARCHED(1), .indices = 7,
                    .index_types = INDEX32 | INDEX64})
STUB_FAMILY_KERNEL(aclnnMaxPool2dWithIndicesBackward, stub_pool,
                   {LARGEST, .allowed = STUB_DTYPE(ACL_FLOAT), TENSORS(2, 1, 0, 8), SEARCHED(3), .indices = 2,
                    .index_types = INDEX32})
STUB_FAMILY_KERNEL(aclnnMaxPool2dWithMask, stub_pool, {MASK, FLOATS, TENSORS(2, 0, NONE, 6), SEARCHED(1), .indices = 7})
STUB_FAMILY_KERNEL(aclnnMaxPool2dWithMaskBackward, stub_pool,
                   {MASK, FLOATS, TENSORS(2, 1, 0, 8), SEARCHED(3), .indices = 2})
STUB_FAMILY_KERNEL(aclnnMaxPool3dWithArgmax, stub_pool,
                   {LARGEST, FLOATS, TENSORS(3, 0, NONE, 6), SEARCHED(1), .indices = 7, .index_types = INDEX32})
STUB_FAMILY_KERNEL(aclnnMaxPool3dWithArgmaxBackward, stub_pool,
                   {LARGEST, FLOATS, TENSORS(3, 1, 0, 8), SEARCHED(3), .indices = 2, .index_types = INDEX32})

STUB_FAMILY_KERNEL(aclnnAdaptiveAvgPool2d, stub_pool, {AVERAGE, FLOATS, TENSORS(2, 0, NONE, 2), ADAPTED(1)})
STUB_FAMILY_KERNEL(aclnnAdaptiveAvgPool2dBackward, stub_pool, {AVERAGE, FLOATS, TENSORS(2, 1, 0, 2), ADAPTED(NONE)})
STUB_FAMILY_KERNEL(aclnnAdaptiveAvgPool3d, stub_pool, {AVERAGE, FLOATS, TENSORS(3, 0, NONE, 2), ADAPTED(1)})
STUB_FAMILY_KERNEL(aclnnAdaptiveAvgPool3dBackward, stub_pool, {AVERAGE, FLOATS, TENSORS(3, 1, 0, 2), ADAPTED(NONE)})
STUB_FAMILY_KERNEL(aclnnAdaptiveMaxPool2d, stub_pool,
                   {LARGEST, .allowed = STUB_REALS, TENSORS(2, 0, NONE, 2), ADAPTED(1), .indices = 3,
                    .index_types = INDEX64, .takes_last = true})
STUB_FAMILY_KERNEL(aclnnAdaptiveMaxPool2dBackward, stub_pool,
                   {LARGEST, FLOATS, TENSORS(2, 1, 0, 3), ADAPTED(NONE), .indices = 2,
                    .index_types = INDEX32 | INDEX64})
STUB_FAMILY_KERNEL(aclnnAdaptiveMaxPool3d, stub_pool,
                   {LARGEST, FLOATS, TENSORS(3, 0, NONE, 2), ADAPTED(1), .indices = 3, .index_types = INDEX32})
STUB_FAMILY_KERNEL(aclnnAdaptiveMaxPool3dBackward, stub_pool,
                   {LARGEST, FLOATS, TENSORS(3, 1, 0, 3), ADAPTED(NONE), .indices = 2, .index_types = INDEX32})
