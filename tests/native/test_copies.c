/* Copies and fills between device, pinned and pageable memory, from C. */
#include "blocks.h"

/* Holds a stream until opened, so that what is queued behind it provably has not run. */
static _Atomic(int) latch_open;

static void wait_for_latch(void *unused) {
    (void)unused;
    while (!latch_open) {
        usleep(100);
    }
}

static void close_latch(aclrtStream stream) {
    latch_open = 0;
    CHECK_STATUS(ACL_SUCCESS, aclrtLaunchHostFunc(stream, wait_for_latch, NULL));
}

static void bad_copies_are_refused(void) {
    char host[64] = "";
    char *device = device_memory(64);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(NULL, 0, NULL, 0, (aclrtMemcpyKind)99)); /* nothing to copy: no check */
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(NULL, 0, NULL, 0, ACL_MEMCPY_DEFAULT, NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy(NULL, 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy(device, 64, NULL, 64, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy(device, 64, host, 64, ACL_MEMCPY_INNER_DEVICE_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy(device, 64, host, 64, ACL_MEMCPY_INTER_DEVICE_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy(device, 64, host, 64, (aclrtMemcpyKind)-1));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM,
                 aclrtMemcpyAsync(device, 64, host, 64, ACL_MEMCPY_INNER_DEVICE_TO_DEVICE, NULL));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpy(device, 63, host, 64, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpyAsync(device, 63, host, 64, ACL_MEMCPY_DEFAULT, NULL));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpy(device, HBM, host, HBM + 1, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(device, 64, device, 64, ACL_MEMCPY_DEVICE_TO_DEVICE));
    release(device);
}

static void a_copy_may_not_leave_the_device(void) {
    char host[64] = "";
    char *device = device_memory(64);
    char *end = device + HBM; /* one device's memory, counted from somewhere inside it */
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpy(device, SIZE_MAX, host, 2 * HBM, ACL_MEMCPY_DEFAULT));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemset(device, SIZE_MAX, 0, (size_t)(end - device) + 1));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemsetAsync(device, SIZE_MAX, 0, SIZE_MAX, NULL));
    release(device);
}

static void the_addresses_decide_the_direction_of_a_copy(void) {
    char from[16] = "fifteen letters", to[16] = "", again[16] = "";
    char *first = device_memory(16), *second = device_memory(16);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(first, 16, from, 16, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(second, 16, first, 16, ACL_MEMCPY_DEFAULT));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(to, 16, second, 16, ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(again, 16, to, 16, ACL_MEMCPY_HOST_TO_HOST));
    CHECK(memcmp(from, again, 16) == 0);
    release(first);
    release(second);
}

static void pinned_memory_is_copied_in_stream_order(void) {
    aclrtStream stream = NULL;
    char *from = pinned_memory(32), *to = pinned_memory(32);
    char *first = device_memory(32), *second = device_memory(32);
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    memset(to, 'o', 32);
    memset(from, 'x', 32);
    close_latch(stream);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(first, 32, from, 32, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(second, 32, first, 32, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemsetAsync(second, 32, 'm', 8, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(to, 32, second, 32, ACL_MEMCPY_HOST_TO_DEVICE, stream)); /* corrected */
    memset(from, 'n', 32); /* not copied yet */
    CHECK(to[0] == 'o' && to[31] == 'o');
    latch_open = 1;
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(stream));
    CHECK(memcmp(to, "mmmmmmmmnnnnnnnnnnnnnnnnnnnnnnnn", 32) == 0);
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyStream(stream));
    release(first);
    release(second);
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeHost(from));
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeHost(to));
}

