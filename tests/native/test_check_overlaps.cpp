// The checks "overlaps" and "workspace": tensors of one call over each other, and the workspace over them.
#include <algorithm>

#include "blocks.h"
#include "reports.h"
#include "strided.h"

static aclrtStream stream;
static char *memory;
constexpr size_t size = 4096;

static void the_same_view_in_place_is_legal() {
    call(through, {{{memory, {4, 8}}}, {{memory, {4, 8}}}}, stream);
    call(through, {{{memory, {4, 8}, {16, 1}, 3}}, {{memory, {4, 1, 8}, {16, 77, 1}, 3}}}, stream);
    call(through, {{{memory, {32}, {}, 0, ACL_FLOAT}}, {{memory, {32}, {}, 0, ACL_FLOAT}}}, stream);
    CHECK_QUIET();
}

static void an_output_over_a_different_view_is_reported() {
    call(through, {{{memory, {32}}}, {{memory, {32}, {}, 16}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "aclnnThrough: the output out overlaps the input self", "self: bytes [0, 32)",
                 "out: bytes [16, 48)", "aclnnThrough was called at");
    call(through, {{{memory, {32}}}, {{memory, {32}, {}, 31}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "overlaps the input self");
    call(through, {{{memory, {32}}}, {{memory, {32}, {}, 32}}}, stream);
    CHECK_QUIET();
    call(through, {{{memory, {8}, {}, 0, ACL_FLOAT}}, {{memory, {8}, {}, 0, ACL_INT32}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "which is not the same view");
    call(through, {{{memory, {4, 4}}}, {{memory, {4, 4}, {1, 4}}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "which is not the same view");
}

static void columns_side_by_side_are_legal() {
    call(through, {{{memory, {16, 8}, {32, 1}}}, {{memory, {16, 24}, {32, 1}, 8}}}, stream);
    call(through, {{{memory, {64}, {2}}}, {{memory, {64}, {2}, 1}}}, stream);
    CHECK_QUIET();
    call(through, {{{memory, {16, 8}, {32, 1}}}, {{memory, {16, 24}, {32, 1}, 7}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "the output out overlaps the input self");
}

static const stub_param update_params[] = {{"selfRef", STUB_TENSOR, STUB_INOUT}, {"other", STUB_TENSOR, STUB_IN}};
static const stub_operator update_op = {"aclnnUpdate", update_params, 2, &idle_kernel};

static void what_is_updated_in_part_may_hold_the_other() {
    call(update_op, {{{memory, {64}}}, {{memory, {8}, {}, 8}}}, stream);
    CHECK_QUIET();
}

static const stub_operator inplace_op = {"aclnnInplaceMerge", update_params, 2, &idle_kernel};

static void what_is_updated_whole_may_be_the_other_only() {
    call(inplace_op, {{{memory, {64}}}, {{memory, {64}}}}, stream);
    call(inplace_op, {{{memory, {64}}}, {{memory + 64, {64}}}}, stream);
    CHECK_QUIET();
    call(inplace_op, {{{memory, {64}}}, {{memory + 63, {64}}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "aclnnInplaceMerge: the output selfRef overlaps the input other");
}

static const stub_param split_params[] = {{"self", STUB_TENSOR, STUB_IN}, {"out", STUB_TENSOR_LIST, STUB_OUT}};
static const stub_operator split_op = {"aclnnSplit", split_params, 2, &idle_kernel};

static void outputs_over_each_other_are_reported() {
    const View self = {memory, {64}};
    call(split_op, {{self}, {{memory + 64, {16}}, {memory + 80, {16}}, {memory + 96, {16}}}}, stream);
    CHECK_QUIET();
    call(split_op, {{self}, {{memory + 64, {16}}, {memory + 80, {16}}, {memory + 95, {16}}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "aclnnSplit: the outputs out[1] and out[2] overlap", "out[2]: bytes [95, 111)");
    call(split_op, {{self}, {{memory + 64, {16}}, {memory + 64, {16}}}}, stream);
    CHECK_REPORT(STUB_CHECK_OVERLAPS, "the outputs out[0] and out[1] overlap");
}

static void a_workspace_over_a_tensor_is_reported() {
    workspace_wanted = 128;
    call(through, {{{memory, {32}}}, {{memory + 32, {32}}}}, stream, memory + 64);
    call(through, {{{memory, {32}}}, {{memory + 192, {32}}}}, stream, memory + 64);
    CHECK_QUIET();
    call(through, {{{memory, {32}}}, {{memory + 191, {32}}}}, stream, memory + 64);
    CHECK_REPORT(STUB_CHECK_WORKSPACE, "aclnnThrough: the workspace overlaps out", "workspace: bytes [64, 192)");
    call(update_op, {{{memory, {65}}}, {{memory + 512, {32}}}}, stream, memory + 64);
    CHECK_REPORT(STUB_CHECK_WORKSPACE, "aclnnUpdate: the workspace overlaps selfRef");
    workspace_wanted = 0;
}

static bool share_a_byte(const View &a, const View &b) {
    const auto left = Shapes::bytes_of(a), right = Shapes::bytes_of(b);
    return std::any_of(left.begin(), left.end(), [&](int64_t byte) { return right.count(byte) > 0; });
}

/* Dimensions of one element make no difference. */
static std::vector<Dims> kept_dims(const View &view) {
    std::vector<Dims> kept;
    for (size_t i = 0; i < view.shape.size(); i++) {
        if (view.shape[i] > 1) {
            kept.push_back({view.shape[i], view.strides[i]});
        }
    }
    return kept;
}

static bool is_same(const View &a, const View &b) {
    return a.offset == b.offset && kept_dims(a) == kept_dims(b);
}

static void reports_are_right_for_any_two_views() {
    Shapes shapes(11);
    int overlapping = 0, apart = 0;
    for (int i = 0; i < 3000; i++) {
        const View self = shapes.view(memory, 50), out = shapes.view(memory, 50);
        const bool expected = share_a_byte(self, out) && !is_same(self, out);
        call(through, {{self}, {out}}, stream);
        CHECK(expected == !take_reports().empty());
        (expected ? overlapping : apart)++;
    }
    CHECK(overlapping > 300 && apart > 1000);
}

/* Which bytes they hold cannot always be said exactly: then nothing is said. */
static void no_overlap_is_invented_for_views_that_overlap_themselves() {
    Shapes shapes(12);
    int apart = 0, reported = 0;
    for (int i = 0; i < 3000; i++) {
        const View self = shapes.wild_view(memory, 60), out = shapes.wild_view(memory, 60);
        const bool expected = share_a_byte(self, out);
        call(through, {{self}, {out}}, stream);
        const bool found = !take_reports().empty();
        CHECK(expected || !found);
        apart += !expected;
        reported += found;
    }
    CHECK(apart > 500 && reported > 300);
}

int main() {
    choose_devices();
    watch("overlaps,workspace");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    memory = static_cast<char *>(device_memory(size));
    the_same_view_in_place_is_legal();
    an_output_over_a_different_view_is_reported();
    columns_side_by_side_are_legal();
    what_is_updated_in_part_may_hold_the_other();
    what_is_updated_whole_may_be_the_other_only();
    outputs_over_each_other_are_reported();
    a_workspace_over_a_tensor_is_reported();
    reports_are_right_for_any_two_views();
    no_overlap_is_invented_for_views_that_overlap_themselves();
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    release(memory);
    return 0;
}
