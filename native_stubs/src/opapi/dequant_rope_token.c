/* The arithmetic of one token of aclnnDequantRopeQuantKvcache. Where all heads of a token are neighbours in memory they
 * are read and written in place; others go through scratch memory. */
#include <string.h>

#include "core/half.h"
#include "opapi/dequant_rope_job.h"
#include "opapi/rows.h"

/* One token's heads [heads, D] in a tensor that is written. */
typedef struct {
    stub_row row;      /* at the token */
    uint8_t *elements; /* in place, or room */
    uint8_t *room;     /* NULL when the tensor's heads are whole */
} token_heads;

typedef struct {
    const stub_rope_job *job;
    size_t d, kv;             /* elements of a head, of all k heads */
    int64_t token;            /* the current one */
    bool cached;              /* it has a row in the caches */
    stub_row x, cosine, sine; /* at the token */
    uint8_t *x_room;          /* for an x with gaps */
    float *cosines, *sines;   /* of the token; the first half of the sines is negated */
    float *values, *rotated;  /* a head before and after the rotation */
    token_heads q, k, v;
    token_heads k_cache, v_cache;
} walk;

enum { ALIGNMENT = 64 };

/* Parts of one piece of scratch memory, in order; the first pass, without memory, measures them. */
typedef struct {
    uint8_t *memory;
    size_t used;
} scratch_parts;

static void *take(scratch_parts *parts, size_t bytes) {
    void *part = parts->memory ? parts->memory + parts->used : NULL;
    parts->used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return part;
}

static void furnish(walk *w, scratch_parts *parts) {
    const stub_rope_sizes *sizes = &w->job->sizes;
    const size_t q = (size_t)(sizes->columns) - 2 * w->kv;
    w->cosines = take(parts, w->d * sizeof(float));
    w->sines = take(parts, w->d * sizeof(float));
    w->values = take(parts, w->d * sizeof(float));
    w->rotated = take(parts, w->d * sizeof(float));
    w->x_room = take(parts, (size_t)sizes->columns * sizeof(int32_t));
    w->q.room = take(parts, q * sizeof(uint16_t));
    w->k.room = take(parts, w->kv * sizeof(uint16_t));
    w->v.room = take(parts, w->kv * sizeof(uint16_t));
    w->k_cache.room = take(parts, w->kv);
    w->v_cache.room = take(parts, w->kv);
}

size_t stub_rope_scratch_bytes(const stub_rope_job *job) {
    walk w = {.job = job, .d = (size_t)job->sizes.d, .kv = (size_t)(job->sizes.kv_heads * job->sizes.d)};
    scratch_parts parts = {0};
    furnish(&w, &parts);
    return parts.used;
}

static uint8_t *place_of(const stub_row *row) {
    return row->view->base + row->offset * (row->view->bits / 8);
}

/* Whether [heads, D] behind the first `lead` dimensions are neighbours. */
static bool is_whole(const aclTensor *tensor, uint32_t lead) {
    return tensor->strides[lead + 1] == 1 &&
           (tensor->shape[lead] == 1 || tensor->strides[lead] == tensor->shape[lead + 1]);
}

/* At the token or cache row `position` over the first `lead` dimensions. */
static void start_heads(token_heads *heads, const stub_view *view, uint32_t lead, int64_t position) {
    stub_row_start(&heads->row, view, lead, position);
    heads->elements = is_whole(view->tensor, lead) ? place_of(&heads->row) : heads->room;
}

static void next_heads(token_heads *heads) {
    stub_row_next(&heads->row);
    if (heads->elements != heads->room) {
        heads->elements = place_of(&heads->row);
    }
}

