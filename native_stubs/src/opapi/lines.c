/* Bringing lines: the index of all operands, the elements of one line, or of a block of neighbouring lines where those
 * are closer together than a line's own elements, shares for the threads. */
#include "opapi/lines.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "core/parallel.h"
#include "opapi/turn.h"
#include "opapi/validate.h"

/* Elements for which another thread is worth waking. */
enum { SHARE = 32 * STUB_STRETCH, CACHE_LINE = 64, LINE_ALIGNMENT = CACHE_LINE };

/* Lines of a block: as many as fit into the cache, some at least, since each line costs a cache line per element. */
enum { MOST_LINES = 64, FEWEST_LINES = 4, WHOLE_LINES = 16 /* no parts of cache lines */, BLOCK_BYTES = 512 * 1024 };

/* Axes of one operand, merged where they continue each other; steps in bytes. */
typedef struct {
    uint32_t rank;
    int64_t shape[STUB_MAX_RANK], steps[STUB_MAX_RANK];
} axes;

typedef struct {
    axes line;
    int64_t index_steps[STUB_MAX_RANK]; /* along the axes of the job's index */
    int64_t length;
    size_t at;       /* of the array in the buffer of a line */
    bool across;     /* neighbouring lines are closer together than elements of a line */
    bool lies_ready; /* the kernel works where the line lies */
} operand_plan;

typedef struct {
    const stub_lines *lines;
    uint32_t rank; /* of the index */
    int64_t shape[STUB_MAX_RANK];
    int64_t count, share; /* lines; of one part */
    operand_plan plan[STUB_MAX_LINES];
    int64_t length[STUB_MAX_LINES];
    size_t scratch_at, buffer; /* bytes of one line's buffer */
    int64_t block;             /* lines that are brought at once */
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

/* Whether operand k, the first output, is computed where the first input is. */
static bool shares_array(const job *work, uint32_t k) {
    const stub_lines *lines = work->lines;
    return lines->in_place && k == lines->inputs && lines->operand[0].view && work->length[0] == work->length[k] &&
           stub_class_of(lines->operand[0].as) == stub_class_of(lines->operand[k].as);
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
            work->plan[k].at = shares_array(work, k) ? work->plan[0].at : work->buffer;
            const size_t size = stub_class_size(stub_class_of(lines->operand[k].as));
            work->buffer += shares_array(work, k) ? 0 : aligned((size_t)work->length[k] * size);
        }
    }
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t missing = work->rank - index[k].rank;
        for (uint32_t i = missing; i < work->rank; i++) {
            work->plan[k].index_steps[i] = index[k].shape[i - missing] == 1 ? 0 : index[k].steps[i - missing];
        }
    }
    work->scratch_at = work->buffer;
    work->buffer += aligned(lines->scratch) + CACHE_LINE; /* not a power of two: lines in different sets of the cache */
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

/* Rows of a tile that are asked for before their turn comes: they are too far apart for the processor to guess. */
enum { AHEAD = 4, ELEMENT_BYTES = 16 };

/* The elements of a tile whose rows have no gaps: to or from `raw`, where the rows touch. */
static void move_rows(uint8_t *at, int64_t step, int64_t count, size_t bytes, uint8_t *raw, bool stores) {
    for (int64_t i = 0; i < count; i++, raw += bytes) {
        uint8_t *const row = at + i * step;
        const uint8_t *const later = at + (i + AHEAD < count ? i + AHEAD : count - 1) * step;
        if (stores) {
            __builtin_prefetch(later, 1);
            memcpy(row, raw, bytes);
        } else {
            __builtin_prefetch(later);
            memcpy(raw, row, bytes);
        }
    }
}

