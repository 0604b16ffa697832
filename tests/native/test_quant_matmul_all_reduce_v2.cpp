// aclnnQuantMatmulAllReduceV2 and its first version: every vector with ranks as threads, in every layout of the weight
// and of the other tensors, with every set of inner loops; every status of phase one; and what goes wrong on one rank
// ends on all of them.
//
//     test_quant_matmul_all_reduce_v2 vectors.txt
#include "aclnnop/aclnn_quant_matmul_all_reduce.h"
#include "aclnnop/aclnn_quant_matmul_all_reduce_v2.h"
#include "matmul_group.h"

using TensorHandle = std::unique_ptr<aclTensor, decltype(&aclDestroyTensor)>;

// x2 in one of its four forms: an ND tensor, or tiles of 16 x 32 behind a view of [k, n].
class Weight {
  public:
    Weight(const Vector &vector, const std::string &rank, const std::string &layout) {
        const Array &matrix = *vector.find(rank + ".x2");
        if (layout == "nd" || layout == "nd_transposed") {
            memory_ = on_device(&matrix, layout == "nd" ? Layout::Packed : Layout::Transposed);
            return;
        }
        const Array &tiles = *vector.find(rank + "." + layout);
        MUST(aclrtMalloc(&address_, tiles.bytes.size(), ACL_MEM_MALLOC_HUGE_FIRST));
        MUST(aclrtMemcpy(address_, tiles.bytes.size(), tiles.bytes.data(), tiles.bytes.size(),
                         ACL_MEMCPY_HOST_TO_DEVICE));
        const int64_t k = matrix.shape[0], n = matrix.shape[1];
        const int64_t strides[] = {layout == "nz" ? n : 1, layout == "nz" ? 1 : k};
        tiles_.reset(aclCreateTensor(matrix.shape.data(), 2, ACL_INT8, strides, 0, ACL_FORMAT_FRACTAL_NZ,
                                     tiles.shape.data(), 4, address_));
    }
    ~Weight() {
        if (address_) {
            aclrtFree(address_);
        }
    }
    Weight(const Weight &) = delete;
    Weight &operator=(const Weight &) = delete;

    aclTensor *handle() const {
        return memory_ ? memory_->handle() : tiles_.get();
    }

  private:
    TensorPointer memory_;
    void *address_ = nullptr;
    TensorHandle tiles_{nullptr, aclDestroyTensor};
};

// One rank's call. V1 has no scale per token.
struct Call {
    aclTensor *x1, *x2, *bias, *x3, *scale, *pertoken, *output;
    const char *group;
    const char *reduce_op = "sum";
    int64_t comm_turn = 0, stream_mode = 1;

    aclnnStatus phase_one(uint64_t *size, aclOpExecutor **executor) const {
        return aclnnQuantMatmulAllReduceV2GetWorkspaceSize(x1, x2, bias, x3, scale, pertoken, group, reduce_op,
                                                           comm_turn, stream_mode, output, size, executor);
    }
    aclnnStatus phase_one_of_v1(uint64_t *size, aclOpExecutor **executor) const {
        return aclnnQuantMatmulAllReduceGetWorkspaceSize(x1, x2, bias, x3, scale, group, reduce_op, comm_turn,
                                                         stream_mode, output, size, executor);
    }
};

struct Form {
    std::string x2;
    Layout others;
    bool v1;
};

// Both phases on one rank's thread; what output then holds.
static Array run_rank(const Vector &vector, const Form &form, const Rank &rank) {
    const std::string prefix = std::to_string(rank.index), what = vector.name + " rank " + prefix;
    const auto place = [&](const char *name) { return on_device(vector.find(prefix + "." + name), form.others); };
    const TensorPointer x1 = on_device(vector.find(prefix + ".x1"), Layout::Packed), bias = place("bias"),
                        x3 = place("x3"), scale = place("dequantScale"), pertoken = place("pertokenScale"),
                        output = like_on_device(vector.find("result"), form.others);
    const Weight x2(vector, prefix, form.x2);
    const Call call = {handle_of(x1),    x2.handle(),         handle_of(bias),   handle_of(x3),
                       handle_of(scale), handle_of(pertoken), handle_of(output), rank.name.c_str()};
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(form.v1 ? call.phase_one_of_v1(&size, &executor) : call.phase_one(&size, &executor));
    finish(form.v1 ? aclnnQuantMatmulAllReduce : aclnnQuantMatmulAllReduceV2, size, executor, rank.stream);
    return output->read(what.c_str());
}

