// aclnnDequantRopeQuantKvcache against the machine's two bounds, in one run: memcpy of the same number of bytes (all
// reads and writes, so half of it copied; the faster of one thread and all), and the arithmetic that the formula cannot
// do without: conversions between fp16 and fp32, divisions, and all vector operations together, measured by themselves
// in registers. Build it as the programs of tests/native are built and run it alone on the machine:
//
//     bench_dequant_rope [rounds]        default 10; ASCEND_STUB_THREADS chooses the number of threads
#include "aclnnop/aclnn_dequant_rope_quant_kvcache.h"
#include "bench.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static aclrtStream stream;
static int rounds = 10;

// Seconds of one conversion, one division and any other operation on a vector of 8; zero where they are not known.
struct Units {
    double conversion = 0, division = 0, operation = 0;
};

#if defined(__x86_64__)
enum { REPEATS = 4000, CHAINS = 8 };

// Eight independent chains in registers, so that only the number of operations counts.
template <typename Step> __attribute__((target("avx2,f16c"), always_inline)) inline void run_chains(Step step) {
    __m256 a = _mm256_set1_ps(1.5f), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        asm volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f), "+x"(g), "+x"(h));
        step(a), step(b), step(c), step(d), step(e), step(f), step(g), step(h);
    }
}

__attribute__((target("avx2,f16c"))) static void convert() {
    run_chains([](__m256 &v) __attribute__((target("avx2,f16c"), always_inline)) {
        v = _mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    });
}

__attribute__((target("avx2,f16c"))) static void divide() {
    run_chains([](__m256 &v) __attribute__((target("avx2,f16c"), always_inline)) {
        v = _mm256_div_ps(v, _mm256_set1_ps(1.0001f));
    });
}

// The five operations that round to bf16.
__attribute__((target("avx2,f16c"))) static void operate() {
    run_chains([](__m256 &v) __attribute__((target("avx2,f16c"), always_inline)) {
        const __m256i bits = _mm256_castps_si256(v);
        const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
        v = _mm256_castsi256_ps(_mm256_srli_epi32(sum, 16));
    });
}

static Units measure_units() {
    if (!__builtin_cpu_supports("avx2")) {
        return {};
    }
    const std::vector<double> seconds = fastest({convert, divide, operate}, 20);
    const double steps = double(REPEATS) * CHAINS;
    return {seconds[0] / (2 * steps), seconds[1] / steps, seconds[2] / (5 * steps)};
}
#else
static Units measure_units() {
    return {};
}
#endif

struct Case {
    const char *name;
    int64_t q_heads, kv_heads, d, tokens;
    aclDataType x, table, bias; // bias ACL_DT_UNDEFINED: none
    bool kv_output, page, offsets;
};

// What each vector of 8 takes at least.
struct Work {
    double conversions, operations;
};

// x is widened, or made of integers and rounded; two products and their sum; the result is narrowed.
static Work rotation_of(const Case &of) {
    const double integer = of.x != ACL_INT32 ? 0 : of.bias == ACL_DT_UNDEFINED ? 3 : 4;
    if (of.table == ACL_FLOAT16) {
        return {of.x == ACL_INT32 ? 7.0 : 6.0, integer + 3};
    }
    return {0, (of.x == ACL_INT32 ? integer : 2) + 3 + 6};
}

// v as it goes to the output and to what is quantised.
static Work passage_of(const Case &of) {
    if (of.x != ACL_INT32) {
        return {of.table == ACL_FLOAT16 ? 1.0 : 0.0, of.table == ACL_FLOAT16 ? 0.0 : 2.0};
    }
    const double integer = of.bias == ACL_DT_UNDEFINED ? 3 : 4;
    return {of.kv_output && of.table == ACL_FLOAT16 ? 1.0 : 0.0,
            of.kv_output && of.table == ACL_BF16 ? integer + 6 : integer};
}

// Clamped, converted to integers and packed; once more widened where k was rounded to fp16.
static double quantising_operations(const Case &of) {
    return of.offsets ? 7 : 6;
}

static double compute_bound(const Case &of, const Units &units) {
    const double q = double(of.q_heads * of.d * of.tokens) / 8, kv = double(of.kv_heads * of.d * of.tokens) / 8;
    const Work rotation = rotation_of(of), passage = passage_of(of);
    const double conversions =
        (q + kv) * rotation.conversions + kv * passage.conversions + (of.table == ACL_FLOAT16 ? kv : 0);
    const double operations =
        (q + kv) * rotation.operations + kv * passage.operations + 2 * kv * quantising_operations(of);
    const double one = std::max(
        {conversions * units.conversion, 2 * kv * units.division, (operations + conversions) * units.operation});
    return one / double(std::min<size_t>(thread_count(), static_cast<size_t>(of.tokens)));
}

