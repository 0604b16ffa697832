// aclnnDynamicQuantV2: every vector in every memory layout and with every set of inner loops, every status of phase
// one, and what each product accepts.
//
//     test_dynamic_quant_v2 vectors.txt [hardware]
//
// On the stand-in the results must equal the reference bit for bit; with "hardware" the tolerances of the vectors file
// apply and only the device that is there is tested.
#include <cmath>

#include "aclnnop/aclnn_dynamic_quant_v2.h"
#include "vectors.h"

static bool hardware = false;

struct Arguments {
    TensorPointer x, smooth, group, y, scale, offset;
    int64_t dst_type = 2;

    aclnnStatus phase_one(uint64_t *workspace_size, aclOpExecutor **executor) const {
        return aclnnDynamicQuantV2GetWorkspaceSize(handle_of(x), handle_of(smooth), handle_of(group), dst_type,
                                                   handle_of(y), handle_of(scale), handle_of(offset), workspace_size,
                                                   executor);
    }
};

// Bits on the stand-in, NaNs aside; else 4e-7 of the value or of `at_least`.
static bool agree(float got, float expected, float at_least) {
    if (std::isnan(got) && std::isnan(expected)) {
        return true;
    }
    if (!hardware) {
        return std::memcmp(&got, &expected, sizeof got) == 0;
    }
    return got == expected || std::fabs(got - expected) <= 4e-7f * std::fmax(std::fabs(expected), at_least);
}

static void check_floats(const std::string &what, const Array &got, const Array &expected, float at_least) {
    for (int64_t i = 0; i < count_of(expected.shape); i++) {
        const float g = got.at<float>(i), e = expected.at<float>(i);
        CHECK(agree(g, e, at_least), "%s[%d]: %.9g, expected %.9g", what.c_str(), int(i), double(g), double(e));
    }
}

static int element(const Array &y, int64_t i) {
    if (y.dtype == ACL_INT8) {
        return y.at<int8_t>(i);
    }
    const int nibble = y.bytes[size_t(i / 2)] >> 4 * (i % 2) & 0xF;
    return (nibble ^ 8) - 8;
}

static void check_y(const char *what, const Array &got, const Vector &vector) {
    const Array &values = *vector.find("values"), &near_tie = *vector.find("near_tie");
    for (int64_t i = 0; i < count_of(values.shape); i++) {
        const int g = element(got, i), e = values.at<int8_t>(i);
        const int allowed = hardware && near_tie.at<uint8_t>(i) ? 1 : 0;
        CHECK(std::abs(g - e) <= allowed, "%s yOut[%d]: %d, expected %d", what, int(i), g, e);
    }
}

static void run_vector(const Vector &vector, Layout layout, aclrtStream stream) {
    const std::string what = vector.name + " " + layout_names[int(layout)];
    const Arguments call = {on_device(vector.find("x"), layout),
                            on_device(vector.find("smoothScalesOptional"), layout),
                            on_device(vector.find("groupIndexOptional"), layout),
                            like_on_device(vector.find("yOut"), layout),
                            like_on_device(vector.find("scaleOut"), layout),
                            like_on_device(vector.find("offsetOut"), layout),
                            vector.numbers.at("dstType")};
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(call.phase_one(&workspace_size, &executor));
    finish(aclnnDynamicQuantV2, workspace_size, executor, stream);
    check_y(what.c_str(), call.y->read(what.c_str()), vector);
    check_floats(what + " scaleOut", call.scale->read(what.c_str()), *vector.find("scaleOut"), 0);
    if (call.offset) {
        const float limit = vector.find("yOut")->dtype == ACL_INT8 ? 127.0f : 7.0f;
        check_floats(what + " offsetOut", call.offset->read(what.c_str()), *vector.find("offsetOut"), limit);
    }
}

// Status cases: shapes and types to start from, and what each case changes.
struct Given {
    struct Tensor {
        bool present;
        aclDataType dtype;
        Shape shape;
    };
    Tensor x{true, ACL_FLOAT16, {4, 16}}, smooth{false, ACL_FLOAT16, {16}}, group{false, ACL_INT32, {2}},
        y{true, ACL_INT8, {4, 16}}, scale{true, ACL_FLOAT, {4}}, offset{true, ACL_FLOAT, {4}};
    int64_t dst_type = 2;

