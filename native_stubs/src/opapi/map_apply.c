/* The elementwise family: the pieces of one map. */
#include <stdlib.h>
#include <string.h>

#include "opapi/map.h"

/* Arrays of one piece lie side by side, a bit further apart than they are long: in different sets of the cache. */
enum { OPERANDS = STUB_MAX_INPUTS + STUB_MAX_OUTPUTS, ROOM_GAP = 192 };

/* What all pieces of one map share. */
typedef struct {
    stub_loop *loop;
    bool costly; /* the loop is */
    aclDataType as, result;
    uint32_t inputs, outputs;
    const stub_operand *in;
    const stub_view *const *out;
    const double *constants;
    size_t room;                         /* bytes of an array of a piece */
    int place[STUB_MAX_INPUTS];          /* of an input among the walk's operands; -1: none */
    const void *filled[STUB_MAX_INPUTS]; /* an input that is one number, STUB_STRETCH times or as often as needed */
} job;

typedef struct {
    _Alignas(64) uint8_t bytes[OPERANDS * (sizeof(stub_stretch) + ROOM_GAP)];
} rooms;

static bool gives_real(const stub_map *map, aclDataType as) {
    return map->result == STUB_GIVES_REAL && stub_class_of(as) == STUB_C128;
}

aclDataType stub_map_result_type(const stub_map *map, aclDataType as) {
    if (map->result == STUB_GIVES_BOOL) {
        return ACL_BOOL;
    }
    if (gives_real(map, as)) {
        return as == ACL_COMPLEX128 ? ACL_DOUBLE : ACL_FLOAT;
    }
    return as;
}

/* The type in which the loops write them. */
static aclDataType written_type(const stub_map *map, aclDataType as) {
    return gives_real(map, as) ? ACL_DOUBLE : stub_map_result_type(map, as);
}

static aclDataType loaded_type(const job *work, uint32_t k) {
    return work->in[k].is_condition ? ACL_BOOL : work->as;
}

/* Input k of the piece as numbers: where it lies, or in `room`. */
static const void *load_input(const job *work, const stub_piece *piece, uint32_t k, void *room) {
    if (work->place[k] < 0 || work->filled[k]) {
        return work->filled[k];
    }
    const aclDataType type = loaded_type(work, k), given = work->in[k].view->tensor->dtype;
    const uint8_t *at = piece->at[work->place[k]];
    const int64_t step = piece->step[work->place[k]];
    if (stub_lies_ready(given, at, step, type)) {
        return at;
    }
    stub_load(given, at, step, piece->n, type, room);
    return room;
}

static void do_piece(void *state, const stub_piece *piece) {
    const job *work = state;
    rooms room;
    const void *in[STUB_MAX_INPUTS];
    void *out[STUB_MAX_OUTPUTS];
    for (uint32_t k = 0; k < work->inputs; k++) {
        in[k] = load_input(work, piece, k, room.bytes + k * work->room);
    }
    for (uint32_t k = 0; k < work->outputs; k++) {
        const bool ready = stub_lies_ready(work->out[k]->tensor->dtype, piece->at[k], piece->step[k], work->result);
        out[k] = ready ? piece->at[k] : room.bytes + (work->inputs + k) * work->room;
    }
    work->loop(piece->n, in, out, work->constants);
    for (uint32_t k = 0; k < work->outputs; k++) {
        if (out[k] != piece->at[k]) {
            stub_store(work->result, out[k], piece->n, work->out[k]->tensor->dtype, piece->at[k], piece->step[k]);
        }
    }
}

static size_t room_of(const job *work) {
    const size_t in = stub_class_size(stub_class_of(work->as)), out = stub_class_size(stub_class_of(work->result));
    return STUB_STRETCH * (in > out ? in : out) + ROOM_GAP;
}

static bool is_one_number(const stub_operand *in) {
    return in->scalar || (in->view && stub_tensor_numel(in->view->tensor) == 1);
}

