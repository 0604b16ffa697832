// Descriptors with hostile numbers: negative and overflowing dimensions, strides and offsets, views larger than their
// memory, addresses that are null, freed, the host's or nobody's. No operator touches a byte outside of its tensors'
// memory: the blocks between them are freed again and hold a pattern, which stays.
#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_ascend_anti_quant.h"
#include "aclnnop/aclnn_dequant_rope_quant_kvcache.h"
#include "aclnnop/aclnn_dynamic_quant_v2.h"
#include "aclnnop/aclnn_nsa_compress.h"
#include "aclnnop/aclnn_trans_matmul_weight.h"
#include "aclnnop/aclnn_trans_quant_param_v2.h"
#include "check.h"

extern "C" void *stub_shadow(const void *address); // where the bytes of a device address are, freed or not

namespace {

constexpr int rounds = 2000;    // of every operator
constexpr size_t bytes = 16384; // of every block, which no tensor below fills
constexpr int most_tensors = 16;
constexpr unsigned char pattern = 0xA7;

// Blocks of one size class, one behind the other: tensors in every second one, nobody in the others.
class Memory {
  public:
    Memory() {
        for (void *&block : blocks_) {
            CHECK_STATUS(0, aclrtMalloc(&block, bytes - 64, ACL_MEM_MALLOC_HUGE_FIRST));
        }
        std::sort(std::begin(blocks_), std::end(blocks_));
        for (int i = 0; i <= most_tensors; i++) {
            std::memset(stub_shadow(blocks_[2 * i]), pattern, bytes);
            CHECK_STATUS(0, aclrtFree(blocks_[2 * i]));
        }
        for (int i = 0; i < most_tensors; i++) {
            CHECK(static_cast<char *>(blocks_[2 * i + 1]) - static_cast<char *>(blocks_[2 * i]) == bytes);
            std::memset(stub_shadow(block(i)), 0, bytes);
        }
    }
    ~Memory() {
        for (int i = 0; i < most_tensors; i++) {
            CHECK_STATUS(0, aclrtFree(block(i)));
        }
    }
    char *block(int i) const {
        return static_cast<char *>(blocks_[2 * i + 1]);
    }
    void *freed() const {
        return blocks_[0];
    }
    bool is_untouched() const {
        for (int i = 0; i <= most_tensors; i++) {
            if (!is_pattern(blocks_[2 * i])) {
                return false;
            }
        }
        return true;
    }

