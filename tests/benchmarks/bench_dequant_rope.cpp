// aclnnDequantRopeQuantKvcache against memcpy of the same number of bytes (all reads and writes, so half of it copied),
// in one run: memcpy on one thread, and on as many threads as the kernel uses. Build it as the programs of tests/native
// are built and run it alone on the machine:
//
//     bench_dequant_rope [tokens]        default 8192; ASCEND_STUB_THREADS chooses the number of threads
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_dequant_rope_quant_kvcache.h"

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
static unsigned threads;

struct Tensor {
    size_t bytes;
    void *address = nullptr;
    aclTensor *handle;

    Tensor(aclDataType dtype, size_t width, const std::vector<int64_t> &shape, const void *values = nullptr) {
        bytes = width;
        for (int64_t dim : shape) {
            bytes *= static_cast<size_t>(dim);
        }
        // Ordinary numbers in every type: bytes 0x30 to 0x3F, integers -2000 to 2000.
        std::vector<uint8_t> host(bytes);
        for (size_t i = 0; i < bytes; i++) {
            host[i] = static_cast<uint8_t>(0x30 + (i * 7 + i / 1000) % 16);
        }
        for (size_t i = 0; dtype == ACL_INT32 && i < bytes / width; i++) {
            const int32_t value = static_cast<int32_t>(i * 7919 % 4001) - 2000;
            std::memcpy(&host[i * width], &value, width);
        }
        MUST(aclrtMalloc(&address, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
        MUST(aclrtMemcpy(address, bytes, values ? values : host.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE));
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
    for (int i = 0; i < 10; i++) {
        const auto start = std::chrono::steady_clock::now();
        body();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

static double time_memcpy(size_t bytes, unsigned count) {
    std::vector<char> from(bytes, 1), to(bytes, 2);
    const auto copy = [&](unsigned part) {
        const size_t first = bytes / count * part, size = part + 1 < count ? bytes / count : bytes - first;
        std::memcpy(to.data() + first, from.data() + first, size);
        asm volatile("" ::"r"(to.data()) : "memory");
    };
    return fastest([&] {
        std::vector<std::thread> helpers;
        for (unsigned part = 1; part < count; part++) {
            helpers.emplace_back(copy, part);
        }
        copy(0);
        for (std::thread &helper : helpers) {
            helper.join();
        }
    });
}

struct Model {
    const char *name;
    int64_t q_heads, kv_heads, d;
};

static void bench(const Model &model, aclDataType x_type, aclDataType table, bool kv_output, bool page,
                  int64_t tokens) {
    const int64_t q = model.q_heads * model.d, kv = model.kv_heads * model.d, columns = q + 2 * kv, rows = 128;
    const size_t x_width = x_type == ACL_INT32 ? 4 : 2;
    std::vector<int32_t> slots(static_cast<size_t>(tokens));
    for (size_t i = 0; i < slots.size(); i++) {
        slots[i] = page ? static_cast<int32_t>((i * 2654435761u) % slots.size()) : 0;
    }
    const Tensor x(x_type, x_width, {tokens, columns}), cosine(table, 2, {tokens, model.d}),
        sine(table, 2, {tokens, model.d}), indices(ACL_INT32, 4, {tokens}, slots.data());
    const std::vector<int64_t> cache_shape{page ? (tokens + rows - 1) / rows : tokens, page ? rows : 1, model.kv_heads,
                                           model.d};
    const Tensor k_cache(ACL_INT8, 1, cache_shape), v_cache(ACL_INT8, 1, cache_shape);
    const Tensor scale(ACL_FLOAT, 4, {kv}), weight(ACL_FLOAT, 4, {columns}), activation(ACL_FLOAT, 4, {tokens});
    const Tensor q_out(table, 2, {tokens, model.q_heads, model.d}), k_out(table, 2, {tokens, model.kv_heads, model.d}),
        v_out(table, 2, {tokens, model.kv_heads, model.d});
    const int64_t split_values[] = {q, kv, kv};
    const std::unique_ptr<aclIntArray, decltype(&aclDestroyIntArray)> splits(aclCreateIntArray(split_values, 3),
                                                                             aclDestroyIntArray);
    char page_mode[] = "page";
    void *workspace = nullptr;
    MUST(aclrtMalloc(&workspace, 16 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    const double seconds = fastest([&] {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        MUST(aclnnDequantRopeQuantKvcacheGetWorkspaceSize(
            x.handle, cosine.handle, sine.handle, k_cache.handle, v_cache.handle, indices.handle, scale.handle,
            scale.handle, scale.handle, scale.handle, weight.handle, activation.handle, nullptr, splits.get(), nullptr,
            nullptr, kv_output, page ? page_mode : nullptr, q_out.handle, k_out.handle, v_out.handle, &size,
            &executor));
        MUST(aclnnDequantRopeQuantKvcache(workspace, size, executor, stream));
        MUST(aclrtSynchronizeStream(stream));
    });
    aclrtFree(workspace);
    const size_t bytes = x.bytes + cosine.bytes + sine.bytes + k_cache.bytes + v_cache.bytes + q_out.bytes +
                         (kv_output ? k_out.bytes + v_out.bytes : 0);
    const double one = time_memcpy(bytes / 2, 1), all = threads > 1 ? time_memcpy(bytes / 2, threads) : one;
    std::printf("%-8s %s %s %-10s kv_output %d  %6.1f GB/s   memcpy %6.1f GB/s, %u threads %6.1f   ratio %.2f, %.2f\n",
                model.name, x_type == ACL_INT32 ? "int32" : "half ", table == ACL_BF16 ? "bf16" : "fp16",
                page ? "page" : "contiguous", kv_output, double(bytes) / seconds / 1e9, double(bytes) / one / 1e9,
                threads, double(bytes) / all / 1e9, one / seconds, all / seconds);
}

int main(int argc, char **argv) {
    const int64_t tokens = argc > 1 ? std::atoll(argv[1]) : 8192;
    const char *wish = std::getenv("ASCEND_STUB_THREADS");
    threads = wish ? static_cast<unsigned>(std::atoi(wish)) : std::thread::hardware_concurrency();
    MUST(aclInit(nullptr));
    MUST(aclrtSetDevice(0));
    MUST(aclrtCreateStream(&stream));
    static const Model models[] = {{"32/8/128", 32, 8, 128}, {"8/1/128", 8, 1, 128}};
    for (const Model &model : models) {
        for (aclDataType table : {ACL_FLOAT16, ACL_BF16}) {
            for (aclDataType x_type : {table, ACL_INT32}) {
                bench(model, x_type, table, true, false, tokens);
                bench(model, x_type, table, false, true, tokens);
            }
        }
    }
    MUST(aclrtDestroyStream(stream));
    MUST(aclrtResetDevice(0));
    MUST(aclFinalize());
    return 0;
}
