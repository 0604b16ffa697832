/* aclnnIm2col: the elements under each position of a kernel, for every window. aclnnIm2colBackward: their sums, in
 * fp32. */
#include <stdlib.h>

#include "opapi/moves/arrange.h"

/* Of the two image axes, height and width. */
typedef struct {
    int64_t image[2], kernel[2], dilation[2], padding[2], stride[2], windows[2];
} geometry;

/* The four pairs start at argument `first`. */
static aclnnStatus read_geometry(const stub_call *call, uint32_t first, const int64_t *image, geometry *of) {
    int64_t *const pairs[] = {of->kernel, of->dilation, of->padding, of->stride};
    for (uint32_t i = 0; i < 4; i++) {
        const int64_t *values;
        uint32_t count;
        STUB_REQUIRE(stub_read_ints(call, first + i, 2, 2, &values, &count));
        for (uint32_t k = 0; k < 2; k++) {
            pairs[i][k] = values[k];
            if (values[k] < (i == 2 ? 0 : 1) || values[k] > INT32_MAX) {
                return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s[%u] is %lld; it must be at least %d", call->op->name,
                                 call->op->params[first + i].name, k, (long long)values[k], i == 2 ? 0 : 1);
            }
        }
    }
    for (uint32_t k = 0; k < 2; k++) {
        const int64_t room = image[k] + 2 * of->padding[k] - of->dilation[k] * (of->kernel[k] - 1) - 1;
        of->image[k] = image[k];
        of->windows[k] = room < 0 ? 0 : room / of->stride[k] + 1;
        if (of->windows[k] < 1 || image[k] < 1) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: kernelSize[%u] %lld with its dilation does not fit into %lld", call->op->name, k,
                             (long long)of->kernel[k], (long long)image[k]);
        }
    }
    return ACLNN_SUCCESS;
}

/* Windows of axis k in which kernel position `at` lies inside the image: from *first on. */
static int64_t windows_inside(const geometry *of, uint32_t k, int64_t at, int64_t *first, int64_t *start) {
    const int64_t shift = at * of->dilation[k] - of->padding[k], stride = of->stride[k];
    *first = shift < 0 ? (-shift + stride - 1) / stride : 0;
    *start = shift + *first * stride;
    const int64_t fitting = *start < of->image[k] ? (of->image[k] - 1 - *start) / stride + 1 : 0;
    const int64_t left = of->windows[k] > *first ? of->windows[k] - *first : 0;
    return fitting < left ? fitting : left;
}

/* One kernel position: `windows` is [.., h, w] of the output, `image` [.., H, W]. Cuts both to what lies inside. */
static void cut(const geometry *of, const int64_t *at, stub_box *windows, stub_box *image) {
    for (uint32_t k = 0; k < 2; k++) {
        const uint32_t axis = windows->rank - 2 + k;
        int64_t first, start;
        const int64_t count = windows_inside(of, k, at[k], &first, &start);
        stub_box_take(windows, axis, first, count, 1);
        stub_box_take(image, axis, start, count, of->stride[k]);
    }
}

/* Columns [.., C * kernel, windows] as [.., C, kh, kw, h, w]. */
static void split_columns(const geometry *of, stub_box *columns) {
    const uint32_t last = columns->rank - 1;
    stub_box_split(columns, last, of->windows[0]);
    stub_box_split(columns, last - 1, columns->shape[last - 1] / (of->kernel[0] * of->kernel[1]));
    stub_box_split(columns, last, of->kernel[0]);
}

/* The columns of one kernel position: [.., C, h, w]. */
static stub_box pick_position(const stub_box *columns, const int64_t *at) {
    stub_box picked = *columns;
    stub_box_pick(&picked, columns->rank - 4, at[0]);
    stub_box_pick(&picked, columns->rank - 4, at[1]);
    return picked;
}

/* columns: [N, C * kernel, windows] for images [N, C, H, W]; both without N, too. */
static aclnnStatus check_columns(const stub_call *call, uint32_t arg, const geometry *of, const int64_t *lead,
                                 uint32_t leads) {
    int64_t shape[3];
    for (uint32_t i = 0; i < leads; i++) {
        shape[i] = lead[i];
    }
    shape[leads - 1] *= of->kernel[0] * of->kernel[1];
    shape[leads] = of->windows[0] * of->windows[1];
    return stub_check_shape(call, arg, shape, leads + 1, "C * kernel positions, windows");
}

enum { SELF, KERNEL, OUT = 5 };

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    geometry of;
    STUB_REQUIRE(stub_check_move(call, SELF, OUT, STUB_FLOATS));
    STUB_REQUIRE(stub_check_rank(call, SELF, 3, 4));
    const aclTensor *self = stub_tensor_arg(call, SELF);
    STUB_REQUIRE(read_geometry(call, KERNEL, self->shape + self->rank - 2, &of));
    STUB_REQUIRE(check_columns(call, OUT, &of, self->shape, self->rank - 2));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

