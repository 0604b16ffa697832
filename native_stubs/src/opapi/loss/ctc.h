/* Connectionist temporal classification: what the loss and its gradient have in common. */
#ifndef ASCEND_STUB_OPAPI_LOSS_CTC_H
#define ASCEND_STUB_OPAPI_LOSS_CTC_H

#include <math.h>

#include "opapi/moves/numbers.h"

/* Places of the arguments that both have. */
typedef struct {
    uint32_t probabilities, targets, input_lengths, target_lengths, blank, zero_infinity, alpha;
} ctc_arguments;

/* 161001, 161002: targets, lengths and blank against log probabilities of T steps, N sequences, C classes. */
aclnnStatus stub_ctc_check(const stub_call *call, const ctc_arguments *args);

/* Steps, sequences and classes; of [T, C], one sequence. */
typedef struct {
    int64_t steps, sequences, classes;
} ctc_sizes;
ctc_sizes stub_ctc_sizes(const stub_call *call, const ctc_arguments *args);

int64_t stub_ctc_longest_target(const stub_call *call, const ctc_arguments *args);

/* One sequence: its log probabilities, and its target with blanks around each label, 2 * labels + 1 states. */
typedef struct {
    const double *probabilities; /* of step 0; `step` numbers to the next step */
    int64_t step, steps, labels, blank;
    const int64_t *target;
} ctc_sequence;

typedef struct {
    stub_numbers *set;
    const ctc_arguments *args;
    ctc_sizes sizes;
    const double *probabilities;
    const int64_t *targets;
} ctc;

/* Loads what both need; a label out of range is the set's failure. */
ctc stub_ctc_open(stub_numbers *set, const ctc_arguments *args);
ctc_sequence stub_ctc_sequence(const ctc *of, int64_t n);

static inline int64_t stub_ctc_states(const ctc_sequence *of) {
    return 2 * of->labels + 1;
}

static inline int64_t stub_ctc_class(const ctc_sequence *of, int64_t state) {
    return state % 2 == 0 ? of->blank : of->target[state / 2];
}

/* Whether a path may go from state - 2 to state. */
static inline bool stub_ctc_skips(const ctc_sequence *of, int64_t state) {
    return state >= 2 && state % 2 == 1 && of->target[state / 2] != of->target[state / 2 - 1];
}

static inline double stub_ctc_at(const ctc_sequence *of, int64_t t, int64_t state) {
    return of->probabilities[t * of->step + stub_ctc_class(of, state)];
}

/* log(exp(a) + exp(b)) */
static inline double stub_ctc_sum(double a, double b) {
    const double most = a > b ? a : b;
    return most == -INFINITY ? most : most + log1p(exp(-fabs(a - b)));
}

#endif
