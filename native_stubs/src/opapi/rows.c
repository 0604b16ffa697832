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
    if (row->dims == 0 || row->step != 1 || row->index[axis] + 1 >= tensor->shape[axis]) {
        return;
    }
    enum { CACHE_LINE = 64 };
    const uint8_t *next = place_of(row, first + tensor->strides[axis]);
    for (size_t byte = 0; byte < n * (size_t)row->view->bits / 8; byte += CACHE_LINE) {
        __builtin_prefetch(next + byte);
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

/* Where a row of int4 holds whole bytes: neighbours that begin at an even element. */
static uint8_t *nibble_place(const stub_row *row, int64_t first, size_t n) {
    const int64_t element = row->offset + first;
    return row->step == 1 && element % 2 == 0 && n % 2 == 0 ? row->view->base + element / 2 : NULL;
}

static void read_nibbles(const stub_row *row, int64_t first, size_t n, int8_t *values) {
    for (size_t i = 0; i < n; i++) {
        const int64_t element = row->offset + (first + (int64_t)i) * row->step;
        const int nibble = row->view->base[element >> 1] >> 4 * (element & 1) & 0xF;
        values[i] = (int8_t)((nibble ^ 8) - 8);
    }
}

static void write_nibbles(const stub_row *row, int64_t first, size_t n, const int8_t *values) {
    for (size_t i = 0; i < n; i++) {
        const int64_t element = row->offset + (first + (int64_t)i) * row->step;
        uint8_t *byte = row->view->base + (element >> 1);
        const int shift = 4 * (int)(element & 1);
        *byte = (uint8_t)((*byte & ~(0xF << shift)) | (values[i] & 0xF) << shift);
    }
}

const int8_t *stub_row_read_integers(const stub_row *row, int64_t first, size_t n, int8_t *values) {
    stub_chunk chunk;
    if (row->view->bits == 8) {
        const void *place = stub_row_place(row, first);
        return place ? place : memcpy(values, stub_row_read(row, first, n, &chunk), n);
    }
    const uint8_t *packed =
        row->view->bits == 32 ? stub_row_read(row, first / 8, n / 8, &chunk) : nibble_place(row, first, n);
    if (packed) {
        stub_get_simd()->unpack_int4(packed, n, values);
    } else {
        read_nibbles(row, first, n, values);
    }
    return values;
}

void stub_row_write_integers(const stub_row *row, int64_t first, size_t n, const int8_t *values) {
    if (row->view->bits == 8) {
        stub_row_write(row, first, n, values);
        return;
    }
    stub_chunk chunk;
    uint8_t *place = row->view->bits == 32 ? stub_row_place(row, first / 8) : nibble_place(row, first, n);
    if (place) {
        stub_get_simd()->pack_int4(values, n, place);
    } else if (row->view->bits == 32) {
        stub_get_simd()->pack_int4(values, n, chunk.bytes);
        stub_row_write(row, first / 8, n / 8, chunk.bytes);
    } else {
        write_nibbles(row, first, n, values);
    }
}