/* What was written to the room goes to its places. */
static void finish_heads(const token_heads *heads, size_t d) {
    if (heads->elements != heads->room) {
        return;
    }
    const aclTensor *tensor = heads->row.view->tensor;
    const uint32_t axis = heads->row.dims;
    stub_row row = {.view = heads->row.view, .offset = heads->row.offset, .step = tensor->strides[axis + 1]};
    for (int64_t head = 0; head < tensor->shape[axis]; head++) {
        stub_row_write(&row, 0, d, heads->room + (size_t)head * d * (size_t)row.view->bits / 8);
        row.offset += tensor->strides[axis];
    }
}

static const uint8_t *read_x(const walk *w) {
    const size_t columns = (size_t)w->job->sizes.columns, width = (size_t)w->job->x.bits / 8;
    if (w->x.step == 1) {
        return place_of(&w->x);
    }
    for (size_t done = 0; done < columns; done += STUB_CHUNK) {
        stub_chunk chunk;
        const size_t n = stub_chunk_length((int64_t)columns, (int64_t)done);
        memcpy(w->x_room + done * width, stub_row_read(&w->x, (int64_t)done, n, &chunk), n * width);
    }
    return w->x_room;
}

static void load_tables(const walk *w) {
    stub_row_read_floats(&w->cosine, 0, w->d, w->cosines);
    stub_row_read_floats(&w->sine, 0, w->d, w->sines);
    for (size_t i = 0; i < w->d / 2; i++) {
        w->sines[i] = -w->sines[i];
    }
}

/* Columns [first, first + D) of an int32 x to w->values. */
static void dequantise_head(const walk *w, const uint8_t *x, size_t first) {
    const stub_rope_job *job = w->job;
    const stub_rope_dequantiser by = {
        .scale = job->weight + first,
        .integer_bias = job->integer_bias ? job->integer_bias + first : NULL,
        .bias = job->bias ? job->bias + first : NULL,
        .activation = job->activation ? job->activation[w->token] : 1.0f,
    };
    job->loops->dequantise(x + first * sizeof(int32_t), w->d, &by, w->values);
}

/* The head of columns [first, first + D), rotated, in the tables' type to `y` and in fp32 to `y_fp32`, NULL where
 * nobody wants it. */
static void rotate_head(const walk *w, const uint8_t *x, size_t first, uint8_t *y, float *y_fp32) {
    const stub_rope_job *job = w->job;
    const stub_rope_rotation by = {w->cosines, w->sines, job->half, job->is_integer};
    if (job->is_integer) {
        dequantise_head(w, x, first);
        job->loops->rotate(&by, w->values, w->d, y, y_fp32);
    } else {
        job->loops->rotate(&by, x + first * sizeof(uint16_t), w->d, y, y_fp32);
    }
}

/* `count` elements, fp32 or of the tables' type, to the cache columns [column, column + count). */
static void quantise_k(const walk *w, stub_rope_kind kind, const void *x, size_t column, size_t count) {
    const stub_rope_job *job = w->job;
    const float *offset = job->offset_k ? job->offset_k + column : NULL;
    job->loops->quantise(kind, x, job->scale_k + column, offset, count, (int8_t *)w->k_cache.elements + column);
}

static void quantise_v(const walk *w, stub_rope_kind kind, const void *x, size_t column, size_t count) {
    const stub_rope_job *job = w->job;
    const float *offset = job->offset_v ? job->offset_v + column : NULL;
    job->loops->quantise(kind, x, job->scale_v + column, offset, count, (int8_t *)w->v_cache.elements + column);
}

static void run_q(walk *w, const uint8_t *x) {
    const size_t q = (size_t)w->job->sizes.columns - 2 * w->kv;
    for (size_t column = 0; column < q; column += w->d) {
        rotate_head(w, x, column, w->q.elements + column * sizeof(uint16_t), NULL);
    }
    finish_heads(&w->q, w->d);
}

