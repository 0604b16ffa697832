/* aclnnCtcLoss: the probability of a target, summed over its paths by the forward recursion, in fp64 and rounded once.
 * States of logAlpha that no path has are -infinity. */
#include "opapi/loss/ctc.h"

enum { PROBABILITIES, TARGETS, INPUT_LENGTHS, TARGET_LENGTHS, BLANK, ZERO_INFINITY, LOSS, ALPHA };
enum { ALPHA_UNIT = 8 };

static const ctc_arguments places = {PROBABILITIES, TARGETS,       INPUT_LENGTHS, TARGET_LENGTHS,
                                     BLANK,         ZERO_INFINITY, ALPHA};

ctc_sizes stub_ctc_sizes(const stub_call *call, const ctc_arguments *args) {
    const aclTensor *probabilities = stub_tensor_arg(call, args->probabilities);
    const int64_t *shape = probabilities->shape;
    return probabilities->rank == 3 ? (ctc_sizes){shape[0], shape[1], shape[2]} : (ctc_sizes){shape[0], 1, shape[1]};
}

int64_t stub_ctc_longest_target(const stub_call *call, const ctc_arguments *args) {
    const aclIntArray *lengths = call->args[args->target_lengths].ints;
    int64_t longest = 0;
    for (uint64_t i = 0; i < lengths->size; i++) {
        longest = lengths->values[i] > longest ? lengths->values[i] : longest;
    }
    return longest;
}

static aclnnStatus check_lengths(const stub_call *call, uint32_t arg, int64_t count, int64_t most) {
    const aclIntArray *lengths = call->args[arg].ints;
    const char *name = call->op->params[arg].name;
    if (lengths->size != (uint64_t)count) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s has %llu numbers; it has to have %lld, one for each sequence",
                         call->op->name, name, (unsigned long long)lengths->size, (long long)count);
    }
    for (int64_t i = 0; i < count; i++) {
        if (lengths->values[i] < 0 || lengths->values[i] > most) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s[%lld] is %lld; allowed are 0 to %lld", call->op->name,
                             name, (long long)i, (long long)lengths->values[i], (long long)most);
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_targets(const stub_call *call, const ctc_arguments *args, int64_t sequences) {
    const aclTensor *targets = stub_tensor_arg(call, args->targets);
    const aclIntArray *lengths = call->args[args->target_lengths].ints;
    STUB_REQUIRE(stub_check_rank(call, args->targets, 1, 2));
    STUB_REQUIRE(check_lengths(call, args->target_lengths, sequences,
                               targets->rank == 2 ? targets->shape[1] : targets->shape[0]));
    if (targets->rank == 2) {
        const int64_t dims[] = {sequences, targets->shape[1]};
        return stub_check_shape(call, args->targets, dims, 2, "the sequences, the longest target or more");
    }
    int64_t sum = 0;
    for (uint64_t i = 0; i < lengths->size; i++) {
        sum += lengths->values[i];
    }
    return stub_check_shape(call, args->targets, &sum, 1, "the sum of the targets' lengths");
}

aclnnStatus stub_ctc_check(const stub_call *call, const ctc_arguments *args) {
    const uint32_t arrays[] = {args->input_lengths, args->target_lengths};
    for (int i = 0; i < 2; i++) {
        if (call->args[arrays[i]].ints == NULL) {
            return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: %s is NULL; it is required", call->op->name,
                             call->op->params[arrays[i]].name);
        }
    }
    const ctc_sizes sizes = stub_ctc_sizes(call, args);
    const int64_t blank = call->args[args->blank].integer;
    if (sizes.steps == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: logProbs has no steps; it needs one at least", call->op->name);
    }
    if (blank < 0 || blank >= sizes.classes) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: blank is %lld; allowed are 0 to %lld", call->op->name,
                         (long long)blank, (long long)sizes.classes - 1);
    }
    STUB_REQUIRE(check_lengths(call, args->input_lengths, sizes.sequences, sizes.steps));
    return check_targets(call, args, sizes.sequences);
}

ctc stub_ctc_open(stub_numbers *set, const ctc_arguments *args) {
    ctc of = {set, args, stub_ctc_sizes(set->call, args), NULL, NULL};
    of.probabilities = stub_numbers_read(set, args->probabilities, ACL_DOUBLE);
    of.targets = stub_numbers_read(set, args->targets, ACL_INT64);
    for (int64_t n = 0; n < of.sizes.sequences && set->status == ACLNN_SUCCESS; n++) {
        const ctc_sequence one = stub_ctc_sequence(&of, n);
        stub_numbers_check_range(set, args->targets, one.target, one.labels, 0, of.sizes.classes);
    }
    return of;
}

