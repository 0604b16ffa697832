/* Recurrent networks: layers, each in one direction or both, of a cell that is applied step by step. Numbers are fp32;
 * what one step gives to the next is rounded to the tensors' type, as it is where hardware keeps it. */
#ifndef ASCEND_STUB_OPAPI_MATMUL_RECURRENT_H
#define ASCEND_STUB_OPAPI_MATMUL_RECURRENT_H

#include <stdbool.h>
#include <stdint.h>

#include "opapi/moves/numbers.h"

enum { STUB_MAX_SAVED = 7 };

/* One sequence at one step: `gates` blocks of `size` numbers of the input and of the state, biases added. */
typedef struct {
    int64_t size;
    const float *input, *state;
    float *hidden, *cell;         /* of the step before; to be replaced */
    float *saved[STUB_MAX_SAVED]; /* what training keeps */
} stub_cell;

/* Places of an operator's arguments, and what tells it from others. */
typedef struct {
    uint32_t outputs, lists; /* hy (and cy); the first list of what training keeps */
    int64_t gates;
    uint32_t states, saved; /* h (and c); lists */
    void (*step)(const stub_cell *cell);
} stub_recurrent;

enum {
    STUB_RNN_INPUT,
    STUB_RNN_PARAMS,
    STUB_RNN_STATE,
    STUB_RNN_BATCH_SIZES,
    STUB_RNN_HAS_BIAS,
    STUB_RNN_LAYERS,
    STUB_RNN_DROPOUT,
    STUB_RNN_TRAIN,
    STUB_RNN_BIDIRECTIONAL,
    STUB_RNN_BATCH_FIRST,
    STUB_RNN_OUTPUT
};

/* Of a network: sequences of `steps` vectors of `inputs` numbers, states of `size` numbers. */
typedef struct {
    int64_t steps, batch, inputs, size, layers, directions, tensors; /* parameters of a layer in one direction */
} stub_rnn_sizes;
stub_rnn_sizes stub_rnn_sizes_of(const stub_call *call, const stub_recurrent *op);

/* 161001, 161002: a list of so many tensors; item i of the input's type and a shape. */
aclnnStatus stub_rnn_check_list(const stub_call *call, uint32_t arg, int64_t count);
aclnnStatus stub_rnn_check_item(const stub_call *call, uint32_t arg, int64_t i, const int64_t *dims, uint32_t rank);

/* [a, b, n] becomes [b, a, n]. */
void stub_rnn_exchange(const float *from, int64_t a, int64_t b, int64_t n, float *to);

aclnnStatus stub_recurrent_check(const stub_call *call, stub_plan *plan, const stub_recurrent *op);
aclnnStatus stub_recurrent_run(const stub_call *call, const stub_recurrent *op);

#endif
