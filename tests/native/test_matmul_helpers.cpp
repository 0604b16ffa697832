// The helpers of int8 matrix products: packed scales from host and device, sizes of FRACTAL_NZ weights, and the
// conversion of weights in place.
//
//     test_matmul_helpers vectors.txt
#include <cmath>

#include "aclnnop/aclnn_npu_format_cast.h"
#include "aclnnop/aclnn_trans_matmul_weight.h"
#include "aclnnop/aclnn_trans_quant_param.h"
#include "aclnnop/aclnn_trans_quant_param_v2.h"
#include "aclnnop/aclnn_trans_quant_param_v3.h"
#include "vectors.h"

using TensorHandle = std::unique_ptr<aclTensor, decltype(&aclDestroyTensor)>;

static std::map<std::string, const Vector *> index_of(const VectorFile &file) {
    std::map<std::string, const Vector *> index;
    for (const Vector &vector : file.vectors) {
        index[vector.name] = &vector;
    }
    return index;
}

static void check_status(const char *what, int status, int expected, const char *name) {
    const char *text = aclGetRecentErrMsg();
    CHECK(status == expected, "%s: %d, expected %d (%s)", what, status, expected, text ? text : "no text");
    CHECK(status == 0 || (text && std::strstr(text, name)), "%s: the text is '%s'", what, text ? text : "");
}

static void check_packed(const char *what, const Array &got, const Array &expected) {
    for (int64_t i = 0; i < count_of(expected.shape); i++) {
        CHECK(got.at<uint64_t>(i) == expected.at<uint64_t>(i), "%s[%d]: %llu, expected %llu", what, int(i),
              static_cast<unsigned long long>(got.at<uint64_t>(i)),
              static_cast<unsigned long long>(expected.at<uint64_t>(i)));
    }
}

// aclnnTransQuantParamV2, or V3 with a mode; -1: V2.
static aclnnStatus trans_phase_one(int mode, const aclTensor *scale, const aclTensor *offset, const aclTensor *out,
                                   uint64_t *size, aclOpExecutor **executor) {
    return mode < 0 ? aclnnTransQuantParamV2GetWorkspaceSize(scale, offset, out, size, executor)
                    : aclnnTransQuantParamV3GetWorkspaceSize(scale, offset, mode, out, size, executor);
}

static Array pack_on_device(int mode, const Array &scale, const Array *offset, const Array &room, Layout layout,
                            aclrtStream stream) {
    const TensorPointer s = on_device(&scale, layout), o = on_device(offset, layout), out = on_device(&room, layout);
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    aclDataType dtype = ACL_DT_UNDEFINED;
    MUST(trans_phase_one(mode, s->handle(), handle_of(o), out->handle(), &size, &executor));
    MUST(aclGetDataType(out->handle(), &dtype));
    CHECK(dtype == ACL_UINT64, "out has data type %d", int(dtype));
    finish(mode < 0 ? aclnnTransQuantParamV2 : aclnnTransQuantParamV3, size, executor, stream);
    return out->read("packed scales");
}

static void run_on_device(const Vector &vector, const char *key, int mode, aclrtStream stream) {
    const Array &scale = *vector.find("scale"), &expected = *vector.find(key);
    for (Layout layout : all_layouts) {
        for (aclDataType dtype : {ACL_UINT64, ACL_INT64}) {
            const Array room = zeros(dtype, expected.shape);
            const Array got = pack_on_device(mode, scale, vector.find("offset"), room, layout, stream);
            check_packed((vector.name + " " + key).c_str(), got, expected);
        }
    }
}

static Array one_of(const Array &many, int64_t index) {
    Array one = zeros(many.dtype, {1});
    const size_t width = one.bytes.size();
    std::memcpy(one.bytes.data(), many.bytes.data() + static_cast<size_t>(index) * width, width);
    return one;
}

// One scale for many offsets and the other way round; shapes [1, n].
static void run_broadcast(const Vector &vector, aclrtStream stream) {
    const Array &scale = *vector.find("scale"), &offset = *vector.find("offset"), &expected = *vector.find("v2");
    const Array got =
        pack_on_device(-1, one_of(scale, 0), &offset, zeros(ACL_UINT64, offset.shape), Layout::Packed, stream);
    check_packed("one scale, many offsets", got, expected);
    Array row = scale, room = zeros(ACL_UINT64, {1, scale.shape[0]}), single = one_of(offset, 2);
    row.shape = {1, scale.shape[0]};
    const Array same = pack_on_device(0, row, &single, room, Layout::Spaced, stream);
    for (int64_t i = 0; i < scale.shape[0]; i++) {
        CHECK(same.at<uint64_t>(i) == expected.at<uint64_t>(2), "many scales, one offset");
    }
}

