/* One token of aclnnDequantRopeQuantKvcache after the other. What a token has in a tensor is read and written in place
 * where its elements are neighbours in memory; the rest goes through scratch memory. */
#include <string.h>

#include "opapi/attention/dequant_rope_job.h"
#include "opapi/rows.h"

/* A token, which is x[batch, place], and its row of the caches, [block, slot]. */
typedef struct {
    int64_t token, batch, place;
    bool cached; /* it has a row */
    int64_t block, slot;
} position;

typedef struct {
    const stub_rope_job *job;
    size_t q, kv, d; /* elements of all q heads, of all k heads, of one head */
    position at;
    float *cosines, *sines;  /* of the token; the first half of the sines is negated */
    float *values, *rotated; /* a head before and after the rotation */
    uint8_t *x_room, *q_room, *k_room, *v_room, *k_cache_room, *v_cache_room; /* NULL for tensors without gaps */
} walk;

enum { CACHE_LINE = 64 };

/* Parts of one piece of scratch memory, in order; the first pass, without memory, measures them. */
typedef struct {
    uint8_t *memory;
    size_t used;
} scratch_parts;

static void *take(scratch_parts *parts, size_t bytes) {
    void *part = parts->memory ? parts->memory + parts->used : NULL;
    parts->used += (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return part;
}

static uint8_t *take_room(scratch_parts *parts, const stub_rope_tensor *tensor, size_t elements) {
    return tensor->whole ? NULL : take(parts, elements * (size_t)tensor->view.bits / 8);
}

static walk begin(const stub_rope_job *job, scratch_parts *parts) {
    walk w = {.job = job, .d = (size_t)job->sizes.d, .kv = (size_t)(job->sizes.kv_heads * job->sizes.d)};
    w.q = (size_t)job->sizes.columns - 2 * w.kv;
    w.cosines = take(parts, w.d * sizeof(float));
    w.sines = take(parts, w.d * sizeof(float));
    w.values = take(parts, w.d * sizeof(float));
    w.rotated = take(parts, w.d * sizeof(float));
    w.x_room = take_room(parts, &job->x, w.q + 2 * w.kv);
    w.q_room = take_room(parts, &job->q, w.q);
    w.k_cache_room = take_room(parts, &job->k_cache, w.kv);
    w.v_cache_room = take_room(parts, &job->v_cache, w.kv);
    if (job->kv_output) {
        w.k_room = take_room(parts, &job->k, w.kv);
        w.v_room = take_room(parts, &job->v, w.kv);
    }
    return w;
}

size_t stub_rope_scratch_bytes(const stub_rope_job *job) {
    scratch_parts parts = {0};
    begin(job, &parts);
    return parts.used;
}

/* The last axis of tensor[batch, place, 0]. */
static stub_row row_at(const stub_rope_tensor *tensor, int64_t batch, int64_t place) {
    const aclTensor *layout = tensor->view.tensor;
    const uint32_t last = layout->rank - 1;
    return (stub_row){
        .view = &tensor->view,
        .offset = layout->offset + batch * tensor->batch + place * tensor->token,
        .step = layout->shape[last] > 1 ? layout->strides[last] : 1, /* that of a single element may be anything */
    };
}

/* tensor[batch, place] when its elements are neighbours. */
static uint8_t *place_at(const stub_rope_tensor *tensor, int64_t batch, int64_t place) {
    const int64_t element = tensor->view.tensor->offset + batch * tensor->batch + place * tensor->token;
    return tensor->view.base + element * (tensor->view.bits / 8);
}

static const uint8_t *read_x(const walk *w) {
    const stub_rope_tensor *x = &w->job->x;
    if (x->whole) {
        return place_at(x, w->at.batch, w->at.place);
    }
    const stub_row row = row_at(x, w->at.batch, w->at.place);
    const size_t columns = (size_t)w->job->sizes.columns, width = (size_t)x->view.bits / 8;
    for (size_t done = 0; done < columns; done += STUB_CHUNK) {
        stub_chunk chunk;
        const size_t n = stub_chunk_length((int64_t)columns, (int64_t)done);
        memcpy(w->x_room + done * width, stub_row_read(&row, (int64_t)done, n, &chunk), n * width);
    }
    return w->x_room;
}

static void load_tables(const walk *w) {
    const stub_row cosine = row_at(&w->job->cosine, w->at.batch, w->at.place);
    const stub_row sine = row_at(&w->job->sine, w->at.batch, w->at.place);
    stub_row_read_floats(&cosine, 0, w->d, w->cosines);
    stub_row_read_floats(&sine, 0, w->d, w->sines);
    for (size_t i = 0; i < w->d / 2; i++) {
        w->sines[i] = -w->sines[i];
    }
}

/* Where the heads of tensor[batch, place] are written first. */
static uint8_t *heads_at(const stub_rope_tensor *tensor, int64_t batch, int64_t place, uint8_t *room) {
    return tensor->whole ? place_at(tensor, batch, place) : room;
}

/* What was written to the room goes to its places. */
static void finish_heads(const stub_rope_tensor *tensor, int64_t batch, int64_t place, const uint8_t *room) {
    if (tensor->whole) {
        return;
    }
    const aclTensor *layout = tensor->view.tensor;
    const size_t d = (size_t)layout->shape[tensor->axis + 1];
    stub_row row = row_at(tensor, batch, place);
    for (int64_t head = 0; head < layout->shape[tensor->axis]; head++) {
        stub_row_write(&row, 0, d, room + (size_t)head * d * (size_t)tensor->view.bits / 8);
        row.offset += layout->strides[tensor->axis];
    }
}

/* Columns [first, first + D) of an int32 x to w->values. */
static void dequantise_head(const walk *w, const uint8_t *x, size_t first, bool rounded) {
    const stub_rope_job *job = w->job;
    const stub_rope_dequantiser by = {
        .scale = job->weight + first,
        .integer_bias = job->integer_bias ? job->integer_bias + first : NULL,
        .bias = job->bias ? job->bias + first : NULL,
        .activation = job->activation ? job->activation[w->at.token] : 1.0f,
    };
    x += first * sizeof(int32_t);
    stub_rope_prefetch(x, w->d * sizeof(int32_t));
    job->loops->dequantise(x, w->d, &by, rounded, w->values);
}

/* The head of columns [first, first + D), rotated, in the tables' type to `y` and in fp32 to `y_fp32`, NULL where
 * nobody wants it. With fp16 tables an int32 x is rounded first. */
static void rotate_head(const walk *w, const uint8_t *x, size_t first, uint8_t *y, float *y_fp32) {
    const stub_rope_job *job = w->job;
    const bool rounded = job->half == STUB_HALF_F16;
    const stub_rope_rotation by = {w->cosines, w->sines, job->half, job->is_integer && !rounded};
    if (job->is_integer) {
        dequantise_head(w, x, first, rounded);
        job->loops->rotate(&by, w->values, w->d, y, y_fp32);
        return;
    }
    x += first * sizeof(uint16_t);
    stub_rope_prefetch(x, w->d * sizeof(uint16_t));
    job->loops->rotate(&by, x, w->d, y, y_fp32);
}

/* `count` elements, fp32 or of the tables' type, to the cache columns [column, column + count). */
static void quantise_k(const walk *w, stub_rope_kind kind, const void *x, size_t column, size_t count, uint8_t *cache) {
    const stub_rope_job *job = w->job;
    const float *offset = job->offset_k ? job->offset_k + column : NULL;
    job->loops->quantise(kind, x, job->scale_k + column, offset, count, (int8_t *)cache + column);
}

static void quantise_v(const walk *w, stub_rope_kind kind, const void *x, size_t column, size_t count, uint8_t *cache) {
    const stub_rope_job *job = w->job;
    const float *offset = job->offset_v ? job->offset_v + column : NULL;
    job->loops->quantise(kind, x, job->scale_v + column, offset, count, (int8_t *)cache + column);
}

static void run_q(const walk *w, const uint8_t *x) {
    uint8_t *y = heads_at(&w->job->q, w->at.batch, w->at.place, w->q_room);
    for (size_t column = 0; column < w->q; column += w->d) {
        rotate_head(w, x, column, y + column * sizeof(uint16_t), NULL);
    }
    finish_heads(&w->job->q, w->at.batch, w->at.place, w->q_room);
}

/* With fp16 tables the cache sees k as it is rounded for kOut, with bf16 tables unrounded. `y` and `cache` are NULL
 * where nobody wants them. */
static void run_k(const walk *w, const uint8_t *x, uint8_t *y, uint8_t *cache) {
    const bool rounded = w->job->half == STUB_HALF_F16;
    for (size_t column = 0; column < w->kv; column += w->d) {
        uint8_t *halves = y ? y + column * sizeof(uint16_t) : rounded ? (uint8_t *)w->rotated : NULL;
        rotate_head(w, x, w->q + column, halves, rounded ? NULL : w->rotated);
        if (cache) {
            quantise_k(w, rounded ? STUB_ROPE_F16 : STUB_ROPE_F32, rounded ? (void *)halves : w->rotated, column, w->d,
                       cache);
        }
    }
}

/* v of an int32 x: quantised before it is rounded. */
static void run_integer_v(const walk *w, const uint8_t *x, uint8_t *y, uint8_t *cache) {
    for (size_t column = 0; column < w->kv; column += w->d) {
        dequantise_head(w, x, w->q + w->kv + column, false);
        if (y) {
            w->job->loops->narrow(w->job->half, w->values, w->d, y + column * sizeof(uint16_t));
        }
        if (cache) {
            quantise_v(w, STUB_ROPE_F32, w->values, column, w->d, cache);
        }
    }
}

static void run_v(const walk *w, const uint8_t *x, uint8_t *y, uint8_t *cache) {
    if (w->job->is_integer) {
        run_integer_v(w, x, y, cache);
        return;
    }
    const uint8_t *v = x + (w->q + w->kv) * sizeof(uint16_t);
    if (y) {
        memcpy(y, v, w->kv * sizeof(uint16_t));
    }
    if (cache) {
        quantise_v(w, w->job->half == STUB_HALF_F16 ? STUB_ROPE_F16 : STUB_ROPE_BF16, v, 0, w->kv, cache);
    }
}

typedef void run_heads(const walk *w, const uint8_t *x, uint8_t *y, uint8_t *cache);

/* k or v: an output, and a row of a cache. */
typedef struct {
    const stub_rope_tensor *output, *cache;
    uint8_t *output_room, *cache_room;
    run_heads *run;
} kv_heads;

static void run_kv(const walk *w, const uint8_t *x, const kv_heads *heads) {
    const position *at = &w->at;
    const bool kv_output = w->job->kv_output;
    heads->run(w, x, kv_output ? heads_at(heads->output, at->batch, at->place, heads->output_room) : NULL,
               at->cached ? heads_at(heads->cache, at->block, at->slot, heads->cache_room) : NULL);
    if (kv_output) {
        finish_heads(heads->output, at->batch, at->place, heads->output_room);
    }
    if (at->cached) {
        finish_heads(heads->cache, at->block, at->slot, heads->cache_room);
    }
}

static void run_token(const walk *w) {
    const stub_rope_job *job = w->job;
    const uint8_t *x = read_x(w);
    load_tables(w);
    if (w->q > 0) {
        run_q(w, x);
    }
    if (w->kv > 0 && (job->kv_output || w->at.cached)) {
        run_kv(w, x, &(kv_heads){&job->k, &job->k_cache, w->k_room, w->k_cache_room, run_k});
        run_kv(w, x, &(kv_heads){&job->v, &job->v_cache, w->v_room, w->v_cache_room, run_v});
    }
}

static position position_of(const stub_rope_job *job, int64_t token) {
    const stub_rope_sizes *sizes = &job->sizes;
    const int64_t row = job->rows[token];
    position at = {.token = token, .batch = token / sizes->length, .place = token % sizes->length, .cached = row >= 0};
    if (at.cached) {
        at.block = row / sizes->cache_rows;
        at.slot = row % sizes->cache_rows;
    }
    return at;
}

/* Pages lie anywhere: a token's rows are asked for while there is other work. */
static void prefetch_rows(const walk *w, const position *at) {
    const stub_rope_job *job = w->job;
    if (!at->cached || !job->k_cache.whole || !job->v_cache.whole) {
        return;
    }
    const uint8_t *k = place_at(&job->k_cache, at->block, at->slot);
    const uint8_t *v = place_at(&job->v_cache, at->block, at->slot);
    for (size_t byte = 0; byte < w->kv; byte += CACHE_LINE) {
        __builtin_prefetch(k + byte, 1);
        __builtin_prefetch(v + byte, 1);
    }
}

void stub_rope_run_tokens(const stub_rope_job *job, int64_t first, int64_t end, void *scratch) {
    walk w = begin(job, &(scratch_parts){.memory = scratch});
    w.at = position_of(job, first);
    while (w.at.token + 1 < end) {
        const position behind = position_of(job, w.at.token + 1);
        prefetch_rows(&w, &behind);
        run_token(&w);
        w.at = behind;
    }
    run_token(&w);
}
