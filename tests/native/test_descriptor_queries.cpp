// What the getters say about a tensor, and that their arrays are the caller's to delete[].
#include <cstdint>
#include <vector>

#include "acl/acl.h"
#include "aclnn/aclnn_base.h"
#include "aclnn/opdev/op_errno.h"
#include "check.h"

using Dims = std::vector<int64_t>;
using Getter = aclnnStatus (*)(const aclTensor *, int64_t **, uint64_t *);

static Dims read(Getter getter, const aclTensor *tensor) {
    int64_t *values = nullptr;
    uint64_t size = 0;
    CHECK_STATUS(ACLNN_SUCCESS, getter(tensor, &values, &size));
    const Dims copy(values, values + size);
    delete[] values;
    return copy;
}

static aclTensor *make(const Dims &shape, const int64_t *strides = nullptr, int64_t offset = 0,
                       const Dims &storage = {}, void *data = nullptr) {
    return aclCreateTensor(shape.data(), shape.size(), ACL_FLOAT16, strides, offset, ACL_FORMAT_ND, storage.data(),
                           storage.size(), data);
}

static void getters_give_back_what_was_passed() {
    Dims shape = {2, 3}, strides = {1, 2}, storage = {7};
    aclTensor *tensor = make(shape, strides.data(), 1, storage);
    shape[0] = strides[0] = storage[0] = -1; // the tensor has copies
    CHECK(read(aclGetViewShape, tensor) == (Dims{2, 3}));
    CHECK(read(aclGetViewStrides, tensor) == (Dims{1, 2}));
    CHECK(read(aclGetStorageShape, tensor) == (Dims{7}));
    int64_t offset = 0;
    aclFormat format = ACL_FORMAT_UNDEFINED;
    aclDataType dtype = ACL_DT_UNDEFINED;
    CHECK_STATUS(ACLNN_SUCCESS, aclGetViewOffset(tensor, &offset));
    CHECK_STATUS(ACLNN_SUCCESS, aclGetFormat(tensor, &format));
    CHECK_STATUS(ACLNN_SUCCESS, aclGetDataType(tensor, &dtype));
    CHECK(offset == 1 && format == ACL_FORMAT_ND && dtype == ACL_FLOAT16);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static void absent_strides_are_contiguous() {
    aclTensor *tensor = make({2, 3, 4});
    CHECK(read(aclGetViewStrides, tensor) == (Dims{12, 4, 1}));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static void a_tensor_of_rank_0_has_arrays_of_size_0() {
    aclTensor *tensor = make({});
    CHECK(read(aclGetViewShape, tensor).empty());
    CHECK(read(aclGetViewStrides, tensor).empty());
    CHECK(read(aclGetStorageShape, tensor).empty());
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static void getters_refuse_null() {
    aclTensor *tensor = make({2});
    int64_t *values = nullptr;
    uint64_t size = 0;
    for (Getter getter : {aclGetViewShape, aclGetViewStrides, aclGetStorageShape}) {
        CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, getter(nullptr, &values, &size));
        CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, getter(tensor, nullptr, &size));
        CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, getter(tensor, &values, nullptr));
    }
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclGetViewOffset(tensor, nullptr));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclGetFormat(tensor, nullptr));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclGetDataType(tensor, nullptr));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static aclnnStatus refill(aclTensor *tensor, const Dims &shape, const int64_t *strides, const Dims &storage,
                          void *data) {
    return aclInitTensor(tensor, shape.empty() ? nullptr : shape.data(), shape.size(), ACL_INT8, strides, 3,
                         ACL_FORMAT_NCHW, storage.empty() ? nullptr : storage.data(), storage.size(), data);
}

static void aclInitTensor_replaces_everything() {
    int first = 0, second = 0;
    aclTensor *tensor = make({2, 3}, nullptr, 0, {6}, &first);
    const Dims strides = {1, 5, 0, 2};
    CHECK_STATUS(ACLNN_SUCCESS, refill(tensor, {5, 4, 3, 2}, strides.data(), {9, 8}, &second));
    CHECK(read(aclGetViewShape, tensor) == (Dims{5, 4, 3, 2}));
    CHECK(read(aclGetViewStrides, tensor) == strides);
    CHECK(read(aclGetStorageShape, tensor) == (Dims{9, 8}));
    CHECK_STATUS(ACLNN_SUCCESS, refill(tensor, {7}, nullptr, {7}, nullptr)); // smaller again, and once more from new
    CHECK(read(aclGetViewShape, tensor) == (Dims{7}));
    CHECK(read(aclGetViewStrides, tensor) == (Dims{1}));
    aclDataType dtype = ACL_DT_UNDEFINED;
    int64_t offset = 0;
    void *data = nullptr;
    CHECK_STATUS(ACLNN_SUCCESS, aclGetDataType(tensor, &dtype));
    CHECK_STATUS(ACLNN_SUCCESS, aclGetViewOffset(tensor, &offset));
    CHECK_STATUS(ACLNN_SUCCESS, aclGetRawTensorAddr(tensor, &data));
    CHECK(dtype == ACL_INT8 && offset == 3 && data == &second); // a NULL address keeps the old one
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static void aclInitTensor_keeps_shapes_it_is_not_given() {
    const Dims strides = {1, 2};
    aclTensor *tensor = make({2, 3}, strides.data(), 0, {6});
    CHECK_STATUS(ACLNN_SUCCESS, refill(tensor, {}, nullptr, {}, nullptr));
    CHECK(read(aclGetViewShape, tensor) == (Dims{2, 3}));
    CHECK(read(aclGetViewStrides, tensor) == (Dims{3, 1})); // the strides are not kept
    CHECK(read(aclGetStorageShape, tensor) == (Dims{6}));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, refill(nullptr, {}, nullptr, {}, nullptr));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

int main() {
    getters_give_back_what_was_passed();
    absent_strides_are_contiguous();
    a_tensor_of_rank_0_has_arrays_of_size_0();
    getters_refuse_null();
    aclInitTensor_replaces_everything();
    aclInitTensor_keeps_shapes_it_is_not_given();
    return 0;
}
