/* Creating, sizing and destroying the descriptors of aclnn, from C. Leaks and double frees are for the sanitizers. */
#include <stdbool.h>
#include <stdint.h>

#include "acl/acl.h"
#include "aclnn/aclnn_base.h"
#include "aclnn/opdev/op_errno.h"
#include "check.h"

static aclTensor *new_tensor(void) {
    const int64_t shape[] = {2, 3};
    return aclCreateTensor(shape, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, shape, 2, NULL);
}

static void null_dims_with_a_count_give_no_tensor(void) {
    const int64_t shape[] = {2, 3};
    CHECK(aclCreateTensor(NULL, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, shape, 2, NULL) == NULL);
    CHECK(aclGetRecentErrMsg() != NULL);
    CHECK(aclCreateTensor(shape, 2, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, NULL, 2, NULL) == NULL);
    CHECK(aclGetRecentErrMsg() != NULL);
}

static void a_tensor_of_rank_0_needs_no_dims(void) {
    aclTensor *tensor = aclCreateTensor(NULL, 0, ACL_INT64, NULL, 0, ACL_FORMAT_ND, NULL, 0, NULL);
    CHECK(tensor != NULL);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static void sizes_and_strides_are_not_validated(void) {
    const int64_t shape[] = {-1, INT64_MAX, INT64_MAX};
    const int64_t strides[] = {-7, 0, INT64_MIN};
    aclTensor *explicit_strides = aclCreateTensor(shape, 3, ACL_FLOAT, strides, -5, ACL_FORMAT_ND, shape, 1, NULL);
    aclTensor *computed_strides = aclCreateTensor(shape, 3, (aclDataType)1000, NULL, 0, ACL_FORMAT_ND, shape, 1, NULL);
    CHECK(explicit_strides != NULL && computed_strides != NULL);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(explicit_strides));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(computed_strides));
}

static void the_address_can_be_set_and_read(void) {
    aclTensor *tensor = new_tensor();
    void *address = tensor;
    CHECK_STATUS(ACLNN_SUCCESS, aclGetRawTensorAddr(tensor, &address));
    CHECK(address == NULL);
    CHECK_STATUS(ACLNN_SUCCESS, aclSetRawTensorAddr(tensor, &address));
    CHECK_STATUS(ACLNN_SUCCESS, aclGetRawTensorAddr(tensor, &address));
    CHECK(address == (void *)&address);
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclSetRawTensorAddr(NULL, address));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclGetRawTensorAddr(NULL, &address));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclGetRawTensorAddr(tensor, NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static void scalars_exist_for_types_with_a_c_value(void) {
    static const aclDataType accepted[] = {
        ACL_FLOAT,       ACL_FLOAT16,     ACL_INT8,        ACL_INT32,       ACL_UINT8,       ACL_INT16,
        ACL_UINT16,      ACL_UINT32,      ACL_INT64,       ACL_UINT64,      ACL_DOUBLE,      ACL_BOOL,
        ACL_COMPLEX64,   ACL_COMPLEX128,  ACL_BF16,        ACL_HIFLOAT8,    ACL_FLOAT8_E5M2, ACL_FLOAT8_E4M3FN,
        ACL_FLOAT8_E8M0, ACL_FLOAT6_E3M2, ACL_FLOAT6_E2M3, ACL_FLOAT4_E2M1, ACL_FLOAT4_E1M2,
    };
    static const aclDataType refused[] = {ACL_INT4,         ACL_UINT1,      ACL_STRING,       ACL_COMPLEX32,
                                          ACL_DT_UNDEFINED, (aclDataType)5, (aclDataType)1000};
    double value[2] = {1.0, 2.0};
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        aclScalar *scalar = aclCreateScalar(value, accepted[i]);
        CHECK(scalar != NULL);
        CHECK_STATUS(ACLNN_SUCCESS, aclDestroyScalar(scalar));
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK(aclCreateScalar(value, refused[i]) == NULL);
        CHECK(aclGetRecentErrMsg() != NULL);
    }
    CHECK(aclCreateScalar(NULL, ACL_FLOAT) == NULL);
}