static bool is_nan(aclDataType dtype, uint16_t bits) {
    return (bits & 0x7FFF) > (dtype == ACL_FLOAT16 ? 0x7C00 : 0x7F80);
}

static void check_result(const std::string &what, const Array &got, const Array &expected) {
    for (int64_t i = 0; i < count_of(expected.shape); i++) {
        const uint16_t g = got.at<uint16_t>(i), e = expected.at<uint16_t>(i);
        CHECK(g == e || (is_nan(got.dtype, g) && is_nan(got.dtype, e)), "%s[%d]: 0x%04x, expected 0x%04x", what.c_str(),
              int(i), g, e);
    }
}

static void run_form(const Vector &vector, const Form &form, Group &group) {
    std::vector<Array> results(static_cast<size_t>(group.size()));
    group.run([&](Rank &rank) { results[static_cast<size_t>(rank.index)] = run_rank(vector, form, rank); });
    for (size_t i = 0; i < results.size(); i++) {
        check_result(vector.name + " " + form.x2 + " " + layout_names[int(form.others)] + " rank " + std::to_string(i),
                     results[i], *vector.find("result"));
        CHECK(results[i].bytes == results[0].bytes, "%s: ranks 0 and %zu differ", vector.name.c_str(), i);
    }
}

static void run_vector(const Vector &vector, Group &group) {
    for (const char *x2 : {"nd", "nd_transposed", "nz", "nz_transposed"}) {
        if (vector.numbers.count(x2)) {
            run_form(vector, {x2, Layout::Packed, false}, group);
        }
    }
    for (Layout others : {Layout::Shifted, Layout::Spaced, Layout::Transposed}) {
        run_form(vector, {"nd", others, false}, group);
    }
    if (!vector.find("0.pertokenScale")) {
        run_form(vector, {"nd", Layout::Packed, true}, group);
    }
}

static bool is_matmul(const Vector &vector) {
    return vector.numbers.count("ranks") > 0; // the others are of the helpers
}

static void run_vectors(const VectorFile &file) {
    for (int ranks : {1, 2, 4, 8}) {
        Group group(ranks);
        for (const Vector &vector : file.vectors) {
            if (is_matmul(vector) && vector.numbers.at("ranks") == ranks) {
                run_vector(vector, group);
            }
        }
    }
}

// Status cases: descriptors alone, for phase one looks at no data.
struct Given {
    struct Tensor {
        bool present;
        aclDataType dtype;
        Shape shape;
        Shape strides = {};
        aclFormat format = ACL_FORMAT_ND;
        Shape storage = {};

        TensorHandle make() const {
            const Shape &stored = storage.empty() ? shape : storage;
            aclTensor *tensor =
                present ? aclCreateTensor(shape.data(), shape.size(), dtype, strides.empty() ? nullptr : strides.data(),
                                          0, format, stored.data(), stored.size(), nullptr)
                        : nullptr;
            return {tensor, aclDestroyTensor};
        }
    };
    Tensor x1{true, ACL_INT8, {32, 64}}, x2{true, ACL_INT8, {64, 128}}, bias{true, ACL_INT32, {128}},
        x3{true, ACL_FLOAT16, {32, 128}}, scale{true, ACL_FLOAT, {128}}, pertoken{true, ACL_FLOAT, {32}},
        output{true, ACL_FLOAT16, {32, 128}};
    std::string group;
    const char *reduce_op = "sum";
    int64_t comm_turn = 0, stream_mode = 1;

    void halves(aclDataType dtype) {
        output.dtype = x3.dtype = dtype;
    }
    void bf16() {
        halves(ACL_BF16), scale.dtype = ACL_BF16;
    }
    void resize_output(const Shape &shape) {
        output.shape = x3.shape = shape;
    }
    void tiles(const Shape &storage) {
        x2.format = ACL_FORMAT_FRACTAL_NZ, x2.storage = storage;
    }
};

struct StatusCase {
    const char *change;
    void (*apply)(Given &given);
};

