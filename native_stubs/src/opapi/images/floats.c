/* Views as contiguous arrays of float, and back. */
#include "opapi/images/floats.h"

#include <stdlib.h>

#include "core/parallel.h"
#include "opapi/elements.h"

enum { SHARE = 32 * STUB_STRETCH };

typedef struct {
    const stub_view *view;
    float *numbers;
    aclDataType as;
    int64_t length, rows, share; /* of a row; how many; how many for a piece */
    bool stores;
} job;

static void move_row(const job *work, const stub_row *row, float *numbers) {
    const int64_t size = work->view->bits / 8, step = row->step * size;
    const aclDataType type = work->view->tensor->dtype;
    uint8_t *at = work->view->base + row->offset * size;
    for (int64_t i = 0; i < work->length; i += STUB_STRETCH) {
        const int64_t left = work->length - i;
        const size_t n = (size_t)(left < STUB_STRETCH ? left : STUB_STRETCH);
        if (work->stores) {
            stub_store(work->as, numbers + i, n, type, at + i * step, step);
        } else {
            stub_load(type, at + i * step, step, n, work->as, numbers + i);
        }
    }
}

static void move_rows(void *state, size_t piece) {
    const job *work = state;
    const int64_t from = (int64_t)piece * work->share;
    const int64_t to = from + work->share < work->rows ? from + work->share : work->rows;
    const aclTensor *tensor = work->view->tensor;
    stub_row row;
    stub_row_start(&row, work->view, tensor->rank > 0 ? tensor->rank - 1 : 0, from);
    for (int64_t i = from; i < to; i++) {
        move_row(work, &row, work->numbers + i * work->length);
        stub_row_next(&row);
    }
}

static void move(const stub_view *view, float *numbers, aclDataType as, bool stores) {
    const aclTensor *tensor = view->tensor;
    const int64_t count = stub_tensor_numel(tensor);
    job work = {.view = view, .numbers = numbers, .as = as, .stores = stores};
    work.length = tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 1;
    if (count > 0) {
        work.rows = count / work.length;
        work.share = work.length >= SHARE ? 1 : SHARE / work.length;
        stub_parallel((size_t)((work.rows + work.share - 1) / work.share), move_rows, &work);
    }
}

static float *where_it_lies(const stub_view *view) {
    uint8_t *first = view->base ? view->base + view->tensor->offset * (view->bits / 8) : NULL;
    const bool ready = view->tensor->dtype == ACL_FLOAT && stub_tensor_is_contiguous(view->tensor) &&
                       (uintptr_t)first % sizeof(float) == 0;
    return ready ? (void *)first : NULL;
}

static bool own(stub_floats *floats, const stub_view *view) {
    floats->owned = malloc(((size_t)stub_tensor_numel(view->tensor) + 1) * sizeof *floats->owned);
    floats->numbers = floats->owned;
    return floats->owned != NULL;
}

bool stub_floats_read(stub_floats *floats, const stub_view *view, aclDataType as) {
    *floats = (stub_floats){.numbers = as == ACL_FLOAT ? where_it_lies(view) : NULL};
    if (floats->numbers) {
        return true;
    }
    if (!own(floats, view)) {
        return false;
    }
    move(view, floats->numbers, as, false);
    return true;
}

bool stub_floats_room(stub_floats *floats, const stub_view *view) {
    *floats = (stub_floats){.numbers = where_it_lies(view)};
    return floats->numbers || own(floats, view);
}

void stub_floats_write(const stub_floats *floats, const stub_view *view) {
    if (floats->owned) {
        move(view, floats->owned, ACL_FLOAT, true);
    }
}

void stub_floats_free(stub_floats *floats) {
    free(floats->owned);
}
