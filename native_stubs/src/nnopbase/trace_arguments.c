/* See trace_arguments.h. */
#include "nnopbase/trace_arguments.h"

#include <stdio.h>

#include "nnopbase/descriptors.h"

#define TEXT_BYTES 160

static void put_text(stub_trace_line *line, const char *text) {
    if (text == NULL) {
        stub_line_raw(line, "null");
    } else {
        stub_line_string(line, text);
    }
}

static void put_tensor(stub_trace_line *line, const aclTensor *tensor) {
    char text[TEXT_BYTES];
    put_text(line, tensor == NULL ? NULL : stub_describe(tensor, text, sizeof text));
}

/* "3 tensors" */
static void put_items(stub_trace_line *line, const stub_call *call, uint32_t arg, const char *what) {
    char text[TEXT_BYTES];
    uint64_t count = 0;
    stub_argument_items(call, arg, &count);
    snprintf(text, sizeof text, "%llu %s", (unsigned long long)count, what);
    put_text(line, call->args[arg].tensors == NULL ? NULL : text);
}

static void put_real(stub_trace_line *line, double real) {
    char text[TEXT_BYTES];
    snprintf(text, sizeof text, "%g", real); /* as text: JSON has no infinity */
    stub_line_string(line, text);
}

static void put_argument(stub_trace_line *line, const stub_call *call, uint32_t arg) {
    const stub_value *value = &call->args[arg];
    switch (call->op->params[arg].kind) {
    case STUB_TENSOR:
        put_tensor(line, value->tensor);
        break;
    case STUB_SCALAR:
        put_text(line, value->scalar == NULL ? NULL : stub_dtype_name(value->scalar->dtype));
        break;
    case STUB_INT:
        stub_line_value(line, (uint64_t)value->integer);
        break;
    case STUB_REAL:
        put_real(line, value->real);
        break;
    case STUB_FLAG:
        stub_line_raw(line, value->flag ? "true" : "false");
        break;
    case STUB_TEXT:
        put_text(line, value->text);
        break;
    case STUB_TENSOR_LIST:
        put_items(line, call, arg, "tensors");
        break;
    case STUB_SCALAR_LIST:
        put_items(line, call, arg, "scalars");
        break;
    default:
        put_items(line, call, arg, "numbers");
    }
}

void stub_trace_arguments(stub_trace_line *line, const void *call) {
    const stub_call *accepted = call;
    for (uint32_t arg = 0; arg < accepted->op->count; arg++) {
        stub_line_raw(line, arg == 0 ? "" : ",");
        stub_line_string(line, accepted->op->params[arg].name);
        stub_line_raw(line, ":");
        put_argument(line, accepted, arg);
    }
}
