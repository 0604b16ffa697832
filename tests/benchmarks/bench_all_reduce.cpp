// All-reduce over processes of this machine against memcpy of the same size by the same number of processes at once, in
// one run. Bytes per second are those of one rank's buffer. Build it as the programs of tests/native are built and run
// it alone on the machine:
//
//     bench_all_reduce [ranks megabytes]        default 2 and 4 ranks, 64 MiB
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "bench.h"
#include "hccl/hccl.h"

// What the processes share: the root info, a barrier, and the time that the slowest of them took.
struct Shared {
    HcclRootInfo info;
    std::atomic<int> arrived{0};
    std::atomic<double> slowest{0};
};

class Rank {
  public:
    Rank(int rank, int ranks, Shared *shared) : rank_(rank), ranks_(ranks), shared_(shared) {
        MUST(aclInit(nullptr));
        MUST(aclrtSetDevice(rank));
        MUST(aclrtCreateStream(&stream_));
        if (rank == 0) {
            MUST(HcclGetRootInfo(&shared->info));
        }
        meet();
        MUST(HcclCommInitRootInfo(static_cast<uint32_t>(ranks), &shared->info, static_cast<uint32_t>(rank), &comm_));
    }
    ~Rank() {
        MUST(HcclCommDestroy(comm_));
        MUST(aclrtDestroyStream(stream_));
        MUST(aclrtResetDevice(rank_));
        MUST(aclFinalize());
    }

    double time_all_reduce(size_t bytes, HcclDataType type, size_t element, int rounds) {
        void *send = buffer(bytes), *receive = buffer(bytes);
        const double seconds = fastest(rounds, [&] {
            MUST(HcclAllReduce(send, receive, bytes / element, type, HCCL_REDUCE_SUM, comm_, stream_));
            MUST(aclrtSynchronizeStream(stream_));
        });
        MUST(aclrtFree(send));
        MUST(aclrtFree(receive));
        return seconds;
    }

    double time_memcpy(size_t bytes, int rounds) {
        Memcpy copy(bytes);
        return fastest(rounds, [&] { copy(1); });
    }

  private:
    void *buffer(size_t bytes) {
        void *address = nullptr;
        MUST(aclrtMalloc(&address, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
        MUST(aclrtMemset(address, bytes, 0x11, bytes)); // small positive numbers in both types
        return address;
    }

    void meet() {
        const int all = (shared_->arrived.fetch_add(1) / ranks_ + 1) * ranks_;
        while (shared_->arrived.load() < all) {
            usleep(50);
        }
    }

    // Seconds of the fastest round, each as long as its slowest rank.
    double fastest(int rounds, const Body &body) {
        double best = 1e9;
        body();
        for (int i = 0; i < rounds; i++) {
            meet();
            shared_->slowest = 0;
            meet();
            const double own = seconds_of(body);
            double seen = shared_->slowest;
            while (seen < own && !shared_->slowest.compare_exchange_weak(seen, own)) {
            }
            meet();
            best = std::min(best, shared_->slowest.load());
        }
        return best;
    }

    int rank_, ranks_;
    Shared *shared_;
    aclrtStream stream_ = nullptr;
    HcclComm comm_ = nullptr;
};

static void run_rank(int index, int ranks, size_t bytes, Shared *shared) {
    Rank rank(index, ranks, shared);
    const double copy = rank.time_memcpy(bytes, 10);
    const double fp32 = rank.time_all_reduce(bytes, HCCL_DATA_TYPE_FP32, 4, 10);
    const double fp16 = rank.time_all_reduce(bytes, HCCL_DATA_TYPE_FP16, 2, 10);
    const double small = rank.time_all_reduce(8, HCCL_DATA_TYPE_FP32, 4, 300);
    if (index == 0) {
        const double size = static_cast<double>(bytes) / 1e9;
        std::printf("%d ranks, %zu MiB: memcpy %.2f GB/s, fp32 sum %.2f GB/s (ratio %.2f), fp16 sum %.2f GB/s (ratio "
                    "%.2f); 8 bytes in %.1f us\n",
                    ranks, bytes >> 20, size / copy, size / fp32, copy / fp32, size / fp16, copy / fp16, small * 1e6);
    }
}

static bool run_ranks(int ranks, size_t bytes) {
    void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Shared *shared = new (memory) Shared;
    std::fflush(nullptr);
    for (int i = 0; i < ranks; i++) {
        if (fork() == 0) { // before the first call: devices do not survive a fork
            run_rank(i, ranks, bytes, shared);
            std::exit(0);
        }
    }
    bool good = true;
    int status = 0;
    for (int i = 0; i < ranks; i++) {
        good = wait(&status) > 0 && status == 0 && good;
    }
    munmap(memory, sizeof(Shared));
    return good;
}

int main(int argc, char **argv) {
    const std::vector<int> ranks = argc > 2 ? std::vector<int>{std::atoi(argv[1])} : std::vector<int>{2, 4};
    const size_t megabytes = argc > 2 ? static_cast<size_t>(std::atoll(argv[2])) : 64;
    bool good = true;
    for (int count : ranks) {
        good = run_ranks(count, megabytes << 20) && good;
    }
    return good ? 0 : 1;
}
