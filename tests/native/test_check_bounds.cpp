// The checks "bounds", "memory" and "pageable": copies, fills and tensors at the edge of their memory, and beyond.
#include "blocks.h"
#include "reports.h"
#include "views.h"

constexpr size_t size = 96;

static aclrtStream stream;

static void *filled(size_t bytes) {
    void *memory = device_memory(bytes);
    CHECK_STATUS(0, aclrtMemset(memory, bytes, 0, bytes));
    return memory;
}

static char *at(void *memory, size_t offset) {
    return static_cast<char *>(memory) + offset;
}

static void copies_of_exactly_the_size_are_legal() {
    void *device = device_memory(size), *pinned = pinned_memory(size);
    char pageable[size] = {};
    CHECK_STATUS(0, aclrtMemcpy(device, size, pageable, size, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(0, aclrtMemcpyAsync(pinned, size, device, size, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    CHECK_STATUS(0, aclrtMemcpy2d(pageable, 10, at(device, size - 14), 10, 4, 2, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_STATUS(0, aclrtMemsetAsync(at(device, 32), 64, 1, 64, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_QUIET();
    release(device);
    CHECK_STATUS(0, aclrtFreeHost(pinned));
}

static void the_spare_bytes_behind_an_allocation_are_nobodys() {
    void *device = filled(size);
    char pageable[size + 1] = {};
    CHECK_STATUS(0, aclrtMemcpy(device, size + 1, pageable, size + 1, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclrtMemcpy: dst reaches 1 byte beyond the end of its memory",
                 "writes bytes [0, 97) of the 96 bytes", "allocated by aclrtMalloc at", "aclrtMemcpy was called at");
    CHECK_STATUS(0, aclrtMemset(at(device, 90), 10, 0, 10));
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclrtMemset: devPtr reaches 4 bytes beyond");
    CHECK_STATUS(0, aclrtMemcpy2d(pageable, 20, at(device, 80), 10, 10, 2, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclrtMemcpy2d: src reaches 4 bytes beyond");
    release(device);
}

static void queued_work_is_looked_at_too() {
    void *device = filled(size), *pinned = pinned_memory(size);
    CHECK_STATUS(0, aclrtMemcpyAsync(at(device, 64), 64, device, 64, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclrtMemcpyAsync: dst reaches 32 bytes beyond");
    call(read_op, {{{at(pinned, 16), {size}}}}, stream); // touches nothing: there may be no memory
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclnnRead: self reaches 16 bytes beyond", "96 bytes that aclrtMallocHost gave");
    CHECK_STATUS(0, aclrtMemcpyAsync(device, size, pinned, size, ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_QUIET();
    release(device);
    CHECK_STATUS(0, aclrtFreeHost(pinned));
}

static void a_view_may_end_where_its_memory_does() {
    void *device = filled(size);
    call(through, {{{device, {12, 4}}}, {{at(device, 48), {1, 3}, {}, 9, ACL_FLOAT}}}, stream);
    call(read_op, {{{device, {4, 3}, {31, 1}}}}, stream);
    call(read_op, {{{device, {2, 0, 1 << 20}}}}, stream);
    call(read_op, {{{device, {1 << 20, 8}, {0, 1}}}}, stream);
    call(read_op, {{{device, {192}, {}, 0, ACL_INT4}}}, stream);
    call(read_op, {{{at(device, 32), {9}, {-4}, 0}}}, stream);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream)); // what is queued is looked at as it runs
    CHECK_QUIET();
    release(device);
}

static void a_view_beyond_its_memory_is_reported_once() {
    void *device = filled(size);
    call(read_op, {{{device, {4, 3}, {32, 1}, 0, ACL_FLOAT16}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclnnRead: self reaches 102 bytes beyond", "check shape, strides and offset",
                 "aclnnRead was called at");
    call(read_op, {{{device, {193}, {}, 0, ACL_INT4}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "self reaches 1 byte beyond");
    call(write_op, {{{device, {16, 16}, {}, 0, ACL_INT8, ACL_FORMAT_FRACTAL_NZ, {1, 1, 16, 32}}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclnnWrite: out reaches 416 bytes beyond");
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_QUIET();
    release(device);
}

static void numbers_that_overflow_are_beyond_everything() {
    void *device = filled(size);
    const int64_t huge = INT64_MAX / 2;
    call(read_op, {{{device, {2, 2}, {huge, huge}, 5, ACL_FLOAT}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclnnRead: self reaches beyond all memory");
    call(read_op, {{{device, {3}, {huge}, huge}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclnnRead: self reaches beyond all memory");
    call(write_op, {{{device, {int64_t{1} << 40}, {2}}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "out reaches 2199023255455 bytes");
    call(read_op, {{{device, {3}, {INT64_MIN}}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "aclnnRead: self reaches beyond all memory");
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_QUIET();
    release(device);
}

static void freed_memory_is_not_copied_from() {
    void *device = filled(4 * MIB), *other = filled(size);
    char pageable[8] = {};
    release(device);
    CHECK_STATUS(0, aclrtMemcpy(pageable, 8, at(device, MIB), 8, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclrtMemcpy: src is memory that was freed", "allocated by aclrtMalloc at",
                 "freed by aclrtFree at");
    CHECK_STATUS(0, aclrtMemcpyAsync(other, 8, device, 8, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclrtMemcpyAsync: src is memory that was freed");
    call(read_op, {{{device, {8}}}}, stream);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_REPORT(STUB_CHECK_MEMORY, "aclnnRead: self is memory that was freed");
    void *again = filled(4 * MIB); /* the same address: alive */
    CHECK_STATUS(0, aclrtMemcpyAsync(other, 8, again, 8, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_QUIET();
    release(again);
    release(other);
}

static void memory_from_before_the_checks_is_known_by_its_size() {
    CHECK_STATUS(0, stub_check_set(""));
    void *device = device_memory(size);
    CHECK_STATUS(0, stub_check_set("bounds,memory,uninitialised"));
    call(read_op, {{{device, {96}}}}, stream);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_QUIET();
    call(read_op, {{{device, {97}}}}, stream);
    CHECK_REPORT(STUB_CHECK_BOUNDS, "self reaches 1 byte beyond");
    release(device);
    CHECK_STATUS(0, stub_check_set("all"));
}

static void asynchronous_copies_of_pageable_memory_are_reported() {
    void *device = filled(size);
    alignas(4096) static char pageable[4096];
    CHECK_STATUS(0, aclrtMemcpyAsync(device, size, pageable, size, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    CHECK_REPORT(STUB_CHECK_PAGEABLE, "aclrtMemcpyAsync: src is pageable host memory", "aclrtMallocHost");
    CHECK_STATUS(0, aclrtMemcpy2dAsync(pageable, 8, device, 8, 4, 2, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    CHECK_REPORT(STUB_CHECK_PAGEABLE, "aclrtMemcpy2dAsync: dst is pageable host memory");
    CHECK_STATUS(0, aclrtMemcpyAsync(device, size, pageable, size, ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE, stream));
    CHECK_STATUS(0, aclrtHostRegisterV2(pageable, sizeof pageable, ACL_HOST_REG_PINNED));
    CHECK_STATUS(0, aclrtMemcpyAsync(device, size, pageable, size, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtHostUnregister(pageable));
    CHECK_QUIET();
    release(device);
}

int main() {
    choose_devices();
    watch("all,-races,-lifetime");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    copies_of_exactly_the_size_are_legal();
    the_spare_bytes_behind_an_allocation_are_nobodys();
    queued_work_is_looked_at_too();
    a_view_may_end_where_its_memory_does();
    a_view_beyond_its_memory_is_reported_once();
    numbers_that_overflow_are_beyond_everything();
    freed_memory_is_not_copied_from();
    memory_from_before_the_checks_is_known_by_its_size();
    asynchronous_copies_of_pageable_memory_are_reported();
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    CHECK_QUIET();
    return 0;
}
