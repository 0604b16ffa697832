/* Loading and storing pieces of rows. */
#include "opapi/rows.h"

#include <string.h>

static uint8_t *place_of(const stub_row *row, int64_t element) {
    return row->view->base + (row->offset + element * row->step) * (row->view->bits / 8);
}

void *stub_row_place(const stub_row *row, int64_t first) {
    return row->step == 1 && row->view->bits % 8 == 0 ? place_of(row, first) : NULL;
}

/* A constant width lets the compiler turn each memcpy into one load and one store. */
#define COPY_EACH(width)                                                                                               \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        memcpy(to + (int64_t)i * to_step, from + (int64_t)i * from_step, width);                                       \
    }

static void copy_strided(uint8_t *to, int64_t to_step, const uint8_t *from, int64_t from_step, size_t width, size_t n) {
    switch (width) {
    case 1:
        COPY_EACH(1)
        break;
    case 2:
        COPY_EACH(2)
        break;
    case 4:
        COPY_EACH(4)
        break;
    default:
        COPY_EACH(width)
        break;
    }
}

const void *stub_row_read(const stub_row *row, int64_t first, size_t n, stub_chunk *chunk) {
    if (row->step == 1) {
        return place_of(row, first);
    }
    const size_t width = (size_t)row->view->bits / 8;
    copy_strided(chunk->bytes, (int64_t)width, place_of(row, first), row->step * (int64_t)width, width, n);
    return chunk->bytes;
}

void stub_row_write(const stub_row *row, int64_t first, size_t n, const void *elements) {
    const size_t width = (size_t)row->view->bits / 8;
    if (row->step == 1) {
        memcpy(place_of(row, first), elements, n * width);
        return;
    }
    copy_strided(place_of(row, first), row->step * (int64_t)width, elements, (int64_t)width, width, n);
}

void stub_row_prefetch_next(const stub_row *row, int64_t first, size_t n) {
    const aclTensor *tensor = row->view->tensor;
    const uint32_t axis = row->dims - 1;
    if (row->dims > 0 && row->step == 1 && row->index[axis] + 1 < tensor->shape[axis]) {
        stub_prefetch_to_read(place_of(row, first + tensor->strides[axis]), n * (size_t)row->view->bits / 8);
    }
}

void stub_row_read_floats(const stub_row *row, int64_t first, size_t n, float *values) {
    stub_chunk chunk;
    for (size_t done = 0; done < n; done += STUB_CHUNK) {
        const size_t length = stub_chunk_length((int64_t)n, (int64_t)done);
        const void *raw = stub_row_read(row, first + (int64_t)done, length, &chunk);
        if (row->view->bits == 32) {
            memcpy(values + done, raw, length * sizeof *values);
        } else {
            stub_get_simd()->widen(stub_half_of(row->view->tensor), raw, length, values + done);
        }
    }
}

enum { INT4_PER_WORD = 8 };

/* Where a row of int4 holds whole bytes: neighbours that begin at an even element. */
static uint8_t *nibble_place(const stub_row *row, int64_t first, size_t n) {
    const int64_t element = row->offset + first;
    return row->step == 1 && element % 2 == 0 && n % 2 == 0 ? row->view->base + element / 2 : NULL;
}

void *stub_row_integers_place(const stub_row *row, int64_t first, size_t n) {
    switch (row->view->bits) {
    case 4:
        return nibble_place(row, first, n);
    case 8:
        return stub_row_place(row, first);
    default:
        return stub_row_place(row, first / INT4_PER_WORD);
    }
}

/* The nibble's byte and, in `shift`, its place there. */
static uint8_t *nibble_at(const stub_row *row, int64_t index, int *shift) {
    const int64_t element = row->offset + index * row->step;
    *shift = 4 * (int)(element & 1);
    return row->view->base + (element >> 1);
}

static const void *read_nibbles(const stub_row *row, int64_t first, size_t n, uint8_t *packed) {
    memset(packed, 0, (n + 1) / 2);
    for (size_t i = 0; i < n; i++) {
        int shift;
        const uint8_t *byte = nibble_at(row, first + (int64_t)i, &shift);
        const int nibble = *byte >> shift & 0xF;
        packed[i / 2] = (uint8_t)(packed[i / 2] | nibble << 4 * (i % 2));
    }
    return packed;
}

static void write_nibbles(const stub_row *row, int64_t first, size_t n, const uint8_t *packed) {
    for (size_t i = 0; i < n; i++) {
        int shift;
        uint8_t *byte = nibble_at(row, first + (int64_t)i, &shift);
        const int nibble = packed[i / 2] >> 4 * (i % 2) & 0xF;
        *byte = (uint8_t)((*byte & ~(0xF << shift)) | nibble << shift);
    }
}

const void *stub_row_read_integers(const stub_row *row, int64_t first, size_t n, stub_chunk *chunk) {
    switch (row->view->bits) {
    case 4: {
        const void *place = nibble_place(row, first, n);
        return place ? place : read_nibbles(row, first, n, chunk->bytes);
    }
    case 8:
        return stub_row_read(row, first, n, chunk);
    default:
        return stub_row_read(row, first / INT4_PER_WORD, n / INT4_PER_WORD, chunk);
    }
}

void stub_row_write_integers(const stub_row *row, int64_t first, size_t n, const void *integers) {
    switch (row->view->bits) {
    case 4:
        write_nibbles(row, first, n, integers);
        break;
    case 8:
        stub_row_write(row, first, n, integers);
        break;
    default:
        stub_row_write(row, first / INT4_PER_WORD, n / INT4_PER_WORD, integers);
    }
}