ctc_sequence stub_ctc_sequence(const ctc *of, int64_t n) {
    const stub_call *call = of->set->call;
    const aclTensor *targets = stub_tensor_arg(call, of->args->targets);
    const int64_t *lengths = call->args[of->args->target_lengths].ints->values;
    int64_t at = targets->rank == 2 ? n * targets->shape[1] : 0;
    for (int64_t i = 0; i < n && targets->rank == 1; i++) {
        at += lengths[i];
    }
    return (ctc_sequence){.probabilities = of->probabilities + n * of->sizes.classes,
                          .step = of->sizes.sequences * of->sizes.classes,
                          .steps = call->args[of->args->input_lengths].ints->values[n],
                          .labels = lengths[n],
                          .blank = call->args[of->args->blank].integer,
                          .target = of->targets + at};
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {PROBABILITIES, TARGETS, LOSS, ALPHA};
    const stub_dtypes labels = STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_BOOL) |
                               STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_FLOAT16);
    const stub_dtype_rule rules[] = {{PROBABILITIES, STUB_ON_ALL(STUB_REALS)}, {TARGETS, STUB_ON_ALL(labels)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, LOSS, PROBABILITIES));
    STUB_REQUIRE(stub_check_same_dtype(call, ALPHA, PROBABILITIES));
    STUB_REQUIRE(stub_check_rank(call, PROBABILITIES, 2, 3));
    STUB_REQUIRE(stub_ctc_check(call, &places));
    const ctc_sizes sizes = stub_ctc_sizes(call, &places);
    const int64_t longest = stub_ctc_longest_target(call, &places);
    const int64_t alpha[] = {sizes.sequences, sizes.steps, (2 * longest + ALPHA_UNIT) / ALPHA_UNIT * ALPHA_UNIT};
    STUB_REQUIRE(stub_check_shape(call, LOSS, &sizes.sequences, stub_tensor_arg(call, PROBABILITIES)->rank == 3,
                                  "the sequences; none for [T, C]"));
    STUB_REQUIRE(stub_check_shape(call, ALPHA, alpha, 3, "sequences, steps, 2 * longest target + 8 in units of 8"));
    plan->nothing_to_run = sizes.sequences == 0;
    return ACLNN_SUCCESS;
}

/* alpha[t, s]: of all paths that are in state s at step t, `width` numbers each step. */
static void forward(const ctc_sequence *of, double *alpha, int64_t width) {
    for (int64_t t = 0; t < of->steps; t++) {
        const double *before = alpha + (t - 1) * width;
        for (int64_t s = 0; s < stub_ctc_states(of); s++) {
            double sum = t == 0 ? (s < 2 ? 0 : -(double)INFINITY) : before[s];
            if (t > 0 && s > 0) {
                sum = stub_ctc_sum(sum, before[s - 1]);
            }
            if (t > 0 && stub_ctc_skips(of, s)) {
                sum = stub_ctc_sum(sum, before[s - 2]);
            }
            alpha[t * width + s] = sum + stub_ctc_at(of, t, s);
        }
    }
}

/* Paths end in the last label or in the blank behind it. */
static double loss_of(const ctc_sequence *of, const double *alpha, int64_t width) {
    if (of->steps == 0) {
        return of->labels == 0 ? 0 : (double)INFINITY;
    }
    const double *last = alpha + (of->steps - 1) * width;
    const int64_t states = stub_ctc_states(of);
    return -(states > 1 ? stub_ctc_sum(last[states - 1], last[states - 2]) : last[0]);
}

static aclnnStatus run(const stub_call *call) {
    stub_numbers set = {.call = call};
    const ctc of = stub_ctc_open(&set, &places);
    const int64_t width = stub_last_dim(stub_tensor_arg(call, ALPHA)), block = of.sizes.steps * width;
    double *loss = stub_numbers_write(&set, LOSS, ACL_DOUBLE), *alpha = stub_numbers_write(&set, ALPHA, ACL_DOUBLE);
    for (int64_t n = 0; n < of.sizes.sequences && set.status == ACLNN_SUCCESS; n++) {
        const ctc_sequence one = stub_ctc_sequence(&of, n);
        for (int64_t i = 0; i < block; i++) {
            alpha[n * block + i] = -(double)INFINITY;
        }
        forward(&one, alpha + n * block, width);
        const double value = loss_of(&one, alpha + n * block, width);
        loss[n] = call->args[ZERO_INFINITY].flag && isinf(value) ? 0 : value;
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnCtcLoss, check, run)