struct Operands {
    Tensor x, cosine, sine, k_cache, v_cache, indices, scale, weight, activation, bias, q, k, v;

    static std::vector<int32_t> slots(const Case &of) {
        std::vector<int32_t> slots(static_cast<size_t>(of.tokens));
        for (size_t i = 0; i < slots.size(); i++) {
            slots[i] = of.page ? static_cast<int32_t>((i * 2654435761u) % slots.size()) : 0;
        }
        return slots;
    }
    static std::vector<int64_t> cache(const Case &of) {
        const int64_t rows = of.page ? 128 : 1;
        return {(of.tokens + rows - 1) / rows, rows, of.kv_heads, of.d};
    }
    static int64_t columns(const Case &of) {
        return (of.q_heads + 2 * of.kv_heads) * of.d;
    }

    explicit Operands(const Case &of)
        : x(of.x, of.x == ACL_INT32 ? 32 : 16, {of.tokens, columns(of)}), cosine(of.table, 16, {of.tokens, of.d}),
          sine(of.table, 16, {of.tokens, of.d}), k_cache(ACL_INT8, 8, cache(of)), v_cache(ACL_INT8, 8, cache(of)),
          indices(ACL_INT32, 32, {of.tokens}, slots(of).data()), scale(ACL_FLOAT, 32, {of.kv_heads * of.d}),
          weight(ACL_FLOAT, 32, {columns(of)}), activation(ACL_FLOAT, 32, {of.tokens}),
          bias(of.bias == ACL_INT32 ? ACL_INT32 : ACL_FLOAT, 32, {columns(of)}),
          q(of.table, 16, {of.tokens, of.q_heads, of.d}), k(of.table, 16, {of.tokens, of.kv_heads, of.d}),
          v(of.table, 16, {of.tokens, of.kv_heads, of.d}) {}

    // What the operator has to read and write.
    size_t bytes(const Case &of) const {
        const size_t rows = static_cast<size_t>(2 * of.tokens * of.kv_heads * of.d);
        return x.bytes + cosine.bytes + sine.bytes + rows + q.bytes + (of.kv_output ? k.bytes + v.bytes : 0);
    }
};

static void call(const Case &of, const Operands &on, const aclIntArray *splits, void *workspace) {
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    char page[] = "page";
    aclTensor *offset = of.offsets ? on.scale.handle : nullptr;
    MUST(aclnnDequantRopeQuantKvcacheGetWorkspaceSize(
        on.x.handle, on.cosine.handle, on.sine.handle, on.k_cache.handle, on.v_cache.handle, on.indices.handle,
        on.scale.handle, on.scale.handle, offset, offset, on.weight.handle, on.activation.handle,
        of.bias == ACL_DT_UNDEFINED ? nullptr : on.bias.handle, splits, nullptr, nullptr, of.kv_output,
        of.page ? page : nullptr, on.q.handle, on.k.handle, on.v.handle, &size, &executor));
    MUST(aclnnDequantRopeQuantKvcache(workspace, size, executor, stream));
    MUST(aclrtSynchronizeStream(stream));
}

