/* Bringing lines: the index of all operands, the elements of one line, shares for the threads. */
#include "opapi/lines.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"

/* Elements for which another thread is worth waking. */
enum { SHARE = 32 * STUB_STRETCH, LINE_ALIGNMENT = 64 };

/* Axes of one operand, merged where they continue each other; steps in bytes. */
typedef struct {
    uint32_t rank;
    int64_t shape[STUB_MAX_RANK], steps[STUB_MAX_RANK];
} axes;

typedef struct {
    axes line;
    int64_t index_steps[STUB_MAX_RANK]; /* along the axes of the job's index */
    int64_t length;
    size_t at; /* of the array in a thread's buffer */
} operand_plan;

typedef struct {
    const stub_lines *lines;
    uint32_t rank; /* of the index */
    int64_t shape[STUB_MAX_RANK];
    int64_t count, share; /* lines; of one part */
    operand_plan plan[STUB_MAX_LINES];
    int64_t length[STUB_MAX_LINES];
    size_t scratch_at, buffer;
    atomic_int status;
} job;

static void add_axis(axes *list, int64_t size, int64_t step) {
    if (size == 1) {
        return;
    }
    if (list->rank > 0 && list->steps[list->rank - 1] == step * size) {
        list->shape[list->rank - 1] *= size;
        list->steps[list->rank - 1] = step;
        return;
    }
    list->shape[list->rank] = size;
    list->steps[list->rank++] = step;
}

/* The operand's line, and its own index axes. */
static void split_axes(const stub_line_operand *operand, operand_plan *plan, axes *index) {
    const aclTensor *tensor = operand->view->tensor;
    plan->length = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        const int64_t step = tensor->strides[i] * (operand->view->bits / 8);
        if (operand->axes >> i & 1) {
            add_axis(&plan->line, tensor->shape[i], step);
            plan->length *= tensor->shape[i];
        } else {
            index->shape[index->rank] = tensor->shape[i];
            index->steps[index->rank++] = step;
        }
    }
}

static void widen_index(job *work, const axes *index) {
    while (work->rank < index->rank) {
        for (uint32_t i = work->rank; i-- > 0;) {
            work->shape[i + 1] = work->shape[i];
        }
        work->shape[0] = 1;
        work->rank++;
    }
    for (uint32_t i = 0; i < index->rank; i++) {
        int64_t *dim = &work->shape[work->rank - index->rank + i];
        *dim = index->shape[i] == 1 ? *dim : index->shape[i];
    }
}

static size_t aligned(size_t bytes) {
    return (bytes + LINE_ALIGNMENT - 1) / LINE_ALIGNMENT * LINE_ALIGNMENT;
}

static void plan_operands(job *work) {
    const stub_lines *lines = work->lines;
    const uint32_t count = lines->inputs + lines->outputs;
    axes index[STUB_MAX_LINES] = {0};
    for (uint32_t k = 0; k < count; k++) {
        if (lines->operand[k].view) {
            split_axes(&lines->operand[k], &work->plan[k], &index[k]);
            widen_index(work, &index[k]);
            work->length[k] = work->plan[k].length;
            work->plan[k].at = work->buffer;
            const size_t size = stub_class_size(stub_class_of(lines->operand[k].as));
            work->buffer += aligned((size_t)work->length[k] * size);
        }
    }
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t missing = work->rank - index[k].rank;
        for (uint32_t i = missing; i < work->rank; i++) {
            work->plan[k].index_steps[i] = index[k].shape[i - missing] == 1 ? 0 : index[k].steps[i - missing];
        }
    }
    work->scratch_at = work->buffer;
    work->buffer += aligned(lines->scratch);
}