  private:
    static bool is_pattern(const void *block) {
        const unsigned char *at = static_cast<unsigned char *>(stub_shadow(block));
        return std::all_of(at, at + bytes, [](unsigned char byte) { return byte == pattern; });
    }
    void *blocks_[2 * most_tensors + 1] = {};
};

struct Numbers {
    aclDataType dtype;
    std::vector<int64_t> shape;
    std::vector<int64_t> strides = {}, storage = {};
    int64_t offset = 0;
    aclFormat format = ACL_FORMAT_ND;
    void *address = nullptr;
};

struct Operator {
    const char *name;
    std::vector<Numbers> tensors;
    std::function<aclnnStatus(aclTensor *const *, uint64_t *, aclOpExecutor **)> phase_one;
    aclnnStatus (*phase_two)(void *, uint64_t, aclOpExecutor *, aclrtStream);
};

char *text(const char *value) { // CANN's prototypes take char *
    return const_cast<char *>(value);
}

std::vector<Operator> operators(const aclIntArray *sizes, const aclIntArray *splits) {
    return {
        {"DynamicQuantV2",
         {{ACL_FLOAT16, {4, 64}}, {ACL_FLOAT16, {64}}, {ACL_INT8, {4, 64}}, {ACL_FLOAT, {4}}, {ACL_FLOAT, {4}}},
         [](aclTensor *const *t, uint64_t *size, aclOpExecutor **executor) {
             return aclnnDynamicQuantV2GetWorkspaceSize(t[0], t[1], nullptr, ACL_INT8, t[2], t[3], t[4], size,
                                                        executor);
         },
         aclnnDynamicQuantV2},
        {"AscendAntiQuant",
         {{ACL_INT8, {4, 64}}, {ACL_FLOAT, {64}}, {ACL_FLOAT, {64}}, {ACL_FLOAT16, {4, 64}}},
         [](aclTensor *const *t, uint64_t *size, aclOpExecutor **executor) {
             return aclnnAscendAntiQuantGetWorkspaceSize(t[0], t[1], t[2], ACL_FLOAT16, false, t[3], size, executor);
         },
         aclnnAscendAntiQuant},
        {"NsaCompress",
         {{ACL_FLOAT16, {32, 2, 16}}, {ACL_FLOAT16, {16, 2}}, {ACL_FLOAT16, {2, 2, 16}}},
         [sizes](aclTensor *const *t, uint64_t *size, aclOpExecutor **executor) {
             return aclnnNsaCompressGetWorkspaceSize(t[0], t[1], sizes, text("TND"), 16, 16, 0, t[2], size, executor);
         },
         aclnnNsaCompress},
        {"DequantRopeQuantKvcache",
         {{ACL_INT32, {2, 3, 160}},
          {ACL_FLOAT16, {2, 3, 1, 32}},
          {ACL_FLOAT16, {2, 3, 1, 32}},
          {ACL_INT8, {2, 8, 2, 32}},
          {ACL_INT8, {2, 8, 2, 32}},
          {ACL_INT32, {2}},
          {ACL_FLOAT, {64}},
          {ACL_FLOAT, {64}},
          {ACL_FLOAT, {160}},
          {ACL_FLOAT16, {2, 3, 1, 32}},
          {ACL_FLOAT16, {2, 3, 2, 32}},
          {ACL_FLOAT16, {2, 3, 2, 32}}},
         [splits](aclTensor *const *t, uint64_t *size, aclOpExecutor **executor) {
             return aclnnDequantRopeQuantKvcacheGetWorkspaceSize(
                 t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], nullptr, nullptr, t[8], nullptr, nullptr, splits,
                 text("static"), text("BSND"), true, text("contiguous"), t[9], t[10], t[11], size, executor);
         },
         aclnnDequantRopeQuantKvcache},
        {"TransMatmulWeight",
         {{ACL_FLOAT16, {32, 48}}},
         [](aclTensor *const *t, uint64_t *size, aclOpExecutor **executor) {
             return aclnnTransMatmulWeightGetWorkspaceSize(t[0], size, executor);
         },
         aclnnTransMatmulWeight},
        {"TransQuantParamV2",
         {{ACL_FLOAT, {64}}, {ACL_FLOAT, {64}}, {ACL_UINT64, {64}}},
         [](aclTensor *const *t, uint64_t *size, aclOpExecutor **executor) {
             return aclnnTransQuantParamV2GetWorkspaceSize(t[0], t[1], t[2], size, executor);
         },
         aclnnTransQuantParamV2},
    };
}

class Attack {
  public:
    Attack(const Memory &memory, unsigned seed) : memory_(memory), random_(seed) {}

    // True when phase two took the call.
    bool run(const Operator &op, aclrtStream stream) {
        std::vector<Numbers> numbers = op.tensors;
        for (size_t i = 0; i < numbers.size(); i++) {
            make_sound(&numbers[i], static_cast<int>(i));
        }
        const size_t count = 1 + below(2);
        for (size_t i = 0; i < count; i++) {
            spoil(&numbers[below(numbers.size())]);
        }
        return call(op, numbers, stream);
    }

