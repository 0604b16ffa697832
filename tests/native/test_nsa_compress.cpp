// aclnnNsaCompress: every vector in every memory layout and with every set of inner loops, every status of phase one,
// and what each product accepts.
//
//     test_nsa_compress vectors.txt [hardware]
//
// On the stand-in the results must equal the reference bit for bit; with "hardware", where the order of the sums is
// the device's, within its accuracy rule, and only what CANN checks itself is tried.
#include <cmath>

#include "aclnnop/aclnn_nsa_compress.h"
#include "vectors.h"

static bool hardware = false;

using IntArrayPointer = std::unique_ptr<aclIntArray, decltype(&aclDestroyIntArray)>;

static IntArrayPointer int_array(const std::vector<int64_t> &values) {
    return {aclCreateIntArray(values.data(), values.size()), aclDestroyIntArray};
}

static float value_of(const Array &array, int64_t index) {
    uint16_t half = array.at<uint16_t>(index);
    if (array.dtype == ACL_FLOAT16) {
        return aclFloat16ToFloat(half);
    }
    const uint32_t bits = uint32_t{half} << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

static bool agree(float got, float expected) {
    return got == expected || (std::isnan(got) && std::isnan(expected)) ||
           std::fabs(got - expected) <= 1e-3f + 1e-3f * std::fabs(expected);
}

static void check_output(const char *what, const Array &got, const Array &expected) {
    for (int64_t i = 0; i < count_of(expected.shape); i++) {
        const bool same = got.at<uint16_t>(i) == expected.at<uint16_t>(i);
        CHECK(same || (hardware && agree(value_of(got, i), value_of(expected, i))), "%s[%d]: 0x%04x, expected 0x%04x",
              what, int(i), got.at<uint16_t>(i), expected.at<uint16_t>(i));
    }
}

static void run_vector(const Vector &vector, Layout layout, aclrtStream stream) {
    const std::string what = vector.name + " " + layout_names[int(layout)];
    const Array &ends = *vector.find("actSeqLen");
    std::vector<int64_t> prefix_sums;
    for (int64_t i = 0; i < ends.shape[0]; i++) {
        prefix_sums.push_back(ends.at<int64_t>(i));
    }
    IntArrayPointer sequences = int_array(prefix_sums);
    const TensorPointer input = on_device(vector.find("input"), layout),
                        weight = on_device(vector.find("weight"), layout);
    const TensorPointer output = like_on_device(vector.find("output"), layout);
    char layout_name[] = "TND";
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnNsaCompressGetWorkspaceSize(input->handle(), weight->handle(), sequences.get(), layout_name,
                                          vector.find("weight")->shape[0], vector.numbers.at("compressStride"), 0,
                                          output->handle(), &workspace_size, &executor));
    sequences.reset(); // phase one has taken a copy, of the layout's name too
    layout_name[0] = 'X';
    finish(aclnnNsaCompress, workspace_size, executor, stream);
    check_output(what.c_str(), output->read(what.c_str()), *vector.find("output"));
}

// Status cases: arguments to start from, and what each case changes.
struct Given {
    struct Tensor {
        bool present;
        aclDataType dtype;
        Shape shape;
    };
    Tensor input{true, ACL_FLOAT16, {64, 4, 32}}, weight{true, ACL_FLOAT16, {32, 4}},
        output{true, ACL_FLOAT16, {2, 4, 32}};
    bool has_sequences = true, has_layout = true, has_size = true, has_executor = true;
    std::vector<int64_t> sequences{64};
    std::string layout = "TND";
    int64_t block = 32, stride = 32, type = 0;

    void give_dtype(aclDataType dtype) {
        input.dtype = weight.dtype = output.dtype = dtype;
    }
    void give_block(int64_t rows) {
        block = weight.shape[0] = rows;
    }
};

struct StatusCase {
    const char *change;
    void (*apply)(Given &given);
};

