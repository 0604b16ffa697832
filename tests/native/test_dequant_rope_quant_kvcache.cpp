// aclnnDequantRopeQuantKvcache: every vector in every memory layout and with every set of inner loops, every status of
// both phases, what the stand-in refuses beyond CANN, and what each product accepts.
//
//     test_dequant_rope_quant_kvcache vectors.txt [hardware]
//
// On the stand-in the results must equal the reference bit for bit; with "hardware" one unit in the last place of the
// outputs and one of the caches are allowed, and only the device that is there is tested.
#include "dequant_rope_call.h"

static bool hardware = false;

static Arguments arguments_of(const Vector &vector, Layout layout) {
    const auto &numbers = vector.numbers;
    Arguments call{{}, make_splits({numbers.at("sizeSplits0"), numbers.at("sizeSplits1"), numbers.at("sizeSplits2")})};
    for (const char *name : inputs) {
        call.tensors[name] = on_device(vector.find(name), layout);
    }
    for (const char *name : outputs) {
        call.tensors[name] = like_on_device(vector.find(std::string(name) + "_expected"), layout);
    }
    call.kv_output = numbers.at("kvOutput") != 0;
    call.cache_mode = numbers.at("page") ? "PaGe" : "contiguous";
    return call;
}

static bool is_nan(aclDataType dtype, uint16_t bits) {
    return (bits & 0x7FFF) > (dtype == ACL_FLOAT16 ? 0x7C00 : 0x7F80);
}

// Arithmetic leaves one NaN; a copied v keeps the one it was.
static bool agree_halves(aclDataType dtype, uint16_t got, uint16_t expected, bool copied) {
    if (is_nan(dtype, expected) && !copied) {
        return hardware ? is_nan(dtype, got) : got == (dtype == ACL_FLOAT16 ? 0x7E00 : 0x7FC0);
    }
    return hardware ? std::abs(got - expected) <= 1 : got == expected;
}

static void check_output(const std::string &what, const Array &got, const Array &expected, bool copied) {
    for (int64_t i = 0; i < count_of(expected.shape); i++) {
        const uint16_t g = got.at<uint16_t>(i), e = expected.at<uint16_t>(i);
        CHECK(agree_halves(got.dtype, g, e, copied), "%s[%d]: bits %04x, expected %04x", what.c_str(), int(i), g, e);
    }
}

static void check_cache(const std::string &what, const Array &got, const Array &expected) {
    for (int64_t i = 0; i < count_of(expected.shape); i++) {
        const int g = got.at<int8_t>(i), e = expected.at<int8_t>(i);
        CHECK(std::abs(g - e) <= (hardware ? 1 : 0), "%s[%d]: %d, expected %d", what.c_str(), int(i), g, e);
    }
}

static void run_vector(const Vector &vector, Layout layout, aclrtStream stream) {
    const std::string what = vector.name + " " + layout_names[int(layout)];
    const Arguments call = arguments_of(vector, layout);
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(call.phase_one(&workspace_size, &executor));
    finish(aclnnDequantRopeQuantKvcache, workspace_size, executor, stream);
    for (const char *name : outputs) {
        const std::string place = what + " " + name;
        const bool copied = std::strcmp(name, "vOut") == 0 && vector.find("x")->dtype != ACL_INT32;
        check_output(place, call.tensors.at(name)->read(place.c_str()), *vector.find(std::string(name) + "_expected"),
                     copied);
    }
    for (const char *name : {"kCacheRef", "vCacheRef"}) {
        const std::string place = what + " " + name;
        check_cache(place, call.tensors.at(name)->read(place.c_str()), *vector.find(std::string(name) + "_expected"));
    }
}

using Change = void (*)(Given &given);

// Status cases: what each of them changes in Given, in one way or several.
struct StatusCase {
    const char *change;
    std::vector<Change> variants;
};

#define DROP(name) [](Given &g) { g.drop(name); }

static void make_plain(Given &g) {
    g.type("x", ACL_FLOAT16);
    g.drop("weightScaleOptional");
    g.no_texts = true;
}

