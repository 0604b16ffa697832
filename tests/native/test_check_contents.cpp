// The check "uninitialised": reads of device memory that nobody has written.
#include <algorithm>
#include <string>

#include "blocks.h"
#include "latch.h"
#include "reports.h"
#include "strided.h"

static aclrtStream stream;

static void finish() {
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
}

static char *fresh(size_t bytes) {
    return static_cast<char *>(device_memory(bytes));
}

static void reading_up_to_the_written_byte_is_legal() {
    char host[100] = {};
    char *memory = fresh(100);
    CHECK_STATUS(0, aclrtMemcpy(memory, 40, host, 40, ACL_MEMCPY_HOST_TO_DEVICE));
    call(read_op, {{{memory, {40}}}}, stream);
    finish();
    CHECK_QUIET();
    call(read_op, {{{memory, {42}}}}, stream);
    finish();
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "aclnnRead: self is read, but 2 of its 42 bytes were never written",
                 "bytes [40, 42) of the 100 bytes", "allocated by aclrtMalloc at", "aclnnRead was called at");
    CHECK_STATUS(0, aclrtMemcpy(host, 100, memory, 100, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "aclrtMemcpy: src is read, but 60 of its 100 bytes were never written");
    release(memory);
}

static void a_task_reads_what_the_stream_has_written_before() {
    latch gate = LATCH;
    char *memory = fresh(256);
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    CHECK_STATUS(0, aclrtMemsetAsync(memory, 64, 0, 64, stream));
    call(through, {{{memory, {64}}}, {{memory + 64, {64}}}}, stream);
    CHECK_STATUS(0, aclrtMemcpyAsync(memory + 128, 64, memory + 64, 64, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    call(read_op, {{{memory, {192}}}}, stream);
    latch_open(&gate);
    finish();
    CHECK_QUIET();
    release(memory);
}

static void a_copy_of_unwritten_bytes_is_one_report() {
    char *memory = fresh(256);
    CHECK_STATUS(0, aclrtMemcpyAsync(memory + 128, 128, memory, 128, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    call(read_op, {{{memory + 128, {128}}}}, stream);
    finish();
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "aclrtMemcpyAsync: src is read, but 128 of its 128 bytes");
    release(memory);
}

static void gaps_between_columns_stay_unwritten() {
    char *memory = fresh(64);
    call(write_op, {{{memory, {8, 4}, {8, 1}}}}, stream);
    call(read_op, {{{memory, {8, 4}, {8, 1}}}}, stream);
    call(read_op, {{{memory, {8, 1}, {8, 1}, 3}}}, stream);
    finish();
    CHECK_QUIET();
    call(read_op, {{{memory, {64}}}}, stream);
    finish();
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "32 of its 64 bytes", "first of them: bytes [4, 8)");
    call(write_op, {{{memory, {8, 4}, {8, 1}, 4}}}, stream);
    call(read_op, {{{memory, {64}}}}, stream);
    finish();
    CHECK_QUIET();
    release(memory);
}

static void memory_at_the_same_address_is_new_again() {
    char *memory = fresh(2 * MIB);
    CHECK_STATUS(0, aclrtMemset(memory, 2 * MIB, 0, 2 * MIB));
    release(memory);
    char *again = fresh(2 * MIB);
    CHECK(again == memory);
    call(read_op, {{{again, {4}}}}, stream);
    finish();
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "4 of its 4 bytes");
    release(again);
}

static void memory_from_before_the_checks_counts_as_written() {
    CHECK_STATUS(0, stub_check_set(""));
    char *memory = fresh(64);
    CHECK_STATUS(0, stub_check_set("uninitialised"));
    call(read_op, {{{memory, {64}}}}, stream);
    char *later = fresh(64);
    CHECK_STATUS(0, stub_check_set(""));
    CHECK_STATUS(0, aclrtMemset(later, 64, 0, 64));
    CHECK_STATUS(0, stub_check_set("uninitialised"));
    call(read_op, {{{later, {64}}}}, stream);
    finish();
    CHECK_QUIET();
    release(memory);
    release(later);
}

static void memory_from_before_this_check_counts_as_written() {
    CHECK_STATUS(0, stub_check_set("bounds"));
    char *memory = fresh(64);
    CHECK_STATUS(0, stub_check_set("bounds,uninitialised"));
    call(read_op, {{{memory, {64}}}}, stream);
    finish();
    CHECK_QUIET();
    release(memory);
    CHECK_STATUS(0, stub_check_set("uninitialised"));
}

static const stub_param cache_params[] = {
    {"self", STUB_TENSOR, STUB_IN}, {"kCache", STUB_TENSOR, STUB_IN}, {"out", STUB_TENSOR, STUB_INOUT}};
static const stub_param merge_params[] = {{"selfRef", STUB_TENSOR, STUB_INOUT}};
static const stub_operator merge_op = {"aclnnInplaceMerge", merge_params, 1, &idle_kernel};
static const stub_operator fill_op = {"aclnnInplaceFillAll", merge_params, 1, &idle_kernel};
static const stub_operator cache_op = {"aclnnFromThere", cache_params, 3, &idle_kernel};
static const stub_param gather_params[] = {{"self", STUB_TENSOR, STUB_IN}, {"index", STUB_TENSOR, STUB_IN}};
static const stub_operator gather_op = {"aclnnFetch", gather_params, 2, &idle_kernel};

static void what_is_read_in_part_may_be_unwritten() {
    char *memory = fresh(256);
    CHECK_STATUS(0, aclrtMemset(memory, 64, 0, 64));
    call(cache_op, {{{memory, {64}}}, {{memory + 64, {64}}}, {{memory + 128, {64}}}}, stream);
    call(gather_op, {{{memory + 192, {32}}}, {{memory, {8}}}}, stream);
    finish();
    CHECK_QUIET();
    call(gather_op, {{{memory, {32}}}, {{memory + 224, {8}}}}, stream);
    finish();
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "aclnnFetch: index is read");
    call(gather_op, {{{memory + 192, {32}}}, {}}, stream);
    finish();
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "aclnnFetch: self is read");
    release(memory);
}