static const StatusCase status_cases[] = {
    {"input = NULL", [](Given &g) { g.input.present = false; }},
    {"weight = NULL", [](Given &g) { g.weight.present = false; }},
    {"output = NULL", [](Given &g) { g.output.present = false; }},
    {"workspaceSize = NULL", [](Given &g) { g.has_size = false; }},
    {"executor = NULL", [](Given &g) { g.has_executor = false; }},
    {"actSeqLenOptional = NULL", [](Given &g) { g.has_sequences = false; }},
    {"aclIntArray of size 0", [](Given &g) { g.sequences = {}; }},
    {"weight bfloat16, input float16", [](Given &g) { g.weight.dtype = ACL_BF16; }},
    {"weight [31,4] with compressBlockSize 32", [](Given &g) { g.weight.shape = {31, 4}; }},
    {"weight [32,3] with N=4", [](Given &g) { g.weight.shape = {32, 3}; }},
    {"layout 'BSH'", [](Given &g) { g.layout = "BSH"; }},
    {"actSeqLenType = 1", [](Given &g) { g.type = 1; }},
    {"input [64,0,32], weight [32,0]", [](Given &g) { g.input.shape = {64, 0, 32}, g.weight.shape = {32, 0}; }},
    {"compressBlockSize 24 (weight [24,4])", [](Given &g) { g.give_block(24); }},
    {"compressStride 24, block 32", [](Given &g) { g.stride = 24; }},
    {"compressStride 48, block 32", [](Given &g) { g.stride = 48; }},
    {"all tensors float32", [](Given &g) { g.give_dtype(ACL_FLOAT); }},
    {"input [0,4,32], actSeqLen [0]", [](Given &g) { g.input.shape = {0, 4, 32}, g.sequences = {0}; }},
};

// What the vectors file leaves out: CANN's other checks, then calls that a device reads or divides out of bounds with.
struct OwnCase {
    const char *change, *names; // the argument that the text must name; none where the call is fine
    int status;
    void (*apply)(Given &given);
};

static const OwnCase own_cases[] = {
    {"base case", nullptr, 0, [](Given &) {}},
    {"bfloat16", nullptr, 0, [](Given &g) { g.give_dtype(ACL_BF16); }},
    {"tokens behind the last batch", nullptr, 0,
     [](Given &g) { g.sequences = {0, 32, 32, 63}, g.output.shape[0] = 1; }},
    {"head size 20", nullptr, 0, [](Given &g) { g.input.shape[2] = g.output.shape[2] = 20; }},
    {"output bfloat16", "output", 161002, [](Given &g) { g.output.dtype = ACL_BF16; }},
    {"head size 0", "input", 161002, [](Given &g) { g.input.shape[2] = g.output.shape[2] = 0; }},
    {"block 48, weight 32", "compressBlockSize", 161002, [](Given &g) { g.block = 48; }},
    {"layout NULL", "layoutOptional", 161002, [](Given &g) { g.has_layout = false; }},
    {"layout TN", "layoutOptional", 161002, [](Given &g) { g.layout = "TN"; }},
    {"layout TNDX", "layoutOptional", 161002, [](Given &g) { g.layout = "TNDX"; }},
    {"type -1", "actSeqLenType", 161002, [](Given &g) { g.type = -1; }},
    {"dtypes before shapes", "weight", 161002, [](Given &g) { g.weight.dtype = ACL_FLOAT, g.input.shape = {64}; }},
    {"weight before layout", "weight", 161002, [](Given &g) { g.weight.shape = {32, 5}, g.layout = "BSH"; }},
    {"layout before sizes", "layoutOptional", 161002, [](Given &g) { g.stride = 24, g.layout = "BSH"; }},
    {"output [3,4,32]", "output", 561103, [](Given &g) { g.output.shape[0] = 3; }},
    {"output [2,4,16]", "output", 561103, [](Given &g) { g.output.shape[2] = 16; }},
};

