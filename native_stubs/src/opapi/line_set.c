/* Opening, describing and running the operands of line-by-line operators. */
#include "opapi/line_set.h"

#include <stdlib.h>
#include <string.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"
#include "opapi/walk.h"

static bool open_view(stub_line_set *set, int arg, stub_view *view) {
    if (set->status == ACLNN_SUCCESS && stub_tensor_or_none(set->call, arg)) {
        set->status = stub_view_open(set->call, (uint32_t)arg, view);
        return set->status == ACLNN_SUCCESS;
    }
    return false;
}

static uint32_t next_place(stub_line_set *set) {
    const uint32_t place = set->lines.inputs + set->lines.outputs;
    if (place >= STUB_MAX_LINES && set->status == ACLNN_SUCCESS) {
        set->status =
            stub_fail(ACLNN_ERR_INNER, "%s: more than %d operands in lines", set->call->op->name, (int)STUB_MAX_LINES);
    }
    return place < STUB_MAX_LINES ? place : STUB_MAX_LINES - 1;
}

static uint32_t put_argument(stub_line_set *set, int arg, uint32_t axes, aclDataType as) {
    const uint32_t place = next_place(set);
    const bool open = open_view(set, arg, &set->views[place]);
    set->lines.operand[place] = (stub_line_operand){open ? &set->views[place] : NULL, axes, as};
    return 1;
}

static uint32_t put_view(stub_line_set *set, const stub_view *view, uint32_t axes, aclDataType as) {
    const uint32_t place = next_place(set);
    set->lines.operand[place] = (stub_line_operand){view, axes, as};
    return 1;
}

void stub_line_input(stub_line_set *set, int arg, uint32_t axes, aclDataType as) {
    set->lines.inputs += put_argument(set, arg, axes, as);
}

void stub_line_output(stub_line_set *set, int arg, uint32_t axes, aclDataType as) {
    set->lines.outputs += put_argument(set, arg, axes, as);
}

void stub_line_input_view(stub_line_set *set, const stub_view *view, uint32_t axes, aclDataType as) {
    set->lines.inputs += put_view(set, view, axes, as);
}

void stub_line_output_view(stub_line_set *set, const stub_view *view, uint32_t axes, aclDataType as) {
    set->lines.outputs += put_view(set, view, axes, as);
}

static void load_elements(const stub_view *view, aclDataType as, uint8_t *values) {
    const aclTensor *tensor = view->tensor;
    const uint32_t dims = tensor->rank > 0 ? tensor->rank - 1 : 0;
    const int64_t columns = tensor->rank > 0 ? tensor->shape[dims] : 1, count = stub_tensor_numel(tensor);
    const int64_t size = view->bits / 8, number = (int64_t)stub_class_size(stub_class_of(as));
    stub_row row;
    for (int64_t at = 0; at < count; at += columns) {
        stub_row_start(&row, view, dims, at / columns);
        for (int64_t column = 0; column < columns; column += STUB_STRETCH) {
            const int64_t left = columns - column;
            stub_load(tensor->dtype, view->base + (row.offset + column * row.step) * size, row.step * size,
                      (size_t)(left < STUB_STRETCH ? left : STUB_STRETCH), as, values + (at + column) * number);
        }
    }
}

void *stub_line_weight_as(stub_line_set *set, int arg, aclDataType as) {
    stub_view view;
    if (!open_view(set, arg, &view)) {
        return NULL;
    }
    const int64_t count = stub_tensor_numel(view.tensor);
    void *values = malloc((size_t)(count > 0 ? count : 1) * stub_class_size(stub_class_of(as)));
    if (!values || set->weight_count == STUB_MAX_WEIGHTS) {
        free(values);
        set->status = stub_fail(ACLNN_ERR_INNER, "%s: no host memory for the %lld elements of %s", set->call->op->name,
                                (long long)count, set->call->op->params[arg].name);
        return NULL;
    }
    set->weights[set->weight_count++] = values;
    load_elements(&view, as, values);
    return values;
}

float *stub_line_weight(stub_line_set *set, int arg) {
    return stub_line_weight_as(set, arg, ACL_FLOAT);
}

aclnnStatus stub_line_set_run(stub_line_set *set) {
    if (set->status == ACLNN_SUCCESS) {
        set->status = stub_lines_run(set->call, &set->lines);
    }
    while (set->weight_count > 0) {
        free(set->weights[--set->weight_count]);
    }
    return set->status;
}

uint32_t stub_last_axes(const stub_call *call, int arg, uint32_t count) {
    const aclTensor *tensor = stub_tensor_or_none(call, arg);
    return tensor ? stub_axes_from(tensor->rank > count ? tensor->rank - count : 0, tensor->rank) : 0;
}
