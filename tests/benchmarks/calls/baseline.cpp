// What Python is measured against: the same operator calls in C++, in the same process, on the same tensors.
//
// eager   aclCreateTensor for every tensor, both phases, everything destroyed; output memory comes from free lists
// replay  phase two of a repeatable executor
// rebind  the same after its first tensor was given another address
//
// Loaded by baseline.py behind ascend_ops, so that it uses the libraries that are in the process.
#include <malloc.h>
#include <time.h>

#include <cstring>
#include <limits>

#include "baseline_call.h"
#include "native/latch.h"
#if __has_include("ascend_stub/kernel.h")
#include "ascend_stub/kernel.h"
#endif

enum Mode { EAGER, REPLAY, REBIND };

class Case {
  public:
    Case(Recipe recipe, void *other, aclrtStream stream)
        : recipe_(std::move(recipe)), addresses_{other, recipe_.tensors[0].address}, stream_(stream) {}
    Case(const Case &) = delete;
    Case &operator=(const Case &) = delete;
    ~Case() {
        if (executor_ != nullptr) {
            aclDestroyAclOpExecutor(executor_);
            kept_.let_go();
        }
        release_workspace();
    }
    aclnnStatus run(Mode mode, int calls) {
        aclnnStatus status = mode == EAGER || executor_ != nullptr ? ACL_SUCCESS : prepare();
        for (int i = 0; i < calls && status == ACL_SUCCESS; i++) {
            status = mode == EAGER ? eager() : mode == REPLAY ? replay() : rebind(addresses_[i & 1]);
        }
        return status;
    }
    aclrtStream stream() const {
        return stream_;
    }

  private:
    aclnnStatus eager() {
        uint64_t size = 0;
        aclOpExecutor *executor = nullptr;
        passing_.make();
        aclnnStatus status = passing_.plan(&size, &executor);
        if (status == ACL_SUCCESS) {
            status = launch(size, executor);
        }
        passing_.let_go();
        return status;
    }
    aclnnStatus prepare() {
        kept_.make();
        aclnnStatus status = kept_.plan(&kept_size_, &executor_);
        return status == ACL_SUCCESS ? aclSetAclOpExecutorRepeatable(executor_) : status;
    }
    aclnnStatus replay() {
        return launch(kept_size_, executor_);
    }
    aclnnStatus rebind(void *address) {
        const aclnnStatus status = aclSetInputTensorAddr(executor_, 0, kept_.first(), address);
        return status == ACL_SUCCESS ? replay() : status;
    }
    // Calls of one stream share the workspace: they run one after the other.
    aclnnStatus launch(uint64_t size, aclOpExecutor *executor) {
        if (size > workspace_size_) {
            release_workspace();
            workspace_size_ = aclrtMalloc(&workspace_, size, ACL_MEM_MALLOC_HUGE_FIRST) == ACL_SUCCESS ? size : 0;
        }
        return recipe_.op->launch(workspace_, size, executor, stream_);
    }
    void release_workspace() {
        if (workspace_ != nullptr) {
            aclrtSynchronizeStream(stream_);
            aclrtFree(workspace_);
            workspace_ = nullptr;
        }
    }

    Recipe recipe_;
    Descriptors passing_{&recipe_}, kept_{&recipe_};
    void *addresses_[2];
    aclrtStream stream_;
    void *workspace_ = nullptr;
    uint64_t workspace_size_ = 0, kept_size_ = 0;
    aclOpExecutor *executor_ = nullptr;
};

static const Operator *find(const char *name) {
    for (const Operator &each : operators) {
        if (std::strcmp(each.name, name) == 0) {
            return &each;
        }
    }
    return nullptr;
}

static double thread_seconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

extern "C" {

// NULL for an operator that is not in the table. `other` is another address for the first tensor. Makes the first
// calls, which allocate and may wait: later ones do neither, also while the stream is held.
Case *baseline_open(const char *name, const Described *tensors, size_t count, size_t outputs, const int64_t *ints,
                    size_t int_count, void *other, aclrtStream stream) {
    const Operator *op = find(name);
    if (op == nullptr) {
        return nullptr;
    }
    // What a held stream's queue gives back stays with the process, or some batches would pay for pages, others not.
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    Recipe recipe{op, {tensors, tensors + count}, count - outputs, {ints, ints + int_count}, {}};
    for (size_t i = recipe.inputs; i < count; i++) {
        recipe.memory.push_back(std::make_unique<FreeList>(tensors[i].bytes));
    }
    auto opened = std::make_unique<Case>(std::move(recipe), other, stream);
    for (Mode mode : {EAGER, REPLAY, REBIND}) {
        opened->run(mode, 2); // a failure comes back when calls count
    }
    aclrtSynchronizeStream(stream);
    return opened.release();
}

// No work of the case may be queued any more.
void baseline_close(Case *opened) {
    delete opened;
}

// Phase two of the operator, as this library finds it.
void *baseline_entry(const char *name) {
    const Operator *op = find(name);
    return op == nullptr ? nullptr : reinterpret_cast<void *>(op->launch);
}

// Gives an operator of the stand-in a kernel that does nothing; for real operators nothing is to be done.
int baseline_register(const char *name) {
#ifdef ASCEND_STUB_KERNEL_H
    static const stub_kernel nothing = {nullptr, [](const stub_call *) -> aclnnStatus { return ACL_SUCCESS; }};
    return stub_register_kernel(name, &nothing, nullptr, nullptr);
#else
    return name == nullptr;
#endif
}

// Keeps a stream from running what is queued from now on, until it is released. NULL when it cannot.
latch *baseline_hold(aclrtStream stream) {
    auto gate = std::make_unique<latch>(latch LATCH);
    return aclrtLaunchHostFunc(stream, latch_wait, gate.get()) == ACL_SUCCESS ? gate.release() : nullptr;
}

// Lets a stream go on and waits for it.
int baseline_release(latch *gate, aclrtStream stream) {
    latch_open(gate);
    const int status = aclrtSynchronizeStream(stream);
    delete gate;
    return status;
}

// As many calls; the first status other than 0.
int baseline_run(Case *opened, Mode mode, int calls) {
    return opened->run(mode, calls);
}

// CPU time of this thread for one of `calls` calls, in seconds; NaN when one fails.
double baseline_measure(Case *opened, Mode mode, int calls) {
    latch *gate = baseline_hold(opened->stream());
    if (gate == nullptr) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double start = thread_seconds();
    const int status = opened->run(mode, calls);
    const double passed = thread_seconds() - start;
    const int later = baseline_release(gate, opened->stream());
    return status == 0 && later == 0 ? passed / calls : std::numeric_limits<double>::quiet_NaN();
}
}