static const StatusCase status_cases[] = {
    {"x1 = NULL", [](Given &g) { g.x1.present = false; }},
    {"x2 = NULL", [](Given &g) { g.x2.present = false; }},
    {"output = NULL", [](Given &g) { g.output.present = false; }},
    {"dequantScale = NULL", [](Given &g) { g.scale.present = false; }},
    {"x1 dtype float16", [](Given &g) { g.x1.dtype = ACL_FLOAT16; }},
    {"x2 dtype float16", [](Given &g) { g.x2.dtype = ACL_FLOAT16; }},
    {"bias dtype float16", [](Given &g) { g.bias.dtype = ACL_FLOAT16; }},
    {"dequantScale dtype float16", [](Given &g) { g.scale.dtype = ACL_FLOAT16; }},
    {"output dtype int8", [](Given &g) { g.output.dtype = ACL_INT8; }},
    {"x3 dtype bfloat16 with float16 output", [](Given &g) { g.x3.dtype = ACL_BF16; }},
    {"output bfloat16 with UINT64 or FLOAT dequantScale", [](Given &g) { g.halves(ACL_BF16); }},
    {"output bfloat16 with UINT64 or FLOAT dequantScale",
     [](Given &g) { g.halves(ACL_BF16), g.scale.dtype = ACL_UINT64; }},
    {"output float16 with bfloat16 dequantScale", [](Given &g) { g.scale.dtype = ACL_BF16; }},
    {"pertoken dtype float16", [](Given &g) { g.pertoken.dtype = ACL_FLOAT16; }},
    {"pertoken given, output float16, dequantScale UINT64", [](Given &g) { g.scale.dtype = ACL_UINT64; }},
    {"reduceOp 'max'", [](Given &g) { g.reduce_op = "max"; }},
    {"streamMode 0", [](Given &g) { g.stream_mode = 0; }},
    {"streamMode -1", [](Given &g) { g.stream_mode = -1; }},
    {"x1 rank 1 or 4", [](Given &g) { g.x1.shape = {64}; }},
    {"x1 rank 1 or 4", [](Given &g) { g.x1.shape = {2, 2, 8, 64}; }},
    {"x2 rank 3", [](Given &g) { g.x2.shape = {1, 64, 128}; }},
    {"x1 last dim != x2 first dim", [](Given &g) { g.x1.shape = {32, 63}; }},
    {"output [m, n+1]", [](Given &g) { g.output.shape = {32, 129}; }},
    {"bias rank 2", [](Given &g) { g.bias.shape = {1, 128}; }},
    {"bias [n+1]", [](Given &g) { g.bias.shape = {129}; }},
    {"x3 shape != output shape", [](Given &g) { g.x3.shape = {1, 32, 128}; }},
    {"dequantScale [2,n]", [](Given &g) { g.scale.shape = {2, 128}; }},
    {"dequantScale [n+1]", [](Given &g) { g.scale.shape = {129}; }},
    {"dequantScale rank 3", [](Given &g) { g.scale.shape = {1, 1, 128}; }},
    {"pertoken rank 2", [](Given &g) { g.pertoken.shape = {1, 32}; }},
    {"pertoken [m+1]", [](Given &g) { g.pertoken.shape = {33}; }},
    {"commTurn 1", [](Given &g) { g.comm_turn = 1; }},
    {"output float16, dequantScale FLOAT, no pertoken", [](Given &g) { g.pertoken.present = false; }},
    {"k > 65535", [](Given &g) { g.x1.shape = {32, 65536}, g.x2.shape = {65536, 128}; }},
    {"x1 [0,k], output [0,n]", [](Given &g) { g.x1.shape = {0, 64}, g.resize_output({0, 128}); }},
    {"unknown group name", [](Given &g) { g.group = "no such group"; }},
    {"non-contiguous x1", [](Given &g) { g.x1.strides = {65, 1}; }},
};

struct OwnCase {
    const char *change;
    int status;
    void (*apply)(Given &given);
};

static void n_65536(Given &g) {
    g.x2.shape = {64, 65536}, g.bias.shape = g.scale.shape = {65536}, g.resize_output({32, 65536});
}

