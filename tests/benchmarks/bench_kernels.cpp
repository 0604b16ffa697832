// Kernel speed against the bounds of this machine, in one run and one table: memcpy of the same number of bytes (read
// plus written, so half of it copied) on one thread and on as many as kernels use; for the matrix product the greater
// of the time to read the weight and the time of the multiply-adds at the best rate of the instruction set. The factor
// is how many times as long as the bound a kernel takes. Build it as the programs of tests/native are built and run it
// alone on the machine, with ASCEND_STUB_THREADS=1 and ASCEND_STUB_SIMD=baseline too:
//
//     bench_kernels [rows columns]        default 2048 4096
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "aclnnop/aclnn_dynamic_quant_v2.h"
#include "aclnnop/aclnn_nsa_compress.h"
#include "aclnnop/aclnn_quant_matmul_all_reduce_v2.h"
#include "bench.h"
#include "hccl/hccl.h"

static aclrtStream stream;

// What the cases of the two quantisations differ in.
struct Quantised {
    const char *name;
    aclDataType half, integer;
    bool smooth, symmetric; // of AscendAntiQuant: a scale per channel, no sqrtMode
};

static int bits_of(aclDataType integer) {
    return integer == ACL_INT8 ? 8 : 4;
}

static void bench_dynamic_quant(int64_t rows, int64_t columns, const Quantised &by) {
    Tensor x(by.half, 16, {rows, columns}), y(by.integer, bits_of(by.integer), {rows, columns});
    Tensor m(by.half, 16, {columns}), scale(ACL_FLOAT, 32, {rows}), offset(ACL_FLOAT, 32, {rows});
    report(by.name, x.bytes + y.bytes + scale.bytes, [&] {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnDynamicQuantV2GetWorkspaceSize(x.handle, by.smooth ? m.handle : nullptr, nullptr, by.integer,
                                                 y.handle, scale.handle, by.symmetric ? nullptr : offset.handle, &size,
                                                 &executor));
        MUST(aclnnDynamicQuantV2(nullptr, size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    });
}

static void bench_dynamic_quants(int64_t rows, int64_t columns) {
    static const Quantised cases[] = {
        {"DynamicQuantV2 fp16 -> int8", ACL_FLOAT16, ACL_INT8, false, true},
        {"DynamicQuantV2 bf16 -> int8", ACL_BF16, ACL_INT8, false, true},
        {"DynamicQuantV2 fp16 smooth -> int8", ACL_FLOAT16, ACL_INT8, true, true},
        {"DynamicQuantV2 bf16 smooth -> int8", ACL_BF16, ACL_INT8, true, true},
        {"DynamicQuantV2 fp16 -> int8 asymmetric", ACL_FLOAT16, ACL_INT8, false, false},
        {"DynamicQuantV2 fp16 smooth -> int8 asymmetric", ACL_FLOAT16, ACL_INT8, true, false},
        {"DynamicQuantV2 fp16 -> int4", ACL_FLOAT16, ACL_INT4, false, true},
        {"DynamicQuantV2 bf16 -> int4", ACL_BF16, ACL_INT4, false, true},
        {"DynamicQuantV2 fp16 smooth -> int4 asymmetric", ACL_FLOAT16, ACL_INT4, true, false},
    };
    for (const Quantised &each : cases) {
        bench_dynamic_quant(rows, columns, each);
    }
}

static void bench_anti_quant(int64_t rows, int64_t columns, const Quantised &by) {
    const int64_t count = by.smooth ? columns : 1;
    Tensor x(by.integer, bits_of(by.integer), {rows, columns}), y(by.half, 16, {rows, columns});
    Tensor scale(ACL_FLOAT, 32, {count}), offset(ACL_FLOAT, 32, {count});
    report(by.name, x.bytes + y.bytes, [&] {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnAscendAntiQuantGetWorkspaceSize(x.handle, scale.handle, offset.handle, by.half, !by.symmetric,
                                                  y.handle, &size, &executor));
        MUST(aclnnAscendAntiQuant(nullptr, size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    });
}

static void bench_anti_quants(int64_t rows, int64_t columns) {
    static const Quantised cases[] = {
        {"AscendAntiQuant int8 -> fp16, one scale", ACL_FLOAT16, ACL_INT8, false, true},
        {"AscendAntiQuant int8 -> fp16, per channel", ACL_FLOAT16, ACL_INT8, true, true},
        {"AscendAntiQuant int8 -> bf16, per channel", ACL_BF16, ACL_INT8, true, true},
        {"AscendAntiQuant int8 -> fp16, sqrtMode", ACL_FLOAT16, ACL_INT8, true, false},
        {"AscendAntiQuant int8 -> bf16, sqrtMode", ACL_BF16, ACL_INT8, true, false},
        {"AscendAntiQuant int4 -> fp16, per channel", ACL_FLOAT16, ACL_INT4, true, true},
        {"AscendAntiQuant int4 -> bf16, sqrtMode", ACL_BF16, ACL_INT4, true, false},
    };
    for (const Quantised &each : cases) {
        bench_anti_quant(rows, columns, each);
    }
}

// A multiplication and an addition for each vector of products, on registers: what the sums over windows take at least.
constexpr int PRODUCTS = 1 << 20;

// Makes the compiler know nothing of a value in a register, so that it can neither leave out nor move what uses it.
#if defined(__x86_64__)
#define UNKNOWN(v) asm volatile("" : "+x"(v))
#else
#define UNKNOWN(v) asm volatile("" : "+w"(v))
#endif

#define MULTIPLY_AND_ADD(sum)                                                                                          \
    UNKNOWN(x); /* or one product would do for all */                                                                  \
    product = x * weight;                                                                                              \
    UNKNOWN(product); /* or it would be a fused multiply-add */                                                        \
    sum = sum + product;                                                                                               \
    UNKNOWN(sum)

// Sums that are variables of their own stay in registers at any level of optimisation; eight hide the latency.
#define MAKE_PRODUCTS(Floats)                                                                                          \
    Floats x = Floats{} + 1, weight = x, product, a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{};                              \
    UNKNOWN(weight); /* or it would be known to be 1 */                                                                \
    for (int i = 0; i < PRODUCTS; i += 8) {                                                                            \
        MULTIPLY_AND_ADD(a);                                                                                           \
        MULTIPLY_AND_ADD(b);                                                                                           \
        MULTIPLY_AND_ADD(c);                                                                                           \
        MULTIPLY_AND_ADD(d);                                                                                           \
        MULTIPLY_AND_ADD(e);                                                                                           \
        MULTIPLY_AND_ADD(f);                                                                                           \
        MULTIPLY_AND_ADD(g);                                                                                           \
        MULTIPLY_AND_ADD(h);                                                                                           \
    }

using NarrowFloats = float __attribute__((vector_size(16)));
static void make_narrow_products() {
    MAKE_PRODUCTS(NarrowFloats)
}

#if defined(__x86_64__)
using WideFloats = float __attribute__((vector_size(32)));
__attribute__((target("avx2"))) static void make_wide_products() {
    MAKE_PRODUCTS(WideFloats)
}
#endif

// Vectors as wide as those of the kernel, and how many floats they hold.
struct ProductLoop {
    void (*run)();
    double lanes;
};

static ProductLoop product_loop() {
#if defined(__x86_64__)
    const char *wish = std::getenv("ASCEND_STUB_SIMD");
    if (__builtin_cpu_supports("avx2") && !(wish && std::strcmp(wish, "baseline") == 0)) {
        return {make_wide_products, 8};
    }
#endif
    return {make_narrow_products, 4};
}

// One long sequence, larger than the usual caches, in windows of `block` tokens `stride` apart. The bound is memcpy or
// the products of all windows, whichever takes longer.
static void bench_nsa_compress(int64_t heads, int64_t size, aclDataType dtype, int64_t block, int64_t stride,
                               const std::string &name) {
    const int64_t tokens = (int64_t{64} << 20) / (heads * size * 2);
    Tensor input(dtype, 16, {tokens, heads, size}), weight(dtype, 16, {block, heads});
    Tensor output(dtype, 16, {(tokens - block) / stride + 1, heads, size});
    aclIntArray *ends = aclCreateIntArray(&tokens, 1);
    char layout[] = "TND";
    const auto kernel = [&] {
        uint64_t workspace_size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnNsaCompressGetWorkspaceSize(input.handle, weight.handle, ends, layout, block, stride, 0,
                                              output.handle, &workspace_size, &executor));
        MUST(aclnnNsaCompress(nullptr, workspace_size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    };
    const ProductLoop loop = product_loop();
    Memcpy copy((input.bytes + output.bytes) / 2);
    const std::vector<double> seconds = fastest({kernel, [&] { copy(1); }, [&] { copy(thread_count()); }, loop.run});
    aclDestroyIntArray(ends);
    const double products = double(output.bytes) / 2 * double(block) / loop.lanes;
    const double arithmetic = seconds[3] * products / PRODUCTS / double(thread_count());
    const double memory = std::min(seconds[1], seconds[2]), bound = std::max(memory, arithmetic);
    std::printf("%-44s %7.2f ms   memcpy %7.2f ms, %zu threads %7.2f   arithmetic %7.2f   ratios %.2f, %.2f, %.2f   "
                "factor %.2f\n",
                name.c_str(), seconds[0] * 1e3, seconds[1] * 1e3, thread_count(), seconds[2] * 1e3, arithmetic * 1e3,
                seconds[1] / seconds[0], seconds[2] / seconds[0], arithmetic / seconds[0], seconds[0] / bound);
}

static void bench_nsa_compresses() {
    static const struct {
        int64_t heads, size;
        aclDataType dtype;
        int64_t block, stride;
        const char *name;
    } cases[] = {
        {4, 128, ACL_FLOAT16, 32, 32, "NsaCompress fp16 4 x 128, 32 / 32"},
        {4, 128, ACL_BF16, 32, 32, "NsaCompress bf16 4 x 128, 32 / 32"},
        {4, 192, ACL_FLOAT16, 32, 16, "NsaCompress fp16 4 x 192, 32 / 16"},
        {4, 192, ACL_BF16, 32, 16, "NsaCompress bf16 4 x 192, 32 / 16"},
        {128, 64, ACL_FLOAT16, 32, 32, "NsaCompress fp16 128 x 64, 32 / 32"},
        {24, 16, ACL_BF16, 64, 48, "NsaCompress bf16 24 x 16, 64 / 48"},
        {4, 192, ACL_FLOAT16, 64, 16, "NsaCompress fp16 4 x 192, 64 / 16"},
        {2, 20, ACL_FLOAT16, 96, 16, "NsaCompress fp16 2 x 20, 96 / 16"},
        {4, 128, ACL_FLOAT16, 128, 16, "NsaCompress fp16 4 x 128, 128 / 16"},
        {4, 128, ACL_BF16, 128, 16, "NsaCompress bf16 4 x 128, 128 / 16"},
    };
    for (const auto &each : cases) {
        bench_nsa_compress(each.heads, each.size, each.dtype, each.block, each.stride, each.name);
    }
}

// Calls work(index) on every thread that kernels use.
static void on_all_threads(const std::function<void(size_t)> &work) {
    std::vector<std::thread> others;
    for (size_t i = 1; i < thread_count(); i++) {
        others.emplace_back([&work, i] { work(i); });
    }
    work(0);
    for (std::thread &other : others) {
        other.join();
    }
}

// Reads all bytes: none of them is the one that is looked for.
static void read_bytes(const std::vector<uint8_t> &bytes) {
    on_all_threads([&](size_t i) {
        const size_t first = bytes.size() * i / thread_count(), end = bytes.size() * (i + 1) / thread_count();
        if (std::memchr(&bytes[first], 0xFF, end - first)) {
            std::abort();
        }
    });
}

constexpr int64_t PEAK_ROUNDS = 1 << 17, PEAK_SUMS = 8;

#if defined(__x86_64__)
// Eight independent sums, enough to hide how long an instruction takes. Assembly: a compiler would see through it.
__attribute__((target("avx2"))) static void add_products_avx2() {
    const __m256i x = _mm256_set1_epi16(3);
    __m256i sums[PEAK_SUMS] = {x, x, x, x, x, x, x, x};
    for (int64_t i = 0; i < PEAK_ROUNDS; i++) {
#pragma GCC unroll 8
        for (__m256i &sum : sums) {
            asm volatile("vpmaddwd %1,%1,%%ymm15\n\tvpaddd %%ymm15,%0,%0" : "+x"(sum) : "x"(x) : "xmm15");
        }
    }
}

static void add_products_sse2() {
    const __m128i x = _mm_set1_epi16(3);
    __m128i sums[PEAK_SUMS] = {x, x, x, x, x, x, x, x};
    for (int64_t i = 0; i < PEAK_ROUNDS; i++) {
#pragma GCC unroll 8
        for (__m128i &sum : sums) {
            asm volatile("movdqa %1,%%xmm15\n\tpmaddwd %1,%%xmm15\n\tpaddd %%xmm15,%0" : "+x"(sum) : "x"(x) : "xmm15");
        }
    }
}
#endif

// Multiply-adds on all threads at the best rate of the instruction set, in registers; returns how many.
static int64_t add_products() {
    int64_t lanes = 0;
#if defined(__x86_64__)
    const char *wish = std::getenv("ASCEND_STUB_SIMD");
    const bool avx2 = __builtin_cpu_supports("avx2") && (!wish || std::strcmp(wish, "baseline") != 0);
    lanes = avx2 ? 16 : 8;
    on_all_threads([avx2](size_t) { avx2 ? add_products_avx2() : add_products_sse2(); });
#endif
    return PEAK_ROUNDS * PEAK_SUMS * lanes * static_cast<int64_t>(thread_count());
}

// The weight [k, n] in one of the four layouts that the operator takes.
struct Weight {
    const char *name;
    bool transposed, tiles;
};

static aclTensor *weight_of(const Weight &weight, int64_t k, int64_t n, void *address) {
    const int64_t shape[] = {k, n}, strides[] = {weight.transposed ? 1 : n, weight.transposed ? k : 1};
    const int64_t rows = weight.transposed ? n : k, columns = weight.transposed ? k : n;
    const int64_t tiles[] = {columns / 32, rows / 16, 16, 32}, flat[] = {rows, columns};
    return aclCreateTensor(shape, 2, ACL_INT8, strides, 0, weight.tiles ? ACL_FORMAT_FRACTAL_NZ : ACL_FORMAT_ND,
                           weight.tiles ? tiles : flat, weight.tiles ? 4 : 2, address);
}

// Without a processor's peak the bound is that of reading alone.
static void report_matmul(const std::string &name, int64_t m, int64_t k, int64_t n, const Body &kernel) {
    const std::vector<uint8_t> weight(static_cast<size_t>(k * n), 1);
    int64_t products = 0;
    const std::vector<double> seconds =
        fastest({kernel, [&] { read_bytes(weight); }, [&] { products = add_products(); }}, 20);
    const double work = double(m) * double(k) * double(n);
    const double arithmetic = products > 0 ? work / (double(products) / seconds[2]) : 0;
    const double bound = std::max(seconds[1], arithmetic);
    std::printf("%-44s %7.1f GMAC/s reading %6.1f, arithmetic %7.1f       factor %.2f\n", name.c_str(),
                work / seconds[0] / 1e9, work / seconds[1] / 1e9, arithmetic > 0 ? work / arithmetic / 1e9 : 0.0,
                seconds[0] / bound);
}

static void bench_matmul(int64_t m, int64_t k, int64_t n, const Weight &weight, char *group) {
    const Tensor x(ACL_INT8, 8, {m, k}), w(ACL_INT8, 8, {k, n}), y(ACL_BF16, 16, {m, n}), scale(ACL_BF16, 16, {n});
    aclTensor *x2 = weight_of(weight, k, n, w.address);
    char sum[] = "sum";
    const std::string name = std::to_string(m) + " x " + std::to_string(k) + " @ " + weight.name;
    report_matmul("QuantMatmulAllReduceV2 " + name, m, k, n, [&] {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnQuantMatmulAllReduceV2GetWorkspaceSize(x.handle, x2, nullptr, nullptr, scale.handle, nullptr, group,
                                                         sum, 0, 1, y.handle, &size, &executor));
        MUST(aclnnQuantMatmulAllReduceV2(nullptr, size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    });
    aclDestroyTensor(x2);
}

// One rank, so that there is nothing to reduce. Many rows go with a small weight: long runs meet more of a machine's
// noise than the short ones that the bound is measured in.
static void bench_matmuls() {
    static const Weight weights[] = {
        {"[k][n]", false, false}, {"[n][k]", true, false}, {"NZ", false, true}, {"NZ of [n, k]", true, true}};
    static const int64_t sizes[][2] = {{1, 4096}, {2, 4096},  {3, 4096},  {4, 4096},  {5, 4096},
                                       {8, 4096}, {16, 2048}, {64, 1024}, {512, 1024}};
    HcclComm comm = nullptr;
    int32_t device = 0;
    char group[COMM_NAME_MAX_LENGTH];
    MUST(HcclCommInitAll(1, &device, &comm));
    MUST(HcclGetCommName(comm, group));
    for (const auto &[m, side] : sizes) {
        for (const Weight &each : weights) {
            bench_matmul(m, side, side, each, group);
        }
    }
    MUST(HcclCommDestroy(comm));
}

int main(int argc, char **argv) {
    const int64_t rows = argc > 2 ? std::atoll(argv[1]) : 2048, columns = argc > 2 ? std::atoll(argv[2]) : 4096;
    MUST(aclInit(nullptr));
    MUST(aclrtSetDevice(0));
    MUST(aclrtCreateStream(&stream));
    std::printf("rows %lld, columns %lld, ASCEND_STUB_SIMD=%s\n", static_cast<long long>(rows),
                static_cast<long long>(columns),
                std::getenv("ASCEND_STUB_SIMD") ? std::getenv("ASCEND_STUB_SIMD") : "");
    bench_dynamic_quants(rows, columns);
    bench_anti_quants(rows, columns);
    bench_matmuls();
    bench_nsa_compresses();
    MUST(aclrtDestroyStream(stream));
    MUST(aclrtResetDevice(0));
    MUST(aclFinalize());
    return 0;
}
