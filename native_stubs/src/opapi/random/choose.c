/* Random choices: aclnnRandperm, aclnnMultinomial. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "opapi/elements.h"
#include "opapi/random/source.h"

/* Numbers of one stream, one after the other. */
typedef struct {
    stub_stream stream;
    uint64_t position;
    uint32_t words[STUB_PHILOX_BLOCK];
} sequence;

static uint32_t next_word(sequence *from) {
    const unsigned place = (unsigned)(from->position % STUB_PHILOX_BLOCK);
    if (place == 0) {
        stub_philox(from->stream, from->position / STUB_PHILOX_BLOCK, 1, from->words);
    }
    from->position++;
    return from->words[place];
}

static double next_unit(sequence *from) {
    const uint64_t low = next_word(from), high = next_word(from);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

static void put(const stub_view *out, int64_t offset, int64_t value) {
    stub_store(ACL_INT64, &value, 1, out->tensor->dtype, out->base + offset * (out->bits / 8), 0);
}

enum { N, SEED, OFFSET, PERMUTATION };

static aclnnStatus check_permutation(const stub_call *call, stub_plan *plan) {
    const uint32_t out = PERMUTATION;
    const stub_dtype_rule rule = {out, STUB_ON_ALL(STUB_REALS | STUB_INTEGERS)};
    STUB_REQUIRE(stub_check_given(call, &out, 1));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    STUB_REQUIRE(stub_check_shape(call, out, &call->args[N].integer, 1, "n"));
    plan->nothing_to_run = call->args[N].integer <= 0;
    return ACLNN_SUCCESS;
}

/* Fisher and Yates. */
static aclnnStatus run_permutation(const stub_call *call) {
    stub_view out;
    sequence from = {.position = 0};
    STUB_REQUIRE(stub_view_open(call, PERMUTATION, &out));
    STUB_REQUIRE(stub_stream_open(call, &from.stream));
    const int64_t n = call->args[N].integer;
    int64_t *values = malloc((size_t)n * sizeof *values);
    if (!values) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld numbers", call->op->name, (long long)n);
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t place = (int64_t)(next_unit(&from) * (double)(i + 1));
        values[i] = values[place];
        values[place] = i;
    }
    const aclTensor *tensor = out.tensor;
    for (int64_t i = 0; i < n; i++) {
        put(&out, tensor->offset + i * tensor->strides[0], values[i]);
    }
    free(values);
    return ACLNN_SUCCESS;
}

STUB_KERNEL(aclnnRandperm, check_permutation, run_permutation)

enum { WEIGHTS, SAMPLES, REPLACEMENT };

static uint32_t out_of(const stub_call *call) {
    return call->op->count - 1;
}

static aclnnStatus check_multinomial(const stub_call *call, stub_plan *plan) {
    const uint32_t out = out_of(call), tensors[] = {WEIGHTS, out};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    const stub_dtype_rule rules[] = {{WEIGHTS, STUB_ON_ALL(STUB_REALS)}, {out, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, WEIGHTS, 1, 2));
    const aclTensor *weights = stub_tensor_arg(call, WEIGHTS);
    const int64_t samples = call->args[SAMPLES].integer, choices = stub_last_dim(weights);
    if (samples <= 0 || (!call->args[REPLACEMENT].flag && samples > choices)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: numsamples is %lld; it must be above 0 and, without replacement, not above the %lld "
                         "choices of self",
                         call->op->name, (long long)samples, (long long)choices);
    }
    const int64_t dims[] = {weights->rank > 1 ? weights->shape[0] : samples, samples};
    STUB_REQUIRE(stub_check_shape(call, out, dims, weights->rank, "that of self, numsamples last"));
    plan->nothing_to_run = weights->rank > 1 && weights->shape[0] == 0;
    return stub_stream_check(call);
}

/* A choice and what orders it. */
typedef struct {
    double key;
    int64_t index;
} choice;