    void give_smooth(aclDataType dtype, Shape shape) {
        smooth = {true, dtype, std::move(shape)};
    }
    void give_group(aclDataType dtype, Shape shape) {
        group = {true, dtype, std::move(shape)};
    }
    void resize(const Shape &x_shape, const Shape &scale_shape) {
        x.shape = y.shape = x_shape;
        scale.shape = offset.shape = scale_shape;
    }
    void give_y(aclDataType dtype, Shape shape) {
        y = {true, dtype, std::move(shape)};
    }
};

struct StatusCase {
    const char *change;
    void (*apply)(Given &given);
};

static const StatusCase status_cases[] = {
    {"base case", [](Given &) {}},
    {"offsetOut null (symmetric)", [](Given &g) { g.offset.present = false; }},
    {"x null", [](Given &g) { g.x.present = false; }},
    {"yOut null", [](Given &g) { g.y.present = false; }},
    {"scaleOut null", [](Given &g) { g.scale.present = false; }},
    {"x FLOAT", [](Given &g) { g.x.dtype = ACL_FLOAT; }},
    {"smooth BFLOAT16 while x FLOAT16", [](Given &g) { g.give_smooth(ACL_BF16, {16}); }},
    {"group FLOAT16 with smooth [2,16]",
     [](Given &g) { g.give_smooth(ACL_FLOAT16, {2, 16}), g.give_group(ACL_FLOAT16, {2}); }},
    {"yOut UINT8", [](Given &g) { g.y.dtype = ACL_UINT8; }},
    {"scaleOut FLOAT16", [](Given &g) { g.scale.dtype = ACL_FLOAT16; }},
    {"offsetOut FLOAT16", [](Given &g) { g.offset.dtype = ACL_FLOAT16; }},
    {"x [16] rank 1, y [16], scale []", [](Given &g) { g.resize({16}, {}); }},
    {"x rank 9", [](Given &g) { g.resize({1, 1, 1, 1, 1, 1, 1, 4, 16}, {1, 1, 1, 1, 1, 1, 1, 4}); }},
    {"smooth [8], group null", [](Given &g) { g.give_smooth(ACL_FLOAT16, {8}); }},
    {"smooth [1,16], group null", [](Given &g) { g.give_smooth(ACL_FLOAT16, {1, 16}); }},
    {"smooth [2,16], group [1,2] (rank 2)",
     [](Given &g) { g.give_smooth(ACL_FLOAT16, {2, 16}), g.give_group(ACL_INT32, {1, 2}); }},
    {"y [4,8]", [](Given &g) { g.give_y(ACL_INT8, {4, 8}); }},
    {"x [4,15], y INT4 [4,15]", [](Given &g) { g.x.shape = {4, 15}, g.give_y(ACL_INT4, {4, 15}); }},
    {"y INT32 [4,16]", [](Given &g) { g.give_y(ACL_INT32, {4, 16}); }},
    {"y INT32 [4,2], dstType 3", [](Given &g) { g.give_y(ACL_INT32, {4, 2}), g.dst_type = 3; }},
    {"scale [4,1]", [](Given &g) { g.scale.shape = {4, 1}; }},
    {"offset [3]", [](Given &g) { g.offset.shape = {3}; }},
    {"smooth [16] with group [2]", [](Given &g) { g.give_smooth(ACL_FLOAT16, {16}), g.give_group(ACL_INT32, {2}); }},
    {"smooth [3,16] with group [2]",
     [](Given &g) { g.give_smooth(ACL_FLOAT16, {3, 16}), g.give_group(ACL_INT32, {2}); }},
    {"smooth [2,16] with group INT64 [2]",
     [](Given &g) { g.give_smooth(ACL_FLOAT16, {2, 16}), g.give_group(ACL_INT64, {2}); }},
    {"group [2] with smooth null", [](Given &g) { g.give_group(ACL_INT32, {2}); }},
    {"x [0,16], y [0,16], scale [0]", [](Given &g) { g.resize({0, 16}, {0}); }},
    {"x [4,0], y [4,0], scale [4]", [](Given &g) { g.resize({4, 0}, {4}); }},
    {"dstType 99 with y INT8", [](Given &g) { g.dst_type = 99; }},
};