static const StatusCase status_cases[] = {
    {"base case", {[](Given &) {}}},
    {"x (or cos, sin, kCacheRef, vCacheRef, indices, scaleK, scaleV, qOut, kOut, vOut) null",
     {DROP("x"), DROP("cos"), DROP("sin"), DROP("kCacheRef"), DROP("vCacheRef"), DROP("indices"), DROP("scaleK"),
      DROP("scaleV"), DROP("qOut"), DROP("kOut"), DROP("vOut")}},
    {"sizeSplits null, workspaceSize null or executor null", {[](Given &g) { g.no_splits = true; }}},
    {"all optional tensors and all char* null, x FLOAT16 [2,3,160]", {make_plain}},
    {"x FLOAT", {[](Given &g) { g.type("x", ACL_FLOAT); }}},
    {"x FLOAT16 with cos BFLOAT16", {[](Given &g) { g.type("x", ACL_FLOAT16), g.type("cos", ACL_BF16); }}},
    {"cos FLOAT16 with sin BFLOAT16", {[](Given &g) { g.type("sin", ACL_BF16); }}},
    {"indices INT64", {[](Given &g) { g.type("indices", ACL_INT64); }}},
    {"kCacheRef FLOAT16", {[](Given &g) { g.type("kCacheRef", ACL_FLOAT16); }}},
    {"scaleK FLOAT16", {[](Given &g) { g.type("scaleK", ACL_FLOAT16); }}},
    {"qOut BFLOAT16 while cos is FLOAT16", {[](Given &g) { g.type("qOut", ACL_BF16); }}},
    {"sizeSplits [32,64]", {[](Given &g) { g.splits = {32, 64}; }}},
    {"sizeSplits [32,64,32] with a matching x", {[](Given &g) { g.splits = {32, 64, 32}, g.give("x", {2, 3, 128}); }}},
    {"x last dim 192 with sizeSplits [32,64,64]", {[](Given &g) { g.give("x", {2, 3, 192}); }}},
    {"x rank 4", {[](Given &g) { g.give("x", {2, 3, 1, 160}); }}},
    {"cos [2,3,32]", {[](Given &g) { g.give("cos", {2, 3, 32}); }}},
    {"kCacheRef rank 3", {[](Given &g) { g.give("kCacheRef", {16, 2, 32}); }}},
    {"kCacheRef [2,8,2,32], vCacheRef [2,9,2,32]", {[](Given &g) { g.give("vCacheRef", {2, 9, 2, 32}); }}},
    {"caches [2,8,8,8] (D not a multiple of 16), cos/sin last dim 8",
     {[](Given &g) { g.give_caches({2, 8, 8, 8}), g.give("cos", {2, 3, 1, 8}), g.give("sin", {2, 3, 1, 8}); }}},
    {"caches [1,8,2,32] (C1 < B), contiguous", {[](Given &g) { g.give_caches({1, 8, 2, 32}); }}},
    {"indices [6], contiguous", {[](Given &g) { g.give("indices", {6}); }}},
    {"indices [2], page (needs B*S = 6)", {[](Given &g) { g.cache_mode = "page"; }}},
    {"scaleK [32]", {[](Given &g) { g.give("scaleK", {32}); }}},
    {"scaleK [2,32] (total size 64)", {[](Given &g) { g.give("scaleK", {2, 32}); }}},
    {"both offsets given, offsetK [32]",
     {[](Given &g) { g.give("offsetKOptional", {32}), g.give("offsetVOptional", {64}); }}},
    {"weightScale null with x INT32", {DROP("weightScaleOptional")}},
    {"cacheMode \"ring\" (treated as contiguous)", {[](Given &g) { g.cache_mode = "ring"; }}},
    {"quantMode \"dynamic\" or layout \"TND\" (never read)",
     {[](Given &g) { g.quant_mode = "dynamic"; }, [](Given &g) { g.layout = "TND"; }}},
    {"phase two: workspace null while workspaceSize > 0", {[](Given &) {}}},
};

static void check_status(const char *change, int status, int expected) {
    const char *text = aclGetRecentErrMsg();
    CHECK(status == expected, "%s: %d, expected %d (%s)", change, status, expected, text ? text : "no text");
    CHECK(status == 0 || (text && std::strstr(text, "aclnnDequantRopeQuantKvcache")), "%s: no text", change);
}

static void run_status(const char *change, const Given &given, int expected, aclrtStream stream) {
    const Arguments call = make(given);
    uint64_t workspace_size = 99;
    aclOpExecutor *executor = nullptr;
    const int status = call.phase_one(&workspace_size, &executor);
    check_status(change, status, expected);
    if (status == 0) {
        finish(aclnnDequantRopeQuantKvcache, workspace_size, executor, stream);
    }
}

static void run_null_results() {
    const Arguments call = make(Given());
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
    check_status("workspaceSize null", call.phase_one(nullptr, &executor), 161001);
    check_status("executor null", call.phase_one(&workspace_size, nullptr), 161001);
}

static void run_workspaces(int null_status, aclrtStream stream) {
    const Arguments call = make(Given());
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
    MUST(call.phase_one(&workspace_size, &executor));
    CHECK(workspace_size == 16 << 20, "workspace of %d bytes", int(workspace_size));
    check_status("workspace null", aclnnDequantRopeQuantKvcache(nullptr, workspace_size, executor, stream),
                 null_status);
    MUST(call.phase_one(&workspace_size, &executor));
    void *workspace = nullptr;
    MUST(aclrtMalloc(&workspace, 512, ACL_MEM_MALLOC_HUGE_FIRST));
    check_status("small workspace", aclnnDequantRopeQuantKvcache(workspace, 512, executor, stream), 161002);
    aclrtFree(workspace);
}

