/* Streams and arrays of random numbers. */
#include "opapi/random/source.h"

#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "opapi/elements.h"

/* The number of the argument of that name, or -1. */
static int find(const stub_call *call, const char *name) {
    for (uint32_t i = 0; i < call->op->count; i++) {
        if (strcmp(call->op->params[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

aclnnStatus stub_stream_check(const stub_call *call) {
    const char *names[] = {"seedTensor", "offsetTensor"};
    for (int k = 0; k < 2; k++) {
        const int found = find(call, names[k]);
        if (found < 0) {
            continue;
        }
        const uint32_t arg = (uint32_t)found;
        const stub_dtype_rule rule = {arg, STUB_ON_ALL(STUB_DTYPE(ACL_INT64))};
        const int64_t one[] = {1};
        STUB_REQUIRE(stub_check_given(call, &arg, 1));
        STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
        STUB_REQUIRE(stub_check_shape(call, arg, one, stub_tensor_arg(call, arg)->rank > 0 ? 1 : 0, "one element"));
    }
    return ACLNN_SUCCESS;
}

static aclnnStatus add_argument(const stub_call *call, const char *value, const char *tensor, uint64_t *to) {
    int arg = find(call, value);
    *to = arg < 0 ? 0 : (uint64_t)call->args[arg].integer;
    arg = find(call, tensor);
    if (arg >= 0) {
        stub_view view;
        int64_t number;
        STUB_REQUIRE(stub_view_open(call, (uint32_t)arg, &view));
        memcpy(&number, view.base + view.tensor->offset * (int64_t)sizeof number, sizeof number);
        *to += (uint64_t)number;
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_stream_open(const stub_call *call, stub_stream *stream) {
    STUB_REQUIRE(add_argument(call, "seed", "seedTensor", &stream->seed));
    return add_argument(call, "offset", "offsetTensor", &stream->offset);
}

aclnnStatus stub_array_make(const stub_call *call, aclDataType type, const aclTensor *like, stub_array *array) {
    const int64_t count = stub_tensor_numel(like), size = stub_dtype_bits(type) / 8;
    array->tensor = (aclTensor){.dtype = type, .rank = like->rank, .shape = like->shape, .strides = array->strides};
    int64_t stride = 1;
    for (uint32_t i = like->rank; i-- > 0; stride *= like->shape[i]) {
        array->strides[i] = stride;
    }
    array->view = (stub_view){
        .tensor = &array->tensor, .base = malloc((size_t)(count > 0 ? count * size : 1)), .bits = (int)size * 8};
    if (!array->view.base) {
        return stub_fail(ACLNN_ERR_INNER, "%s: no host memory for %lld numbers", call->op->name, (long long)count);
    }
    return ACLNN_SUCCESS;
}

void stub_array_release(stub_array *array) {
    free(array->view.base);
}

/* Numbers for which another thread is worth waking, and numbers at a time. */
enum { SHARE = 16384, AT_ONCE = 1024, MOST_WORDS = 2 };

typedef struct {
    const stub_distribution *from;
    stub_stream stream;
    uint8_t *numbers;
    int64_t count, size;
} job;

static void draw_share(void *state, size_t index) {
    const job *work = state;
    const size_t words = work->from->words;
    const int64_t start = (int64_t)index * SHARE, end = start + SHARE < work->count ? start + SHARE : work->count;
    uint32_t made[AT_ONCE * MOST_WORDS];
    for (int64_t at = start; at < end; at += AT_ONCE) {
        const size_t n = (size_t)(end - at < AT_ONCE ? end - at : AT_ONCE);
        const uint64_t first = (uint64_t)at * words / STUB_PHILOX_BLOCK;
        stub_philox(work->stream, first, (n * words + STUB_PHILOX_BLOCK - 1) / STUB_PHILOX_BLOCK, made);
        work->from->draw(n, made, work->numbers + at * work->size, work->from->constants);
    }
}

aclnnStatus stub_array_draw(const stub_call *call, const stub_distribution *from, const aclTensor *like,
                            stub_array *array) {
    job work = {.from = from, .count = stub_tensor_numel(like), .size = stub_dtype_bits(from->type) / 8};
    STUB_REQUIRE(stub_stream_open(call, &work.stream));
    STUB_REQUIRE(stub_array_make(call, from->type, like, array));
    work.numbers = array->view.base;
    stub_parallel((size_t)((work.count + SHARE - 1) / SHARE), draw_share, &work);
    return ACLNN_SUCCESS;
}
