/* Axes read at a function of the index. */
#include "opapi/moves/patches.h"

enum { RUNS = 4 }; /* padding in front, the middle, padding behind; one to spare */

typedef struct {
    int64_t to, from, count, step;
} run;

int64_t stub_patch_source(stub_pad rule, const stub_patch_axis *axis, int64_t i) {
    const int64_t at = i - axis->before, last = axis->size - 1;
    if (at >= 0 && at <= last) {
        return at;
    }
    switch (rule) {
    case STUB_PAD_REFLECT:
        return at < 0 ? -at : 2 * last - at;
    case STUB_PAD_REPLICATE:
        return at < 0 ? 0 : last;
    case STUB_PAD_CIRCULAR:
        return at < 0 ? at + axis->size : at - axis->size;
    default:
        return -1;
    }
}

static uint32_t find_runs(stub_pad rule, const stub_patch_axis *axis, run *runs) {
    uint32_t count = 0;
    for (int64_t i = 0; i < axis->length; i++) {
        const int64_t from = stub_patch_source(rule, axis, i);
        run *last = count > 0 ? &runs[count - 1] : NULL;
        if (last != NULL && last->to + last->count == i && from >= 0) {
            const int64_t step = from - (last->from + (last->count - 1) * last->step);
            if (last->count == 1 || step == last->step) {
                last->step = step;
                last->count++;
                continue;
            }
        }
        if (from >= 0) {
            runs[count++] = (run){i, from, 1, 1};
        }
    }
    return count;
}

void stub_patch(stub_pad rule, const stub_patch_axis *axes, const stub_box *to, const stub_box *from) {
    run runs[STUB_MAX_RANK][RUNS];
    uint32_t counts[STUB_MAX_RANK], chosen[STUB_MAX_RANK] = {0};
    for (uint32_t i = 0; i < to->rank; i++) {
        counts[i] = find_runs(rule, &axes[i], runs[i]);
        if (counts[i] == 0) {
            return;
        }
    }
    for (;;) {
        stub_box target = *to, source = *from;
        for (uint32_t i = 0; i < to->rank; i++) {
            const run *r = &runs[i][chosen[i]];
            stub_box_take(&target, i, r->to, r->count, 1);
            stub_box_take(&source, i, r->from, r->count, r->step);
        }
        stub_copy(&target, &source);
        uint32_t axis = to->rank;
        while (axis > 0 && ++chosen[axis - 1] == counts[axis - 1]) {
            chosen[--axis] = 0;
        }
        if (axis == 0) {
            return;
        }
    }
}

/* How much may be added on either side of an axis. */
static int64_t reach(stub_pad rule, int64_t size) {
    return rule == STUB_PAD_REFLECT ? size - 1 : rule == STUB_PAD_CIRCULAR ? size : INT32_MAX;
}

aclnnStatus stub_read_padding(const stub_call *call, uint32_t arg, stub_pad rule, const aclTensor *tensor,
                              stub_patch_axis *axes) {
    uint64_t count;
    const int64_t *padding = stub_argument_items(call, arg, &count);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        const uint64_t from_last = tensor->rank - 1 - i;
        const bool padded = 2 * from_last < count;
        const int64_t before = padded ? padding[2 * from_last] : 0, after = padded ? padding[2 * from_last + 1] : 0;
        const int64_t size = tensor->shape[i], most = reach(rule, size);
        const bool negative = before < -size || after < -size || size + before + after < 0;
        const bool far = before > most || after > most || (rule != STUB_PAD_CONSTANT && size == 0);
        if (padded && (negative || far)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID,
                             "%s: %s adds %lld and %lld to axis %u of size %lld; allowed are "
                             "%lld to %lld, and a result that is not negative",
                             call->op->name, call->op->params[arg].name, (long long)before, (long long)after, i,
                             (long long)size, (long long)-size, (long long)most);
        }
        axes[i] = (stub_patch_axis){size, before, size + before + after};
    }
    return ACLNN_SUCCESS;
}