static void run_statuses(const VectorFile &file, aclrtStream stream) {
    const size_t rows = sizeof status_cases / sizeof *status_cases;
    CHECK(rows == file.statuses.size(), "%zu rows here, %zu in the file", rows, file.statuses.size());
    for (const StatusCase &row : status_cases) {
        const auto found = file.statuses.find(row.change);
        CHECK(found != file.statuses.end(), "'%s' is not in the file", row.change);
        const int expected = found == file.statuses.end() ? -1 : found->second;
        if (std::strncmp(row.change, "phase two", 9) == 0) {
            run_workspaces(expected, stream);
            continue;
        }
        for (Change apply : row.variants) {
            Given given;
            apply(given);
            run_status(row.change, given, expected, stream);
        }
    }
    run_null_results();
}

// Where CANN looks at nothing and reaches outside, and limits that the vectors file has no case for.
static const struct {
    const char *change;
    int status;
    Change apply;
} further_cases[] = {
    {"weightScale [159]", 561002, [](Given &g) { g.give("weightScaleOptional", {159}); }},
    {"weightScale [8192]", 0, [](Given &g) { g.give("weightScaleOptional", {8192}); }},
    {"activationScale [5]", 561002, [](Given &g) { g.give("activationScaleOptional", {5}); }},
    {"activationScale [2, 3]", 0, [](Given &g) { g.give("activationScaleOptional", {2, 3}); }},
    {"bias [159]", 561002, [](Given &g) { g.give("biasOptional", {159}); }},
    {"bias [0]", 561002, [](Given &g) { g.give("biasOptional", {0}); }},
    {"bias [8192]", 0, [](Given &g) { g.give("biasOptional", {8192}); }},
    {"bias [1] ignored", 0, [](Given &g) { make_plain(g), g.give("biasOptional", {1}); }},
    {"bias INT8", 161002, [](Given &g) { g.give("biasOptional", {160}), g.type("biasOptional", ACL_INT8); }},
    {"bias INT8 ignored", 161002,
     [](Given &g) { make_plain(g), g.give("biasOptional", {1}), g.type("biasOptional", ACL_INT8); }},
    {"one offset [3]", 0, [](Given &g) { g.give("offsetKOptional", {3}); }},
    {"one offset FLOAT16", 161002,
     [](Given &g) { g.give("offsetKOptional", {64}), g.type("offsetKOptional", ACL_FLOAT16); }},
    {"qOut [2,3,32]", 561002, [](Given &g) { g.give("qOut", {2, 3, 32}); }},
    {"kOut [0]", 561002, [](Given &g) { g.give("kOut", {0}); }},
    {"kOut [0] not wanted", 0, [](Given &g) { g.kv_output = false, g.give("kOut", {0}), g.give("vOut", {0}); }},
    {"sizeSplits negative", 561002, [](Given &g) { g.splits = {288, -64, -64}; }},
    {"sizeSplits overflow", 561002, [](Given &g) { g.splits = {INT64_MAX, INT64_MAX, INT64_MAX}; }},
    {"sizeSplits [0] not heads", 561002, [](Given &g) { g.splits = {40, 64, 64}, g.give("x", {2, 3, 168}); }},
    {"D 0", 561002, [](Given &g) { g.splits = {160, 0, 0}, g.give_caches({2, 8, 2, 0}); }},
    {"rows of the caches too few", 561002, [](Given &g) { g.give_caches({2, 8, 1, 32}); }},
    {"too large for the buffer", 561002,
     [](Given &g) {
         g.splits = {24576, 64, 64};
         g.give("x", {2, 3, 24704});
         g.give("weightScaleOptional", {24704});
         g.give("qOut", {2, 3, 768, 32});
     }},
    {"no batches", 0,
     [](Given &g) {
         g.give("x", {0, 3, 160}), g.give("cos", {0, 3, 1, 32}), g.give("sin", {0, 3, 1, 32}), g.give("indices", {0});
         g.give("qOut", {0, 3, 1, 32}), g.give("kOut", {0, 3, 2, 32}), g.give("vOut", {0, 3, 2, 32});
     }},
    {"a page for each token", 0, [](Given &g) { g.cache_mode = "Page", g.give("indices", {6}); }},
    {"start rows at the end", 0, [](Given &g) { g.indices = {5, 0}; }},
};