/* Inputs that are one number, once for all pieces: as many as the longest piece has. */
static void fill_inputs(job *work, size_t n, rooms *room) {
    for (uint32_t k = 0; k < work->inputs; k++) {
        const stub_operand *in = &work->in[k];
        work->filled[k] = NULL;
        if (is_one_number(in)) {
            const aclTensor *tensor = in->view ? in->view->tensor : NULL;
            const void *from =
                tensor ? in->view->base + tensor->offset * (in->view->bits / 8) : in->scalar->value.bytes;
            uint8_t *const to = room->bytes + k * work->room;
            stub_load(tensor ? tensor->dtype : in->scalar->dtype, from, 0, n, loaded_type(work, k), to);
            work->filled[k] = to;
        }
    }
}

/* Elements of 16 bits have no more values than this. A bigger map of one of them looks its results up: cheaper than
 * most functions, and than the way to float and back. */
enum { VALUES = 1 << 16, WORTH_A_TABLE = 2 * VALUES };

static bool has_16_bits(const stub_view *view) {
    return view->tensor->dtype == ACL_FLOAT16 || view->tensor->dtype == ACL_BF16;
}

static bool wants_table(const job *work, const stub_walk *walk) {
    const int64_t numel = stub_tensor_numel(work->out[0]->tensor);
    if (!work->costly || numel < WORTH_A_TABLE || work->outputs != 1 || walk->count != 2 ||
        !has_16_bits(work->out[0])) {
        return false;
    }
    for (uint32_t k = 0; k < work->inputs; k++) {
        if (work->place[k] >= 0 && !has_16_bits(work->in[k].view)) {
            return false;
        }
    }
    return true;
}

/* The map's result for each value that the input can have; NULL: no memory. */
static uint16_t *make_table(job *work) {
    const int64_t count = VALUES, stride = 1;
    uint16_t *results = malloc(2 * VALUES * sizeof *results), *values = results + VALUES;
    if (results == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < VALUES; i++) {
        values[i] = (uint16_t)i;
    }
    stub_walk walk;
    stub_walk_start(&walk, &count, 1);
    stub_walk_add_raw(&walk, results, sizeof *results, &count, &stride, 1);
    stub_walk_add_raw(&walk, values, sizeof *values, &count, &stride, 1);
    stub_walk_only_reads(&walk);
    stub_walk_run(&walk, do_piece, work);
    return results;
}

static void look_up(void *state, const stub_piece *piece) {
    const uint16_t *results = state;
    uint8_t *to = piece->at[0];
    const uint8_t *from = piece->at[1];
    for (size_t i = 0; i < piece->n; i++, to += piece->step[0], from += piece->step[1]) {
        uint16_t bits;
        memcpy(&bits, from, sizeof bits);
        memcpy(to, &results[bits], sizeof bits);
    }
}

static void run(job *work, stub_walk *walk) {
    uint16_t *results = wants_table(work, walk) ? make_table(work) : NULL;
    if (results) {
        stub_walk_run(walk, look_up, results);
        free(results);
    } else {
        stub_walk_run(walk, do_piece, work);
    }
}

void stub_map_apply(const stub_map *map, aclDataType as, const stub_operand *in, uint32_t inputs,
                    const stub_view *const *out, uint32_t outputs, const double *constants) {
    const stub_loops *loops = map->loops[stub_class_of(as)];
    job work = {.loop = stub_cpu_level() == STUB_CPU_AVX2 ? loops->avx2 : loops->baseline,
                .costly = loops->costly,
                .as = as,
                .result = written_type(map, as),
                .inputs = inputs,
                .outputs = outputs,
                .in = in,
                .out = out,
                .constants = constants};
    const int64_t numel = stub_tensor_numel(out[0]->tensor);
    rooms room;
    stub_walk walk;
    if (numel == 0) {
        return;
    }
    work.room = room_of(&work);
    fill_inputs(&work, (size_t)(numel < STUB_STRETCH ? numel : STUB_STRETCH), &room);
    stub_walk_start(&walk, out[0]->tensor->shape, out[0]->tensor->rank);
    for (uint32_t k = 0; k < outputs; k++) {
        stub_walk_add(&walk, out[k]);
    }
    for (uint32_t k = 0; k < inputs; k++) {
        const bool walks = in[k].view && !work.filled[k];
        work.place[k] = walks ? (int)walk.count : -1;
        if (walks) {
            stub_walk_add(&walk, in[k].view);
            stub_walk_only_reads(&walk);
        }
    }
    run(&work, &walk);
}
