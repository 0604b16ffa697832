/* Running recurrent networks: the products with the input for all steps at once, those with the state step by step. */
#include "opapi/matmul/recurrent.h"

#include <string.h>

#include "opapi/floats.h"
#include "opapi/matmul/gemm.h"

/* One layer in one direction. */
typedef struct {
    const float *weight_input, *weight_state, *bias_input, *bias_state;
    float *hidden, *cell; /* batch x size: the states */
    float *saved[STUB_MAX_SAVED];
    int64_t inputs;
    bool backwards;
} layer;

typedef struct {
    const stub_recurrent *op;
    stub_rnn_sizes sizes;
    stub_numbers set;
    aclDataType type;
    float *gates_input, *gates_state; /* steps x batch x gates, batch x gates */
    float *states[2];                 /* of all layers: what hy and cy become */
} network;

/* out = in W^T + bias, of `rows` rows. */
static void multiply(network *net, const float *in, int64_t rows, int64_t k, const float *weight, const float *bias,
                     float *out) {
    const int64_t n = net->op->gates * net->sizes.size;
    for (int64_t i = 0; i < rows && bias; i++) {
        memcpy(out + i * n, bias, (size_t)n * sizeof *out);
    }
    const stub_gemm gemm = {.m = rows,
                            .n = n,
                            .k = k,
                            .a = {in, ACL_FLOAT, k, 1},
                            .b = {weight, ACL_FLOAT, 1, k},
                            .c = out,
                            .c_row = n,
                            .adds = bias != NULL};
    if (!stub_gemm_run(&gemm)) {
        net->set.status =
            stub_fail(ACLNN_ERR_INNER_NULLPTR, "%s: no host memory for the gates", net->set.call->op->name);
    }
}

/* Sequence `b` at step `t`; the new h goes to its place in the layer's output as well. */
static void step_one(const network *net, const layer *of, int64_t t, int64_t b, float *output) {
    const int64_t size = net->sizes.size, gates = net->op->gates * size, row = t * net->sizes.batch + b;
    stub_cell cell = {.size = size,
                      .input = net->gates_input + row * gates,
                      .state = net->gates_state + b * gates,
                      .hidden = of->hidden + b * size,
                      .cell = of->cell ? of->cell + b * size : NULL};
    for (uint32_t i = 0; i < net->op->saved; i++) {
        cell.saved[i] = of->saved[i] ? of->saved[i] + row * size : NULL;
    }
    net->op->step(&cell);
    stub_floats_round(net->type, cell.hidden, (size_t)size);
    if (cell.cell) {
        stub_floats_round(net->type, cell.cell, (size_t)size);
    }
    memcpy(output + row * net->sizes.directions * size, cell.hidden, (size_t)size * sizeof *output);
}

static void run_layer(network *net, const layer *of, const float *input, float *output) {
    const stub_rnn_sizes *sizes = &net->sizes;
    multiply(net, input, sizes->steps * sizes->batch, of->inputs, of->weight_input, of->bias_input, net->gates_input);
    for (int64_t i = 0; i < sizes->steps && net->set.status == ACLNN_SUCCESS; i++) {
        multiply(net, of->hidden, sizes->batch, sizes->size, of->weight_state, of->bias_state, net->gates_state);
        for (int64_t b = 0; b < sizes->batch; b++) {
            step_one(net, of, of->backwards ? sizes->steps - 1 - i : i, b, output);
        }
    }
}

static void open_layer(network *net, int64_t index, int64_t inputs, layer *of) {
    stub_numbers *set = &net->set;
    const stub_call *call = set->call;
    const stub_rnn_sizes *sizes = &net->sizes;
    aclTensor *const *params = call->args[STUB_RNN_PARAMS].tensors->items + index * sizes->tensors;
    const float *given[4] = {NULL};
    for (int64_t i = 0; i < sizes->tensors; i++) {
        given[i] = stub_numbers_read_item(set, STUB_RNN_PARAMS, params[i], ACL_FLOAT);
    }
    const int64_t state = index * sizes->batch * sizes->size;
    *of = (layer){.weight_input = given[0],
                  .weight_state = given[1],
                  .bias_input = given[2],
                  .bias_state = given[3],
                  .hidden = set->status == ACLNN_SUCCESS ? net->states[0] + state : NULL,
                  .cell = net->states[1] ? net->states[1] + state : NULL,
                  .inputs = inputs,
                  .backwards = index % sizes->directions == 1};
    for (uint32_t i = 0; i < net->op->saved && call->args[STUB_RNN_TRAIN].flag; i++) {
        const uint32_t arg = net->op->lists + i;
        of->saved[i] = stub_numbers_write_item(set, arg, call->args[arg].tensors->items[index], ACL_FLOAT);
    }
}

