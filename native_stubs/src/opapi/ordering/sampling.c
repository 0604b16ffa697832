/* aclnnApplyTopKTopP: logits that are not among the k largest, or not needed to come to a probability of p, become
 * -infinity. aclnnTopKTopPSample: one of those that stay, the likeliest or, with q, that of the largest p / (|q| +
 * eps). fp32, sums one after the other. */
#include <math.h>

#include "opapi/kernel.h"
#include "opapi/math.h"
#include "opapi/moves/numbers.h"
#include "opapi/ordering/order.h"

#define K_TYPES STUB_DTYPE(ACL_INT32)

/* One row of logits and its sorted order. */
typedef struct {
    int64_t count;
    const float *logits;
    stub_ordered *items, *room;
    float *values; /* in order */
} sorted_row;

static void open_rows(stub_numbers *set, int64_t count, sorted_row *row) {
    row->count = count;
    row->items = stub_numbers_room(set, count, sizeof *row->items);
    row->room = stub_numbers_room(set, count, sizeof *row->room);
    row->values = stub_numbers_room(set, count, sizeof *row->values);
}

static void sort_row(sorted_row *row, bool descending) {
    stub_order_keys(STUB_F32, row->logits, (size_t)row->count, descending, row->items);
    stub_order_sort(row->items, (size_t)row->count, row->room);
    for (int64_t i = 0; i < row->count; i++) {
        row->values[i] = row->logits[row->items[i].place];
    }
}

static void softmax(const float *x, int64_t n, float most, float *to) {
    float sum = 0;
    for (int64_t i = 0; i < n; i++) {
        to[i] = stub_expf(x[i] - most);
        sum += to[i];
    }
    for (int64_t i = 0; i < n; i++) {
        to[i] /= sum;
    }
}

enum { LOGITS, P, K, OUT };

static aclnnStatus check_filter(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {LOGITS, OUT};
    const stub_dtype_rule rules[] = {{LOGITS, STUB_ON_ALL(STUB_FLOATS)}, {K, STUB_ON_ALL(K_TYPES)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    if (!stub_tensor_arg(call, P) && !stub_tensor_arg(call, K)) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "%s: p and k are NULL; give one of them at least", call->op->name);
    }
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_same_dtype(call, P, LOGITS));
    STUB_REQUIRE(stub_check_same_dtype(call, OUT, LOGITS));
    STUB_REQUIRE(stub_check_rank(call, LOGITS, 2, 2));
    const aclTensor *logits = stub_tensor_arg(call, LOGITS);
    STUB_REQUIRE(stub_check_same_shape(call, OUT, LOGITS));
    STUB_REQUIRE(stub_check_shape(call, P, logits->shape, 1, "one for each row of logits"));
    STUB_REQUIRE(stub_check_shape(call, K, logits->shape, 1, "one for each row of logits"));
    plan->nothing_to_run = stub_tensor_numel(logits) == 0;
    return ACLNN_SUCCESS;
}

/* How many of the smallest numbers go: all below the k-th largest. */
static int64_t cut_by_k(const sorted_row *row, int64_t k) {
    int64_t cut = 0;
    if (k > 0 && k < row->count) {
        for (cut = row->count - k; cut > 0 && !(row->values[cut - 1] < row->values[row->count - k]);) {
            cut--;
        }
    }
    return cut;
}

/* More of them go as long as the probabilities from the smallest on do not come to more than 1 - p; one stays. */
static int64_t cut_by_p(const sorted_row *row, int64_t cut, float p, float *probabilities) {
    const int64_t n = row->count;
    float sum = 0;
    softmax(row->values + cut, n - cut, row->values[n - 1], probabilities + cut);
    for (; cut < n - 1; cut++) {
        sum += probabilities[cut];
        if (!(sum <= 1 - p)) {
            break;
        }
    }
    return cut;
}

