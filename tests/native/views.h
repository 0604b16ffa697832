// Tensors of the test's own in device memory, and operators that touch nothing: what they would touch is what counts.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "acl/acl.h"
#include "ascend_stub/kernel.h"
#include "check.h"

using Dims = std::vector<int64_t>;

struct View {
    void *data;
    Dims shape;
    Dims strides = {}; // elements; none: contiguous
    int64_t offset = 0;
    aclDataType dtype = ACL_INT8;
    aclFormat format = ACL_FORMAT_ND;
    Dims storage = {}; // none: the shape

    aclTensor *make() const {
        const Dims &kept = storage.empty() ? shape : storage;
        return aclCreateTensor(shape.data(), shape.size(), dtype, strides.empty() ? nullptr : strides.data(), offset,
                               format, kept.data(), kept.size(), data);
    }
};

inline uint64_t workspace_wanted;

inline aclnnStatus plan_workspace(const stub_call *, stub_plan *plan) {
    plan->workspace_size = workspace_wanted;
    return 0;
}

inline aclnnStatus touch_nothing(const stub_call *) {
    return 0;
}

inline const stub_kernel idle_kernel = {plan_workspace, touch_nothing};

// Both phases; an argument is a view or, for a list, several.
inline void call(const stub_operator &op, const std::vector<std::vector<View>> &args, aclrtStream stream,
                 void *workspace = nullptr) {
    std::vector<stub_value> values(args.size());
    std::vector<aclTensor *> tensors;
    std::vector<const aclTensorList *> lists;
    for (size_t i = 0; i < args.size(); i++) {
        const size_t first = tensors.size();
        for (const View &view : args[i]) {
            tensors.push_back(view.make());
        }
        if (op.params[i].kind == STUB_TENSOR_LIST) {
            std::vector<aclTensor *> items(tensors.begin() + static_cast<long>(first), tensors.end());
            lists.push_back(aclCreateTensorList(items.data(), items.size()));
            values[i].tensors = lists.back();
            tensors.resize(first);
        } else {
            values[i].tensor = args[i].empty() ? nullptr : tensors.back();
        }
    }
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_STATUS(0, stub_phase_one(&op, values.data(), &size, &executor));
    CHECK_STATUS(0, stub_phase_two(&op, workspace, size, executor, stream));
    for (const aclTensor *tensor : tensors) {
        aclDestroyTensor(tensor);
    }
    for (const aclTensorList *list : lists) {
        aclDestroyTensorList(list);
    }
}

inline const stub_param through_params[] = {{"self", STUB_TENSOR, STUB_IN}, {"out", STUB_TENSOR, STUB_OUT}};
inline const stub_operator through = {"aclnnThrough", through_params, 2, &idle_kernel};

inline const stub_param write_params[] = {{"out", STUB_TENSOR, STUB_OUT}};
inline const stub_operator write_op = {"aclnnWrite", write_params, 1, &idle_kernel};

inline const stub_param read_params[] = {{"self", STUB_TENSOR, STUB_IN}};
inline const stub_operator read_op = {"aclnnRead", read_params, 1, &idle_kernel};
