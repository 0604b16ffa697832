/* aclCreate* functions that remember their last arguments in the error text, and refuse the data type 13 (string). */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

extern __thread char fake_message[1024];

static void add(const char *text) {
    strncat(fake_message, text, sizeof(fake_message) - strlen(fake_message) - 1);
}

static void add_numbers(const int64_t *values, uint64_t count) {
    char text[32];
    for (uint64_t i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%" PRId64 ",", values[i]);
        add(text);
    }
    add(" ");
}

void *aclCreateTensor(const int64_t *dims, uint64_t rank, int dtype, const int64_t *strides, int64_t offset, int format,
                      const int64_t *storage, uint64_t storage_rank, void *data) {
    char text[128];
    fake_message[0] = '\0';
    add_numbers(dims, rank);
    add_numbers(strides, rank);
    add_numbers(storage, storage_rank);
    snprintf(text, sizeof(text), "%d %" PRId64 " %d %p", dtype, offset, format, data);
    add(text);
    return dtype == 13 ? NULL : (void *)(uintptr_t)0x7fffffff1230;
}

int aclDestroyTensor(const void *tensor) {
    return tensor == (const void *)(uintptr_t)0x7fffffff1230 ? 0 : 161001;
}

void *aclCreateIntArray(const int64_t *values, uint64_t count) {
    fake_message[0] = '\0';
    add_numbers(values, count);
    return (void *)(uintptr_t)0x10;
}