/* The numbers of a tile, `count` rows of `lines` neighbours; all of them with one conversion if they touch. */
static void move_numbers(const stub_line_operand *operand, uint8_t *at, int64_t step, int64_t count, int64_t beside,
                         int64_t lines, stub_stretch *tile, bool stores) {
    const aclDataType type = operand->view->tensor->dtype;
    const size_t size = stub_class_size(stub_class_of(operand->as)), n = (size_t)(count * lines);
    const int64_t width = operand->view->bits / 8;
    if (beside == width) {
        _Alignas(CACHE_LINE) uint8_t raw[STUB_STRETCH * ELEMENT_BYTES];
        if (stores) {
            stub_store(operand->as, tile->bytes, n, type, raw, width);
        }
        move_rows(at, step, count, (size_t)(lines * width), raw, stores);
        if (!stores) {
            stub_load(type, raw, width, n, operand->as, tile->bytes);
        }
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        uint8_t *const row = tile->bytes + (size_t)(i * lines) * size;
        if (stores) {
            stub_store(operand->as, row, (size_t)lines, type, at + i * step, beside);
        } else {
            stub_load(type, at + i * step, beside, (size_t)lines, operand->as, row);
        }
    }
}

/* A stretch of `count` elements of each of `lines` neighbouring lines. */
static void move_tile(const stub_line_operand *operand, uint8_t *at, int64_t step, int64_t count, int64_t beside,
                      int64_t lines, uint8_t *arrays, size_t stride, bool stores) {
    const size_t size = stub_class_size(stub_class_of(operand->as));
    stub_stretch tile;
    if (stores) {
        stub_turn(size, arrays, (int64_t)stride, lines, count, tile.bytes, lines * (int64_t)size);
    }
    move_numbers(operand, at, step, count, beside, lines, &tile, stores);
    if (!stores) {
        stub_turn(size, tile.bytes, lines * (int64_t)size, count, lines, arrays, (int64_t)stride);
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

/* Operand k of `lines` lines from `position` on, along the last axis of the index. */
static void move_block(const job *work, uint32_t k, int64_t position, int64_t lines, uint8_t *buffer, bool stores) {
    const operand_plan *plan = &work->plan[k];
    const stub_line_operand *operand = &work->lines->operand[k];
    const int64_t beside = work->rank > 0 ? plan->index_steps[work->rank - 1] : 0;
    uint8_t *first = line_place(work, k, position), *arrays = buffer + plan->at;
    if (!plan->across || lines == 1) {
        for (int64_t i = 0; i < lines; i++) {
            move_line(&plan->line, operand, first + i * beside, plan->length, arrays + (size_t)i * work->buffer,
                      stores);
        }
        return;
    }
    const uint32_t last = plan->line.rank - 1;
    const int64_t columns = plan->line.shape[last], step = plan->line.steps[last], most = STUB_STRETCH / lines;
    const size_t size = stub_class_size(stub_class_of(operand->as));
    for (int64_t row = 0; row * columns < plan->length; row++) {
        uint8_t *at = first;
        int64_t rest = row;
        for (uint32_t i = last; i-- > 0; rest /= plan->line.shape[i]) {
            at += rest % plan->line.shape[i] * plan->line.steps[i];
        }
        for (int64_t column = 0; column < columns; column += most) {
            move_tile(operand, at + column * step, step, columns - column < most ? columns - column : most, beside,
                      lines, arrays + (size_t)(row * columns + column) * size, work->buffer, stores);
        }
    }
}

static void move_operands(const job *work, uint32_t from, uint32_t to, int64_t position, int64_t lines, uint8_t *buffer,
                          bool stores) {
    for (uint32_t k = from; k < to; k++) {
        if (work->lines->operand[k].view && work->length[k] > 0 && !work->plan[k].lies_ready) {
            move_block(work, k, position, lines, buffer, stores);
        }
    }
}

static aclnnStatus do_block(const job *work, int64_t position, int64_t count, uint8_t *buffer) {
    const stub_lines *lines = work->lines;
    const uint32_t operands = lines->inputs + lines->outputs;
    move_operands(work, 0, lines->inputs, position, count, buffer, false);
    for (int64_t i = 0; i < count; i++) {
        uint8_t *const own = buffer + (size_t)i * work->buffer;
        void *array[STUB_MAX_LINES] = {0};
        for (uint32_t k = 0; k < operands; k++) {
            array[k] = !lines->operand[k].view    ? NULL
                       : work->plan[k].lies_ready ? line_place(work, k, position + i)
                                                  : own + work->plan[k].at;
        }
        STUB_REQUIRE(lines->line(lines->constants, array, work->length, position + i, own + work->scratch_at));
    }
    move_operands(work, lines->inputs, operands, position, count, buffer, true);
    return ACLNN_SUCCESS;
}

static void do_part(void *state, size_t index) {
    job *work = state;
    const int64_t row = work->rank > 0 ? work->shape[work->rank - 1] : 1;
    const int64_t from = (int64_t)index * work->share;
    const int64_t to = from + work->share < work->count ? from + work->share : work->count;
    const size_t bytes = work->buffer * (size_t)work->block;
    uint8_t *buffer = aligned_alloc(LINE_ALIGNMENT, bytes > 0 ? bytes : LINE_ALIGNMENT);
    aclnnStatus status = buffer ? ACLNN_SUCCESS : ACLNN_ERR_INNER;
    for (int64_t i = from; i < to && status == ACLNN_SUCCESS;) {
        int64_t count = row - i % row < work->block ? row - i % row : work->block;
        count = to - i < count ? to - i : count;
        status = do_block(work, i, count, buffer);
        i += count;
    }
    free(buffer);
    if (status != ACLNN_SUCCESS) {
        atomic_store(&work->status, status);
    }
}

static int64_t magnitude(int64_t step) {
    return step < 0 ? -step : step;
}

/* How many lines are brought at once: 1 unless an operand lies across. */
static void choose_block(job *work) {
    work->block = 1;
    if (work->rank == 0) {
        return;
    }
    bool any = false;
    for (uint32_t k = 0; k < work->lines->inputs + work->lines->outputs; k++) {
        operand_plan *plan = &work->plan[k];
        const int64_t beside = magnitude(plan->index_steps[work->rank - 1]);
        plan->across = plan->line.rank > 0 && beside != 0 && beside < magnitude(plan->line.steps[plan->line.rank - 1]);
        any = any || plan->across;
    }
    if (any) {
        const int64_t row = work->shape[work->rank - 1], fit = BLOCK_BYTES / (int64_t)(work->buffer + 1);
        const int64_t whole = fit > WHOLE_LINES ? fit / WHOLE_LINES * WHOLE_LINES : fit;
        const int64_t block = whole > MOST_LINES ? MOST_LINES : whole < FEWEST_LINES ? FEWEST_LINES : whole;
        work->block = block < row ? block : row > 0 ? row : 1;
    }
}

/* Outputs that lie as the kernel wants them are written there, inputs are read there if it leaves them alone. */
static void find_ready(job *work) {
    const stub_lines *lines = work->lines;
    for (uint32_t k = lines->in_place ? 0 : lines->inputs; k < lines->inputs + lines->outputs; k++) {
        const stub_line_operand *operand = &lines->operand[k];
        operand_plan *plan = &work->plan[k];
        if (operand->view && plan->line.rank <= 1 && work->length[k] > 0 && work->count > 0) {
            const int64_t step = plan->line.rank == 0 ? operand->view->bits / 8 : plan->line.steps[0];
            plan->lies_ready = stub_lies_ready(operand->view->tensor->dtype, line_place(work, k, 0), step, operand->as);
        }
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
    find_ready(&work);
    choose_block(&work);
    work.share = longest >= SHARE ? 1 : SHARE / longest;
    work.share = (work.share + work.block - 1) / work.block * work.block;
    if (work.count > 0) {
        stub_parallel((size_t)((work.count + work.share - 1) / work.share), do_part, &work);
    }
    const aclnnStatus status = atomic_load(&work.status);
    return status == ACLNN_ERR_INNER ? stub_fail(status, "%s: no host memory for its lines", call->op->name) : status;
}