static void bench(const Case &of, const Units &units) {
    const Operands on(of);
    const int64_t heads[] = {of.q_heads * of.d, of.kv_heads * of.d, of.kv_heads * of.d};
    const std::unique_ptr<aclIntArray, decltype(&aclDestroyIntArray)> splits(aclCreateIntArray(heads, 3),
                                                                             aclDestroyIntArray);
    void *workspace = nullptr;
    MUST(aclrtMalloc(&workspace, 16 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    Memcpy copy(on.bytes(of) / 2);
    const std::vector<double> seconds =
        fastest({[&] { call(of, on, splits.get(), workspace); }, [&] { copy(1); }, [&] { copy(thread_count()); }},
                of.tokens < 100 ? 20 * rounds : rounds);
    MUST(aclrtFree(workspace));
    const double memory = std::min(seconds[1], seconds[2]), arithmetic = compute_bound(of, units);
    std::printf("%-52s %5lld tokens %9.1f us   memcpy %9.1f us, %zu threads %9.1f   ratios %.2f, %.2f   arithmetic "
                "%9.1f us, ratio %.2f   bound %.2f\n",
                of.name, static_cast<long long>(of.tokens), seconds[0] * 1e6, seconds[1] * 1e6, thread_count(),
                seconds[2] * 1e6, seconds[1] / seconds[0], seconds[2] / seconds[0], arithmetic * 1e6,
                arithmetic / seconds[0], std::max(memory, arithmetic) / seconds[0]);
}

// Heads of q and of k: 32 + 8 and 8 + 1 of 128. Many tokens at once, and one for each of 32 sequences.
static const Case cases[] = {
    {"fixed cost: 1 + 1 heads of 16", 1, 1, 16, 1, ACL_INT32, ACL_FLOAT16, ACL_DT_UNDEFINED, true, false, false},
    {"32 + 8, fp16, kv_output", 32, 8, 128, 4096, ACL_FLOAT16, ACL_FLOAT16, ACL_DT_UNDEFINED, true, false, false},
    {"32 + 8, fp16, page", 32, 8, 128, 4096, ACL_FLOAT16, ACL_FLOAT16, ACL_DT_UNDEFINED, false, true, false},
    {"32 + 8, bf16, kv_output", 32, 8, 128, 4096, ACL_BF16, ACL_BF16, ACL_DT_UNDEFINED, true, false, false},
    {"32 + 8, bf16, page, offsets", 32, 8, 128, 4096, ACL_BF16, ACL_BF16, ACL_DT_UNDEFINED, false, true, true},
    {"32 + 8, int32 to fp16, kv_output", 32, 8, 128, 4096, ACL_INT32, ACL_FLOAT16, ACL_DT_UNDEFINED, true, false,
     false},
    {"32 + 8, int32 to fp16, page, int32 bias", 32, 8, 128, 4096, ACL_INT32, ACL_FLOAT16, ACL_INT32, false, true,
     false},
    {"32 + 8, int32 to bf16, kv_output, bias, offsets", 32, 8, 128, 4096, ACL_INT32, ACL_BF16, ACL_FLOAT, true, false,
     true},
    {"32 + 8, int32 to bf16, page", 32, 8, 128, 4096, ACL_INT32, ACL_BF16, ACL_DT_UNDEFINED, false, true, false},
    {"8 + 1, fp16, page", 8, 1, 128, 4096, ACL_FLOAT16, ACL_FLOAT16, ACL_DT_UNDEFINED, false, true, false},
    {"8 + 1, bf16, page", 8, 1, 128, 4096, ACL_BF16, ACL_BF16, ACL_DT_UNDEFINED, false, true, false},
    {"8 + 1, int32 to fp16, kv_output, bias", 8, 1, 128, 4096, ACL_INT32, ACL_FLOAT16, ACL_FLOAT, true, false, false},
    {"8 + 1, int32 to bf16, page, offsets", 8, 1, 128, 4096, ACL_INT32, ACL_BF16, ACL_DT_UNDEFINED, false, true, true},
    {"32 + 8, fp16, page", 32, 8, 128, 32, ACL_FLOAT16, ACL_FLOAT16, ACL_DT_UNDEFINED, false, true, false},
    {"32 + 8, bf16, page", 32, 8, 128, 32, ACL_BF16, ACL_BF16, ACL_DT_UNDEFINED, false, true, false},
    {"32 + 8, int32 to fp16, page", 32, 8, 128, 32, ACL_INT32, ACL_FLOAT16, ACL_DT_UNDEFINED, false, true, false},
    {"32 + 8, int32 to bf16, page", 32, 8, 128, 32, ACL_INT32, ACL_BF16, ACL_DT_UNDEFINED, false, true, false},
    {"8 + 1, int32 to bf16, page", 8, 1, 128, 32, ACL_INT32, ACL_BF16, ACL_DT_UNDEFINED, false, true, false},
};

int main(int argc, char **argv) {
    rounds = argc > 1 ? std::atoi(argv[1]) : rounds;
    MUST(aclInit(nullptr));
    MUST(aclrtSetDevice(0));
    MUST(aclrtCreateStream(&stream));
    const Units units = measure_units();
    std::printf("of 8 numbers: conversion fp16 <-> fp32 %.2f ns, division %.2f ns, other operations %.2f ns\n",
                units.conversion * 1e9, units.division * 1e9, units.operation * 1e9);
    for (const Case &of : cases) {
        bench(of, units);
    }
    MUST(aclrtDestroyStream(stream));
    MUST(aclrtResetDevice(0));
    MUST(aclFinalize());
    return 0;
}
