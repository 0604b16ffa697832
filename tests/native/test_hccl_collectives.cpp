// The collectives' numbers: every data type and operator against a loop written from the definitions, odd counts, in
// place, one to eight ranks in one process, with each instruction set.
#include <sys/wait.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "check.h"
#include "hccl/hccl.h"
#include "hccl_numbers.h"

namespace {

const int MOST = 8;
const size_t GUARD = 512;

struct Rank {
    aclrtContext context = nullptr;
    aclrtStream stream = nullptr;
    HcclComm comm = nullptr;
};

std::vector<Rank> make_ranks(uint32_t count) {
    std::vector<int32_t> devices;
    std::vector<HcclComm> comms(count);
    for (uint32_t i = 0; i < count; i++) {
        devices.push_back(static_cast<int32_t>((i + 3) % MOST));
    }
    CHECK_STATUS(0, HcclCommInitAll(count, devices.data(), comms.data()));
    std::vector<Rank> ranks(count);
    for (uint32_t i = 0; i < count; i++) {
        ranks[i].comm = comms[i];
        CHECK_STATUS(0, aclrtCreateContext(&ranks[i].context, devices[i]));
        CHECK_STATUS(0, aclrtCreateStream(&ranks[i].stream));
    }
    return ranks;
}

void end_ranks(std::vector<Rank> &ranks) {
    for (Rank &rank : ranks) {
        CHECK_STATUS(0, aclrtSetCurrentContext(rank.context));
        CHECK_STATUS(0, HcclCommDestroy(rank.comm));
        CHECK_STATUS(0, aclrtDestroyStream(rank.stream));
        CHECK_STATUS(0, aclrtDestroyContext(rank.context));
    }
    CHECK_STATUS(0, aclrtSetDevice(0));
}

// Device memory of the current context between guards that nobody may touch.
class Block {
  public:
    Block(const Bytes &content, size_t shift) : size_(content.size()), shift_(shift) {
        Bytes all(GUARD + shift + size_ + GUARD, 0x5A);
        std::copy(content.begin(), content.end(), all.begin() + static_cast<std::ptrdiff_t>(GUARD + shift));
        CHECK_STATUS(0, aclrtMalloc(&memory_, all.size(), ACL_MEM_MALLOC_HUGE_FIRST));
        CHECK_STATUS(0, aclrtMemcpy(memory_, all.size(), all.data(), all.size(), ACL_MEMCPY_HOST_TO_DEVICE));
    }
    void *address(size_t offset = 0) const {
        return static_cast<uint8_t *>(memory_) + GUARD + shift_ + offset;
    }

    // What is in it now; frees it.
    Bytes take() {
        Bytes all(GUARD + shift_ + size_ + GUARD);
        CHECK_STATUS(0, aclrtMemcpy(all.data(), all.size(), memory_, all.size(), ACL_MEMCPY_DEVICE_TO_HOST));
        CHECK_STATUS(0, aclrtFree(memory_));
        for (size_t i = 0; i < all.size(); i++) {
            const bool inside = i >= GUARD + shift_ && i < GUARD + shift_ + size_;
            if (!inside && all[i] != 0x5A) {
                CHECK(!"a byte beside the buffer was written");
                break;
            }
        }
        return Bytes(all.begin() + static_cast<std::ptrdiff_t>(GUARD + shift_),
                     all.begin() + static_cast<std::ptrdiff_t>(GUARD + shift_ + size_));
    }

