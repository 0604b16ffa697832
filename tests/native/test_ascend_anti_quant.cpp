// aclnnAscendAntiQuant: every vector in every memory layout and with every set of inner loops, every status of phase
// one, and what differs between products.
//
//     test_ascend_anti_quant vectors.txt [hardware]
//
// Results must equal the reference bit for bit, NaNs aside, whose bits nobody promises; "hardware" tests only the
// device that is there and allows one unit in the last place in sqrtMode.
#include <cmath>

#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "vectors.h"

static bool hardware = false;

struct Arguments {
    TensorPointer x, scale, offset, y;
    int64_t dst_type = 1;
    bool sqrt_mode = false;

    aclnnStatus phase_one(uint64_t *workspace_size, aclOpExecutor **executor) const {
        return aclnnAscendAntiQuantGetWorkspaceSize(handle_of(x), handle_of(scale), handle_of(offset), dst_type,
                                                    sqrt_mode, handle_of(y), workspace_size, executor);
    }
};

static bool is_nan(aclDataType dtype, uint16_t bits) {
    return (bits & 0x7FFF) > (dtype == ACL_BF16 ? 0x7F80 : 0x7C00);
}

static void check_y(const std::string &what, const Array &got, const Array &expected, int allowed) {
    for (int64_t i = 0; i < count_of(expected.shape); i++) {
        const uint16_t g = got.at<uint16_t>(i), e = expected.at<uint16_t>(i);
        const bool nans = is_nan(expected.dtype, g) && is_nan(expected.dtype, e);
        CHECK(nans || std::abs(int(g) - int(e)) <= allowed, "%s y[%d]: bits %04x, expected %04x", what.c_str(), int(i),
              unsigned(g), unsigned(e));
    }
}

// `key` names the expected tensor; an INT4 x stays contiguous, because the operator refuses other strides for it.
static void run_vector(const Vector &vector, Layout layout, aclrtStream stream, const char *key = "y") {
    const std::string what = vector.name + " " + layout_names[int(layout)];
    const bool needs_order = vector.find("x")->dtype == ACL_INT4 && layout != Layout::Packed;
    const Layout x_layout = needs_order ? Layout::Shifted : layout;
    const Arguments call = {on_device(vector.find("x"), x_layout),
                            on_device(vector.find("scale"), layout),
                            on_device(vector.find("offset"), layout),
                            like_on_device(vector.find(key), layout),
                            vector.numbers.at("dstType"),
                            vector.numbers.at("sqrtMode") != 0};
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(call.phase_one(&workspace_size, &executor));
    finish(aclnnAscendAntiQuant, workspace_size, executor, stream);
    check_y(what, call.y->read(what.c_str()), *vector.find(key), hardware && call.sqrt_mode ? 1 : 0);
}

// Status cases: shapes and types to start from, and what each case changes.
struct Given {
    struct Tensor {
        bool present;
        aclDataType dtype;
        Shape shape;
    };
    Tensor x{true, ACL_INT8, {4, 8}}, scale{true, ACL_FLOAT, {8}}, offset{true, ACL_FLOAT, {8}},
        y{true, ACL_FLOAT16, {4, 8}};
    int64_t dst_type = 1;
    bool sqrt_mode = false;
    Layout x_layout = Layout::Packed;

    void parameters(aclDataType dtype, const Shape &shape) {
        scale = {true, dtype, shape};
        offset = {true, dtype, shape};
    }
    void give_x(aclDataType dtype, const Shape &shape) {
        x = {true, dtype, shape};
    }
};

struct StatusCase {
    const char *change;
    void (*apply)(Given &given);
};

static void make_bf16_parameters(Given &given) {
    given.parameters(ACL_BF16, {8});
}

static const char *const on_inference_card = "scale and offset BFLOAT16 on an Atlas inference card";

static const StatusCase status_cases[] = {
    {"base case", [](Given &) {}},
    {"offset null", [](Given &g) { g.offset.present = false; }},
    {"x null", [](Given &g) { g.x.present = false; }},
    {"scale null", [](Given &g) { g.scale.present = false; }},
    {"y null", [](Given &g) { g.y.present = false; }},
    {"x FLOAT16", [](Given &g) { g.x.dtype = ACL_FLOAT16; }},
    {"y FLOAT, dstType 0", [](Given &g) { g.y.dtype = ACL_FLOAT, g.dst_type = 0; }},
    {"scale FLOAT16", [](Given &g) { g.scale.dtype = ACL_FLOAT16; }},
    {"offset BFLOAT16 while scale FLOAT", [](Given &g) { g.offset.dtype = ACL_BF16; }},
    {"scale and offset BFLOAT16, y FLOAT16", make_bf16_parameters},
    {"dstType 27 while y FLOAT16", [](Given &g) { g.dst_type = 27; }},
    {"y [4,4]", [](Given &g) { g.y.shape = {4, 4}; }},
    {"x INT4 [4,7], y [4,7]", [](Given &g) { g.give_x(ACL_INT4, {4, 7}), g.y.shape = {4, 7}; }},
    {"x INT32 [4,1], y [4,8]", [](Given &g) { g.give_x(ACL_INT32, {4, 1}); }},
    {"x INT32 [4,8], y [4,8]", [](Given &g) { g.give_x(ACL_INT32, {4, 8}); }},
    {"x INT32 rank 0, scale [1], offset [1], y [8]",
     [](Given &g) { g.give_x(ACL_INT32, {}), g.parameters(ACL_FLOAT, {1}), g.y.shape = {8}; }},
    {"x rank 9", [](Given &g) { g.x.shape = g.y.shape = {1, 1, 1, 1, 1, 1, 1, 4, 8}; }},
    {"scale [1,8]", [](Given &g) { g.parameters(ACL_FLOAT, {1, 8}); }},
    {"scale [4] (last dim of y is 8)", [](Given &g) { g.parameters(ACL_FLOAT, {4}); }},
    {"scale [8], offset [1]", [](Given &g) { g.offset.shape = {1}; }},
    {"scale [1], offset [1]", [](Given &g) { g.parameters(ACL_FLOAT, {1}); }},
    {"x [0,8], y [0,8]", [](Given &g) { g.x.shape = g.y.shape = {0, 8}; }},
    {on_inference_card, make_bf16_parameters},
};