static std::vector<float> floats_of(const Array &array) {
    std::vector<float> values(static_cast<size_t>(count_of(array.shape)));
    std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
    for (float &value : values) { // the host function's conversion of these is not defined
        value = std::isnan(value) ? 0.0f : value;
    }
    return values;
}

static void run_on_host(const Vector &vector, const char *key) {
    const Array &expected = *vector.find(key), *offset = vector.find("offset");
    const Array &scale = *vector.find("scale");
    const std::vector<float> offsets = offset ? floats_of(*offset) : std::vector<float>();
    std::vector<float> scales(static_cast<size_t>(scale.shape[0]));
    std::memcpy(scales.data(), scale.bytes.data(), scale.bytes.size());
    uint64_t *packed = nullptr, count = 0;
    MUST(aclnnTransQuantParam(scales.data(), scales.size(), offset ? offsets.data() : nullptr, offsets.size(), &packed,
                              &count));
    const size_t padded = scales.size() == 1 ? 1 : (scales.size() + 15) / 16 * 16;
    CHECK(count == padded, "%zu scales give %llu", scales.size(), static_cast<unsigned long long>(count));
    Array got = zeros(ACL_UINT64, {static_cast<int64_t>(count)});
    std::memcpy(got.bytes.data(), packed, got.bytes.size());
    std::free(packed);
    check_packed((vector.name + " on the host").c_str(), got, expected);
    for (size_t i = scales.size(); i < padded; i++) {
        CHECK(got.at<uint64_t>(static_cast<int64_t>(i)) == 0, "padding at %zu", i);
    }
}

static void run_host_statuses() {
    const float scales[] = {1.0f, 2.0f, 3.0f}, offsets[] = {0.5f, -0.5f};
    static const char name[] = "aclnnTransQuantParam";
    uint64_t *packed = nullptr, count = 0;
    check_status("no scales", aclnnTransQuantParam(nullptr, 0, nullptr, 0, &packed, &count), 161002, name);
    check_status("scaleSize 0", aclnnTransQuantParam(scales, 0, nullptr, 0, &packed, &count), 161002, name);
    check_status("offsetSize 0", aclnnTransQuantParam(scales, 3, offsets, 0, &packed, &count), 161002, name);
    check_status("no offsets", aclnnTransQuantParam(scales, 3, nullptr, 2, &packed, &count), 161002, name);
    check_status("no result", aclnnTransQuantParam(scales, 3, nullptr, 0, nullptr, &count), 161001, name);
    check_status("no size", aclnnTransQuantParam(scales, 3, nullptr, 0, &packed, nullptr), 161001, name);
    MUST(aclnnTransQuantParam(scales, 1, offsets, 2, &packed, &count));
    const uint64_t flag = uint64_t{1} << 46, one = 0x3F800000, int9 = uint64_t{1} << 37, minus = uint64_t{511} << 37;
    CHECK(count == 16 && packed[0] == (flag | one | int9) && packed[1] == minus, "halves are rounded away from zero");
    std::free(packed);
    MUST(aclnnTransQuantParam(scales, 1, nullptr, 0, &packed, &count));
    CHECK(count == 1 && packed[0] == (flag | one), "a single one is not padded");
    std::free(packed);
}

struct QuantCase {
    const char *change;
    int status, mode;
    Shape scale, offset, out;
    aclDataType types[3];
    aclFormat format;
};

