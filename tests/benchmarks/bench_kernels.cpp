// Kernel speed against memcpy of the same number of bytes (read plus written, so half of it copied), on one thread and
// on as many as kernels use, in one run. Build it as the programs of tests/native are built and run it alone on the
// machine, with ASCEND_STUB_THREADS=1 too:
//
//     bench_kernels [rows columns]        default 2048 4096
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "aclnnop/aclnn_dynamic_quant_v2.h"
#include "aclnnop/aclnn_nsa_compress.h"

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        const int must_status = (call);                                                                                \
        if (must_status != 0) {                                                                                        \
            const char *must_text = aclGetRecentErrMsg();                                                              \
            std::printf("%s: %d %s\n", #call, must_status, must_text ? must_text : "");                                \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

static aclrtStream stream;

struct Tensor {
    size_t bytes;
    void *address = nullptr;
    aclTensor *handle;

    Tensor(aclDataType dtype, int bits, const std::vector<int64_t> &shape) {
        int64_t count = 1;
        for (int64_t dim : shape) {
            count *= dim;
        }
        bytes = static_cast<size_t>(count * bits / 8);
        // Ordinary numbers in every type: bytes 0x30 to 0x3F.
        std::vector<uint8_t> host(bytes);
        for (size_t i = 0; i < bytes; i++) {
            host[i] = static_cast<uint8_t>(0x30 + (i * 7 + i / 1000) % 16);
        }
        MUST(aclrtMalloc(&address, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
        MUST(aclrtMemcpy(address, bytes, host.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE));
        handle = aclCreateTensor(shape.data(), shape.size(), dtype, nullptr, 0, ACL_FORMAT_ND, shape.data(),
                                 shape.size(), address);
    }
    ~Tensor() {
        aclDestroyTensor(handle);
        aclrtFree(address);
    }
};

// Seconds of the fastest of a few runs.
static double fastest(const std::function<void()> &body) {
    double best = 1e9;
    body();
    for (int i = 0; i < 15; i++) {
        const auto start = std::chrono::steady_clock::now();
        body();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

// Those of a kernel: what ASCEND_STUB_THREADS says, else the cores the process may use.
static size_t thread_count() {
    const char *wish = std::getenv("ASCEND_STUB_THREADS");
    cpu_set_t cores;
    CPU_ZERO(&cores);
    sched_getaffinity(0, sizeof cores, &cores);
    return wish ? std::strtoul(wish, nullptr, 10) : static_cast<size_t>(CPU_COUNT(&cores));
}

static double time_memcpy(size_t bytes, size_t threads) {
    std::vector<char> from(bytes, 1), to(bytes, 2);
    const size_t part = bytes / threads;
    return fastest([&] {
        std::vector<std::thread> others;
        for (size_t i = 1; i < threads; i++) {
            others.emplace_back([&, i] { std::memcpy(to.data() + i * part, from.data() + i * part, part); });
        }
        std::memcpy(to.data(), from.data(), part);
        for (std::thread &other : others) {
            other.join();
        }
        asm volatile("" ::"r"(to.data()) : "memory");
    });
}

static void report(const std::string &name, size_t bytes, double seconds) {
    const double one = time_memcpy(bytes / 2, 1), all = time_memcpy(bytes / 2, thread_count());
    std::printf("%-44s %7.1f GB/s   memcpy %7.1f GB/s, %zu threads %7.1f   ratios %.2f, %.2f\n", name.c_str(),
                double(bytes) / seconds / 1e9, double(bytes) / one / 1e9, thread_count(), double(bytes) / all / 1e9,
                one / seconds, all / seconds);
}

static void bench_dynamic_quant(int64_t rows, int64_t columns, aclDataType x_type, aclDataType y_type, int y_bits,
                                bool smooth, bool symmetric, const std::string &name) {
    Tensor x(x_type, 16, {rows, columns}), y(y_type, y_bits, {rows, columns}), m(x_type, 16, {columns});
    Tensor scale(ACL_FLOAT, 32, {rows}), offset(ACL_FLOAT, 32, {rows});
    const double seconds = fastest([&] {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnDynamicQuantV2GetWorkspaceSize(x.handle, smooth ? m.handle : nullptr, nullptr, y_type, y.handle,
                                                 scale.handle, symmetric ? nullptr : offset.handle, &size, &executor));
        MUST(aclnnDynamicQuantV2(nullptr, size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    });
    report(name, x.bytes + y.bytes + scale.bytes, seconds);
}

static void bench_anti_quant(int64_t rows, int64_t columns, aclDataType x_type, int x_bits, aclDataType y_type,
                             bool per_channel, bool sqrt_mode, const std::string &name) {
    const int64_t count = per_channel ? columns : 1;
    Tensor x(x_type, x_bits, {rows, columns}), y(y_type, 16, {rows, columns});
    Tensor scale(ACL_FLOAT, 32, {count}), offset(ACL_FLOAT, 32, {count});
    const double seconds = fastest([&] {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnAscendAntiQuantGetWorkspaceSize(x.handle, scale.handle, offset.handle, y_type, sqrt_mode, y.handle,
                                                  &size, &executor));
        MUST(aclnnAscendAntiQuant(nullptr, size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    });
    report(name, x.bytes + y.bytes, seconds);
}

// One long sequence, larger than the usual caches, in windows of `block` tokens `stride` apart.
static void bench_nsa_compress(int64_t heads, int64_t size, aclDataType dtype, int64_t block, int64_t stride,
                               const std::string &name) {
    const int64_t tokens = (int64_t{64} << 20) / (heads * size * 2);
    Tensor input(dtype, 16, {tokens, heads, size}), weight(dtype, 16, {block, heads});
    Tensor output(dtype, 16, {(tokens - block) / stride + 1, heads, size});
    aclIntArray *ends = aclCreateIntArray(&tokens, 1);
    char layout[] = "TND";
    const double seconds = fastest([&] {
        uint64_t workspace_size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnNsaCompressGetWorkspaceSize(input.handle, weight.handle, ends, layout, block, stride, 0,
                                              output.handle, &workspace_size, &executor));
        MUST(aclnnNsaCompress(nullptr, workspace_size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    });
    aclDestroyIntArray(ends);
    report(name, input.bytes + output.bytes, seconds);
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
        {4, 128, ACL_BF16, 128, 16, "NsaCompress bf16 4 x 128, 128 / 16"},
    };
    for (const auto &each : cases) {
        bench_nsa_compress(each.heads, each.size, each.dtype, each.block, each.stride, each.name);
    }
}

int main(int argc, char **argv) {
    const int64_t rows = argc > 2 ? std::atoll(argv[1]) : 2048, columns = argc > 2 ? std::atoll(argv[2]) : 4096;
    MUST(aclInit(nullptr));
    MUST(aclrtSetDevice(0));
    MUST(aclrtCreateStream(&stream));
    std::printf("rows %lld, columns %lld, ASCEND_STUB_SIMD=%s\n", static_cast<long long>(rows),
                static_cast<long long>(columns),
                std::getenv("ASCEND_STUB_SIMD") ? std::getenv("ASCEND_STUB_SIMD") : "");
    bench_dynamic_quant(rows, columns, ACL_FLOAT16, ACL_INT8, 8, false, true, "DynamicQuantV2 fp16 -> int8");
    bench_dynamic_quant(rows, columns, ACL_BF16, ACL_INT8, 8, false, true, "DynamicQuantV2 bf16 -> int8");
    bench_dynamic_quant(rows, columns, ACL_FLOAT16, ACL_INT8, 8, true, true, "DynamicQuantV2 fp16 smooth -> int8");
    bench_dynamic_quant(rows, columns, ACL_FLOAT16, ACL_INT8, 8, false, false,
                        "DynamicQuantV2 fp16 -> int8 asymmetric");
    bench_dynamic_quant(rows, columns, ACL_FLOAT16, ACL_INT4, 4, false, true, "DynamicQuantV2 fp16 -> int4");
    bench_anti_quant(rows, columns, ACL_INT8, 8, ACL_FLOAT16, false, false, "AscendAntiQuant int8 -> fp16, one scale");
    bench_anti_quant(rows, columns, ACL_INT8, 8, ACL_FLOAT16, true, false, "AscendAntiQuant int8 -> fp16, per channel");
    bench_anti_quant(rows, columns, ACL_INT8, 8, ACL_BF16, true, true, "AscendAntiQuant int8 -> bf16, sqrtMode");
    bench_anti_quant(rows, columns, ACL_INT4, 4, ACL_FLOAT16, true, false, "AscendAntiQuant int4 -> fp16, per channel");
    bench_nsa_compresses();
    MUST(aclrtDestroyStream(stream));
    MUST(aclrtResetDevice(0));
    MUST(aclFinalize());
    return 0;
}
