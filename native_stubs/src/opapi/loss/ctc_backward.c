/* aclnnCtcLossBackward: gradOut * (exp(logProbs) - the share of the paths in that class at that step), by the backward
 * recursion, in fp64 and rounded once. Steps behind a sequence's end have no gradient. */
#include "opapi/loss/ctc.h"

enum { GRAD, PROBABILITIES, TARGETS, INPUT_LENGTHS, TARGET_LENGTHS, LOSS, ALPHA, BLANK, ZERO_INFINITY, OUT };

static const ctc_arguments places = {PROBABILITIES, TARGETS,       INPUT_LENGTHS, TARGET_LENGTHS,
                                     BLANK,         ZERO_INFINITY, ALPHA};

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {GRAD, PROBABILITIES, TARGETS, LOSS, ALPHA, OUT};
    const uint32_t alike[] = {GRAD, LOSS, ALPHA, OUT};
    const stub_dtype_rule rules[] = {{PROBABILITIES, STUB_ON_ALL(STUB_REALS)},
                                     {TARGETS, STUB_ON_ALL(STUB_DTYPE(ACL_INT64) | STUB_DTYPE(ACL_INT32))}};
    STUB_REQUIRE(stub_check_given(call, tensors, 6));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    for (int i = 0; i < 4; i++) {
        STUB_REQUIRE(stub_check_same_dtype(call, alike[i], PROBABILITIES));
    }
    STUB_REQUIRE(stub_check_rank(call, PROBABILITIES, 3, 3));
    STUB_REQUIRE(stub_check_rank(call, ALPHA, 3, 3));
    STUB_REQUIRE(stub_ctc_check(call, &places));
    const ctc_sizes sizes = stub_ctc_sizes(call, &places);
    const int64_t width = stub_last_dim(stub_tensor_arg(call, ALPHA)), alpha[] = {sizes.sequences, sizes.steps, width};
    STUB_REQUIRE(stub_check_shape(call, GRAD, &sizes.sequences, 1, "the sequences"));
    STUB_REQUIRE(stub_check_shape(call, LOSS, &sizes.sequences, 1, "the sequences"));
    STUB_REQUIRE(stub_check_shape(call, ALPHA, alpha, 3, "sequences, steps, states"));
    STUB_REQUIRE(stub_check_same_shape(call, OUT, PROBABILITIES));
    const int64_t longest = stub_ctc_longest_target(call, &places);
    if (width < 2 * longest + 1) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: logAlpha has %lld states; a target of %lld labels needs %lld",
                         call->op->name, (long long)width, (long long)longest, (long long)(2 * longest + 1));
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUT)) == 0;
    return ACLNN_SUCCESS;
}

/* beta[s] of step t from that of step t + 1: of all paths that go on from state s. */
static void step_back(const ctc_sequence *of, int64_t t, const double *after, double *beta) {
    const int64_t states = stub_ctc_states(of);
    for (int64_t s = 0; s < states; s++) {
        double sum = t == of->steps - 1 ? (s + 2 >= states ? 0 : -(double)INFINITY) : after[s];
        if (t < of->steps - 1 && s + 1 < states) {
            sum = stub_ctc_sum(sum, after[s + 1]);
        }
        if (t < of->steps - 1 && s + 2 < states && stub_ctc_skips(of, s + 2)) {
            sum = stub_ctc_sum(sum, after[s + 2]);
        }
        beta[s] = sum + stub_ctc_at(of, t, s);
    }
}

typedef struct {
    double *beta[2], *classes; /* a step's states, twice; its classes */
    int64_t width, class_count;
} memory;

/* grads: of step 0, with the log probabilities' steps. */
static void backward(const ctc_sequence *of, const memory *room, const double *alpha, double loss, double grad,
                     double *grads) {
    for (int64_t t = of->steps; t-- > 0;) {
        double *beta = room->beta[t % 2];
        step_back(of, t, room->beta[(t + 1) % 2], beta);
        for (int64_t c = 0; c < room->class_count; c++) {
            room->classes[c] = -(double)INFINITY;
        }
        for (int64_t s = 0; s < stub_ctc_states(of); s++) {
            double *sum = &room->classes[stub_ctc_class(of, s)];
            *sum = stub_ctc_sum(*sum, alpha[t * room->width + s] + beta[s]);
        }
        for (int64_t c = 0; c < room->class_count; c++) {
            const double probability = of->probabilities[t * of->step + c], paths = room->classes[c];
            const double share = paths == -(double)INFINITY ? 0 : exp(paths + loss - probability);
            grads[t * of->step + c] = grad * (exp(probability) - share);
        }
    }
}

/* No path has the target: its loss is infinite, or was replaced by 0. */
static bool is_impossible(const ctc_sequence *of, const double *alpha, int64_t width, double loss) {
    if (of->steps == 0 || isinf(loss)) {
        return true;
    }
    const double *last = alpha + (of->steps - 1) * width;
    const int64_t states = stub_ctc_states(of);
    return last[states - 1] == -(double)INFINITY && (states == 1 || last[states - 2] == -(double)INFINITY);
}

static aclnnStatus run(const stub_call *call) {
    stub_numbers set = {.call = call};
    const ctc of = stub_ctc_open(&set, &places);
    memory room = {.width = stub_last_dim(stub_tensor_arg(call, ALPHA)), .class_count = of.sizes.classes};
    const double *grad = stub_numbers_read(&set, GRAD, ACL_DOUBLE), *loss = stub_numbers_read(&set, LOSS, ACL_DOUBLE);
    const double *alpha = stub_numbers_read(&set, ALPHA, ACL_DOUBLE);
    double *out = stub_numbers_write(&set, OUT, ACL_DOUBLE);
    room.beta[0] = stub_numbers_room(&set, room.width, sizeof(double));
    room.beta[1] = stub_numbers_room(&set, room.width, sizeof(double));
    room.classes = stub_numbers_room(&set, room.class_count, sizeof(double));
    for (int64_t n = 0; n < of.sizes.sequences && set.status == ACLNN_SUCCESS; n++) {
        const ctc_sequence one = stub_ctc_sequence(&of, n);
        const double *own = alpha + n * of.sizes.steps * room.width;
        if (call->args[ZERO_INFINITY].flag && is_impossible(&one, own, room.width, loss[n])) {
            continue;
        }
        backward(&one, &room, own, loss[n], grad[n], out + n * of.sizes.classes);
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnCtcLossBackward, check, run)