  private:
    size_t below(size_t count) {
        return random_() % count;
    }
    int64_t number() {
        static const int64_t hostile[] = {0,
                                          1,
                                          2,
                                          3,
                                          7,
                                          -1,
                                          -2,
                                          -64,
                                          4095,
                                          8192,
                                          1 << 20,
                                          INT32_MAX,
                                          INT32_MIN,
                                          int64_t{1} << 32,
                                          INT64_MAX,
                                          INT64_MIN,
                                          INT64_MAX / 2,
                                          -(int64_t{1} << 40)};
        return hostile[below(sizeof hostile / sizeof *hostile)];
    }
    void make_sound(Numbers *n, int place) const {
        int64_t step = 1;
        n->strides.resize(n->shape.size());
        for (size_t i = n->shape.size(); i-- > 0; step *= n->shape[i]) {
            n->strides[i] = step;
        }
        n->storage = n->shape;
        n->address = memory_.block(place);
    }
    void spoil_one(std::vector<int64_t> *values) {
        if (!values->empty()) {
            (*values)[below(values->size())] = number();
        }
    }
    void spoil(Numbers *n) {
        static const aclDataType dtypes[] = {
            ACL_FLOAT,       ACL_INT64, ACL_INT4, ACL_BOOL, ACL_COMPLEX128, ACL_STRING, static_cast<aclDataType>(63),
            ACL_DT_UNDEFINED};
        static const aclFormat formats[] = {ACL_FORMAT_FRACTAL_NZ, ACL_FORMAT_NC1HWC0, static_cast<aclFormat>(60)};
        void *const addresses[] = {nullptr,
                                   memory_.freed(),
                                   static_cast<char *>(n->address) + bytes - 64,
                                   static_cast<char *>(n->address) + 1,
                                   n,
                                   reinterpret_cast<void *>(16)};
        switch (below(8)) {
        case 0:
            return spoil_one(&n->shape);
        case 1:
        case 2:
            return spoil_one(&n->strides);
        case 3:
            n->offset = number();
            return;
        case 4:
            return spoil_one(&n->storage);
        case 5:
            n->address = addresses[below(6)];
            return;
        case 6:
            n->dtype = dtypes[below(8)];
            return;
        default:
            n->format = formats[below(3)];
            return spoil_one(&n->storage);
        }
    }
    bool call(const Operator &op, const std::vector<Numbers> &numbers, aclrtStream stream) {
        std::vector<aclTensor *> tensors;
        for (const Numbers &n : numbers) {
            tensors.push_back(aclCreateTensor(n.shape.data(), n.shape.size(), n.dtype, n.strides.data(), n.offset,
                                              n.format, n.storage.data(), n.storage.size(), n.address));
        }
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        bool taken = op.phase_one(tensors.data(), &size, &executor) == 0;
        if (taken) {
            void *workspace = nullptr;
            taken = size == 0 || aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST) == 0;
            taken = op.phase_two(workspace, size, executor, stream) == 0 && taken;
            aclrtSynchronizeStream(stream);
            aclrtFree(workspace);
        }
        for (aclTensor *tensor : tensors) {
            aclDestroyTensor(tensor);
        }
        return taken;
    }

    const Memory &memory_;
    std::mt19937 random_;
};

void no_operator_touches_memory_outside_of_its_tensors(const Operator &op, aclrtStream stream) {
    Memory memory;
    Attack attack(memory, 6);
    int taken = 0;
    for (int round = 0; round < rounds; round++) {
        taken += attack.run(op, stream) ? 1 : 0;
    }
    if (!memory.is_untouched() || taken == 0 || taken == rounds) {
        std::fprintf(stderr, "%s: %d of %d calls were taken\n", op.name, taken, rounds);
    }
    CHECK(memory.is_untouched());
    CHECK(taken > 0 && taken < rounds); // some get as far as the kernel, some are refused
}

} // namespace

int main() {
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    aclrtStream stream = nullptr;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    const int64_t lengths[] = {32}, widths[] = {32, 64, 64};
    aclIntArray *sizes = aclCreateIntArray(lengths, 1), *splits = aclCreateIntArray(widths, 3);
    for (const Operator &op : operators(sizes, splits)) {
        no_operator_touches_memory_outside_of_its_tensors(op, stream);
    }
    aclDestroyIntArray(sizes);
    aclDestroyIntArray(splits);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
