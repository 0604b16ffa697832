/* The engine of folds: the order of the axes, blocks of results, parts of a large fold. */
#include "opapi/reduction/fold.h"

#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"

enum {
    SHARE = 32 * STUB_STRETCH, /* elements for which another thread is worth waking */
    LANES = 64,                /* results of one block when folding along */
    TILE_LANES = 128,          /* the same when folding by tiles, */
    TILE_ROWS = 64,            /* and numbers of each of them that are loaded at once */
    FEW = 16,                  /* neighbours that are not worth a row of accumulators */
    FEW_BLOCKS = 8,            /* fewer blocks than that are folded in parts */
    MOST_PARTS = 64
};

typedef struct {
    int64_t size, in, out[STUB_FOLD_RESULTS]; /* steps in bytes */
} axis;

typedef struct {
    uint32_t rank;
    axis axis[STUB_MAX_RANK];
} axes;

/* Blocks of `lanes` results along the innermost kept axis; units of numbers, one load each. */
typedef struct {
    const stub_folding *folding;
    stub_fold_step *step;
    stub_fold_tile_step *tile; /* else */
    uint8_t *first;
    axes kept, folded;  /* without their innermost axes: */
    axis result, inner; /* the innermost kept and folded ones */
    bool across;
    int64_t count;                        /* elements of one result */
    int64_t lanes, blocks_of_row, blocks; /* blocks along the innermost kept axis, and all */
    int64_t group;                        /* across: folded indices that one load brings side by side */
    int64_t units_of_row, units;          /* loads along the innermost folded axis, and all */
    int64_t parts, tasks_of_piece;
    uint8_t *partial; /* accumulators of all tasks when there are parts */
} plan;

static int64_t magnitude(int64_t step) {
    return step < 0 ? -step : step;
}

static void insert(axes *list, axis added) {
    uint32_t i = list->rank++;
    for (; i > 0 && magnitude(list->axis[i - 1].in) < magnitude(added.in); i--) {
        list->axis[i] = list->axis[i - 1];
    }
    list->axis[i] = added;
}

static bool continues(const axis *outer, const axis *inner) {
    bool yes = outer->in == inner->in * inner->size;
    for (int k = 0; k < STUB_FOLD_RESULTS; k++) {
        yes = yes && outer->out[k] == inner->out[k] * inner->size;
    }
    return yes;
}

static void merge(axes *list) {
    uint32_t last = 0;
    for (uint32_t i = 1; i < list->rank; i++) {
        if (continues(&list->axis[last], &list->axis[i])) {
            list->axis[i].size *= list->axis[last].size;
            list->axis[last] = list->axis[i];
        } else {
            list->axis[++last] = list->axis[i];
        }
    }
    list->rank = list->rank > 0 ? last + 1 : 0;
}

static axis take_inner(axes *list) {
    return list->rank > 0 ? list->axis[--list->rank] : (axis){.size = 1};
}

static int64_t total(const axes *list) {
    int64_t count = 1;
    for (uint32_t i = 0; i < list->rank; i++) {
        count *= list->axis[i].size;
    }
    return count;
}

static void sort_axes(plan *p) {
    const stub_folding *folding = p->folding;
    const aclTensor *in = folding->in->tensor;
    const int64_t size = folding->in->bits / 8;
    for (uint32_t i = 0, k = 0; i < in->rank; i++) {
        const bool folded = folding->axes >> i & 1;
        axis added = {.size = in->shape[i], .in = in->strides[i] * size};
        for (uint32_t r = 0; r < folding->outputs && !folded && added.size != 1; r++) {
            const stub_view *out = folding->out[r];
            added.out[r] = out->tensor->strides[folding->keeps ? i : k] * (out->bits / 8);
        }
        k += !folded;
        if (added.size != 1) {
            insert(folded ? &p->folded : &p->kept, added);
        }
    }
    merge(&p->kept);
    merge(&p->folded);
    p->count = total(&p->folded);
    p->result = take_inner(&p->kept);
    p->inner = take_inner(&p->folded);
}