static int by_key(const void *a, const void *b) {
    const choice *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->index < y->index ? -1 : x->index > y->index;
}

/* With replacement: the choice whose part of the sum a uniform number falls into. */
static int64_t pick(const choice *sums, int64_t n, double at) {
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (sums[middle].key > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return sums[low].index;
}

/* Without: exponential numbers with the weights as their rates come in the order in which one would draw. */
static void race(choice *choices, int64_t n, sequence *from) {
    for (int64_t i = 0; i < n; i++) {
        const double weight = choices[i].key;
        choices[i].key = weight > 0 ? -log(1 - next_unit(from)) / weight : INFINITY;
    }
    qsort(choices, (size_t)n, sizeof *choices, by_key);
}

typedef struct {
    stub_view weights, out;
    int64_t choices, samples;
    bool replacement;
} multinomial;

static int64_t row_offset(const aclTensor *tensor, int64_t row) {
    return tensor->offset + (tensor->rank > 1 ? row * tensor->strides[0] : 0);
}

static double load_row(const multinomial *work, int64_t row, choice *choices) {
    const aclTensor *tensor = work->weights.tensor;
    const int64_t size = work->weights.bits / 8, step = tensor->strides[tensor->rank - 1] * size;
    const uint8_t *at = work->weights.base + row_offset(tensor, row) * size;
    double sum = 0;
    for (int64_t i = 0; i < work->choices; i++, at += step) {
        stub_load(tensor->dtype, at, 0, 1, ACL_DOUBLE, &choices[i].key);
        choices[i].index = i;
        sum += choices[i].key;
    }
    return sum;
}

static void draw_row(const multinomial *work, int64_t row, choice *choices, double sum, sequence *from) {
    double so_far = 0;
    for (int64_t i = 0; work->replacement && i < work->choices; i++) {
        choices[i].key = so_far += choices[i].key;
    }
    if (!work->replacement) {
        race(choices, work->choices, from);
    }
    const aclTensor *tensor = work->out.tensor;
    for (int64_t i = 0; i < work->samples; i++) {
        const int64_t found =
            work->replacement ? pick(choices, work->choices, next_unit(from) * sum) : choices[i].index;
        put(&work->out, row_offset(tensor, row) + i * tensor->strides[tensor->rank - 1], found);
    }
}

static aclnnStatus run_multinomial(const stub_call *call) {
    multinomial work = {.samples = call->args[SAMPLES].integer, .replacement = call->args[REPLACEMENT].flag};
    sequence from = {.position = 0};
    STUB_REQUIRE(stub_view_open(call, WEIGHTS, &work.weights));
    STUB_REQUIRE(stub_view_open(call, out_of(call), &work.out));
    STUB_REQUIRE(stub_stream_open(call, &from.stream));
    work.choices = stub_last_dim(work.weights.tensor);
    choice *choices = malloc((size_t)(work.choices > 0 ? work.choices : 1) * sizeof *choices);
    if (!choices) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld choices", call->op->name,
                         (long long)work.choices);
    }
    aclnnStatus status = ACLNN_SUCCESS;
    const int64_t rows = work.weights.tensor->rank > 1 ? work.weights.tensor->shape[0] : 1;
    for (int64_t row = 0; row < rows && status == ACLNN_SUCCESS; row++) {
        const double sum = load_row(&work, row, choices);
        if (sum > 0 && sum < INFINITY) {
            draw_row(&work, row, choices, sum, &from);
        } else {
            status = stub_fail(ACL_ERROR_RT_AICORE_EXCEPTION, "%s: the weights of row %lld have the sum %g",
                               call->op->name, (long long)row, sum);
        }
    }
    free(choices);
    return status;
}

STUB_KERNEL(aclnnMultinomial, check_multinomial, run_multinomial)
STUB_KERNEL(aclnnMultinomialTensor, check_multinomial, run_multinomial)