static aclnnStatus run_filter(const stub_call *call) {
    const int64_t *shape = stub_tensor_arg(call, LOGITS)->shape;
    stub_numbers set = {.call = call};
    sorted_row row;
    const float *logits = stub_numbers_read(&set, LOGITS, ACL_FLOAT), *p = stub_numbers_read(&set, P, ACL_FLOAT);
    const int64_t *k = stub_numbers_read(&set, K, ACL_INT64);
    float *out = stub_numbers_write(&set, OUT, ACL_FLOAT), *room = stub_numbers_room(&set, shape[1], sizeof(float));
    open_rows(&set, shape[1], &row);
    for (int64_t r = 0; r < shape[0] && set.status == ACLNN_SUCCESS; r++) {
        float *to = out + r * shape[1];
        row.logits = logits + r * shape[1];
        sort_row(&row, false);
        int64_t cut = k ? cut_by_k(&row, k[r]) : 0;
        cut = p ? cut_by_p(&row, cut, p[r], room) : cut;
        for (int64_t i = 0; i < shape[1]; i++) {
            to[row.items[i].place] = i < cut ? -INFINITY : row.values[i];
        }
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnApplyTopKTopP, check_filter, run_filter)

enum { TOP_K = 1, TOP_P, Q, EPS, NEEDS_LOGITS, GUESS, CHOSEN, KEPT };
enum { MOST_K = 1024 };

static aclnnStatus check_sample(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {LOGITS, TOP_K, TOP_P, CHOSEN, KEPT};
    const stub_dtypes floats = STUB_DTYPE(ACL_FLOAT);
    const stub_dtype_rule rules[] = {{LOGITS, STUB_ON_ALL(STUB_HALVES)},
                                     {TOP_K, STUB_ON_ALL(K_TYPES)},
                                     {Q, STUB_ON_ALL(floats)},
                                     {CHOSEN, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))},
                                     {KEPT, STUB_ON_ALL(floats)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 5));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 5));
    STUB_REQUIRE(stub_check_same_dtype(call, TOP_P, LOGITS));
    STUB_REQUIRE(stub_check_rank(call, LOGITS, 2, 2));
    const aclTensor *logits = stub_tensor_arg(call, LOGITS);
    STUB_REQUIRE(stub_check_shape(call, TOP_K, logits->shape, 1, "one for each row of logits"));
    STUB_REQUIRE(stub_check_shape(call, TOP_P, logits->shape, 1, "one for each row of logits"));
    STUB_REQUIRE(stub_check_shape(call, CHOSEN, logits->shape, 1, "one for each row of logits"));
    STUB_REQUIRE(stub_check_same_shape(call, Q, LOGITS));
    STUB_REQUIRE(stub_check_same_shape(call, KEPT, LOGITS));
    if (call->args[GUESS].integer < 1 || stub_tensor_numel(logits) == 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s", call->op->name,
                         call->args[GUESS].integer < 1 ? "topKGuess must be positive" : "logits is empty");
    }
    plan->nothing_to_run = false;
    return ACLNN_SUCCESS;
}

/* Of `n` probabilities, how many from the first on are needed to come to more than p. */
static int64_t needed(const float *probabilities, int64_t n, float p) {
    float sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += probabilities[i];
        if (sum > p) {
            return i + 1;
        }
    }
    return n;
}

static int64_t largest(const float *x, int64_t n) {
    int64_t at = 0;
    for (int64_t i = 1; i < n; i++) {
        at = x[i] > x[at] ? i : at;
    }
    return at;
}

/* Divides probabilities by q, number by number, and gives the largest quotient's place. */
static int64_t draw(float *probabilities, int64_t n, const float *q, float eps) {
    for (int64_t i = 0; i < n && q; i++) {
        probabilities[i] /= fabsf(q[i]) + eps;
    }
    return largest(probabilities, n);
}

/* What stays of a row: its first `stays` numbers in order. Without top k, A2's kernel goes on with the probabilities in
 * place of the logits. */
static int64_t filter(sorted_row *row, int64_t k, float p, float *probabilities) {
    const bool takes_k = k <= row->count && k <= MOST_K, takes_p = p > 0 && p < 1;
    sort_row(row, true);
    int64_t stays = takes_k ? k : row->count;
    softmax(row->values, stays, row->values[0], probabilities);
    if (takes_p) {
        stays = needed(probabilities, stays, p);
        for (int64_t i = 0; i < stays && !takes_k; i++) {
            row->values[i] = probabilities[i];
        }
        softmax(row->values, stays, row->values[0], probabilities);
    }
    return stays;
}

/* q goes with the order of what was sorted; where nothing was to be, with the logits' own. */
static aclnnStatus run_sample(const stub_call *call) {
    const int64_t *shape = stub_tensor_arg(call, LOGITS)->shape, n = shape[1];
    const bool keeps = call->args[NEEDS_LOGITS].flag;
    const float eps = (float)call->args[EPS].real;
    stub_numbers set = {.call = call};
    sorted_row row;
    const float *logits = stub_numbers_read(&set, LOGITS, ACL_FLOAT), *p = stub_numbers_read(&set, TOP_P, ACL_FLOAT);
    const float *q = stub_numbers_read(&set, Q, ACL_FLOAT);
    const int64_t *k = stub_numbers_read(&set, TOP_K, ACL_INT64);
    int64_t *chosen = stub_numbers_write(&set, CHOSEN, ACL_INT64);
    float *kept = keeps ? stub_numbers_write(&set, KEPT, ACL_FLOAT) : NULL;
    float *probabilities = stub_numbers_room(&set, n, sizeof(float));
    open_rows(&set, n, &row);
    stub_numbers_check_range(&set, TOP_K, k, shape[0], 1, INT64_MAX);
    for (int64_t i = 0; i < shape[0] * n && keeps && set.status == ACLNN_SUCCESS; i++) {
        kept[i] = -INFINITY;
    }
    for (int64_t r = 0; r < shape[0] && set.status == ACLNN_SUCCESS; r++) {
        row.logits = logits + r * n;
        if ((k[r] > n || k[r] > MOST_K) && !(p[r] > 0 && p[r] < 1)) {
            softmax(row.logits, n, row.logits[largest(row.logits, n)], probabilities);
            chosen[r] = draw(probabilities, n, q ? q + r * n : NULL, eps);
            continue;
        }
        const int64_t stays = filter(&row, k[r], p[r], probabilities);
        for (int64_t i = 0; i < stays && keeps; i++) {
            kept[r * n + row.items[i].place] = row.logits[row.items[i].place];
        }
        chosen[r] = row.items[draw(probabilities, stays, q ? q + r * n : NULL, eps)].place;
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnTopKTopPSample, check_sample, run_sample)