/* With fp16 tables the cache sees k as it is rounded for kOut, with bf16 tables unrounded. */
static void run_k(walk *w, const uint8_t *x) {
    const size_t first = (size_t)w->job->sizes.columns - 2 * w->kv;
    const bool rounded = w->job->half == STUB_HALF_F16;
    for (size_t column = 0; column < w->kv; column += w->d) {
        uint8_t *halves = w->k.elements + column * sizeof(uint16_t);
        rotate_head(w, x, first + column, rounded || w->job->kv_output ? halves : NULL, rounded ? NULL : w->rotated);
        if (w->cached) {
            quantise_k(w, rounded ? STUB_ROPE_F16 : STUB_ROPE_F32, rounded ? (void *)halves : w->rotated, column, w->d);
        }
    }
}

/* v of an int32 x: quantised before it is rounded. */
static void run_integer_v(walk *w, const uint8_t *x) {
    const size_t first = (size_t)w->job->sizes.columns - w->kv;
    for (size_t column = 0; column < w->kv; column += w->d) {
        dequantise_head(w, x, first + column);
        if (w->job->kv_output) {
            w->job->loops->narrow(w->job->half, w->values, w->d, w->v.elements + column * sizeof(uint16_t));
        }
        if (w->cached) {
            quantise_v(w, STUB_ROPE_F32, w->values, column, w->d);
        }
    }
}

static void run_v(walk *w, const uint8_t *x) {
    if (w->job->is_integer) {
        run_integer_v(w, x);
        return;
    }
    const uint8_t *v = x + ((size_t)w->job->sizes.columns - w->kv) * sizeof(uint16_t);
    if (w->job->kv_output) {
        memcpy(w->v.elements, v, w->kv * sizeof(uint16_t));
    }
    if (w->cached) {
        quantise_v(w, w->job->half == STUB_HALF_F16 ? STUB_ROPE_F16 : STUB_ROPE_BF16, v, 0, w->kv);
    }
}

static void run_kv(walk *w, const uint8_t *x) {
    const stub_rope_job *job = w->job;
    const int64_t row = job->rows[w->token];
    w->cached = row >= 0;
    if (w->kv == 0) {
        return;
    }
    if (w->cached) {
        start_heads(&w->k_cache, &job->k_cache, 2, row);
        start_heads(&w->v_cache, &job->v_cache, 2, row);
    }
    run_k(w, x);
    run_v(w, x);
    if (job->kv_output) {
        finish_heads(&w->k, w->d);
        finish_heads(&w->v, w->d);
    }
    if (w->cached) {
        finish_heads(&w->k_cache, w->d);
        finish_heads(&w->v_cache, w->d);
    }
}

static void start(walk *w, int64_t token) {
    const stub_rope_job *job = w->job;
    stub_row_start(&w->x, &job->x, job->lead, token);
    stub_row_start(&w->cosine, &job->cosine, job->cosine.tensor->rank - 1, token);
    stub_row_start(&w->sine, &job->sine, job->sine.tensor->rank - 1, token);
    start_heads(&w->q, &job->q, job->lead, token);
    w->k.elements = w->k.room; /* as fp16, k passes through even when nobody wants it */
    if (job->kv_output) {
        start_heads(&w->k, &job->k, job->lead, token);
        start_heads(&w->v, &job->v, job->lead, token);
    }
}

static void next(walk *w) {
    stub_row_next(&w->x);
    stub_row_next(&w->cosine);
    stub_row_next(&w->sine);
    next_heads(&w->q);
    if (w->job->kv_output) {
        next_heads(&w->k);
        next_heads(&w->v);
    }
}

void stub_rope_run_tokens(const stub_rope_job *job, int64_t first, int64_t end, void *scratch) {
    walk w = {.job = job, .d = (size_t)job->sizes.d, .kv = (size_t)(job->sizes.kv_heads * job->sizes.d)};
    furnish(&w, &(scratch_parts){.memory = scratch});
    start(&w, first);
    for (w.token = first; w.token < end; w.token++) {
        const uint8_t *x = read_x(&w);
        load_tables(&w);
        run_q(&w, x);
        run_kv(&w, x);
        next(&w);
    }
}