void stub_rnn_exchange(const float *from, int64_t a, int64_t b, int64_t n, float *to) {
    for (int64_t i = 0; i < a * b; i++) {
        memcpy(to + (i % b * a + i / b) * n, from + i * n, (size_t)n * sizeof *to);
    }
}

static void open_states(network *net) {
    stub_numbers *set = &net->set;
    const stub_recurrent *op = net->op;
    const stub_value *given = &set->call->args[STUB_RNN_STATE];
    const int64_t count = net->sizes.layers * net->sizes.directions * net->sizes.batch * net->sizes.size;
    for (uint32_t i = 0; i < op->states; i++) {
        const aclTensor *from = op->states == 1                          ? given->tensor
                                : given->tensors && given->tensors->size ? given->tensors->items[i]
                                                                         : NULL;
        const float *state = stub_numbers_read_item(set, STUB_RNN_STATE, from, ACL_FLOAT);
        net->states[i] = stub_numbers_write(set, op->outputs + i, ACL_FLOAT);
        if (state && net->states[i]) {
            memcpy(net->states[i], state, (size_t)count * sizeof *state);
        }
    }
}

static void run_layers(network *net, float *current, float *next, float *given) {
    const stub_rnn_sizes *sizes = &net->sizes;
    const float *input = given;
    for (int64_t k = 0; k < sizes->layers; k++) {
        float *output = k % 2 == 0 ? current : next;
        for (int64_t d = 0; d < sizes->directions && net->set.status == ACLNN_SUCCESS; d++) {
            layer of;
            open_layer(net, k * sizes->directions + d, k == 0 ? sizes->inputs : sizes->directions * sizes->size, &of);
            if (net->set.status == ACLNN_SUCCESS) {
                run_layer(net, &of, input, output + d * sizes->size);
            }
        }
        input = output;
    }
}

aclnnStatus stub_recurrent_run(const stub_call *call, const stub_recurrent *op) {
    const bool batch_first = call->args[STUB_RNN_BATCH_FIRST].flag;
    network net = {.op = op, .sizes = stub_rnn_sizes_of(call, op), .set = {.call = call}};
    const stub_rnn_sizes *sizes = &net.sizes;
    const int64_t rows = sizes->steps * sizes->batch, width = sizes->directions * sizes->size;
    net.type = stub_tensor_arg(call, STUB_RNN_INPUT)->dtype;
    float *input = stub_numbers_read(&net.set, STUB_RNN_INPUT, ACL_FLOAT);
    float *output = stub_numbers_write(&net.set, STUB_RNN_OUTPUT, ACL_FLOAT);
    float *ordered = stub_numbers_room(&net.set, rows * sizes->inputs, sizeof(float));
    float *layers[] = {stub_numbers_room(&net.set, rows * width, sizeof(float)),
                       stub_numbers_room(&net.set, rows * width, sizeof(float))};
    net.gates_input = stub_numbers_room(&net.set, rows * op->gates * sizes->size, sizeof(float));
    net.gates_state = stub_numbers_room(&net.set, sizes->batch * op->gates * sizes->size, sizeof(float));
    open_states(&net);
    if (net.set.status == ACLNN_SUCCESS) {
        if (batch_first) {
            stub_rnn_exchange(input, sizes->batch, sizes->steps, sizes->inputs, ordered);
        }
        run_layers(&net, layers[0], layers[1], batch_first ? ordered : input);
        const float *last = layers[(sizes->layers - 1) % 2];
        stub_rnn_exchange(last, batch_first ? sizes->steps : 1, batch_first ? sizes->batch : rows, width, output);
    }
    return stub_numbers_end(&net.set);
}