static void what_is_changed_in_place_must_have_been_written() {
    char *memory = fresh(64);
    call(fill_op, {{{memory, {32}}}}, stream);
    call(merge_op, {{{memory, {32}}}}, stream);
    finish();
    CHECK_QUIET();
    call(merge_op, {{{memory, {33}}}}, stream);
    finish();
    CHECK_REPORT(STUB_CHECK_UNINITIALISED, "aclnnInplaceMerge: selfRef is read, but 1 of its 33 bytes");
    call(merge_op, {{{memory, {33}}}}, stream);
    finish();
    CHECK_QUIET();
    release(memory);
}

static void a_large_memory_is_written_piece_by_piece() {
    const size_t bytes = 5 * MIB + 7;
    char *memory = fresh(bytes);
    for (size_t done = 0; done < bytes; done += 100 * KIB + 1) {
        const size_t piece = std::min(bytes - done, 100 * KIB + 1);
        CHECK_STATUS(0, aclrtMemsetAsync(memory + done, piece, 0, piece, stream));
    }
    call(read_op, {{{memory, {static_cast<int64_t>(bytes)}}}}, stream);
    finish();
    CHECK_QUIET();
    release(memory);
}

static void reports_are_right_for_any_views() {
    constexpr int64_t bytes = 200;
    Shapes shapes(5);
    int judged = 0, clean = 0;
    for (int i = 0; i < 250; i++) {
        char *memory = fresh(bytes);
        std::set<int64_t> written;
        for (size_t k = shapes.number(0, 12); k > 0; k--) {
            const View view = shapes.view(memory, bytes);
            call(write_op, {{view}}, stream);
            written.merge(Shapes::bytes_of(view));
        }
        for (int k = 0; k < 4; k++) {
            const View view = shapes.view(memory, bytes);
            call(read_op, {{view}}, stream);
            finish();
            const auto read = Shapes::bytes_of(view);
            const auto missing =
                std::count_if(read.begin(), read.end(), [&](int64_t byte) { return written.count(byte) == 0; });
            const auto reports = take_reports();
            const std::string text = "but " + std::to_string(missing) + " of its " + std::to_string(read.size());
            CHECK(reports.size() == (missing > 0 ? 1u : 0u));
            CHECK(reports.empty() || reports[0].text.find(text) != std::string::npos);
            judged += !reports.empty();
            clean += missing == 0;
        }
        release(memory);
    }
    CHECK(judged > 500 && clean > 50);
}

int main() {
    choose_devices();
    watch("uninitialised");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    stream = new_stream();
    reading_up_to_the_written_byte_is_legal();
    a_task_reads_what_the_stream_has_written_before();
    a_copy_of_unwritten_bytes_is_one_report();
    gaps_between_columns_stay_unwritten();
    memory_at_the_same_address_is_new_again();
    memory_from_before_the_checks_counts_as_written();
    memory_from_before_this_check_counts_as_written();
    what_is_read_in_part_may_be_unwritten();
    what_is_changed_in_place_must_have_been_written();
    a_large_memory_is_written_piece_by_piece();
    reports_are_right_for_any_views();
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    return 0;
}