static const QuantCase quant_cases[] = {
    {"base", 0, 0, {3}, {3}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
    {"scale [1, 3]", 0, 1, {1, 3}, {1, 3}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_INT64}, ACL_FORMAT_ND},
    {"scale [3, 1]", 161002, 0, {3, 1}, {3}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
    {"offset [3, 1]", 161002, 0, {3}, {3, 1}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
    {"scale UINT64", 161002, 0, {3}, {3}, {3}, {ACL_UINT64, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
    {"offset FLOAT16", 161002, 0, {3}, {3}, {3}, {ACL_FLOAT, ACL_FLOAT16, ACL_UINT64}, ACL_FORMAT_ND},
    {"out INT32", 161002, 0, {3}, {3}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_INT32}, ACL_FORMAT_ND},
    {"FRACTAL_NZ", 161002, 0, {3}, {3}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_FRACTAL_NZ},
    {"scale empty", 161002, 0, {0}, {3}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
    {"scale [3] and offset [2]", 161002, 0, {3}, {2}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
    {"out too short", 161002, 0, {3}, {1}, {2}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
    {"roundMode 2", 161002, 2, {3}, {3}, {3}, {ACL_FLOAT, ACL_FLOAT, ACL_UINT64}, ACL_FORMAT_ND},
};

static TensorHandle descriptor(aclDataType dtype, const Shape &shape, aclFormat format = ACL_FORMAT_ND,
                               const int64_t *strides = nullptr, void *address = nullptr) {
    return {aclCreateTensor(shape.data(), shape.size(), dtype, strides, 0, format, shape.data(), shape.size(), address),
            aclDestroyTensor};
}

static void run_quant_statuses() {
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    for (const QuantCase &row : quant_cases) {
        const TensorHandle scale = descriptor(row.types[0], row.scale, row.format),
                           offset = descriptor(row.types[1], row.offset), out = descriptor(row.types[2], row.out);
        const int status = trans_phase_one(row.mode, scale.get(), offset.get(), out.get(), &size, &executor);
        check_status(row.change, status, row.status, "aclnnTransQuantParamV3");
        if (status == 0) {
            MUST(aclDestroyAclOpExecutor(executor));
        }
    }
    const TensorHandle some = descriptor(ACL_FLOAT, {3});
    check_status("scale NULL", trans_phase_one(-1, nullptr, nullptr, some.get(), &size, &executor), 161001, "scale");
    check_status("out NULL", trans_phase_one(-1, some.get(), nullptr, nullptr, &size, &executor), 161001, "out");
}

using Array64 = std::unique_ptr<aclIntArray, decltype(&aclDestroyIntArray)>;

static Array64 dims(const Shape &shape) {
    return {aclCreateIntArray(shape.data(), shape.size()), aclDestroyIntArray};
}

static void run_sizes(const Vector &vector) {
    const Array &shapes = *vector.find("shapes");
    for (int64_t row = 0; row < shapes.shape[0]; row++) {
        Shape shape;
        for (int64_t i = 0; i < 6 && shapes.at<int64_t>(row * 6 + i) >= 0; i++) {
            shape.push_back(shapes.at<int64_t>(row * 6 + i));
        }
        const auto dtype = static_cast<aclDataType>(vector.find("dtypes")->at<int64_t>(row));
        const auto expected = static_cast<uint64_t>(vector.find("elements")->at<int64_t>(row));
        uint64_t elements = 0;
        MUST(aclnnCalculateMatmulWeightSizeV2(dims(shape).get(), dtype, &elements));
        CHECK(elements == expected, "row %d: %llu", int(row), static_cast<unsigned long long>(elements));
        if (dtype == ACL_FLOAT16) {
            MUST(aclnnCalculateMatmulWeightSize(dims(shape).get(), &elements));
            CHECK(elements == expected, "V1, row %d: %llu", int(row), static_cast<unsigned long long>(elements));
        }
    }
}

static void run_size_statuses() {
    uint64_t elements = 7;
    static const char v1[] = "aclnnCalculateMatmulWeightSize:", v2[] = "aclnnCalculateMatmulWeightSizeV2:";
    const auto of = [&elements](const Shape &shape) {
        return aclnnCalculateMatmulWeightSizeV2(dims(shape).get(), ACL_INT8, &elements);
    };
    const Array64 square = dims({4, 4});
    check_status("V2 shape NULL", aclnnCalculateMatmulWeightSizeV2(nullptr, ACL_INT8, &elements), 161001, v2);
    check_status("V2 size NULL", aclnnCalculateMatmulWeightSizeV2(square.get(), ACL_INT8, nullptr), 161001, v2);
    check_status("V2 rank 1", of({4}), 161002, v2);
    check_status("V2 rank 7", of({1, 1, 1, 1, 1, 4, 4}), 161002, v2);
    check_status("V2 empty", of({4, 0}), 161002, v2);
    check_status("V2 negative", of({-1, 4}), 161002, v2);
    check_status("V2 too large", of({int64_t{1} << 40, int64_t{1} << 40}), 161002, v2);
    CHECK(elements == 7, "a refused call wrote %llu", static_cast<unsigned long long>(elements));
    check_status("V1 shape NULL", aclnnCalculateMatmulWeightSize(nullptr, &elements), 161001, v1);
    check_status("V1 size NULL", aclnnCalculateMatmulWeightSize(square.get(), nullptr), 161001, v1);
    check_status("V1 rank 1", aclnnCalculateMatmulWeightSize(dims({4}).get(), &elements), 161002, v1);
    check_status("V1 empty", aclnnCalculateMatmulWeightSize(dims({4, 0}).get(), &elements), 0, v1);
    CHECK(elements == 0, "V1 of an empty shape: %llu", static_cast<unsigned long long>(elements));
    check_status("V2 of any data type", aclnnCalculateMatmulWeightSizeV2(square.get(), ACL_DOUBLE, &elements), 0, v2);
    CHECK(elements == 16 * 32, "the rule of INT8: %llu", static_cast<unsigned long long>(elements));
}

// 16 rows and 32 bytes of columns to a tile, tiles of a column of them first.
static void run_cast_sizes() {
    const Shape shape = {3, 17, 33}, steps = {17 * 33, 33, 1};
    const struct {
        aclDataType dtype;
        int additional;
        Shape tiles;
    } cases[] = {{ACL_FLOAT16, -1, {3, 3, 2, 16, 16}},
                 {ACL_INT8, -1, {3, 2, 2, 16, 32}},
                 {ACL_FLOAT, -1, {3, 5, 2, 16, 8}},
                 {ACL_FLOAT16, ACL_INT8, {3, 2, 2, 16, 32}}};
    int64_t *tiles = nullptr;
    uint64_t rank = 0;
    int format = 0;
    for (const auto &each : cases) {
        const TensorHandle source(
            aclCreateTensor(shape.data(), 3, each.dtype, steps.data(), 0, ACL_FORMAT_ND, shape.data(), 3, nullptr),
            aclDestroyTensor);
        MUST(aclnnNpuFormatCastCalculateSizeAndFormat(source.get(), ACL_FORMAT_FRACTAL_NZ, each.additional, &tiles,
                                                      &rank, &format));
        CHECK(Shape(tiles, tiles + rank) == each.tiles && format == ACL_FORMAT_FRACTAL_NZ, "tiles of type %d",
              int(each.dtype));
        delete[] tiles;
    }
    check_status("source NULL", aclnnNpuFormatCastCalculateSizeAndFormat(nullptr, 29, -1, &tiles, &rank, &format),
                 161001, "aclnnNpuFormatCastCalculateSizeAndFormat:");
}

static void check_now_nz(const aclTensor *weight, const Array &nd, const Array &nz) {
    aclFormat format = ACL_FORMAT_UNDEFINED;
    int64_t *storage = nullptr, *view = nullptr;
    uint64_t storage_rank = 0, view_rank = 0;
    MUST(aclGetFormat(weight, &format));
    MUST(aclGetStorageShape(weight, &storage, &storage_rank));
    MUST(aclGetViewShape(weight, &view, &view_rank));
    CHECK(Shape(storage, storage + storage_rank) == nz.shape, "storage shape of %zu dimensions", storage_rank);
    CHECK(Shape(view, view + view_rank) == nd.shape, "the view has changed");
    delete[] storage;
    delete[] view;
}

// Elements at `strides` inside memory as large as the padded weight and a guard behind it.
static void run_weight(const std::string &what, const Array &nd, const Array &nz, const Shape &strides,
                       aclrtStream stream) {
    const size_t width = static_cast<size_t>(bits_of(nd.dtype)) / 8, room = 2 * nz.bytes.size() + 64;
    std::vector<uint8_t> memory(room, 0xA5);
    for (int64_t i = 0; i < count_of(nd.shape); i++) {
        int64_t rest = i, at = 0;
        for (size_t axis = nd.shape.size(); axis-- > 0;) {
            at += rest % nd.shape[axis] * strides[axis];
            rest /= nd.shape[axis];
        }
        std::memcpy(&memory.at(static_cast<size_t>(at) * width), &nd.bytes[static_cast<size_t>(i) * width], width);
    }
    void *address = nullptr;
    MUST(aclrtMalloc(&address, room, ACL_MEM_MALLOC_HUGE_FIRST));
    MUST(aclrtMemcpy(address, room, memory.data(), room, ACL_MEMCPY_HOST_TO_DEVICE));
    const TensorHandle weight = descriptor(nd.dtype, nd.shape, ACL_FORMAT_ND, strides.data(), address);
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnTransMatmulWeightGetWorkspaceSize(weight.get(), &size, &executor));
    CHECK(size >= nz.bytes.size(), "%s: workspace of %llu", what.c_str(), static_cast<unsigned long long>(size));
    check_now_nz(weight.get(), nd, nz);
    finish(aclnnTransMatmulWeight, size, executor, stream);
    std::vector<uint8_t> now(room);
    MUST(aclrtMemcpy(now.data(), room, address, room, ACL_MEMCPY_DEVICE_TO_HOST));
    const auto middle = static_cast<std::ptrdiff_t>(nz.bytes.size());
    CHECK(std::equal(nz.bytes.begin(), nz.bytes.end(), now.begin()), "%s: wrong tiles", what.c_str());
    CHECK(std::equal(now.begin() + middle, now.end(), memory.begin() + middle), "%s: wrote behind", what.c_str());
    check_status("a second conversion", aclnnTransMatmulWeightGetWorkspaceSize(weight.get(), &size, &executor), 161002,
                 "FRACTAL_NZ");
    aclrtFree(address);
}

static void run_weights(const VectorFile &file, aclrtStream stream) {
    int count = 0;
    for (const Vector &vector : file.vectors) {
        const Array *nd = vector.find("nd"), *nz = vector.find("nz");
        if (nd && nz) {
            run_weight(vector.name, *nd, *nz, strides_of(nd->shape, Layout::Packed), stream);
            run_weight(vector.name + " transposed", *nd, *nz, strides_of(nd->shape, Layout::Transposed), stream);
            count++;
        }
    }
    CHECK(count == 20, "%d weights", count);
}

static void run_weight_statuses(aclrtStream stream) {
    uint64_t size = 99;
    aclOpExecutor *executor = nullptr;
    static const char name[] = "aclnnTransMatmulWeight";
    const auto of = [&](aclDataType dtype, const Shape &shape, aclFormat format) {
        return aclnnTransMatmulWeightGetWorkspaceSize(descriptor(dtype, shape, format).get(), &size, &executor);
    };
    check_status("NULL", aclnnTransMatmulWeightGetWorkspaceSize(nullptr, &size, &executor), 161001, name);
    check_status("FLOAT", of(ACL_FLOAT, {4, 4}, ACL_FORMAT_ND), 161002, name);
    check_status("FRACTAL_NZ", of(ACL_INT8, {4, 4}, ACL_FORMAT_FRACTAL_NZ), 161002, name);
    check_status("rank 9", of(ACL_INT8, {1, 1, 1, 1, 1, 1, 1, 4, 4}, ACL_FORMAT_ND), 161002, name);
    check_status("rank 7", of(ACL_INT8, {1, 1, 1, 1, 1, 4, 4}, ACL_FORMAT_ND), 161002, name);
    check_status("rank 1", of(ACL_INT8, {4}, ACL_FORMAT_ND), 161002, name);
    check_status("empty", of(ACL_INT8, {0}, ACL_FORMAT_ND), 0, name);
    CHECK(size == 0, "an empty weight needs a workspace of %llu", static_cast<unsigned long long>(size));
    MUST(aclnnTransMatmulWeight(nullptr, 0, executor, stream));
    MUST(aclrtSynchronizeStream(stream));
}

static void run_all(const VectorFile &file, aclrtStream stream) {
    const auto vectors = index_of(file);
    run_on_host(*vectors.at("trans_quant_param"), "host_v1");
    run_on_host(*vectors.at("offsets"), "host");
    run_on_host(*vectors.at("random_scales"), "host");
    run_host_statuses();
    run_on_device(*vectors.at("trans_quant_param"), "device_v2_truncate", -1, stream);
    run_on_device(*vectors.at("trans_quant_param"), "device_v3_round_mode_1", 1, stream);
    run_on_device(*vectors.at("offsets"), "v2", -1, stream);
    run_on_device(*vectors.at("random_scales"), "v2", 0, stream);
    run_on_device(*vectors.at("random_scales"), "v3", 1, stream);
    run_broadcast(*vectors.at("offsets"), stream);
    run_quant_statuses();
    run_sizes(*vectors.at("weight_sizes"));
    run_size_statuses();
    run_cast_sizes();
    run_weights(file, stream);
    run_weight_statuses(stream);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        std::printf("usage: %s vectors.txt\n", argv[0]);
        return 2;
    }
    const VectorFile file = read_vectors(argv[1]);
    in_child("ASCEND_STUB_SOC", "Ascend910B", [&file](aclrtStream stream) { run_all(file, stream); });
    in_child("ASCEND_STUB_SOC", "Ascend910A", [](aclrtStream) {
        uint64_t elements = 0;
        check_status("910", aclnnCalculateMatmulWeightSizeV2(dims({4, 4}).get(), ACL_INT8, &elements), 361001, "910");
        check_status("V1 on 910", aclnnCalculateMatmulWeightSize(dims({4, 4}).get(), &elements), 0, "910");
        check_status("rank 3 on 910", aclnnCalculateMatmulWeightSize(dims({1, 4, 4}).get(), &elements), 161002, "3");
    });
    std::printf("%s: %zu vectors, %d failures\n", argv[0], file.vectors.size(), failures);
    return failures == 0 ? 0 : 1;
}
