// One operator call as a C++ program makes it: from descriptors and memory of its own to what phase two is given.
#ifndef ASCEND_TESTS_BASELINE_CALL_H
#define ASCEND_TESTS_BASELINE_CALL_H

#include <memory>
#include <vector>

#include "baseline_operators.h"

constexpr size_t most_axes = 8;

// A contiguous tensor, as calls/baseline.py describes it. Rank -1 stands for NULL.
struct Described {
    int32_t dtype, rank;
    int64_t shape[most_axes], strides[most_axes], elements;
    uint64_t bytes;
    void *address;

    aclTensor *create(void *at) const {
        return rank < 0 ? nullptr
                        : aclCreateTensor(shape, static_cast<uint64_t>(rank), static_cast<aclDataType>(dtype), strides,
                                          0, ACL_FORMAT_ND, &elements, 1, at);
    }
};

// Device memory of one size, allocated once and handed out again and again.
class FreeList {
  public:
    explicit FreeList(uint64_t bytes) : bytes_(bytes > 0 ? bytes : 1) {}
    FreeList(const FreeList &) = delete;
    FreeList &operator=(const FreeList &) = delete;
    ~FreeList() {
        for (void *block : blocks_) {
            aclrtFree(block);
        }
    }
    void *take() {
        void *block = nullptr;
        if (blocks_.empty()) {
            aclrtMalloc(&block, bytes_, ACL_MEM_MALLOC_HUGE_FIRST);
        } else {
            block = blocks_.back();
            blocks_.pop_back();
        }
        return block;
    }
    void give(void *block) {
        blocks_.push_back(block);
    }

  private:
    uint64_t bytes_;
    std::vector<void *> blocks_;
};

// What does not change from call to call.
struct Recipe {
    const Operator *op;
    std::vector<Described> tensors; // the outputs are the last ones
    size_t inputs;
    std::vector<int64_t> ints;
    std::vector<std::unique_ptr<FreeList>> memory; // of the outputs
};

// The descriptors and the output memory of one call; may be made and let go many times.
class Descriptors {
  public:
    explicit Descriptors(Recipe *recipe)
        : recipe_(*recipe), tensors_(recipe->tensors.size()), outputs_(recipe->memory.size()) {}
    Descriptors(const Descriptors &) = delete;
    Descriptors &operator=(const Descriptors &) = delete;
    void make() {
        for (size_t i = 0; i < recipe_.inputs; i++) {
            tensors_[i] = recipe_.tensors[i].create(recipe_.tensors[i].address);
        }
        for (size_t i = 0; i < outputs_.size(); i++) {
            outputs_[i] = recipe_.memory[i]->take();
            tensors_[recipe_.inputs + i] = recipe_.tensors[recipe_.inputs + i].create(outputs_[i]);
        }
        ints_ = recipe_.ints.empty() ? nullptr : aclCreateIntArray(recipe_.ints.data(), recipe_.ints.size());
    }
    aclnnStatus plan(uint64_t *size, aclOpExecutor **executor) const {
        return recipe_.op->plan(tensors_.data(), ints_, size, executor);
    }
    aclTensor *first() const {
        return tensors_.front();
    }
    void let_go() {
        for (aclTensor *tensor : tensors_) {
            if (tensor != nullptr) {
                aclDestroyTensor(tensor);
            }
        }
        if (ints_ != nullptr) {
            aclDestroyIntArray(ints_);
        }
        for (size_t i = 0; i < outputs_.size(); i++) {
            recipe_.memory[i]->give(outputs_[i]);
        }
    }

  private:
    Recipe &recipe_;
    std::vector<aclTensor *> tensors_;
    std::vector<void *> outputs_;
    aclIntArray *ints_ = nullptr;
};

#endif