  private:
    size_t size_, shift_;
    void *memory_ = nullptr;
};

// Queues the operation for one rank after the other, which works only because no call waits for its peers.
void on_all(std::vector<Rank> &ranks, const std::function<void(uint32_t)> &body) {
    for (uint32_t i = 0; i < ranks.size(); i++) {
        CHECK_STATUS(0, aclrtSetCurrentContext(ranks[i].context));
        body(i);
    }
}

void synchronize(std::vector<Rank> &ranks) {
    on_all(ranks, [&](uint32_t i) { CHECK_STATUS(0, aclrtSynchronizeStreamWithTimeout(ranks[i].stream, 10000)); });
}

void check_bytes(const Bytes &expected, const Bytes &found, const std::string &what) {
    if (expected != found) {
        size_t at = 0;
        while (at < expected.size() && expected[at] == found[at]) {
            at++;
        }
        std::fprintf(stderr, "%s: byte %zu is 0x%02x, expected 0x%02x\n", what.c_str(), at, found[at], expected[at]);
        CHECK(!"wrong result");
    }
}

std::string describe(const char *what, const Type &type, int op, size_t count, size_t ranks, bool in_place) {
    return std::string(what) + " of type " + std::to_string(type.id) + ", operator " + std::to_string(op) + ", count " +
           std::to_string(count) + ", " + std::to_string(ranks) + " ranks" + (in_place ? ", in place" : "");
}

// ---- the operations ----

void check_all_reduce(std::vector<Rank> &ranks, const Type &type, HcclReduceOp op, size_t count, bool in_place) {
    const Sources sources = make_sources(type, count, ranks.size());
    const Bytes expected = type.reduce(sources, count, op);
    std::vector<Block> send, receive;
    on_all(ranks, [&](uint32_t i) {
        send.emplace_back(sources[i], i * type.size);
        receive.emplace_back(Bytes(expected.size(), 0xEE), 0);
        void *to = in_place ? send[i].address() : receive[i].address();
        CHECK_STATUS(0, HcclAllReduce(send[i].address(), to, count, type.id, op, ranks[i].comm, ranks[i].stream));
    });
    synchronize(ranks);
    const std::string what = describe("all-reduce", type, op, count, ranks.size(), in_place);
    for (uint32_t i = 0; i < ranks.size(); i++) {
        const Bytes sent = send[i].take(), received = receive[i].take();
        check_bytes(expected, in_place ? sent : received, what + ", rank " + std::to_string(i));
        check_bytes(in_place ? expected : sources[i], sent, what + ", send buffer");
    }
}

void check_reduce_scatter(std::vector<Rank> &ranks, const Type &type, HcclReduceOp op, size_t count, bool in_place) {
    const size_t bytes = count * type.size;
    const Sources sources = make_sources(type, count * ranks.size(), ranks.size());
    const Bytes reduced = type.reduce(sources, count * ranks.size(), op);
    std::vector<Block> send, receive;
    on_all(ranks, [&](uint32_t i) {
        send.emplace_back(sources[i], 0);
        receive.emplace_back(Bytes(bytes, 0xEE), type.size);
        void *to = in_place ? send[i].address(i * bytes) : receive[i].address();
        CHECK_STATUS(0, HcclReduceScatter(send[i].address(), to, count, type.id, op, ranks[i].comm, ranks[i].stream));
    });
    synchronize(ranks);
    for (uint32_t i = 0; i < ranks.size(); i++) {
        Bytes sent = send[i].take(), received = receive[i].take(), expected_send = sources[i];
        const auto part = static_cast<std::ptrdiff_t>(i * bytes), size = static_cast<std::ptrdiff_t>(bytes);
        const Bytes expected(reduced.begin() + part, reduced.begin() + part + size);
        if (in_place) {
            std::copy(expected.begin(), expected.end(), expected_send.begin() + part);
            received = expected;
        }
        const std::string what = describe("reduce-scatter", type, op, count, ranks.size(), in_place);
        check_bytes(expected, received, what + ", rank " + std::to_string(i));
        check_bytes(expected_send, sent, what + ", send buffer");
    }
}

void check_all_gather(std::vector<Rank> &ranks, HcclDataType id, size_t size, size_t count, bool in_place) {
    const size_t bytes = count * size;
    Sources sources;
    Bytes expected;
    for (size_t i = 0; i < ranks.size(); i++) {
        sources.push_back(make_values(reduced_types()[0], bytes));
        expected.insert(expected.end(), sources[i].begin(), sources[i].end());
    }
    std::vector<Block> send, receive;
    on_all(ranks, [&](uint32_t i) {
        Bytes room(expected.size(), 0xEE);
        std::copy(sources[i].begin(), sources[i].end(), room.begin() + static_cast<std::ptrdiff_t>(i * bytes));
        send.emplace_back(sources[i], i * size);
        receive.emplace_back(room, 0);
        void *from = in_place ? receive[i].address(i * bytes) : send[i].address();
        CHECK_STATUS(0, HcclAllGather(from, receive[i].address(), count, id, ranks[i].comm, ranks[i].stream));
    });
    synchronize(ranks);
    for (uint32_t i = 0; i < ranks.size(); i++) {
        check_bytes(sources[i], send[i].take(), "all-gather, send buffer");
        check_bytes(expected, receive[i].take(), "all-gather of type " + std::to_string(id));
    }
}

void check_broadcast(std::vector<Rank> &ranks, HcclDataType id, size_t size, size_t count, uint32_t root) {
    const Bytes expected = make_values(reduced_types()[0], count * size);
    std::vector<Block> blocks;
    on_all(ranks, [&](uint32_t i) {
        blocks.emplace_back(i == root ? expected : Bytes(expected.size(), 0xEE), i * size);
        CHECK_STATUS(0, HcclBroadcast(blocks[i].address(), count, id, root, ranks[i].comm, ranks[i].stream));
    });
    synchronize(ranks);
    for (Block &block : blocks) {
        check_bytes(expected, block.take(), "broadcast of type " + std::to_string(id));
    }
}

// ---- what is tried ----

const HcclReduceOp OPERATORS[] = {HCCL_REDUCE_SUM, HCCL_REDUCE_PROD, HCCL_REDUCE_MAX, HCCL_REDUCE_MIN};

void reductions_of_every_type_and_operator_are_exact(std::vector<Rank> &ranks) {
    for (const Type &type : reduced_types()) {
        for (HcclReduceOp op : OPERATORS) {
            if (op != HCCL_REDUCE_PROD || type.multiplies) {
                check_all_reduce(ranks, type, op, 331, false);
                check_all_reduce(ranks, type, op, 67, true);
                check_reduce_scatter(ranks, type, op, 45, false);
                check_reduce_scatter(ranks, type, op, 31, true);
            }
        }
    }
}

void any_count_is_reduced_whole(std::vector<Rank> &ranks) {
    for (size_t count : {1u, 2u, 7u, 33u, 64u, 513u, 8193u}) {
        check_all_reduce(ranks, reduced_types()[5], HCCL_REDUCE_SUM, count, count % 2 == 0);
        check_all_reduce(ranks, reduced_types()[4], HCCL_REDUCE_SUM, count, count % 2 != 0);
        check_all_reduce(ranks, reduced_types()[0], HCCL_REDUCE_MAX, count, false);
    }
}

void buffers_may_touch(std::vector<Rank> &ranks) {
    const Type &type = reduced_types()[2];
    const Sources sources = make_sources(type, 8, ranks.size());
    std::vector<Block> blocks;
    on_all(ranks, [&](uint32_t i) {
        Bytes both = sources[i];
        both.insert(i % 2 ? both.begin() : both.end(), both.size(), 0xEE);
        blocks.emplace_back(both, 0);
        void *send = blocks[i].address(i % 2 ? 32 : 0), *receive = blocks[i].address(i % 2 ? 0 : 32);
        CHECK_STATUS(0, HcclAllReduce(send, receive, 8, type.id, HCCL_REDUCE_MIN, ranks[i].comm, ranks[i].stream));
    });
    synchronize(ranks);
    for (uint32_t i = 0; i < ranks.size(); i++) {
        Bytes expected = type.reduce(sources, 8, HCCL_REDUCE_MIN);
        expected.insert(i % 2 ? expected.end() : expected.begin(), sources[i].begin(), sources[i].end());
        check_bytes(expected, blocks[i].take(), "buffers side by side");
    }
}

// So much that slices have several pieces, which the pool's threads share where there are more of those than ranks.
void large_data_is_handled_whole(std::vector<Rank> &ranks) {
    check_all_reduce(ranks, reduced_types()[5], HCCL_REDUCE_SUM, 200003, false);
    check_all_reduce(ranks, reduced_types()[5], HCCL_REDUCE_SUM, 1 << 17, false); // whole pieces
    check_all_reduce(ranks, reduced_types()[0], HCCL_REDUCE_SUM, 800003, true);
    check_all_gather(ranks, HCCL_DATA_TYPE_FP32, 4, 100003, false);
    check_broadcast(ranks, HCCL_DATA_TYPE_FP32, 4, 300007, 1);
}

void data_of_any_type_is_moved(std::vector<Rank> &ranks) {
    const std::vector<std::pair<HcclDataType, size_t>> types = {
        {HCCL_DATA_TYPE_INT8, 1},   {HCCL_DATA_TYPE_INT16, 2},   {HCCL_DATA_TYPE_INT32, 4},
        {HCCL_DATA_TYPE_FP16, 2},   {HCCL_DATA_TYPE_FP32, 4},    {HCCL_DATA_TYPE_INT64, 8},
        {HCCL_DATA_TYPE_UINT64, 8}, {HCCL_DATA_TYPE_UINT8, 1},   {HCCL_DATA_TYPE_UINT16, 2},
        {HCCL_DATA_TYPE_UINT32, 4}, {HCCL_DATA_TYPE_FP64, 8},    {HCCL_DATA_TYPE_BFP16, 2},
        {HCCL_DATA_TYPE_HIF8, 1},   {HCCL_DATA_TYPE_FP8E4M3, 1}, {HCCL_DATA_TYPE_FP8E5M2, 1},
        {HCCL_DATA_TYPE_FP8E8M0, 1}};
    uint32_t root = 0;
    for (const auto &[id, size] : types) {
        check_all_gather(ranks, id, size, 333, false);
        check_all_gather(ranks, id, size, 65, true);
        check_broadcast(ranks, id, size, 1001, root);
        check_broadcast(ranks, id, size, 3, root);
        root = (root + 1) % static_cast<uint32_t>(ranks.size());
    }
}

int run_all(const char *simd) {
    setenv("ASCEND_STUB_SIMD", simd, 1);
    setenv("ASCEND_STUB_HBM", "1G", 1);
    setenv("ASCEND_STUB_THREADS", "4", 1);
    setenv("ASCEND_STUB_DEVICES", std::to_string(MOST).c_str(), 1);
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    for (uint32_t count : {1u, 2u, 3u, 8u}) {
        std::vector<Rank> ranks = make_ranks(count);
        reductions_of_every_type_and_operator_are_exact(ranks);
        any_count_is_reduced_whole(ranks);
        data_of_any_type_is_moved(ranks);
        if (count == 2) {
            buffers_may_touch(ranks);
            large_data_is_handled_whole(ranks);
        }
        end_ranks(ranks);
    }
    CHECK_STATUS(0, aclFinalize());
    return check_failures;
}

} // namespace

int main() {
    const pid_t child = fork(); // each instruction set in a process of its own
    if (child == 0) {
        std::exit(run_all("baseline") == 0 ? 0 : 1);
    }
    run_all("avx2");
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}