static const OwnCase unchecked_cases[] = {
    {"input [64]", "input", 161002, [](Given &g) { g.input.shape = {64}; }},
    {"input [64,4]", "input", 161002, [](Given &g) { g.input.shape = {64, 4}; }},
    {"input rank 4", "input", 161002, [](Given &g) { g.input.shape = {64, 4, 32, 1}; }},
    {"weight []", "weight", 161002, [](Given &g) { g.weight.shape = {}; }},
    {"weight [32]", "weight", 161002, [](Given &g) { g.weight.shape = {32}; }},
    {"weight rank 3", "weight", 161002, [](Given &g) { g.weight.shape = {32, 4, 1}; }},
    {"output [2,128]", "output", 561103, [](Given &g) { g.output.shape = {2, 128}; }},
    {"stride 0", "compressStride", 561103, [](Given &g) { g.stride = 0; }},
    {"stride -16", "compressStride", 561103, [](Given &g) { g.stride = -16; }},
    {"stride INT64_MIN", "compressStride", 561103, [](Given &g) { g.stride = INT64_MIN; }},
    {"block 0", "weight", 561103, [](Given &g) { g.give_block(0); }},
    {"block -16", "compressBlockSize", 161002, [](Given &g) { g.block = -16; }},
    {"sums decrease", "actSeqLenOptional[1]", 561103, [](Given &g) { g.sequences = {64, 32}; }},
    {"sums decrease and grow", "actSeqLenOptional[1]", 561103, [](Given &g) { g.sequences = {32, 31, 64}; }},
    {"last sum beyond the tokens", "actSeqLenOptional[1]", 561103, [](Given &g) { g.sequences = {32, 65}; }},
    {"sum beyond the tokens", "actSeqLenOptional[0]", 561103, [](Given &g) { g.sequences = {INT64_MAX, 64}; }},
    {"first sum negative", "actSeqLenOptional[0]", 561103, [](Given &g) { g.sequences = {-1, 64}; }},
    {"smallest sum", "actSeqLenOptional[0]", 561103, [](Given &g) { g.sequences = {INT64_MIN, 64}; }},
    {"no window", "actSeqLenOptional", 561103, [](Given &g) { g.sequences = {31, 62}, g.output.shape[0] = 0; }},
};

static TensorPointer make(const Given::Tensor &tensor) {
    const Array array = zeros(tensor.dtype, tensor.shape);
    return tensor.present ? on_device(&array, Layout::Packed) : nullptr;
}

static void run_status(const char *change, const Given &given, int expected, const char *names, aclrtStream stream) {
    const TensorPointer input = make(given.input), weight = make(given.weight), output = make(given.output);
    const IntArrayPointer sequences = int_array(given.sequences);
    std::string layout = given.layout;
    uint64_t size = 99;
    aclOpExecutor *executor = nullptr;
    const int status = aclnnNsaCompressGetWorkspaceSize(
        handle_of(input), handle_of(weight), given.has_sequences ? sequences.get() : nullptr,
        given.has_layout ? layout.data() : nullptr, given.block, given.stride, given.type, handle_of(output),
        given.has_size ? &size : nullptr, given.has_executor ? &executor : nullptr);
    const char *error = aclGetRecentErrMsg();
    const std::string text = error ? error : "no text";
    CHECK(status == expected, "%s: %d, expected %d (%s)", change, status, expected, text.c_str());
    if (status == 0) {
        finish(aclnnNsaCompress, size, executor, stream);
        return;
    }
    CHECK(executor == nullptr && size == 99, "%s: results were written", change);
    CHECK(text.find("aclnnNsaCompress") == 0, "%s: %s", change, text.c_str());
    CHECK(text.find(names) != std::string::npos, "%s: %s", change, text.c_str());
}

static void run_own_case(const OwnCase &row, aclrtStream stream) {
    Given given;
    row.apply(given);
    run_status(row.change, given, row.status, row.names ? row.names : "", stream);
}

