/* From a call's snapshot to the bytes it touches: every view becomes a run of bytes and the dimensions that repeat it,
 * see watch/access.h. */
#include "nnopbase/accesses.h"

#include "nnopbase/executor.h"

/* A snapshot's tensors have at most 2^48 elements, so that more dimensions cannot be larger than 1. */
#define MOST_DIMS 48u

typedef struct {
    uint64_t count, stride;
} form_dim;

/* A set of bits: `run` bits from `first` on, repeated. The dimension with the smallest stride comes first. */
typedef struct {
    int64_t first; /* from the start of the storage */
    uint64_t run;
    uint64_t extent; /* from the first to behind the last */
    uint32_t rank;
    bool bounding;
    form_dim dims[MOST_DIMS];
} form;

static void insert(form *to, uint64_t count, uint64_t stride) {
    uint32_t at = to->rank++;
    for (; at > 0 && to->dims[at - 1].stride > stride; at--) {
        to->dims[at] = to->dims[at - 1];
    }
    to->dims[at] = (form_dim){count, stride};
}

/* False when the numbers do not fit. A negative stride is one from the other end; one of 0 adds nothing. */
static bool add_dimension(form *to, int64_t count, int64_t stride, int64_t bits) {
    int64_t step, reach;
    if (count == 1 || stride == 0) {
        return true;
    }
    if (__builtin_mul_overflow(stride, bits, &step) || __builtin_mul_overflow(count - 1, step, &reach) ||
        (reach < 0 && __builtin_add_overflow(to->first, reach, &to->first)) || step == INT64_MIN ||
        reach == INT64_MIN || to->rank == MOST_DIMS) {
        return false;
    }
    insert(to, (uint64_t)count, (uint64_t)(step < 0 ? -step : step));
    return !__builtin_add_overflow(to->extent, (uint64_t)(reach < 0 ? -reach : reach), &to->extent);
}

static bool read_view(form *to, const aclTensor *tensor, int64_t bits) {
    if (__builtin_mul_overflow(tensor->offset, bits, &to->first)) {
        return false;
    }
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (!add_dimension(to, tensor->shape[i], tensor->strides[i], bits)) {
            return false;
        }
    }
    return true;
}

/* In tiles: all of it. */
static bool read_storage(form *to, const aclTensor *tensor, int64_t bits) {
    uint64_t run = (uint64_t)bits;
    for (uint32_t i = 0; i < tensor->storage_rank; i++) {
        if (tensor->storage[i] < 0 || __builtin_mul_overflow(run, (uint64_t)tensor->storage[i], &run)) {
            return false;
        }
    }
    to->run = to->extent = run;
    return true;
}

/* Joins a dimension to what is inside of it where both together are one run, or one dimension. What overlaps otherwise
 * cannot be said exactly. */
static void join(form *to, form_dim outer, uint64_t inside) {
    form_dim *inner = to->rank > 0 ? &to->dims[to->rank - 1] : NULL;
    if (inner == NULL && outer.stride <= to->run) {
        to->run += (outer.count - 1) * outer.stride;
    } else if (inner != NULL && outer.stride % inner->stride == 0 && outer.stride / inner->stride <= inner->count) {
        inner->count += (outer.count - 1) * (outer.stride / inner->stride);
    } else {
        to->bounding |= outer.stride < inside;
        to->dims[to->rank++] = outer;
    }
}

static void join_all(form *of) {
    const uint32_t rank = of->rank;
    uint64_t inside = of->run;
    of->rank = 0;
    for (uint32_t i = 0; i < rank; i++) {
        const form_dim outer = of->dims[i];
        join(of, outer, inside);
        inside += (outer.count - 1) * outer.stride;
    }
}

static bool is_in_bytes(const form *of) {
    uint64_t bits = (uint64_t)of->first | of->run;
    for (uint32_t i = 0; i < of->rank; i++) {
        bits |= of->dims[i].stride;
    }
    return bits % 8 == 0;
}

/* The range it spans, in whole bytes. */
static void take_range(stub_access *access, const form *of) {
    const uint64_t odd = (uint64_t)of->first % 8;
    access->rank = 0;
    access->run = of->extent / 8 + (of->extent % 8 + odd + 7) / 8;
}

static void take_dims(stub_access *access, const form *of) {
    access->run = of->run / 8;
    access->rank = of->rank;
    for (uint32_t i = 0; i < of->rank; i++) {
        const form_dim *dim = &of->dims[of->rank - 1 - i];
        access->dims[i].count = dim->count;
        access->dims[i].stride = dim->stride / 8;
    }
}

/* Numbers that do not fit lie beyond all memory. */
static stub_access everything_from(uintptr_t first) {
    return (stub_access){.first = first, .run = UINTPTR_MAX - first, .bounding = true};
}

