// What the C++ benchmarks share: device tensors with ordinary numbers, the fastest of several runs, and memcpy of the
// same number of bytes as the measure of a kernel. Everything that is compared runs in turns, so that a noisy machine
// slows all of it down.
#ifndef ASCEND_TESTS_BENCH_H
#define ASCEND_TESTS_BENCH_H

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"

// In forked children too: ends at once.
#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        const int must_status = static_cast<int>(call);                                                                \
        if (must_status != 0) {                                                                                        \
            const char *must_text = aclGetRecentErrMsg();                                                              \
            std::fprintf(stderr, "%s: %d %s\n", #call, must_status, must_text ? must_text : "");                       \
            std::_Exit(1);                                                                                             \
        }                                                                                                              \
    } while (0)

// A contiguous tensor in device memory.
struct Tensor {
    size_t bytes;
    void *address = nullptr;
    aclTensor *handle;

    // Of `values`, or of ordinary numbers in every type: bytes 0x30 to 0x3F, 32-bit integers -2000 to 2000.
    Tensor(aclDataType dtype, int bits, const std::vector<int64_t> &shape, const void *values = nullptr) {
        int64_t count = 1;
        for (int64_t dim : shape) {
            count *= dim;
        }
        bytes = static_cast<size_t>(count * bits / 8);
        const std::vector<uint8_t> numbers = values ? std::vector<uint8_t>() : ordinary(dtype, bytes);
        MUST(aclrtMalloc(&address, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
        MUST(aclrtMemcpy(address, bytes, values ? values : numbers.data(), bytes, ACL_MEMCPY_HOST_TO_DEVICE));
        handle = aclCreateTensor(shape.data(), shape.size(), dtype, nullptr, 0, ACL_FORMAT_ND, shape.data(),
                                 shape.size(), address);
    }
    Tensor(const Tensor &) = delete;
    Tensor &operator=(const Tensor &) = delete;
    ~Tensor() {
        aclDestroyTensor(handle);
        aclrtFree(address);
    }

  private:
    static std::vector<uint8_t> ordinary(aclDataType dtype, size_t bytes) {
        std::vector<uint8_t> numbers(bytes);
        for (size_t i = 0; i < bytes; i++) {
            numbers[i] = static_cast<uint8_t>(0x30 + (i * 7 + i / 1000) % 16);
        }
        for (size_t i = 0; dtype == ACL_INT32 && i < bytes / sizeof(int32_t); i++) {
            const int32_t value = static_cast<int32_t>(i * 7919 % 4001) - 2000;
            std::memcpy(&numbers[i * sizeof value], &value, sizeof value);
        }
        return numbers;
    }
};

using Body = std::function<void()>;

inline double seconds_of(const Body &body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Seconds of the fastest run of each body. They take turns, each with two runs: the second finds the caches as the
// first has left them.
inline std::vector<double> fastest(const std::vector<Body> &bodies, int rounds = 10) {
    std::vector<double> best(bodies.size(), 1e9);
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < bodies.size(); i++) {
            best[i] = std::min({best[i], seconds_of(bodies[i]), seconds_of(bodies[i])});
        }
    }
    return best;
}

inline double fastest(const Body &body, int rounds = 10) {
    return fastest(std::vector<Body>{body}, rounds)[0];
}

// Those of a kernel: what ASCEND_STUB_THREADS says, else the cores the process may use.
inline size_t thread_count() {
    const char *wish = std::getenv("ASCEND_STUB_THREADS");
    cpu_set_t cores;
    CPU_ZERO(&cores);
    sched_getaffinity(0, sizeof cores, &cores);
    return wish ? std::strtoul(wish, nullptr, 10) : static_cast<size_t>(CPU_COUNT(&cores));
}

// memcpy on several threads, each with its part. The buffers begin at pages: memcpy is several times slower for some
// other distances between them.
class Memcpy {
  public:
    explicit Memcpy(size_t bytes) : bytes_(bytes), from_(pages(bytes)), to_(pages(bytes)) {
        std::memset(from_.get(), 1, bytes);
        std::memset(to_.get(), 2, bytes);
    }

    void operator()(size_t threads) {
        std::vector<std::thread> others;
        for (size_t part = 1; part < threads; part++) {
            others.emplace_back([=] { copy(part, threads); });
        }
        copy(0, threads);
        for (std::thread &other : others) {
            other.join();
        }
    }

  private:
    static char *pages(size_t bytes) {
        constexpr size_t page = 4096;
        return static_cast<char *>(std::aligned_alloc(page, (bytes / page + 1) * page));
    }

    void copy(size_t part, size_t parts) {
        const size_t first = bytes_ * part / parts, end = bytes_ * (part + 1) / parts;
        std::memcpy(to_.get() + first, from_.get() + first, end - first);
        asm volatile("" ::"r"(to_.get()) : "memory");
    }

    struct Free {
        void operator()(char *memory) const {
            std::free(memory);
        }
    };
    size_t bytes_;
    std::unique_ptr<char, Free> from_, to_;
};

// Runs a kernel that reads and writes `bytes` altogether, and memcpy of half as many, which does the same; prints the
// kernel's speed as a fraction of memcpy's on one thread and on all, and how many times as long as the faster it takes.
inline void report(const std::string &name, size_t bytes, const Body &kernel) {
    const size_t threads = thread_count();
    Memcpy copy(bytes / 2);
    const std::vector<double> seconds = fastest({kernel, [&] { copy(1); }, [&] { copy(threads); }});
    const double size = static_cast<double>(bytes) / 1e9;
    std::printf("%-44s %7.1f GB/s   memcpy %7.1f GB/s, %zu threads %7.1f   ratios %.2f, %.2f   factor %.2f\n",
                name.c_str(), size / seconds[0], size / seconds[1], threads, size / seconds[2], seconds[1] / seconds[0],
                seconds[2] / seconds[0], seconds[0] / std::min(seconds[1], seconds[2]));
}

#endif