static void run_further(aclrtStream stream) {
    for (const auto &row : further_cases) {
        Given given;
        row.apply(given);
        run_status(row.change, given, row.status, stream);
    }
}

static void run_format(aclrtStream) {
    Arguments call = make(Given());
    const int64_t shape[] = {2, 8, 2, 32};
    aclTensor *cache = aclCreateTensor(shape, 4, ACL_INT8, nullptr, 0, ACL_FORMAT_FRACTAL_NZ, shape, 4, nullptr);
    uint64_t workspace_size = 0;
    aclOpExecutor *executor = nullptr;
    const auto handle = [&call](const char *name) { return call.handle(name); };
    check_status("kCacheRef FRACTAL_NZ",
                 aclnnDequantRopeQuantKvcacheGetWorkspaceSize(
                     handle("x"), handle("cos"), handle("sin"), cache, handle("vCacheRef"), handle("indices"),
                     handle("scaleK"), handle("scaleV"), nullptr, nullptr, handle("weightScaleOptional"), nullptr,
                     nullptr, call.splits.get(), nullptr, nullptr, true, nullptr, handle("qOut"), handle("kOut"),
                     handle("vOut"), &workspace_size, &executor),
                 161002);
    aclDestroyTensor(cache);
}

// The index that leads outside ends the stream with 507015 before anything is written. The context is lost with it,
// hence a child per case.
static const struct {
    const char *cache_mode, *says;
    std::vector<int32_t> indices;
    int64_t cache_rows = 8;
} bad_indices[] = {
    {"contiguous", "indices[0] is -1; with cacheMode contiguous it must be 0 to 5", {-1, 0}},
    {"contiguous", "indices[1] is 6; with cacheMode contiguous it must be 0 to 5", {5, 6}},
    {"contiguous", "indices[1] is 2147483647", {0, INT32_MAX}},
    {"contiguous", "indices[0] is -2147483648", {INT32_MIN, 0}},
    {"contiguous", "indices[0] is 0, but with cacheMode contiguous no start row will do", {0, 0}, 2},
    {"page", "indices[4] is 16; with cacheMode page it must be below 16", {0, 1, 2, 15, 16, -1}},
    {"page", "indices[5] is 2147483647", {0, 1, 2, 3, 4, INT32_MAX}},
};

static void run_bad_indices() {
    for (const auto &row : bad_indices) {
        in_child("ASCEND_STUB_SIMD", "", [&row](aclrtStream stream) {
            Given given;
            given.cache_mode = row.cache_mode;
            given.indices = row.indices;
            given.give("indices", {static_cast<int64_t>(row.indices.size())});
            given.give_caches({2, row.cache_rows, 2, 32});
            const Arguments call = make(given);
            uint64_t size = 0;
            aclOpExecutor *executor = nullptr;
            MUST(call.phase_one(&size, &executor));
            void *workspace = nullptr;
            MUST(aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST));
            MUST(aclnnDequantRopeQuantKvcache(workspace, size, executor, stream));
            const int status = aclrtSynchronizeStream(stream);
            const char *text = aclGetRecentErrMsg();
            CHECK(status == ACL_ERROR_RT_AICORE_EXCEPTION, "%s: %d", row.says, status);
            CHECK(text && std::strstr(text, row.says), "%s: %s", row.says, text ? text : "no text");
            aclrtFree(workspace);
        });
    }
}

static void run_products() {
    static const struct {
        const char *soc;
        int status;
    } products[] = {{"Ascend910_93", 0}, {"Ascend310P3", 561003}, {"Ascend910A", 561003}, {"Ascend950PR", 561003}};
    for (const auto &row : products) {
        in_child("ASCEND_STUB_SOC", row.soc,
                 [&row](aclrtStream stream) { run_status(row.soc, Given(), row.status, stream); });
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

int main(int argc, char **argv) {
    if (argc < 2) {
        std::printf("usage: %s vectors.txt [hardware]\n", argv[0]);
        return 2;
    }
    hardware = argc > 2 && std::strcmp(argv[2], "hardware") == 0;
    const VectorFile file = read_vectors(argv[1]);
    CHECK(file.vectors.size() > 8, "%s holds %zu vectors", argv[1], file.vectors.size());
    const auto everything = [&file](aclrtStream stream) { run_all(file, stream); };
    in_child("ASCEND_STUB_SIMD", "", everything);
    if (!hardware) {
        in_child("ASCEND_STUB_SIMD", "baseline", everything);
        in_child("ASCEND_STUB_SIMD", "", [](aclrtStream stream) { run_further(stream), run_format(stream); });
        run_products();
        run_bad_indices();
    }
    std::printf("%s: %zu vectors, %d failures\n", argv[0], file.vectors.size(), failures);
    return failures == 0 ? 0 : 1;
}
