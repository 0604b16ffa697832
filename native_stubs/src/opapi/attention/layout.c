/* From names to arguments, and from a layout's letters to steps. */
#include "opapi/attention/layout.h"

#include <string.h>

#include "opapi/elements.h"

int stub_argument(const stub_call *call, const char *name) {
    const size_t length = strlen(name);
    for (uint32_t i = 0; i < call->op->count; i++) {
        const char *given = call->op->params[i].name;
        if (strncmp(given, name, length) == 0 && (!given[length] || strcmp(given + length, "Optional") == 0)) {
            return (int)i;
        }
    }
    return -1;
}

static void take_axis(stub_layout *layout, char letter, int64_t size, int64_t step) {
    switch (letter) {
    case 'B':
        layout->batches = size;
        layout->batch_step = step;
        break;
    case 'N':
        layout->heads = size;
        layout->head_step = step;
        break;
    case 'D':
    case 'H':
        layout->d = size;
        layout->element_step = step;
        break;
    default: /* S, T */
        layout->tokens = size;
        layout->token_step = step;
        break;
    }
}

bool stub_layout_of(const aclTensor *tensor, const char *letters, uint32_t count, int64_t heads, stub_layout *layout) {
    *layout = (stub_layout){.batches = 1, .tokens = 1, .heads = heads};
    bool joined = false;
    for (uint32_t i = 0; i < count; i++) {
        if (tensor->rank != count || tensor->shape[i] < 0) {
            return false;
        }
        joined |= letters[i] == 'H';
        take_axis(layout, letters[i], tensor->shape[i], tensor->strides[i]);
    }
    if (joined) {
        if (heads <= 0 || layout->d % heads != 0) {
            return false;
        }
        layout->d /= heads;
        layout->head_step = layout->d * layout->element_step;
    }
    return layout->heads == heads;
}

stub_heads stub_layout_heads(const stub_layout *layout, const aclTensor *tensor, void *base, int64_t batch,
                             int64_t token) {
    const int64_t size = stub_dtype_bits(tensor->dtype) / 8;
    const int64_t first = tensor->offset + batch * layout->batch_step + token * layout->token_step;
    return (stub_heads){.first = base ? (uint8_t *)base + first * size : NULL,
                        .dtype = tensor->dtype,
                        .head = layout->head_step * size,
                        .token = layout->token_step * size,
                        .element = layout->element_step * size};
}

/* Row by row of the last axis. */
void stub_load_all(const stub_view *view, aclDataType as, size_t size, void *array) {
    uint8_t *to = array;
    const aclTensor *tensor = view->tensor;
    const uint32_t dims = tensor->rank > 0 ? tensor->rank - 1 : 0;
    const int64_t n = tensor->rank > 0 ? tensor->shape[dims] : 1, bytes = view->bits / 8;
    const int64_t rows = n > 0 ? stub_tensor_numel(tensor) / n : 0;
    for (int64_t i = 0; i < rows; i++) {
        stub_row row;
        stub_row_start(&row, view, dims, i);
        for (int64_t j = 0; j < n; j += STUB_STRETCH) {
            const int64_t part = n - j < STUB_STRETCH ? n - j : STUB_STRETCH;
            stub_load(tensor->dtype, view->base + (row.offset + j * row.step) * bytes, row.step * bytes, (size_t)part,
                      as, to + (size_t)(i * n + j) * size);
        }
    }
}