/* Rows of accumulators where kept elements are the closer neighbours, or lines are short. */
static bool goes_across(const plan *p) {
    const int64_t neighbour = p->folding->in->bits / 8;
    const bool closer = p->result.in != 0 && magnitude(p->result.in) < magnitude(p->inner.in);
    const bool side_by_side = !p->tile && p->inner.in == p->result.in * p->result.size;
    if (p->result.size >= FEW) {
        return closer || (p->count < FEW && magnitude(p->inner.in) <= p->count * neighbour);
    }
    return closer && side_by_side;
}

static int64_t parts_of(int64_t size, int64_t part) {
    return (size + part - 1) / part;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void choose_blocks(plan *p) {
    const int version = stub_cpu_level() == STUB_CPU_AVX2;
    p->tile = p->folding->fold->tile[version];
    p->across = goes_across(p);
    p->step = p->across ? p->folding->fold->across[version] : p->folding->fold->along[version];
    p->lanes = smaller(p->result.size, !p->across ? LANES : p->tile ? TILE_LANES : STUB_STRETCH);
    p->group = 1;
    if (p->across && !p->tile && p->lanes == p->result.size && p->inner.in == p->result.in * p->result.size) {
        p->group = smaller(STUB_STRETCH / p->lanes, p->inner.size > 0 ? p->inner.size : 1);
    }
    p->blocks_of_row = parts_of(p->result.size, p->lanes);
    p->blocks = total(&p->kept) * p->blocks_of_row;
    p->units_of_row = parts_of(p->inner.size, p->across ? p->group : STUB_STRETCH);
    p->units = total(&p->folded) * p->units_of_row;
}

static void choose_parts(plan *p) {
    const int64_t elements = p->lanes * p->count; /* of a block */
    p->parts = 1;
    if (p->blocks < FEW_BLOCKS && elements > 2 * SHARE) {
        p->parts = smaller(smaller(p->units, elements / SHARE), MOST_PARTS);
    }
    const int64_t task = elements / p->parts;
    p->tasks_of_piece = task >= SHARE ? 1 : SHARE / (task > 0 ? task : 1);
}

/* What belongs to one position of the axes in `list`, row-major. */
static axis places(const axes *list, int64_t position) {
    axis at = {0};
    for (uint32_t i = list->rank; i-- > 0; position /= list->axis[i].size) {
        const int64_t index = position % list->axis[i].size;
        at.in += index * list->axis[i].in;
        for (int k = 0; k < STUB_FOLD_RESULTS; k++) {
            at.out[k] += index * list->axis[i].out[k];
        }
    }
    return at;
}

/* n numbers in lanes, which are merged at the end. */
static void tile_line(const plan *p, const uint8_t *numbers, int64_t n, int64_t index, void *acc) {
    const stub_fold *fold = p->folding->fold;
    const size_t size = stub_class_size(stub_class_of(p->folding->as)), whole = (size_t)n / STUB_FOLD_LANES;
    const size_t rest = (size_t)n % STUB_FOLD_LANES, done = whole * STUB_FOLD_LANES;
    _Alignas(64) uint8_t lanes[STUB_FOLD_LANES * STUB_MAX_ACCUMULATOR];
    stub_fold_tile tile = {whole, STUB_FOLD_LANES, STUB_FOLD_LANES, index, STUB_FOLD_LANES, 1};
    fold->start(STUB_FOLD_LANES, lanes);
    if (whole > 0) {
        p->tile(numbers, &tile, p->folding->constants, lanes);
    }
    if (rest > 0) {
        tile = (stub_fold_tile){1, rest, 0, index + (int64_t)done, 0, 1};
        p->tile(numbers + done * size, &tile, p->folding->constants, lanes);
    }
    for (size_t lane = 0; lane < STUB_FOLD_LANES && lane < (size_t)n; lane++) {
        fold->merge(lanes + lane * fold->size, 1, acc);
    }
}

static void take(const plan *p, const uint8_t *at, int64_t step, int64_t n, int64_t index, void *acc) {
    const stub_folding *folding = p->folding;
    const aclDataType type = folding->in->tensor->dtype;
    stub_stretch room;
    const void *numbers = at;
    if (!stub_lies_ready(type, at, step, folding->as)) {
        stub_load(type, at, step, (size_t)n, folding->as, room.bytes);
        numbers = room.bytes;
    }
    if (p->tile) {
        tile_line(p, numbers, n, index, acc);
    } else {
        p->step(numbers, (size_t)n, folding->constants, acc);
    }
}

/* Units from .. to - 1, each a row across the lanes. */
static void fold_tiles(const plan *p, const uint8_t *first, int64_t lanes, int64_t from, int64_t to, uint8_t *acc) {
    const stub_folding *folding = p->folding;
    const size_t size = stub_class_size(stub_class_of(folding->as));
    _Alignas(64) uint8_t rows[TILE_ROWS * TILE_LANES * sizeof(double)];
    for (int64_t unit = from, n; unit < to; unit += n) {
        const int64_t row = unit / p->units_of_row, start = unit % p->units_of_row;
        const uint8_t *at = first + places(&p->folded, row).in + start * p->inner.in;
        n = smaller(smaller(p->inner.size - start, to - unit), TILE_ROWS);
        for (int64_t i = 0; i < n; i++) {
            stub_load(folding->in->tensor->dtype, at + i * p->inner.in, p->result.in, (size_t)lanes, folding->as,
                      rows + (size_t)(i * lanes) * size);
        }
        for (int64_t lane = 0; lane < lanes; lane += STUB_FOLD_LANES) {
            const size_t wide = (size_t)smaller(lanes - lane, STUB_FOLD_LANES);
            const stub_fold_tile tile = {(size_t)n, wide, lanes, unit, 1, 0};
            p->tile(rows + (size_t)lane * size, &tile, folding->constants, acc + (size_t)lane * folding->fold->size);
        }
    }
}

/* One unit of one lane, or of all of them across. */
static void fold_unit(const plan *p, const uint8_t *first, int64_t lanes, int64_t unit, uint8_t *acc) {
    const int64_t length = p->across ? p->group : STUB_STRETCH;
    const int64_t row = unit / p->units_of_row, start = unit % p->units_of_row * length;
    const uint8_t *at = first + places(&p->folded, row).in + start * p->inner.in;
    const int64_t n = smaller(p->inner.size - start, length), index = row * p->inner.size + start;
    take(p, at, p->across ? p->result.in : p->inner.in, lanes * n, index, acc);
}

static void fold_across(const plan *p, const uint8_t *first, int64_t lanes, int64_t from, int64_t to, uint8_t *acc) {
    for (int64_t unit = from; unit < to; unit++) {
        fold_unit(p, first, lanes, unit, acc);
    }
}

/* Lane by lane where a lane is one run through memory, else unit by unit. */
static void fold_along(const plan *p, const uint8_t *first, int64_t lanes, int64_t from, int64_t to, uint8_t *acc) {
    const int64_t run = p->units == p->units_of_row ? to - from : 1;
    for (; from < to; from += run) {
        for (int64_t lane = 0; lane < lanes; lane++) {
            for (int64_t unit = from; unit < from + run; unit++) {
                fold_unit(p, first + lane * p->result.in, 1, unit, acc + (size_t)lane * p->folding->fold->size);
            }
        }
    }
}

/* Units from .. to - 1 into the accumulators of one block, whose first element is `first`. */
static void fold_units(const plan *p, const uint8_t *first, int64_t lanes, int64_t from, int64_t to, uint8_t *acc) {
    (!p->across ? fold_along : p->tile ? fold_tiles : fold_across)(p, first, lanes, from, to, acc);
}

typedef struct {
    axis at;
    int64_t lanes;
} block;

static block block_of(const plan *p, int64_t number) {
    const int64_t start = number % p->blocks_of_row * p->lanes;
    block found = {places(&p->kept, number / p->blocks_of_row), smaller(p->result.size - start, p->lanes)};
    found.at.in += start * p->result.in;
    for (int k = 0; k < STUB_FOLD_RESULTS; k++) {
        found.at.out[k] += start * p->result.out[k];
    }
    return found;
}

static void finish(const plan *p, const block *of, const void *acc) {
    const stub_folding *folding = p->folding;
    stub_stretch rooms[STUB_FOLD_RESULTS];
    void *const results[STUB_FOLD_RESULTS] = {rooms[0].bytes, rooms[1].bytes};
    folding->fold->finish(acc, (size_t)of->lanes, p->count, folding->constants, results);
    for (uint32_t k = 0; k < folding->outputs; k++) {
        const stub_view *out = folding->out[k];
        uint8_t *to = out->base + out->tensor->offset * (out->bits / 8) + of->at.out[k];
        stub_store(folding->gives[k], results[k], (size_t)of->lanes, out->tensor->dtype, to, p->result.out[k]);
    }
}

static void do_task(const plan *p, int64_t task) {
    const stub_fold *fold = p->folding->fold;
    _Alignas(64) uint8_t room[STUB_STRETCH * STUB_MAX_ACCUMULATOR];
    const block of = block_of(p, task / p->parts);
    const int64_t part = task % p->parts;
    fold->start((size_t)(of.lanes * p->group), room);
    fold_units(p, p->first + of.at.in, of.lanes, p->units * part / p->parts, p->units * (part + 1) / p->parts, room);
    const size_t row = (size_t)of.lanes * fold->size;
    for (int64_t k = 1; k < p->group; k++) {
        fold->merge(room + (size_t)k * row, (size_t)of.lanes, room);
    }
    if (p->parts == 1) {
        finish(p, &of, room);
        return;
    }
    uint8_t *const to = p->partial + (size_t)(task * p->lanes) * fold->size;
    fold->start((size_t)of.lanes, to);
    fold->merge(room, (size_t)of.lanes, to);
}

static void do_piece(void *state, size_t index) {
    const plan *p = state;
    const int64_t from = (int64_t)index * p->tasks_of_piece;
    const int64_t to = smaller(from + p->tasks_of_piece, p->blocks * p->parts);
    for (int64_t task = from; task < to; task++) {
        do_task(p, task);
    }
}

static void join_parts(const plan *p) {
    const stub_fold *fold = p->folding->fold;
    const size_t row = (size_t)p->lanes * fold->size;
    for (int64_t number = 0; number < p->blocks; number++) {
        const block of = block_of(p, number);
        uint8_t *acc = p->partial + (size_t)(number * p->parts) * row;
        for (int64_t part = 1; part < p->parts; part++) {
            fold->merge(acc + (size_t)part * row, (size_t)of.lanes, acc);
        }
        finish(p, &of, acc);
    }
}

bool stub_fold_run(const stub_folding *folding) {
    const stub_view *in = folding->in;
    plan p = {.folding = folding};
    p.first = in->base == NULL ? NULL : in->base + in->tensor->offset * (in->bits / 8);
    sort_axes(&p);
    choose_blocks(&p);
    choose_parts(&p);
    if (p.parts > 1) {
        p.partial = malloc((size_t)(p.blocks * p.parts * p.lanes) * folding->fold->size);
        if (p.partial == NULL) {
            return false;
        }
    }
    stub_parallel((size_t)parts_of(p.blocks * p.parts, p.tasks_of_piece), do_piece, &p);
    if (p.parts > 1) {
        join_parts(&p);
        free(p.partial);
    }
    return true;
}