static stub_access access_of(uintptr_t data, const form *of) {
    /* Rounds down. */
    const int64_t before = of->first >= 0 ? of->first / 8 : -(int64_t)(((uint64_t)0 - (uint64_t)of->first + 7) / 8);
    const uintptr_t first = data + (uintptr_t)before;
    if ((before < 0 ? first > data : first < data) || of->extent / 8 >= UINTPTR_MAX - first) {
        return everything_from(data);
    }
    stub_access access = {.first = first};
    const bool in_bytes = is_in_bytes(of);
    if (in_bytes && !of->bounding && of->rank <= STUB_ACCESS_RANK) {
        take_dims(&access, of);
    } else {
        take_range(&access, of);
        /* Half a byte at the end is the tensor's own; at the beginning it is another's. */
        access.bounding = of->rank > 0 || of->bounding || of->first % 8 != 0;
    }
    return access;
}

/* The bytes of a tensor; of no bytes for an empty one and for types without a size. */
static stub_access bytes_of(const aclTensor *tensor) {
    const int64_t bits = stub_dtype_bits(tensor->dtype);
    if (bits == 0 || tensor->data == NULL || stub_tensor_numel(tensor) == 0) {
        return (stub_access){0};
    }
    form view = {.run = (uint64_t)bits, .extent = (uint64_t)bits};
    const bool in_tiles = !stub_tensor_has_base_format(tensor);
    if (!(in_tiles ? read_storage(&view, tensor, bits) : read_view(&view, tensor, bits))) {
        return everything_from((uintptr_t)tensor->data);
    }
    join_all(&view);
    return access_of((uintptr_t)tensor->data, &view);
}

static uint32_t mix(uint32_t hash, int64_t value) {
    const uint64_t bits = (uint64_t)value * UINT64_C(0x9e3779b97f4a7c15);
    return (hash ^ (uint32_t)(bits >> 32)) * UINT32_C(16777619);
}

/* Never 0. Dimensions of one element make no difference. */
static uint32_t view_of(const aclTensor *tensor) {
    uint32_t hash = mix(mix(UINT32_C(2166136261), tensor->dtype), tensor->format);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] != 1) {
            hash = mix(mix(hash, tensor->shape[i]), tensor->strides[i]);
        }
    }
    return hash | 1;
}

static stub_access_mode mode_of(stub_role role) {
    return role == STUB_IN ? STUB_READS : role == STUB_OUT ? STUB_WRITES : STUB_READS_AND_WRITES;
}

/* What is left of a padded storage may never be written. */
static bool is_padded(const aclTensor *tensor, const stub_access *access) {
    const uint64_t bits = (uint64_t)stub_tensor_numel(tensor) * (uint64_t)stub_dtype_bits(tensor->dtype);
    return !stub_tensor_has_base_format(tensor) && access->run != bits / 8;
}

static void add_tensor(const stub_call *call, uint32_t arg, const aclTensor *tensor, uint32_t item,
                       stub_access_list *accesses) {
    const stub_param *param = &call->op->params[arg];
    if (tensor == NULL) {
        return;
    }
    stub_access access = bytes_of(tensor);
    access.mode = mode_of(param->role);
    access.what = param->name;
    access.item = item;
    access.view = view_of(tensor);
    access.partial = param->role != STUB_OUT && (is_padded(tensor, &access) || stub_reads_in_part(call, arg));
    stub_access_add(accesses, &access);
    if (tensor->becomes > 0) {
        const stub_access made = {
            .first = (uintptr_t)tensor->data, .run = tensor->becomes, .mode = STUB_WRITES, .what = param->name};
        stub_access_add(accesses, &made);
    }
}

static void add_argument(const stub_call *call, uint32_t arg, stub_access_list *accesses) {
    const stub_value value = call->args[arg];
    const stub_kind kind = call->op->params[arg].kind;
    if (kind == STUB_TENSOR) {
        add_tensor(call, arg, value.tensor, 0, accesses);
    } else if (kind == STUB_TENSOR_LIST && value.tensors != NULL) {
        for (uint64_t i = 0; i < value.tensors->size; i++) {
            add_tensor(call, arg, value.tensors->items[i], (uint32_t)i + 1, accesses);
        }
    }
}

/* Of a larger workspace than it asked for an operator uses the beginning. */
static void add_workspace(const stub_executor *executor, stub_access_list *accesses) {
    const stub_access access = {.first = (uintptr_t)executor->call.workspace,
                                .run = executor->plan.workspace_size,
                                .mode = STUB_READS_AND_WRITES,
                                .partial = true,
                                .what = "workspace"};
    stub_access_add(accesses, &access);
}

void stub_describe_executor(const stub_task *task, stub_access_list *accesses) {
    const stub_executor *executor = (const stub_executor *)(const void *)task;
    for (uint32_t i = 0; i < executor->call.op->count; i++) {
        add_argument(&executor->call, i, accesses);
    }
    add_workspace(executor, accesses);
}