static void a_scalar_reads_no_more_than_its_type(void) {
    uint8_t *byte = malloc(1); /* a sanitizer sees a read beyond it */
    CHECK(byte != NULL);
    *byte = 1;
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyScalar(aclCreateScalar(byte, ACL_BOOL)));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyScalar(aclCreateScalar(byte, ACL_FLOAT4_E2M1)));
    free(byte);
}

static void arrays_know_their_size(void) {
    const int64_t ints[] = {1, 2, 3};
    const float floats[] = {1.0f};
    const bool bools[] = {true, false};
    uint64_t size = 99;
    aclIntArray *int_array = aclCreateIntArray(ints, 3);
    aclFloatArray *float_array = aclCreateFloatArray(floats, 1);
    aclBoolArray *bool_array = aclCreateBoolArray(bools, 2);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetIntArraySize(int_array, &size));
    CHECK(size == 3);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetFloatArraySize(float_array, &size));
    CHECK(size == 1);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetBoolArraySize(bool_array, &size));
    CHECK(size == 2);
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclGetIntArraySize(int_array, NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyIntArray(int_array));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyFloatArray(float_array));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyBoolArray(bool_array));
}

static void null_values_give_an_empty_array(void) {
    uint64_t size = 99;
    aclIntArray *array = aclCreateIntArray(NULL, 0);
    aclFloatArray *counted = aclCreateFloatArray(NULL, 4);
    aclBoolArray *bools = aclCreateBoolArray(NULL, 0);
    aclTensorList *list = aclCreateTensorList(NULL, 0);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetIntArraySize(array, &size));
    CHECK(size == 0);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetFloatArraySize(counted, &size));
    CHECK(size == 0);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetTensorListSize(list, &size));
    CHECK(size == 0);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyIntArray(array));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyFloatArray(counted));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyBoolArray(bools));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensorList(list));
}

static void a_list_destroys_its_elements(void) {
    float value = 1.0f;
    const aclTensor *tensors[] = {new_tensor(), NULL, new_tensor()};
    const aclScalar *scalars[] = {aclCreateScalar(&value, ACL_FLOAT), NULL};
    uint64_t size = 0;
    aclTensorList *tensor_list = aclCreateTensorList(tensors, 3);
    aclScalarList *scalar_list = aclCreateScalarList(scalars, 2);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetTensorListSize(tensor_list, &size));
    CHECK(size == 3);
    CHECK_STATUS(ACLNN_SUCCESS, aclGetScalarListSize(scalar_list, &size));
    CHECK(size == 2);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensorList(tensor_list));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyScalarList(scalar_list));
}

static void destroying_null_is_fine(void) {
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyScalar(NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyIntArray(NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyFloatArray(NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyBoolArray(NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensorList(NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyScalarList(NULL));
}

static void a_handle_of_another_kind_is_refused(void) {
    aclTensor *tensor = new_tensor();
    uint64_t size = 99;
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclDestroyScalar((const aclScalar *)tensor));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclGetIntArraySize((const aclIntArray *)tensor, &size));
    CHECK(size == 99);
    CHECK_STATUS(ACLNN_SUCCESS, aclDestroyTensor(tensor));
}

static void aclnn_may_be_initialised_twice(void) {
    CHECK_STATUS(ACLNN_SUCCESS, aclnnInit(NULL));
    CHECK_STATUS(ACLNN_SUCCESS, aclnnInit("no such file"));
    CHECK_STATUS(ACLNN_SUCCESS, aclnnFinalize());
}

int main(void) {
    null_dims_with_a_count_give_no_tensor();
    a_tensor_of_rank_0_needs_no_dims();
    sizes_and_strides_are_not_validated();
    the_address_can_be_set_and_read();
    scalars_exist_for_types_with_a_c_value();
    a_scalar_reads_no_more_than_its_type();
    arrays_know_their_size();
    null_values_give_an_empty_array();
    a_list_destroys_its_elements();
    destroying_null_is_fine();
    a_handle_of_another_kind_is_refused();
    aclnn_may_be_initialised_twice();
    return 0;
}
