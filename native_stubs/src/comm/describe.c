/* Operations in words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "comm/verdict.h"
#include "core/error.h"

typedef struct {
    char *text;
    size_t size, used;
} writer;

static void STUB_PRINTF(2, 3) add(writer *out, const char *format, ...) {
    if (out->used >= out->size) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(out->text + out->used, out->size - out->used, format, arguments);
    va_end(arguments);
    out->used += length < 0 ? 0 : (size_t)length;
}

static const char *data_type_name(int32_t type) {
    static const char *const names[] = {
        [HCCL_DATA_TYPE_INT8] = "INT8",       [HCCL_DATA_TYPE_INT16] = "INT16",    [HCCL_DATA_TYPE_INT32] = "INT32",
        [HCCL_DATA_TYPE_FP16] = "FP16",       [HCCL_DATA_TYPE_FP32] = "FP32",      [HCCL_DATA_TYPE_INT64] = "INT64",
        [HCCL_DATA_TYPE_UINT64] = "UINT64",   [HCCL_DATA_TYPE_UINT8] = "UINT8",    [HCCL_DATA_TYPE_UINT16] = "UINT16",
        [HCCL_DATA_TYPE_UINT32] = "UINT32",   [HCCL_DATA_TYPE_FP64] = "FP64",      [HCCL_DATA_TYPE_BFP16] = "BFP16",
        [HCCL_DATA_TYPE_INT128] = "INT128",   [HCCL_DATA_TYPE_HIF8] = "HIF8",      [HCCL_DATA_TYPE_FP8E4M3] = "FP8E4M3",
        [HCCL_DATA_TYPE_FP8E5M2] = "FP8E5M2", [HCCL_DATA_TYPE_FP8E8M0] = "FP8E8M0"};
    const bool known = type >= 0 && (size_t)type < sizeof names / sizeof *names && names[type] != NULL;
    return known ? names[type] : "unknown";
}

static const char *reduce_op_name(int32_t op) {
    static const char *const names[] = {"SUM", "PROD", "MAX", "MIN"};
    return op >= 0 && (size_t)op < sizeof names / sizeof *names ? names[op] : "unknown";
}

static void add_dims(writer *out, const int64_t dims[4]) {
    size_t count = 4;
    while (count > 0 && dims[count - 1] == 0) {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        add(out, "%s%lld", i == 0 ? ", sizes [" : ", ", (long long)dims[i]);
    }
    add(out, count == 0 ? "" : "]");
}

void stub_describe_post(const stub_post *post, char *text, size_t size) {
    writer out = {.text = text, .size = size};
    add(&out, "%s", post->name);
    if (post->data_type >= 0) {
        add(&out, " of %llu %s", (unsigned long long)post->count, data_type_name(post->data_type));
    }
    if (post->reduce_op >= 0) {
        add(&out, " (%s)", reduce_op_name(post->reduce_op));
    }
    if (post->root >= 0) {
        add(&out, " from root %lld", (long long)post->root);
    }
    add_dims(&out, post->dims);
}