/* Calls load or store for every stretch of a line. */
static void move_line(const axes *line, const stub_line_operand *operand, uint8_t *first, int64_t length, void *numbers,
                      bool stores) {
    const aclDataType type = operand->view->tensor->dtype;
    const size_t size = stub_class_size(stub_class_of(operand->as));
    const uint32_t last = line->rank > 0 ? line->rank - 1 : 0;
    const int64_t columns = line->rank > 0 ? line->shape[last] : 1, step = line->rank > 0 ? line->steps[last] : 0;
    uint8_t *to = numbers;
    for (int64_t row = 0; row * columns < length; row++) {
        uint8_t *at = first;
        int64_t rest = row;
        for (uint32_t i = last; i-- > 0; rest /= line->shape[i]) {
            at += rest % line->shape[i] * line->steps[i];
        }
        for (int64_t column = 0; column < columns; column += STUB_STRETCH) {
            const size_t n = (size_t)(columns - column < STUB_STRETCH ? columns - column : STUB_STRETCH);
            if (stores) {
                stub_store(operand->as, to, n, type, at + column * step, step);
            } else {
                stub_load(type, at + column * step, step, n, operand->as, to);
            }
            to += n * size;
        }
    }
}

static uint8_t *line_place(const job *work, uint32_t k, int64_t position) {
    const stub_view *view = work->lines->operand[k].view;
    uint8_t *place = view->base + view->tensor->offset * (view->bits / 8);
    for (uint32_t i = work->rank; i-- > 0; position /= work->shape[i]) {
        place += position % work->shape[i] * work->plan[k].index_steps[i];
    }
    return place;
}

static aclnnStatus do_line(const job *work, int64_t position, uint8_t *buffer) {
    const stub_lines *lines = work->lines;
    const uint32_t count = lines->inputs + lines->outputs;
    void *array[STUB_MAX_LINES] = {0};
    for (uint32_t k = 0; k < count; k++) {
        if (lines->operand[k].view) {
            array[k] = buffer + work->plan[k].at;
            if (k < lines->inputs && work->length[k] > 0) {
                move_line(&work->plan[k].line, &lines->operand[k], line_place(work, k, position), work->length[k],
                          array[k], false);
            }
        }
    }
    const aclnnStatus status = lines->line(lines->constants, array, work->length, position, buffer + work->scratch_at);
    if (status != ACLNN_SUCCESS) {
        return status;
    }
    for (uint32_t k = lines->inputs; k < count; k++) {
        if (array[k] && work->length[k] > 0) {
            move_line(&work->plan[k].line, &lines->operand[k], line_place(work, k, position), work->length[k], array[k],
                      true);
        }
    }
    return ACLNN_SUCCESS;
}

static void do_part(void *state, size_t index) {
    job *work = state;
    const int64_t from = (int64_t)index * work->share;
    const int64_t to = from + work->share < work->count ? from + work->share : work->count;
    uint8_t *buffer = aligned_alloc(LINE_ALIGNMENT, work->buffer > 0 ? work->buffer : LINE_ALIGNMENT);
    aclnnStatus status = buffer ? ACLNN_SUCCESS : ACLNN_ERR_INNER;
    for (int64_t i = from; i < to && status == ACLNN_SUCCESS; i++) {
        status = do_line(work, i, buffer);
    }
    free(buffer);
    if (status != ACLNN_SUCCESS) {
        atomic_store(&work->status, status);
    }
}

aclnnStatus stub_lines_run(const stub_call *call, const stub_lines *lines) {
    job work = {.lines = lines, .count = 1};
    plan_operands(&work);
    for (uint32_t i = 0; i < work.rank; i++) {
        work.count *= work.shape[i];
    }
    int64_t longest = 1;
    for (uint32_t k = 0; k < lines->inputs + lines->outputs; k++) {
        longest = work.length[k] > longest ? work.length[k] : longest;
    }
    work.share = longest >= SHARE ? 1 : SHARE / longest;
    if (work.count > 0) {
        stub_parallel((size_t)((work.count + work.share - 1) / work.share), do_part, &work);
    }
    const aclnnStatus status = atomic_load(&work.status);
    return status == ACLNN_ERR_INNER ? stub_fail(status, "%s: no host memory for its lines", call->op->name) : status;
}