static const OwnCase own_cases[] = {
    {"base case", 0, [](Given &) {}},
    {"neither bias nor x3", 0, [](Given &g) { g.bias.present = g.x3.present = false; }},
    {"dequantScale [1]", 0, [](Given &g) { g.scale.shape = {1}; }},
    {"dequantScale [1, n]", 0, [](Given &g) { g.scale.shape = {1, 128}; }},
    {"UINT64 without pertoken", 0, [](Given &g) { g.scale.dtype = ACL_UINT64, g.pertoken.present = false; }},
    {"bfloat16", 0, [](Given &g) { g.bf16(); }},
    {"bfloat16 without pertoken", 0, [](Given &g) { g.bf16(), g.pertoken.present = false; }},
    {"x1 [4, 8, 64]", 0, [](Given &g) { g.x1.shape = {4, 8, 64}, g.resize_output({4, 8, 128}); }},
    {"x2 transposed", 0, [](Given &g) { g.x2.strides = {1, 64}; }},
    {"x2 FRACTAL_NZ", 0, [](Given &g) { g.tiles({4, 4, 16, 32}); }},
    {"x2 FRACTAL_NZ with a view of 4 dimensions", 0,
     [](Given &g) { g.x2.shape = {4, 4, 16, 32}, g.tiles({4, 4, 16, 32}); }},
    {"x2 FRACTAL_NZ, transposed", 0, [](Given &g) { g.x2.strides = {1, 64}, g.tiles({2, 8, 16, 32}); }},
    {"x2 with gaps", 161002, [](Given &g) { g.x2.strides = {129, 1}; }},
    {"x2 FRACTAL_NZ, too few tiles", 561002, [](Given &g) { g.tiles({4, 3, 16, 32}); }},
    {"x2 FRACTAL_NZ, transposed view of tiles that are not", 561002,
     [](Given &g) { g.x2.strides = {1, 64}, g.tiles({4, 4, 16, 32}); }},
    {"x2 FRACTAL_NZ and a short bias", 561002, [](Given &g) { g.tiles({4, 4, 16, 32}), g.bias.shape = {127}; }},
    {"x2 FRACTAL_NZ and another m in output", 561002,
     [](Given &g) { g.tiles({4, 4, 16, 32}), g.resize_output({33, 128}); }},
    {"x2 FRACTAL_NZ with a storage of 2 dimensions", 561002, [](Given &g) { g.tiles({64, 128}); }},
    {"n > 65535", 561002, n_65536},
    {"n > 65535, x2 transposed", 0, [](Given &g) { n_65536(g), g.x2.strides = {1, 64}; }},
    {"k = 0", 561002, [](Given &g) { g.x1.shape = {32, 0}, g.x2.shape = {0, 128}; }},
    {"empty group name", 561002, [](Given &g) { g.group = ""; }},
    {"reduceOp NULL", 161001, [](Given &g) { g.reduce_op = nullptr; }},
    {"x1 dtype before reduceOp", 161002, [](Given &g) { g.x1.dtype = ACL_INT32, g.reduce_op = nullptr; }},
};

static aclnnStatus phase_one(const Given &given, uint64_t *size, aclOpExecutor **executor) {
    const TensorHandle x1 = given.x1.make(), x2 = given.x2.make(), bias = given.bias.make(), x3 = given.x3.make(),
                       scale = given.scale.make(), pertoken = given.pertoken.make(), output = given.output.make();
    const Call call = {x1.get(),        x2.get(),        bias.get(),       x3.get(),
                       scale.get(),     pertoken.get(),  output.get(),     given.group.c_str(),
                       given.reduce_op, given.comm_turn, given.stream_mode};
    return call.phase_one(size, executor);
}

static void check_text(const char *what, const char *text, const char *part) {
    CHECK(text && std::strstr(text, part), "%s: the text is '%s', without '%s'", what, text ? text : "", part);
}

static void run_status(const char *change, const Given &given, int expected) {
    uint64_t size = 99;
    aclOpExecutor *executor = nullptr;
    const int status = phase_one(given, &size, &executor);
    const char *text = aclGetRecentErrMsg();
    CHECK(status == expected, "%s: %d, expected %d (%s)", change, status, expected, text ? text : "no text");
    if (status == 0) {
        MUST(aclDestroyAclOpExecutor(executor));
        return;
    }
    check_text(change, text, given.group == "no such group" ? "no such group" : "aclnnQuantMatmulAllReduceV2");
}

