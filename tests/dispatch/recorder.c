/* Writes down what an operator's first phase received: a kernel that test_marshalling.py registers for each operator.
 *
 * One line per parameter: its name, the letter of its kind, the value. Numbers are written as their bits. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "ascend_stub/kernel.h"

static char text[1 << 16];
static size_t length;
static atomic_int runs;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...) {
    va_list values;
    va_start(values, format);
    const int written = vsnprintf(text + length, sizeof text - length, format, values);
    va_end(values);
    length += written < 0 ? 0 : (size_t)written;
    length = length < sizeof text ? length : sizeof text - 1;
}

static void add_bytes(const void *data, size_t count) {
    for (size_t i = 0; i < count; i++) {
        add("%02x", ((const unsigned char *)data)[i]);
    }
}

static void add_integers(const char *name, const int64_t *values, uint64_t count) {
    add(" %s", name);
    for (uint64_t i = 0; i < count; i++) {
        add("%c%" PRId64, i == 0 ? '=' : ',', values[i]);
    }
}

static void add_tensor(const aclTensor *tensor) {
    stub_tensor_info info;
    stub_tensor_read(tensor, &info);
    add(" dtype=%d format=%d", (int)info.dtype, (int)info.format);
    add_integers("shape", info.shape, info.rank);
    add_integers("strides", info.strides, info.rank);
    add_integers("storage", info.storage, info.storage_rank);
    add(" offset=%" PRId64 " address=%" PRIuPTR ";", info.offset, (uintptr_t)info.address);
}

static void add_scalar(const aclScalar *scalar) {
    aclDataType dtype;
    const void *bytes = stub_scalar_read(scalar, &dtype);
    add(" dtype=%d bytes=", (int)dtype);
    add_bytes(bytes, 16);
    add(";");
}

static void add_item(stub_kind kind, const void *items, uint64_t i) {
    switch (kind) {
    case STUB_TENSOR_LIST:
        add_tensor(((const aclTensor *const *)items)[i]);
        break;
    case STUB_SCALAR_LIST:
        add_scalar(((const aclScalar *const *)items)[i]);
        break;
    case STUB_INT_ARRAY:
        add(" %" PRId64, ((const int64_t *)items)[i]);
        break;
    case STUB_FLOAT_ARRAY:
        add(" ");
        add_bytes(&((const float *)items)[i], sizeof(float));
        break;
    default:
        add(" %d", ((const bool *)items)[i]);
    }
}

static void add_items(const stub_call *call, uint32_t arg) {
    uint64_t count;
    const void *items = stub_argument_items(call, arg, &count);
    add(" %" PRIu64 ":", count);
    for (uint64_t i = 0; i < count; i++) {
        add_item(call->op->params[arg].kind, items, i);
    }
}

static void add_string(const char *string) {
    size_t count = 0;
    while (string[count] != '\0') {
        count++;
    }
    add(" ");
    add_bytes(string, count);
}

static void add_present(const stub_call *call, uint32_t arg) {
    switch (call->op->params[arg].kind) {
    case STUB_TENSOR:
        add_tensor(call->args[arg].tensor);
        break;
    case STUB_SCALAR:
        add_scalar(call->args[arg].scalar);
        break;
    case STUB_INT:
        add(" %" PRId64, call->args[arg].integer);
        break;
    case STUB_REAL:
        add(" ");
        add_bytes(&call->args[arg].real, sizeof(double));
        break;
    case STUB_FLAG:
        add(" %d", call->args[arg].flag);
        break;
    case STUB_TEXT:
        add_string(call->args[arg].text);
        break;
    default:
        add_items(call, arg);
    }
}

static bool is_null(const stub_call *call, uint32_t arg) {
    const stub_kind kind = call->op->params[arg].kind;
    return (kind <= STUB_BOOL_ARRAY || kind == STUB_TEXT) && call->args[arg].text == NULL;
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    plan->workspace_size = 0;
    length = 0;
    add("%s\n", call->op->name);
    for (uint32_t i = 0; i < call->op->count; i++) {
        add("%s %c", call->op->params[i].name, "TtSsifbIRFC"[call->op->params[i].kind]);
        if (is_null(call, i)) {
            add(" NULL");
        } else {
            add_present(call, i);
        }
        add("\n");
    }
    return 0;
}

static aclnnStatus run(const stub_call *call) {
    (void)call;
    atomic_fetch_add(&runs, 1);
    return 0;
}

ACL_FUNC_VISIBILITY int recorder_start(const char *operator_name) {
    const stub_kernel kernel = {check, run};
    return stub_register_kernel(operator_name, &kernel, NULL, NULL);
}

ACL_FUNC_VISIBILITY int recorder_stop(const char *operator_name) {
    return stub_unregister_kernel(operator_name);
}

ACL_FUNC_VISIBILITY const char *recorder_text(void) {
    return text;
}

ACL_FUNC_VISIBILITY int recorder_runs(void) {
    return atomic_load(&runs);
}
