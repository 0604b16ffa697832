/* aclnnLstmBackward: the gradients of an LSTM's input, states and parameters, from what its forward pass kept. Layers
 * from the last to the first, steps from the last to the first; fp32, rounded when all is there. */
#include <string.h>

#include "opapi/matmul/gemm.h"
#include "opapi/matmul/recurrent.h"

enum { INPUT, HX, PARAMS, DY, DH, DC, GATE_I, GATE_G, GATE_F, GATE_O, HIDDEN, CELL, BENT, BATCH_SIZES, HAS_BIAS };
enum { LAYERS = 15, BIDIRECTIONAL = 18, BATCH_FIRST, DX = 21, DH_PREV, DC_PREV, DPARAMS };
enum { GATES = 4, SAVED = BENT - GATE_I + 1 };

typedef struct {
    int64_t steps, batch, inputs, size, layers, directions, tensors;
} sizes;

static sizes sizes_of(const stub_call *call) {
    const int64_t *shape = stub_tensor_arg(call, INPUT)->shape;
    const bool batch_first = call->args[BATCH_FIRST].flag;
    return (sizes){shape[batch_first],
                   shape[!batch_first],
                   shape[2],
                   stub_last_dim(stub_tensor_arg(call, DH_PREV)),
                   call->args[LAYERS].integer,
                   call->args[BIDIRECTIONAL].flag ? 2 : 1,
                   call->args[HAS_BIAS].flag ? 4 : 2};
}

static aclnnStatus check_params(const stub_call *call, const sizes *of) {
    const int64_t each = of->tensors * of->directions;
    for (int k = 0; k < 2; k++) {
        const uint32_t arg = k == 0 ? PARAMS : DPARAMS;
        STUB_REQUIRE(stub_rnn_check_list(call, arg, of->layers * each));
        for (int64_t i = 0; i < of->layers * each; i++) {
            const int64_t part = i % of->tensors, inputs = i < each ? of->inputs : of->directions * of->size;
            const int64_t dims[] = {GATES * of->size, part == 0 ? inputs : of->size};
            STUB_REQUIRE(stub_rnn_check_item(call, arg, i, dims, part < 2 ? 2 : 1));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const sizes *of) {
    const int64_t *input = stub_tensor_arg(call, INPUT)->shape, all = of->layers * of->directions;
    const int64_t output[] = {input[0], input[1], of->directions * of->size}, states[] = {all, of->batch, of->size};
    const int64_t saved[] = {of->steps, of->batch, of->size};
    const uint32_t like_states[] = {DH, DC, DH_PREV, DC_PREV};
    STUB_REQUIRE(stub_check_shape(call, DY, output, 3, "those of input, directions times the state's size"));
    STUB_REQUIRE(stub_check_same_shape(call, DX, INPUT));
    for (int i = 0; i < 4; i++) {
        STUB_REQUIRE(
            stub_check_shape(call, like_states[i], states, 3, "layers and directions, batch, the state's size"));
    }
    STUB_REQUIRE(stub_rnn_check_list(call, HX, 2));
    STUB_REQUIRE(stub_rnn_check_item(call, HX, 0, states, 3));
    STUB_REQUIRE(stub_rnn_check_item(call, HX, 1, states, 3));
    for (uint32_t arg = GATE_I; arg <= BENT; arg++) {
        STUB_REQUIRE(stub_rnn_check_list(call, arg, all));
        for (int64_t i = 0; i < all; i++) {
            STUB_REQUIRE(stub_rnn_check_item(call, arg, i, saved, 3));
        }
    }
    return check_params(call, of);
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t required[] = {INPUT, DX, DH_PREV, DC_PREV}, alike[] = {DY, DH, DC, DX, DH_PREV, DC_PREV};
    const stub_dtype_rule rule = {INPUT, STUB_ON_ALL(STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16))};
    STUB_REQUIRE(stub_check_given(call, required, 4));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (int i = 0; i < 6; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, alike[i], INPUT));
    }
    if (stub_tensor_arg(call, BATCH_SIZES)) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR,
                         "%s: the stand-in has no kernel for sequences of different lengths (batchSizesOptional)",
                         call->op->name);
    }
    if (call->args[LAYERS].integer < 1 || call->args[LAYERS].integer > INT32_MAX) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: numLayers is %lld; it must be positive", call->op->name,
                         (long long)call->args[LAYERS].integer);
    }
    STUB_REQUIRE(stub_check_rank(call, INPUT, 3, 3));
    STUB_REQUIRE(stub_check_rank(call, DH_PREV, 3, 3));
    const sizes of = sizes_of(call);
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, INPUT)) == 0 || of.size == 0;
    return check_shapes(call, &of);
}

