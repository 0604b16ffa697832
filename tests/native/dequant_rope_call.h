// A call of aclnnDequantRopeQuantKvcache: its arguments by name, and shapes and types to start from.
#ifndef ASCEND_TESTS_DEQUANT_ROPE_CALL_H
#define ASCEND_TESTS_DEQUANT_ROPE_CALL_H

#include "aclnnop/aclnn_dequant_rope_quant_kvcache.h"
#include "vectors.h"

// In the order of the prototype.
inline const char *const inputs[] = {
    "x",
    "cos",
    "sin",
    "kCacheRef",
    "vCacheRef",
    "indices",
    "scaleK",
    "scaleV",
    "offsetKOptional",
    "offsetVOptional",
    "weightScaleOptional",
    "activationScaleOptional",
    "biasOptional",
};
inline const char *const outputs[] = {"qOut", "kOut", "vOut"};

using Tensors = std::map<std::string, TensorPointer>;
using Splits = std::unique_ptr<aclIntArray, decltype(&aclDestroyIntArray)>;

inline Splits make_splits(const std::vector<int64_t> &values) {
    return {aclCreateIntArray(values.data(), values.size()), aclDestroyIntArray};
}

struct Arguments {
    Tensors tensors;
    Splits splits;
    std::string quant_mode = "static", layout = "BSND", cache_mode = "contiguous";
    bool no_texts = false, kv_output = true;

    aclTensor *handle(const char *name) const {
        return handle_of(tensors.at(name));
    }
    // CANN's prototype takes char *.
    char *text(const std::string &value) const {
        return no_texts ? nullptr : const_cast<char *>(value.c_str());
    }
    aclnnStatus phase_one(uint64_t *workspace_size, aclOpExecutor **executor) const {
        return aclnnDequantRopeQuantKvcacheGetWorkspaceSize(
            handle("x"), handle("cos"), handle("sin"), handle("kCacheRef"), handle("vCacheRef"), handle("indices"),
            handle("scaleK"), handle("scaleV"), handle("offsetKOptional"), handle("offsetVOptional"),
            handle("weightScaleOptional"), handle("activationScaleOptional"), handle("biasOptional"), splits.get(),
            text(quant_mode), text(layout), kv_output, text(cache_mode), handle("qOut"), handle("kOut"), handle("vOut"),
            workspace_size, executor);
    }
};

struct Given {
    struct Tensor {
        aclDataType dtype;
        Shape shape;
        bool present;
    };
    std::map<std::string, Tensor> tensors = {
        {"x", {ACL_INT32, {2, 3, 160}, true}},
        {"cos", {ACL_FLOAT16, {2, 3, 1, 32}, true}},
        {"sin", {ACL_FLOAT16, {2, 3, 1, 32}, true}},
        {"kCacheRef", {ACL_INT8, {2, 8, 2, 32}, true}},
        {"vCacheRef", {ACL_INT8, {2, 8, 2, 32}, true}},
        {"indices", {ACL_INT32, {2}, true}},
        {"scaleK", {ACL_FLOAT, {64}, true}},
        {"scaleV", {ACL_FLOAT, {64}, true}},
        {"offsetKOptional", {ACL_FLOAT, {64}, false}},
        {"offsetVOptional", {ACL_FLOAT, {64}, false}},
        {"weightScaleOptional", {ACL_FLOAT, {160}, true}},
        {"activationScaleOptional", {ACL_FLOAT, {6}, false}},
        {"biasOptional", {ACL_FLOAT, {160}, false}},
        {"qOut", {ACL_FLOAT16, {2, 3, 1, 32}, true}},
        {"kOut", {ACL_FLOAT16, {2, 3, 2, 32}, true}},
        {"vOut", {ACL_FLOAT16, {2, 3, 2, 32}, true}},
    };
    std::vector<int64_t> splits = {32, 64, 64};
    std::string quant_mode = "static", layout = "BSND", cache_mode = "contiguous";
    bool no_splits = false, no_texts = false, kv_output = true;
    std::vector<int32_t> indices;

    void type(const char *name, aclDataType dtype) {
        tensors.at(name).dtype = dtype;
    }
    void give(const char *name, Shape shape) {
        tensors.at(name).shape = std::move(shape);
        tensors.at(name).present = true;
    }
    void give_caches(const Shape &shape) {
        give("kCacheRef", shape);
        give("vCacheRef", shape);
    }
    void drop(const char *name) {
        tensors.at(name).present = false;
    }
};

inline Arguments make(const Given &given) {
    Arguments call{{}, make_splits(given.splits)};
    if (given.no_splits) {
        call.splits.reset();
    }
    for (const auto &[name, tensor] : given.tensors) {
        Array array = zeros(tensor.dtype, tensor.shape);
        if (name == "indices" && !given.indices.empty()) {
            std::memcpy(array.bytes.data(), given.indices.data(), array.bytes.size());
        }
        call.tensors[name] = tensor.present ? on_device(&array, Layout::Packed) : nullptr;
    }
    call.quant_mode = given.quant_mode;
    call.layout = given.layout;
    call.cache_mode = given.cache_mode;
    call.no_texts = given.no_texts;
    call.kv_output = given.kv_output;
    return call;
}

#endif
