/* The elementwise family: what an operator's signature says, phase one, and the pieces of phase two. */
#include "opapi/map.h"

#include <string.h>

#include "opapi/promote.h"

/* A call's arguments by their part in the map. */
typedef struct {
    uint32_t inputs, outputs, constants;
    uint32_t in[STUB_MAX_INPUTS], out[STUB_MAX_OUTPUTS], constant[STUB_MAX_CONSTANTS]; /* numbers of arguments */
} parts;

static bool is_operand(const stub_param *param) {
    return param->kind == STUB_TENSOR || param->kind == STUB_SCALAR;
}

static parts parts_of(const stub_call *call) {
    parts found = {0};
    for (uint32_t i = 0; i < call->op->count; i++) {
        const stub_param *param = &call->op->params[i];
        if (!is_operand(param)) {
            found.constant[found.constants++] = i;
            continue;
        }
        if (param->role != STUB_OUT) {
            found.in[found.inputs++] = i;
        }
        if (param->role != STUB_IN) {
            found.out[found.outputs++] = i;
        }
    }
    return found;
}

static bool has_bit(uint32_t set, uint32_t bit) {
    return (set >> bit & 1) != 0;
}

static bool is_scalar(const stub_call *call, uint32_t arg) {
    return call->op->params[arg].kind == STUB_SCALAR;
}

/* Tensors first, then scalars: a scalar raises the category of what the tensors are together. */
static aclDataType promoted_type(const stub_call *call, const stub_map *map, const parts *part) {
    aclDataType type = ACL_DT_UNDEFINED;
    bool any = false;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t k = 0; k < part->inputs; k++) {
            const stub_value value = call->args[part->in[k]];
            const bool scalar = is_scalar(call, part->in[k]);
            if (!value.tensor || scalar != (pass == 1) || has_bit(map->apart | map->conditions, k)) {
                continue;
            }
            const aclDataType given = scalar ? value.scalar->dtype : value.tensor->dtype;
            type = !any ? given : scalar ? stub_promote_scalar(type, given) : stub_promote(type, given);
            any = true;
        }
    }
    return type;
}

static aclDataType computing_type(const stub_call *call, const stub_map *map, const parts *part) {
    const aclDataType promoted = promoted_type(call, map, part);
    switch (map->type) {
    case STUB_AS_BOOL:
        return ACL_BOOL;
    case STUB_AS_OUTPUT:
        return call->args[part->out[0]].tensor->dtype;
    case STUB_AS_FLOATING:
        return stub_dtype_is_integral(promoted) ? ACL_FLOAT : promoted;
    case STUB_AS_FLOAT:
        return stub_dtype_is_number(promoted) &&
                       (stub_dtype_is_integral(promoted) || stub_class_of(promoted) == STUB_F32)
                   ? ACL_FLOAT
                   : promoted;
    default:
        return promoted;
    }
}

static bool gives_real(const stub_map *map, aclDataType as) {
    return map->result == STUB_GIVES_REAL && stub_class_of(as) == STUB_C128;
}

/* The type of the results, which decides what they can be stored in. */
static aclDataType result_type(const stub_map *map, aclDataType as) {
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
    return gives_real(map, as) ? ACL_DOUBLE : result_type(map, as);
}

static aclnnStatus check_given(const stub_call *call, const stub_map *map, const parts *part) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        if (!has_bit(map->optional, k)) {
            STUB_REQUIRE(stub_check_given(call, &part->in[k], 1));
        }
    }
    return stub_check_given(call, part->out, part->outputs);
}

#define CONDITIONS (STUB_BOOLS | STUB_DTYPE(ACL_UINT8) | STUB_DTYPE(ACL_INT8))