typedef struct {
    sizes of;
    stub_numbers set;
    float *gates, *before; /* steps x batch: the gates' gradients; the states before each step */
    float *dh, *dc;        /* of all layers: what dhPrevOut and dcPrevOut become */
    const float *h0, *c0;
} work;

/* out (m x n) += a^T b, or a b when `turned` is false. a has k (m) rows of m (k) numbers. */
static void multiply(work *w, const float *a, bool turned, const float *b, int64_t m, int64_t n, int64_t k,
                     float *out) {
    const stub_gemm gemm = {.m = m,
                            .n = n,
                            .k = k,
                            .a = {a, ACL_FLOAT, turned ? 1 : k, turned ? m : 1},
                            .b = {b, ACL_FLOAT, n, 1},
                            .c = out,
                            .c_row = n,
                            .adds = true};
    if (w->set.status == ACLNN_SUCCESS && !stub_gemm_run(&gemm)) {
        w->set.status = stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for a product", w->set.call->op->name);
    }
}

/* One layer in one direction. */
typedef struct {
    int64_t index, inputs;
    bool backwards;
    const float *saved[SAVED], *params[4];
    float *grads[4];
} layer;

static layer open_layer(work *w, int64_t index, int64_t inputs) {
    const stub_call *call = w->set.call;
    layer of = {.index = index, .inputs = inputs, .backwards = index % w->of.directions == 1};
    for (uint32_t i = 0; i < SAVED; i++) {
        of.saved[i] =
            stub_numbers_read_item(&w->set, GATE_I + i, call->args[GATE_I + i].tensors->items[index], ACL_FLOAT);
    }
    for (int64_t i = 0; i < w->of.tensors; i++) {
        const int64_t at = index * w->of.tensors + i;
        of.params[i] = stub_numbers_read_item(&w->set, PARAMS, call->args[PARAMS].tensors->items[at], ACL_FLOAT);
        of.grads[i] = stub_numbers_write_item(&w->set, DPARAMS, call->args[DPARAMS].tensors->items[at], ACL_FLOAT);
    }
    return of;
}

/* Element k of a sequence at a step, which is element `at` of what is saved. `to_h`, `to_c`: what comes from behind. */
static void step_one(const layer *of, int64_t at, float c_before, float to_h, float *to_c, float *gates, int64_t size) {
    const float i = of->saved[0][at], g = of->saved[1][at], f = of->saved[2][at], o = of->saved[3][at];
    const float bent = of->saved[BENT - GATE_I][at], grad = to_h * o * (1 - bent * bent) + *to_c;
    gates[0] = grad * g * i * (1 - i);
    gates[size] = grad * c_before * f * (1 - f);
    gates[2 * size] = grad * i * (1 - g * g);
    gates[3 * size] = to_h * bent * o * (1 - o);
    *to_c = grad * f;
}

static void step_back(work *w, const layer *of, int64_t t, const float *dy) {
    const int64_t size = w->of.size, states = w->of.batch * size, last = w->of.steps - 1;
    const int64_t earlier = of->backwards ? t + 1 : t - 1;
    const bool first = earlier < 0 || earlier > last;
    const float *c_before = first ? w->c0 + of->index * states : of->saved[CELL - GATE_I] + earlier * states;
    const float *h_before = first ? w->h0 + of->index * states : of->saved[HIDDEN - GATE_I] + earlier * states;
    float *dh = w->dh + of->index * states, *dc = w->dc + of->index * states;
    float *gates = w->gates + t * GATES * states;
    memcpy(w->before + t * states, h_before, (size_t)states * sizeof *h_before);
    for (int64_t k = 0; k < states; k++) {
        const int64_t b = k / size, column = k % size;
        const float from_output = dy ? dy[(t * w->of.batch + b) * w->of.directions * size + column] : 0;
        step_one(of, t * states + k, c_before[k], from_output + dh[k], &dc[k], gates + b * GATES * size + column, size);
    }
    memset(dh, 0, (size_t)states * sizeof *dh);
    multiply(w, gates, false, of->params[1], w->of.batch, size, GATES * size, dh);
}