static aclnnStatus run(const stub_call *call) {
    stub_box self, out;
    geometry of;
    STUB_REQUIRE(stub_box_open(call, SELF, &self));
    STUB_REQUIRE(stub_box_open(call, OUT, &out));
    STUB_REQUIRE(read_geometry(call, KERNEL, self.shape + self.rank - 2, &of));
    stub_fill_zero(&out);
    split_columns(&of, &out);
    for (int64_t i = 0; i < of.kernel[0] * of.kernel[1]; i++) {
        const int64_t at[] = {i / of.kernel[1], i % of.kernel[1]};
        stub_box windows = pick_position(&out, at), image = self;
        cut(&of, at, &windows, &image);
        stub_copy(&windows, &image);
    }
    return ACLNN_SUCCESS;
}

enum { GRAD, INPUT_SIZE, GRAD_KERNEL, GRAD_OUT = 6 };

static aclnnStatus check_backward(const stub_call *call, stub_plan *plan) {
    geometry of;
    const int64_t *size;
    uint32_t count;
    STUB_REQUIRE(stub_check_move(call, GRAD, GRAD_OUT, STUB_FLOATS));
    STUB_REQUIRE(stub_check_rank(call, GRAD, 2, 3));
    STUB_REQUIRE(stub_check_rank(call, GRAD_OUT, 3, 4));
    STUB_REQUIRE(stub_read_ints(call, INPUT_SIZE, 2, 2, &size, &count));
    STUB_REQUIRE(read_geometry(call, GRAD_KERNEL, size, &of));
    const aclTensor *grad = stub_tensor_arg(call, GRAD);
    const uint32_t leads = grad->rank - 1;
    int64_t shape[4];
    for (uint32_t i = 0; i < leads; i++) {
        shape[i] = grad->shape[i];
    }
    shape[leads - 1] /= of.kernel[0] * of.kernel[1];
    shape[leads] = size[0];
    shape[leads + 1] = size[1];
    STUB_REQUIRE(stub_check_shape(call, GRAD_OUT, shape, leads + 2, "C and inputSize"));
    STUB_REQUIRE(check_columns(call, GRAD, &of, shape, leads));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, GRAD_OUT)) == 0;
    return ACLNN_SUCCESS;
}

/* sums [.., H, W] += windows [.., h, w], both dense fp32 but for what was cut off. */
static void add_windows(const stub_box *sums, const stub_box *windows) {
    const uint32_t rank = sums->rank;
    const int64_t columns = windows->shape[rank - 1], rows = stub_box_size(windows) / (columns ? columns : 1);
    for (int64_t row = 0; row < rows && columns > 0; row++) {
        uint8_t *to = sums->first;
        const uint8_t *from = windows->first;
        int64_t rest = row;
        for (uint32_t i = rank - 1; i-- > 0; rest /= windows->shape[i]) {
            to += rest % windows->shape[i] * sums->steps[i];
            from += rest % windows->shape[i] * windows->steps[i];
        }
        for (int64_t c = 0; c < columns; c++) {
            float *sum = (float *)(void *)(to + c * sums->steps[rank - 1]);
            *sum += *(const float *)(const void *)(from + c * windows->steps[rank - 1]);
        }
    }
}

static void sum_positions(const geometry *of, stub_box columns, const stub_box *sums) {
    split_columns(of, &columns);
    for (int64_t i = 0; i < of->kernel[0] * of->kernel[1]; i++) {
        const int64_t at[] = {i / of->kernel[1], i % of->kernel[1]};
        stub_box windows = pick_position(&columns, at), image = *sums;
        cut(of, at, &windows, &image);
        add_windows(&image, &windows);
    }
}

static aclnnStatus run_backward(const stub_call *call) {
    stub_box grad, out;
    geometry of;
    STUB_REQUIRE(stub_box_open(call, GRAD, &grad));
    STUB_REQUIRE(stub_box_open(call, GRAD_OUT, &out));
    STUB_REQUIRE(read_geometry(call, GRAD_KERNEL, out.shape + out.rank - 2, &of));
    float *values = malloc((size_t)stub_box_size(&grad) * sizeof *values);
    float *sums = calloc((size_t)stub_box_size(&out), sizeof *sums);
    if (values != NULL && sums != NULL) {
        const stub_box columns = stub_box_over(values, ACL_FLOAT, grad.shape, grad.rank);
        const stub_box image = stub_box_over(sums, ACL_FLOAT, out.shape, out.rank);
        stub_copy(&columns, &grad);
        sum_positions(&of, columns, &image);
        stub_copy(&out, &image);
    }
    const bool done = values != NULL && sums != NULL;
    free(values), free(sums);
    return done ? ACLNN_SUCCESS : stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the sums", call->op->name);
}

STUB_KERNEL(aclnnIm2col, check, run)
STUB_KERNEL(aclnnIm2colBackward, check_backward, run_backward)
