/* All elements of a view, row by row. */
#include "opapi/whole.h"

#include "nnopbase/descriptors.h"

static void move(const stub_view *view, aclDataType as, uint8_t *numbers, int64_t count, bool stores) {
    const aclTensor *tensor = view->tensor;
    const uint32_t dims = tensor->rank > 0 ? tensor->rank - 1 : 0;
    const int64_t columns = tensor->rank > 0 ? tensor->shape[dims] : 1, bytes = view->bits / 8;
    const size_t size = stub_class_size(stub_class_of(as));
    stub_row row;
    stub_row_start(&row, view, dims, 0);
    for (int64_t left = count; left > 0; left -= columns) {
        const int64_t end = left < columns ? left : columns;
        for (int64_t column = 0; column < end; column += STUB_STRETCH) {
            const size_t n = (size_t)(end - column < STUB_STRETCH ? end - column : STUB_STRETCH);
            uint8_t *element = view->base + (row.offset + column * row.step) * bytes;
            if (stores) {
                stub_store(as, numbers, n, tensor->dtype, element, row.step * bytes);
            } else {
                stub_load(tensor->dtype, element, row.step * bytes, n, as, numbers);
            }
            numbers += n * size;
        }
        stub_row_next(&row);
    }
}

void stub_whole_load(const stub_view *view, aclDataType as, void *numbers) {
    move(view, as, numbers, stub_tensor_numel(view->tensor), false);
}

void stub_whole_store(const stub_view *view, aclDataType as, void *numbers, int64_t count) {
    move(view, as, numbers, count, true);
}