static TensorPointer make(const Given::Tensor &tensor) {
    Array array = zeros(tensor.dtype, tensor.shape);
    array.bytes.assign(array.bytes.size(), 0x11);
    return tensor.present ? on_device(&array, Layout::Packed) : nullptr;
}

static void run_status(const char *change, const Given &given, int expected, aclrtStream stream) {
    const Arguments call = {make(given.x),     make(given.smooth), make(given.group), make(given.y),
                            make(given.scale), make(given.offset), given.dst_type};
    uint64_t workspace_size = 99;
    aclOpExecutor *executor = nullptr;
    const int status = call.phase_one(&workspace_size, &executor);
    const char *text = aclGetRecentErrMsg();
    CHECK(status == expected, "%s: %d, expected %d (%s)", change, status, expected, text ? text : "no text");
    CHECK(status == 0 || (text && std::strstr(text, "aclnnDynamicQuantV2")), "%s: no text", change);
    if (status != 0) {
        return;
    }
    finish(aclnnDynamicQuantV2, workspace_size, executor, stream);
    if (count_of(given.x.shape) == 0) {
        CHECK(workspace_size == 0, "%s", change);
        const Array scale = call.scale->read(change), offset = call.offset->read(change);
        CHECK(scale.bytes == std::vector<uint8_t>(scale.bytes.size(), 0x11), "%s: scale was written", change);
        CHECK(offset.bytes == std::vector<uint8_t>(offset.bytes.size(), 0x11), "%s: offset was written", change);
    }
}

static void run_statuses(const VectorFile &file, aclrtStream stream) {
    const size_t rows = sizeof status_cases / sizeof *status_cases;
    CHECK(rows == file.statuses.size(), "%zu rows here, %zu in the file", rows, file.statuses.size());
    for (const StatusCase &row : status_cases) {
        const auto found = file.statuses.find(row.change);
        CHECK(found != file.statuses.end(), "'%s' is not in the file", row.change);
        Given given;
        row.apply(given);
        run_status(row.change, given, found == file.statuses.end() ? -1 : found->second, stream);
    }
}

static void run_all(const VectorFile &file, aclrtStream stream) {
    run_statuses(file, stream);
    for (const Vector &vector : file.vectors) {
        for (Layout layout : all_layouts) {
            run_vector(vector, layout, stream);
        }
    }
}

struct ProductCase {
    const char *soc, *change;
    int status;
    void (*apply)(Given &given);
};

// A type the product does not have is 161002; a call it does have, but whose numbers the stand-in does not know,
// 561003.
static const ProductCase product_cases[] = {
    {"Ascend910_93", "base case", 0, [](Given &) {}},
    {"Ascend310P3", "base case", 561003, [](Given &) {}},
    {"Ascend310P3", "x BFLOAT16", 161002, [](Given &g) { g.x.dtype = ACL_BF16; }},
    {"Ascend310P3", "y INT4", 161002, [](Given &g) { g.y.dtype = ACL_INT4; }},
    {"Ascend310P3", "empty x", 0, [](Given &g) { g.resize({0, 16}, {0}); }},
    {"Ascend910A", "base case", 561003, [](Given &) {}},
    {"Ascend910A", "x BFLOAT16", 161002, [](Given &g) { g.x.dtype = ACL_BF16; }},
    {"Ascend950PR", "base case", 561003, [](Given &) {}},
    {"Ascend950PR", "y FLOAT8_E5M2", 561003, [](Given &g) { g.y.dtype = ACL_FLOAT8_E5M2; }},
    {"Ascend910B", "y FLOAT8_E5M2", 161002, [](Given &g) { g.y.dtype = ACL_FLOAT8_E5M2; }},
};