static void run_statuses(const VectorFile &file, aclrtStream stream) {
    const size_t rows = sizeof status_cases / sizeof *status_cases;
    CHECK(rows == file.statuses.size(), "%zu rows here, %zu in the file", rows, file.statuses.size());
    for (const StatusCase &row : status_cases) {
        const auto found = file.statuses.find(row.change);
        CHECK(found != file.statuses.end(), "'%s' is not in the file", row.change);
        Given given;
        row.apply(given);
        run_status(row.change, given, found == file.statuses.end() ? -1 : found->second, "", stream);
    }
    for (const OwnCase &row : own_cases) {
        run_own_case(row, stream);
    }
    for (const OwnCase &row : unchecked_cases) {
        if (!hardware) {
            run_own_case(row, stream);
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

static void run_products() {
    static const struct {
        const char *soc;
        int status;
    } products[] = {{"Ascend910_93", 0}, {"Ascend310P3", 161002}, {"Ascend910A", 161002}, {"Ascend950PR", 161002}};
    for (const auto &product : products) {
        in_child("ASCEND_STUB_SOC", product.soc, [&product](aclrtStream stream) {
            run_own_case({product.soc, "input", product.status, [](Given &) {}}, stream);
        });
    }
}

// The step between rows means nothing when there is one row, nor the one between heads when there is one head.
static void run_meaningless_strides(int64_t block, int64_t columns, aclrtStream stream) {
    const Shape shape{1, 1, columns};
    Array ones = zeros(ACL_FLOAT16, {block, 1, columns}), weights = zeros(ACL_FLOAT16, {block, 1});
    for (Array *array : {&ones, &weights}) {
        for (size_t i = 1; i < array->bytes.size(); i += 2) {
            array->bytes[i] = 0x3C;
        }
    }
    const TensorPointer weight = on_device(&weights, Layout::Packed), input = on_device(&ones, Layout::Packed);
    void *address = nullptr;
    MUST(aclrtMalloc(&address, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
    const int64_t strides[] = {INT64_MAX, INT64_MIN, 1};
    const std::unique_ptr<aclTensor, decltype(&aclDestroyTensor)> output(
        aclCreateTensor(shape.data(), 3, ACL_FLOAT16, strides, 0, ACL_FORMAT_ND, &columns, 1, address),
        aclDestroyTensor);
    const IntArrayPointer sequences = int_array({block});
    char layout[] = "TND";
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnNsaCompressGetWorkspaceSize(input->handle(), weight->handle(), sequences.get(), layout, block, 16, 0,
                                          output.get(), &size, &executor));
    finish(aclnnNsaCompress, size, executor, stream);
    std::vector<uint16_t> result(static_cast<size_t>(columns));
    MUST(aclrtMemcpy(result.data(), 2 * result.size(), address, 2 * result.size(), ACL_MEMCPY_DEVICE_TO_HOST));
    for (uint16_t half : result) {
        CHECK(aclFloat16ToFloat(half) == float(block), "one row: 0x%04x", half);
    }
    aclrtFree(address);
}

// Windows that leave the tensor's memory: the stream ends with 507015 and a text that names the argument.
static void run_unreachable(const char *what, void *address, int64_t offset, aclrtStream stream) {
    const Given given;
    const TensorPointer weight = make(given.weight), output = make(given.output);
    const IntArrayPointer sequences = int_array(given.sequences);
    const Shape &shape = given.input.shape;
    const std::unique_ptr<aclTensor, decltype(&aclDestroyTensor)> input(
        aclCreateTensor(shape.data(), shape.size(), ACL_FLOAT16, nullptr, offset, ACL_FORMAT_ND, shape.data(),
                        shape.size(), address),
        aclDestroyTensor);
    char layout[] = "TND";
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(aclnnNsaCompressGetWorkspaceSize(input.get(), weight->handle(), sequences.get(), layout, 32, 32, 0,
                                          output->handle(), &size, &executor));
    MUST(aclnnNsaCompress(nullptr, size, executor, stream));
    const int status = aclrtSynchronizeStream(stream);
    const char *text = aclGetRecentErrMsg();
    CHECK(status == ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %d", what, status);
    CHECK(text && std::strstr(text, "aclnnNsaCompress: input ("), "%s: %s", what, text ? text : "no text");
}

static void run_unreachables() {
    static std::vector<uint16_t> host(64 * 4 * 32);
    in_child("ASCEND_STUB_SIMD", "", [](aclrtStream s) { run_unreachable("host memory", host.data(), 0, s); });
    in_child("ASCEND_STUB_SIMD", "", [](aclrtStream s) {
        void *address = nullptr;
        MUST(aclrtMalloc(&address, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
        run_unreachable("far outside", address, int64_t{1} << 45, s);
        aclrtFree(address);
    });
}

int main(int argc, char **argv) {
    if (argc < 2) {
        std::printf("usage: %s vectors.txt [hardware]\n", argv[0]);
        return 2;
    }
    hardware = argc > 2 && std::strcmp(argv[2], "hardware") == 0;
    const VectorFile file = read_vectors(argv[1]);
    CHECK(file.vectors.size() > 10, "%s holds %zu vectors", argv[1], file.vectors.size());
    const auto everything = [&file](aclrtStream stream) { run_all(file, stream); };
    in_child("ASCEND_STUB_SIMD", "", everything);
    if (!hardware) {
        in_child("ASCEND_STUB_SIMD", "baseline", everything);
        run_products();
        in_child("ASCEND_STUB_SIMD", "", [](aclrtStream stream) {
            run_meaningless_strides(16, 32, stream);
            run_meaningless_strides(128, 12, stream);
        });
        run_unreachables();
    }
    std::printf("%s: %zu vectors, %d failures\n", argv[0], file.vectors.size(), failures);
    return failures == 0 ? 0 : 1;
}