static void check_strided_x1_is_refused_at_the_launch(const std::string &group) {
    Given given;
    given.group = group;
    given.x1.strides = {65, 1};
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(phase_one(given, &size, &executor));
    const int status = aclnnQuantMatmulAllReduceV2(nullptr, size, executor, nullptr);
    CHECK(status == 561000, "%d", status);
    check_text("strided x1", aclGetRecentErrMsg(), "x1");
}

static void check_int64_scale_becomes_uint64(const std::string &group) {
    Given given;
    given.pertoken.present = false;
    given.scale.dtype = ACL_INT64;
    const TensorHandle x1 = given.x1.make(), x2 = given.x2.make(), scale = given.scale.make(),
                       output = given.output.make();
    const Call call = {x1.get(), x2.get(), nullptr, nullptr, scale.get(), nullptr, output.get(), group.c_str()};
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    aclDataType dtype = ACL_DT_UNDEFINED;
    MUST(call.phase_one(&size, &executor));
    MUST(aclDestroyAclOpExecutor(executor));
    MUST(aclGetDataType(scale.get(), &dtype));
    CHECK(dtype == ACL_UINT64, "%d", int(dtype));
}

static void run_statuses(const VectorFile &file) {
    Group group(2);
    MUST(aclrtSetCurrentContext(group[0].context));
    std::map<std::string, int> seen;
    for (const StatusCase &row : status_cases) {
        const auto found = file.statuses.find(row.change);
        CHECK(found != file.statuses.end(), "'%s' is not in the file", row.change);
        Given given;
        given.group = group[0].name;
        row.apply(given);
        run_status(row.change, given, found == file.statuses.end() ? -1 : found->second);
        seen[row.change]++;
    }
    CHECK(seen.size() == file.statuses.size(), "%zu rows here, %zu in the file", seen.size(), file.statuses.size());
    for (const OwnCase &row : own_cases) {
        Given given;
        given.group = group[0].name;
        row.apply(given);
        run_status(row.change, given, row.status);
    }
    check_strided_x1_is_refused_at_the_launch(group[0].name);
    check_int64_scale_becomes_uint64(group[0].name);
}

// The group is looked up by the current device and the name; it must be alive and have 1, 2, 4 or 8 ranks.
static void run_lookups(aclrtStream) {
    Given given;
    {
        Group three(3);
        given.group = three[0].name;
        MUST(aclrtSetCurrentContext(three[1].context));
        run_status("three ranks", given, 561002);
    }
    const char *const late = "a name that was in use before";
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK(phase_one(given, &size, &executor) == 561002, "%s", late);
    check_text(late, aclGetRecentErrMsg(), given.group.c_str());
    Group one(1);
    given.group = one[0].name;
    MUST(aclrtSetDevice(5));
    CHECK(phase_one(given, &size, &executor) == 561002, "on a device without the group");
    check_text("device", aclGetRecentErrMsg(), given.group.c_str());
    MUST(aclrtResetDevice(5));
}

int main(int argc, char **argv) {
    if (argc < 2) {
        std::printf("usage: %s vectors.txt\n", argv[0]);
        return 2;
    }
    const VectorFile file = read_vectors(argv[1]);
    CHECK(file.vectors.size() > 60, "%s holds %zu vectors", argv[1], file.vectors.size());
    in_child("ASCEND_STUB_SIMD", "", [&file](aclrtStream) { run_vectors(file), run_statuses(file); });
    in_child("ASCEND_STUB_SIMD", "baseline", [&file](aclrtStream) { run_vectors(file); });
    in_child("ASCEND_STUB_SOC", "Ascend910B", run_lookups);
    in_child("ASCEND_STUB_SOC", "Ascend910_93", [](aclrtStream) {
        Group group(1);
        MUST(aclrtSetCurrentContext(group[0].context));
        Given given;
        given.group = group[0].name;
        run_status("Atlas A3", given, 561003);
    });
    std::printf("%s: %zu vectors, %d failures\n", argv[0], file.vectors.size(), failures);
    return failures == 0 ? 0 : 1;
}