static void run_products() {
    for (const ProductCase &row : product_cases) {
        in_child("ASCEND_STUB_SOC", row.soc, [&row](aclrtStream stream) {
            Given given;
            row.apply(given);
            run_status(row.change, given, row.status, stream);
        });
    }
}

// A kernel that meets an address it cannot reach ends the stream with 507015 and a text that names the argument. The
// context is lost with it, hence a child per case.
static void run_unreachable(const char *what, void *address, int64_t offset, aclrtStream stream) {
    const Array y_array = zeros(ACL_INT8, {4, 16}), scale_array = zeros(ACL_FLOAT, {4});
    const TensorPointer y = on_device(&y_array, Layout::Packed), scale = on_device(&scale_array, Layout::Packed);
    const int64_t shape[] = {4, 16}, strides[] = {16, 1};
    const std::unique_ptr<aclTensor, decltype(&aclDestroyTensor)> x(
        aclCreateTensor(shape, 2, ACL_FLOAT16, strides, offset, ACL_FORMAT_ND, shape, 2, address), aclDestroyTensor);
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnDynamicQuantV2GetWorkspaceSize(x.get(), nullptr, nullptr, 2, y->handle(), scale->handle(), nullptr, &size,
                                             &executor));
    MUST(aclnnDynamicQuantV2(nullptr, size, executor, stream));
    const int status = aclrtSynchronizeStream(stream);
    const char *text = aclGetRecentErrMsg();
    CHECK(status == ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %d", what, status);
    CHECK(text && std::strstr(text, "aclnnDynamicQuantV2: x ("), "%s: %s", what, text ? text : "no text");
}

static void run_unreachable_on_device(const char *what, int64_t offset, aclrtStream stream) {
    void *address = nullptr;
    MUST(aclrtMalloc(&address, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
    run_unreachable(what, address, offset, stream);
    aclrtFree(address);
}

// From the start of what device 0 gives next to what device 1 gives, in elements of two bytes.
static int64_t elements_to_device_one() {
    void *near = nullptr, *far = nullptr;
    MUST(aclrtMalloc(&near, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
    MUST(aclrtSetDevice(1));
    MUST(aclrtMalloc(&far, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
    const int64_t distance = (static_cast<char *>(far) - static_cast<char *>(near)) / 2;
    MUST(aclrtFree(far));
    MUST(aclrtResetDevice(1));
    MUST(aclrtSetDevice(0));
    MUST(aclrtFree(near));
    return distance;
}

static void run_unreachables() {
    static std::vector<uint16_t> host(64);
    const std::function<void(aclrtStream)> cases[] = {
        [](aclrtStream stream) { run_unreachable("NULL", nullptr, 0, stream); },
        [](aclrtStream stream) { run_unreachable("host memory", host.data(), 0, stream); },
        [](aclrtStream stream) { run_unreachable_on_device("far outside", int64_t{1} << 45, stream); },
        [](aclrtStream stream) { run_unreachable_on_device("before the device", -(int64_t{1} << 45), stream); },
        [](aclrtStream stream) { run_unreachable_on_device("on another device", elements_to_device_one(), stream); },
        [](aclrtStream stream) { run_unreachable_on_device("overflow", INT64_MAX, stream); },
    };
    for (const auto &unreachable : cases) {
        in_child("ASCEND_STUB_SIMD", "", unreachable);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) {
        std::printf("usage: %s vectors.txt [hardware]\n", argv[0]);
        return 2;
    }
    hardware = argc > 2 && std::strcmp(argv[2], "hardware") == 0;
    const VectorFile file = read_vectors(argv[1]);
    CHECK(file.vectors.size() > 12, "%s holds %zu vectors", argv[1], file.vectors.size());
    const auto everything = [&file](aclrtStream stream) { run_all(file, stream); };
    in_child("ASCEND_STUB_SIMD", "", everything);
    if (!hardware) {
        in_child("ASCEND_STUB_SIMD", "baseline", everything);
        run_products();
        run_unreachables();
    }
    std::printf("%s: %zu vectors, %d failures\n", argv[0], file.vectors.size(), failures);
    return failures == 0 ? 0 : 1;
}