static aclnnStatus check_inputs(const stub_call *call, const stub_map *map, const parts *part) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        if (is_scalar(call, part->in[k])) {
            continue;
        }
        const stub_dtypes allowed = has_bit(map->conditions, k) ? CONDITIONS : map->allowed;
        const stub_dtype_rule rule = {part->in[k], STUB_ON_ALL(allowed)};
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_rank(call, part->in[k], 0, STUB_MAX_RANK));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_types(const stub_call *call, const stub_map *map, const parts *part) {
    const aclDataType as = computing_type(call, map, part);
    if (!stub_dtype_is_number(as) || !map->loops[stub_class_of(as)]) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID,
                         "%s: the data types of the inputs promote to %s, which this operator does not compute in",
                         call->op->name, stub_dtype_name(as));
    }
    const aclDataType result = result_type(map, as);
    for (uint32_t k = 0; k < part->outputs; k++) {
        const aclDataType given = stub_tensor_arg(call, part->out[k])->dtype;
        if (!stub_dtype_is_number(given) || (!map->any_output && !stub_can_cast(result, given))) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: a result of type %s cannot be stored in %s, which is %s",
                             call->op->name, stub_dtype_name(result), call->op->params[part->out[k]].name,
                             stub_dtype_name(given));
        }
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus check_shapes(const stub_call *call, const parts *part) {
    const aclTensor *tensors[STUB_MAX_INPUTS];
    uint32_t count = 0;
    for (uint32_t k = 0; k < part->inputs; k++) {
        if (!is_scalar(call, part->in[k])) {
            tensors[count++] = stub_tensor_arg(call, part->in[k]);
        }
    }
    int64_t shape[STUB_MAX_RANK];
    const int rank = stub_broadcast(tensors, count, shape);
    if (rank < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: the shapes of the input tensors do not broadcast together",
                         call->op->name);
    }
    for (uint32_t k = 0; k < part->outputs; k++) {
        STUB_REQUIRE(stub_check_shape(call, part->out[k], shape, (uint32_t)rank, "that of the inputs, broadcast"));
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_map_check(const stub_call *call, stub_plan *plan, const stub_map *map) {
    const parts part = parts_of(call);
    STUB_REQUIRE(check_given(call, map, &part));
    STUB_REQUIRE(check_inputs(call, map, &part));
    STUB_REQUIRE(check_types(call, map, &part));
    STUB_REQUIRE(check_shapes(call, &part));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, part.out[0])) == 0;
    return ACLNN_SUCCESS;
}

double stub_scalar_number(const aclScalar *scalar) {
    double number;
    stub_load(scalar->dtype, scalar->value.bytes, 0, 1, ACL_DOUBLE, &number);
    return number;
}

double stub_number(const stub_call *call, uint32_t arg) {
    const stub_value value = call->args[arg];
    switch (call->op->params[arg].kind) {
    case STUB_SCALAR:
        return stub_scalar_number(value.scalar);
    case STUB_REAL:
        return value.real;
    case STUB_FLAG:
        return value.flag;
    default:
        return (double)value.integer;
    }
}

/* Arrays of one piece lie side by side, a bit further apart than they are long: in different sets of the cache. */
enum { OPERANDS = STUB_MAX_INPUTS + STUB_MAX_OUTPUTS, ROOM_GAP = 192 };

/* What all pieces of one map share. */
typedef struct {
    stub_loop *loop;
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

void stub_map_apply(const stub_map *map, aclDataType as, const stub_operand *in, uint32_t inputs,
                    const stub_view *const *out, uint32_t outputs, const double *constants) {
    const stub_loops *loops = map->loops[stub_class_of(as)];
    job work = {.loop = stub_cpu_level() == STUB_CPU_AVX2 ? loops->avx2 : loops->baseline,
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
    stub_walk_run(&walk, do_piece, &work);
}

static aclnnStatus open_inputs(const stub_call *call, const stub_map *map, const parts *part, stub_operand *in,
                               stub_view *views) {
    for (uint32_t k = 0; k < part->inputs; k++) {
        in[k] = (stub_operand){.is_condition = has_bit(map->conditions, k)};
        const uint32_t arg = part->in[k];
        if (is_scalar(call, arg)) {
            in[k].scalar = call->args[arg].scalar;
        } else if (stub_tensor_arg(call, arg)) {
            STUB_REQUIRE(stub_view_open(call, arg, &views[k]));
            in[k].view = &views[k];
        }
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_map_run(const stub_call *call, const stub_map *map) {
    const parts part = parts_of(call);
    stub_operand in[STUB_MAX_INPUTS];
    stub_view in_views[STUB_MAX_INPUTS], out_views[STUB_MAX_OUTPUTS];
    const stub_view *out[STUB_MAX_OUTPUTS];
    double constants[STUB_MAX_CONSTANTS];
    STUB_REQUIRE(open_inputs(call, map, &part, in, in_views));
    for (uint32_t k = 0; k < part.outputs; k++) {
        STUB_REQUIRE(stub_view_open(call, part.out[k], &out_views[k]));
        out[k] = &out_views[k];
    }
    for (uint32_t k = 0; k < part.constants; k++) {
        constants[k] = stub_number(call, part.constant[k]);
    }
    stub_map_apply(map, computing_type(call, map, &part), in, part.inputs, out, part.outputs, constants);
    return ACLNN_SUCCESS;
}