static void pageable_memory_is_copied_before_the_call_returns(void) {
    aclrtStream stream = NULL;
    char from[8] = "1234567", to[8] = "";
    char *device = device_memory(8);
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(device, 8, from, 8, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    memset(from, 0, 8);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemsetAsync(device, 8, 'z', 1, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(to, 8, device, 8, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    CHECK(strcmp(to, "z234567") == 0);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpyAsync(to, 8, device, 8, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtMemcpyAsync(to, 8, from, 8, ACL_MEMCPY_HOST_TO_HOST, stream));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtMemcpyAsync(to, 8, from, 8, ACL_MEMCPY_DEFAULT, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtMemcpyAsync(device, 8, from, 8, ACL_MEMCPY_DEFAULT, stream));
    release(device);
}

static void a_buffered_copy_takes_the_source_as_it_is_now(void) {
    aclrtStream stream = NULL;
    char from[8] = "1234567", to[8] = "";
    char *device = device_memory(8);
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(device, 8, 0, 8));
    close_latch(stream);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(device, 8, from, 8, ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE, stream));
    memset(from, 'x', 7);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(to, 8, device, 8, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(to[0] == 0);
    latch_open = 1;
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(to, 8, device, 8, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(strcmp(to, "1234567") == 0);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID,
                 aclrtMemcpyAsync(to, 8, device, 8, ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE, stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyStream(stream));
    release(device);
}

static void freeing_with_synchronization_waits_for_the_device(void) {
    aclrtStream stream = NULL;
    char *to = pinned_memory(8);
    char *device = device_memory(8);
    CHECK_STATUS(ACL_SUCCESS, aclrtCreateStream(&stream));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(device, 8, 'a', 8));
    close_latch(stream);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(to, 8, device, 8, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    latch_open = 1;
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeWithDevSync(device));
    CHECK(to[0] == 'a' && to[7] == 'a');
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeHostWithDevSync(to));
    CHECK_STATUS(ACL_SUCCESS, aclrtDestroyStream(stream));
}

static void memset_writes_bytes(void) {
    unsigned char bytes[4] = {0};
    char *device = device_memory(4);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(NULL, 0, 0, 0));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemset(NULL, 4, 0, 4));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemset(device, 3, 0, 4));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemsetAsync(device, 3, 0, 4, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(device, 4, 0x12345678, 4));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(bytes, 4, device, 4, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(bytes[0] == 0x78 && bytes[3] == 0x78);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(bytes, 4, 5, 3)); /* host memory too */
    CHECK(bytes[2] == 5 && bytes[3] == 0x78);
    release(device);
}

static void pitched_copies_move_rows(void) {
    char matrix[3][8] = {"abcdefg", "hijklmn", "opqrstu"}, back[3][4];
    char *device = device_memory(64), *other = device_memory(64);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy2d(NULL, 0, NULL, 0, 0, 5, (aclrtMemcpyKind)99));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy2d(device, 16, matrix, 8, 4, 3, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy2dAsync(other, 5, device, 16, 4, 3, ACL_MEMCPY_DEVICE_TO_DEVICE, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy2dAsync(back, 4, other, 5, 4, 3, ACL_MEMCPY_DEFAULT, NULL));
    CHECK(memcmp(back, "abcdhijkopqr", 12) == 0);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy2d(device, 3, matrix, 8, 4, 3, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy2d(NULL, 16, matrix, 8, 4, 3, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy2d(device, 16, matrix, 8, 4, 3, ACL_MEMCPY_HOST_TO_HOST));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                 aclrtMemcpy2d(other, 16, device, 8, 4, 3, ACL_MEMCPY_DEVICE_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpy2d(back, 8, matrix, 8, 4, 3, ACL_MEMCPY_DEFAULT));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID,
                 aclrtMemcpy2d(device, SIZE_MAX / 2, matrix, 8, 4, 4, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpy2d(device, HBM, matrix, 8, 4, 3, ACL_MEMCPY_HOST_TO_DEVICE));
    release(device);
    release(other);
}

int main(void) {
    start_device();
    bad_copies_are_refused();
    a_copy_may_not_leave_the_device();
    the_addresses_decide_the_direction_of_a_copy();
    pinned_memory_is_copied_in_stream_order();
    pageable_memory_is_copied_before_the_call_returns();
    a_buffered_copy_takes_the_source_as_it_is_now();
    freeing_with_synchronization_waits_for_the_device();
    memset_writes_bytes();
    pitched_copies_move_rows();
    end_device();
    return 0;
}
