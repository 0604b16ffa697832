// Ranks as CANN's multi-card samples have them: one process, one thread per rank, a context and a stream each.
#ifndef ASCEND_TESTS_MATMUL_GROUP_H
#define ASCEND_TESTS_MATMUL_GROUP_H

#include <string>
#include <thread>
#include <vector>

#include "acl/acl.h"
#include "hccl/hccl.h"
#include "vectors.h"

struct Rank {
    int index = 0;
    HcclComm comm = nullptr;
    aclrtContext context = nullptr;
    aclrtStream stream = nullptr;
    std::string name; // of the group
};

class Group {
  public:
    explicit Group(int count) : ranks_(static_cast<size_t>(count)) {
        MUST(aclrtGetCurrentContext(&outer_));
        std::vector<int32_t> devices;
        for (int i = 0; i < count; i++) {
            devices.push_back(i);
            MUST(aclrtSetDevice(i));
        }
        std::vector<HcclComm> comms(devices.size());
        MUST(HcclCommInitAll(static_cast<uint32_t>(count), devices.data(), comms.data()));
        for (int i = 0; i < count; i++) {
            Rank &rank = ranks_[static_cast<size_t>(i)];
            rank.index = i;
            rank.comm = comms[static_cast<size_t>(i)];
            MUST(aclrtSetDevice(i));
            MUST(aclrtCreateContext(&rank.context, i));
            MUST(aclrtCreateStream(&rank.stream));
        }
        run([](Rank &rank) {
            char name[COMM_NAME_MAX_LENGTH];
            MUST(HcclGetCommName(rank.comm, name));
            rank.name = name;
        });
    }
    ~Group() {
        run([](Rank &rank) {
            aclrtDestroyStream(rank.stream);
            HcclCommDestroy(rank.comm);
            aclrtDestroyContext(rank.context);
            aclrtResetDevice(rank.index); // as often as it was set
            aclrtResetDevice(rank.index);
        });
        MUST(aclrtSetCurrentContext(outer_));
    }
    Group(const Group &) = delete;
    Group &operator=(const Group &) = delete;

    int size() const {
        return static_cast<int>(ranks_.size());
    }
    Rank &operator[](int index) {
        return ranks_[static_cast<size_t>(index)];
    }

    // Runs `body` on a thread per rank, its context current, and waits for all.
    void run(const std::function<void(Rank &)> &body) {
        std::vector<std::thread> threads;
        for (Rank &rank : ranks_) {
            threads.emplace_back([&body, &rank] {
                MUST(aclrtSetCurrentContext(rank.context));
                body(rank);
            });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
    }

  private:
    aclrtContext outer_ = nullptr; // of the thread that made the group
    std::vector<Rank> ranks_;
};

#endif