static TensorPointer make(const Given::Tensor &tensor, Layout layout = Layout::Packed) {
    const Array array = zeros(tensor.dtype, tensor.shape);
    return tensor.present ? on_device(&array, layout) : nullptr;
}

static void run_status(const char *change, const Given &given, int expected, aclrtStream stream) {
    const Arguments call = {make(given.x, given.x_layout),
                            make(given.scale),
                            make(given.offset),
                            make(given.y),
                            given.dst_type,
                            given.sqrt_mode};
    uint64_t workspace_size = 99;
    aclOpExecutor *executor = nullptr;
    const int status = call.phase_one(&workspace_size, &executor);
    const char *text = aclGetRecentErrMsg();
    CHECK(status == expected, "%s: %d, expected %d (%s)", change, status, expected, text ? text : "no text");
    CHECK(status == 0 || (text && std::strstr(text, "aclnnAscendAntiQuant")), "%s: no text", change);
    if (status == 0) {
        CHECK(workspace_size == 0 || count_of(given.x.shape) > 0, "%s: workspace for nothing", change);
        finish(aclnnAscendAntiQuant, workspace_size, executor, stream);
    }
}

static void run_statuses(const VectorFile &file, aclrtStream stream) {
    const size_t rows = sizeof status_cases / sizeof *status_cases;
    CHECK(rows == file.statuses.size(), "%zu rows here, %zu in the file", rows, file.statuses.size());
    for (const StatusCase &row : status_cases) {
        const auto found = file.statuses.find(row.change);
        CHECK(found != file.statuses.end(), "'%s' is not in the file", row.change);
        if (row.change != on_inference_card) { // that one is among the products below
            Given given;
            row.apply(given);
            run_status(row.change, given, found == file.statuses.end() ? -1 : found->second, stream);
        }
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

static const ProductCase product_cases[] = {
    {"Ascend910_93", "base case", 0, [](Given &) {}},
    {"Ascend310P3", "base case", 0, [](Given &) {}},
    {"Ascend310P3", on_inference_card, 161002, make_bf16_parameters},
    {"Ascend310P3", "x INT4", 161002, [](Given &g) { g.x.dtype = ACL_INT4; }},
    {"Ascend310P3", "y BFLOAT16", 161002, [](Given &g) { g.y.dtype = ACL_BF16, g.dst_type = 27; }},
    {"Ascend910A", "base case", 161002, [](Given &) {}},
    {"Ascend950PR", "base case", 0, [](Given &) {}},
    {"Ascend950PR", "x FLOAT8_E5M2", 561003, [](Given &g) { g.x.dtype = ACL_FLOAT8_E5M2; }},
    {"Ascend950PR", "x FLOAT8_E5M2, sqrtMode", 161002,
     [](Given &g) { g.x.dtype = ACL_FLOAT8_E5M2, g.sqrt_mode = true; }},
    {"Ascend950PR", "scale [1,8]", 561003, [](Given &g) { g.parameters(ACL_FLOAT, {1, 8}); }},
    {"Ascend910B", "x FLOAT8_E5M2", 161002, [](Given &g) { g.x.dtype = ACL_FLOAT8_E5M2; }},
    {"Ascend910B", "x INT4 with other strides", 161002,
     [](Given &g) { g.x.dtype = ACL_INT4, g.x_layout = Layout::Spaced; }},
};

// 127 and -128 times 1000 lie outside of fp16.
static void check_saturation(aclrtStream stream) {
    Vector vector{"fp16_saturates", {}, {{"dstType", 1}, {"sqrtMode", 0}}};
    const float scale = 1000.0f;
    vector.arrays["x"] = {ACL_INT8, {3}, {127, 0x80, 65}};
    vector.arrays["scale"] = {ACL_FLOAT, {1}, std::vector<uint8_t>(sizeof scale)};
    std::memcpy(vector.arrays["scale"].bytes.data(), &scale, sizeof scale);
    vector.arrays["y"] = {ACL_FLOAT16, {3}, {0xFF, 0x7B, 0xFF, 0xFB, 0xEF, 0x7B}};
    run_vector(vector, Layout::Packed, stream);
}

static void run_products(const VectorFile &file) {
    for (const ProductCase &row : product_cases) {
        in_child("ASCEND_STUB_SOC", row.soc, [&row](aclrtStream stream) {
            Given given;
            row.apply(given);
            run_status(row.change, given, row.status, stream);
        });
    }
    in_child("ASCEND_STUB_SOC", "Ascend310P3", check_saturation);
    in_child("ASCEND_STUB_SOC", "Ascend950PR", [&file](aclrtStream stream) {
        int compared = 0;
        for (const Vector &vector : file.vectors) {
            if (vector.find("y_on_950")) {
                run_vector(vector, Layout::Packed, stream, "y_on_950");
                compared++;
            }
        }
        CHECK(compared > 0, "no vector for this product");
    });
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
        run_products(file);
    }
    std::printf("%s: %zu vectors, %d failures\n", argv[0], file.vectors.size(), failures);
    return failures == 0 ? 0 : 1;
}