static void run_layer(work *w, const layer *of, const float *input, const float *dy, float *dx) {
    const int64_t rows = w->of.steps * w->of.batch, width = GATES * w->of.size;
    for (int64_t i = 0; i < w->of.steps; i++) {
        step_back(w, of, of->backwards ? i : w->of.steps - 1 - i, dy);
    }
    multiply(w, w->gates, false, of->params[0], rows, of->inputs, width, dx);
    multiply(w, w->gates, true, input, width, of->inputs, rows, of->grads[0]);
    multiply(w, w->gates, true, w->before, width, w->of.size, rows, of->grads[1]);
    for (int64_t i = 0; i < rows * width && of->grads[2]; i++) {
        of->grads[2][i % width] += w->gates[i];
        of->grads[3][i % width] += w->gates[i];
    }
}

/* What a layer got: the hidden states of the one below, directions side by side. */
static float *input_of_layer(work *w, int64_t below) {
    const int64_t rows = w->of.steps * w->of.batch, size = w->of.size, width = w->of.directions * size;
    float *input = stub_numbers_room(&w->set, rows * width, sizeof *input);
    for (int64_t d = 0; d < w->of.directions; d++) {
        const aclTensor *from = w->set.call->args[HIDDEN].tensors->items[below * w->of.directions + d];
        const float *hidden = stub_numbers_read_item(&w->set, HIDDEN, from, ACL_FLOAT);
        for (int64_t r = 0; r < rows && w->set.status == ACLNN_SUCCESS; r++) {
            memcpy(input + r * width + d * size, hidden + r * size, (size_t)size * sizeof *input);
        }
    }
    return input;
}

/* A tensor with its steps first. */
static float *steps_first(work *w, uint32_t arg, int64_t width) {
    float *given = stub_numbers_read(&w->set, arg, ACL_FLOAT);
    if (given == NULL || !w->set.call->args[BATCH_FIRST].flag) {
        return given;
    }
    float *turned = stub_numbers_room(&w->set, w->of.steps * w->of.batch * width, sizeof *turned);
    if (turned) {
        stub_rnn_exchange(given, w->of.batch, w->of.steps, width, turned);
    }
    return turned;
}

static void run_layers(work *w, const float *input, const float *dy, float *dx) {
    const int64_t rows = w->of.steps * w->of.batch, width = w->of.directions * w->of.size;
    for (int64_t k = w->of.layers - 1; k >= 0 && w->set.status == ACLNN_SUCCESS; k--) {
        const float *below = k > 0 ? input_of_layer(w, k - 1) : input;
        float *to = k > 0 ? stub_numbers_room(&w->set, rows * width, sizeof *to) : dx;
        for (int64_t d = 0; d < w->of.directions; d++) {
            const layer of = open_layer(w, k * w->of.directions + d, k > 0 ? width : w->of.inputs);
            if (w->set.status == ACLNN_SUCCESS) {
                run_layer(w, &of, below, dy ? dy + d * w->of.size : NULL, to);
            }
        }
        dy = to;
    }
}

static float *state_gradient(work *w, uint32_t given, uint32_t result) {
    const float *from = stub_numbers_read(&w->set, given, ACL_FLOAT);
    float *to = stub_numbers_write(&w->set, result, ACL_FLOAT);
    if (from && to) {
        memcpy(to, from, (size_t)stub_tensor_numel(stub_tensor_arg(w->set.call, result)) * sizeof *to);
    }
    return to;
}

static aclnnStatus run(const stub_call *call) {
    work w = {.of = sizes_of(call), .set = {.call = call}};
    const int64_t rows = w.of.steps * w.of.batch;
    const float *input = steps_first(&w, INPUT, w.of.inputs), *dy = steps_first(&w, DY, w.of.directions * w.of.size);
    float *dx = stub_numbers_write(&w.set, DX, ACL_FLOAT);
    float *turned = stub_numbers_room(&w.set, rows * w.of.inputs, sizeof *turned);
    w.h0 = stub_numbers_read_item(&w.set, HX, call->args[HX].tensors->items[0], ACL_FLOAT);
    w.c0 = stub_numbers_read_item(&w.set, HX, call->args[HX].tensors->items[1], ACL_FLOAT);
    w.dh = state_gradient(&w, DH, DH_PREV);
    w.dc = state_gradient(&w, DC, DC_PREV);
    w.gates = stub_numbers_room(&w.set, rows * GATES * w.of.size, sizeof *w.gates);
    w.before = stub_numbers_room(&w.set, rows * w.of.size, sizeof *w.before);
    if (w.set.status == ACLNN_SUCCESS) {
        run_layers(&w, input, dy, turned);
        const bool batch_first = call->args[BATCH_FIRST].flag;
        stub_rnn_exchange(turned, batch_first ? w.of.steps : 1, batch_first ? w.of.batch : rows, w.of.inputs, dx);
    }
    return stub_numbers_end(&w.set);
}

STUB_KERNEL(aclnnLstmBackward, check, run)
