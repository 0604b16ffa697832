/* Which data types a product has, whatever the operator: each product in a process of its own. */
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "abs_call.h"
#include "aclnnop/aclnn_cat.h"

static aclnnStatus plan_cat(aclDataType dtype) {
    uint64_t size = 0;
    aclOpExecutor *executor = NULL;
    const aclTensor *items[] = {tensor_of(ACL_FLOAT), tensor_of(dtype)};
    aclTensorList *list = aclCreateTensorList(items, 2);
    aclTensor *result = tensor_of(ACL_FLOAT);
    const aclnnStatus status = aclnnCatGetWorkspaceSize(list, 0, result, &size, &executor);
    if (status == 0) {
        CHECK_STATUS(0, aclDestroyAclOpExecutor(executor));
    }
    CHECK_STATUS(0, aclDestroyTensorList(list));
    CHECK_STATUS(0, aclDestroyTensor(result));
    return status;
}

static bool told(const char *text) {
    const char *all = aclGetRecentErrMsg();
    return all != NULL && strstr(all, text) != NULL;
}

static void check_product(bool has_bf16, bool has_small_floats) {
    static const aclDataType everywhere[] = {ACL_FLOAT, ACL_FLOAT16, ACL_INT8, ACL_DOUBLE,
                                             ACL_BOOL,  ACL_INT64,   ACL_INT4};
    const aclnnStatus bf16 = has_bf16 ? 0 : 161002, small = has_small_floats ? 0 : 161002;
    int32_t attribute = -1;
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice(0));
    CHECK_STATUS(0, stub_register_kernel("aclnnAbs", &nothing, NULL, NULL));
    CHECK_STATUS(0, stub_register_kernel("aclnnCat", &nothing, NULL, NULL));
    for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++) {
        CHECK_STATUS(0, plan_abs(everywhere[i], everywhere[i]));
    }
    CHECK_STATUS(bf16, plan_abs(ACL_BF16, ACL_FLOAT));
    CHECK(has_bf16 || told("aclnnAbs: the data type of self (BF16 [4]) is not supported on Atlas "));
    CHECK_STATUS(bf16, plan_abs(ACL_FLOAT, ACL_BF16));
    CHECK(has_bf16 || told("of out (BF16 [4])"));
    CHECK_STATUS(bf16, plan_cat(ACL_BF16));
    CHECK(has_bf16 || told("Atlas A2, Atlas A3 and Ascend 950 have it"));
    for (int dtype = ACL_HIFLOAT8; dtype <= ACL_FLOAT4_E1M2; dtype++) {
        CHECK_STATUS(small, plan_abs((aclDataType)dtype, ACL_FLOAT));
        CHECK(has_small_floats || told("Ascend 950 has it"));
    }
    CHECK_STATUS(small, plan_cat(ACL_FLOAT8_E4M3FN));
    CHECK_STATUS(ACL_SUCCESS, aclGetCannAttribute(ACL_CANN_ATTR_BF16, &attribute));
    CHECK(attribute == has_bf16);
}

static void play(const char *product, bool has_bf16, bool has_small_floats) {
    int status = 0;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        check_failures = 0; /* its own */
        setenv("ASCEND_STUB_SOC", product, 1);
        check_product(has_bf16, has_small_floats);
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "ASCEND_STUB_SOC=%s: status 0x%x\n", product, status);
        check_failed();
    }
}

int main(void) {
    play("Ascend910B3", true, false);
    play("Ascend910_9391", true, false);
    play("Ascend310P3", false, false);
    play("Ascend910A", false, false);
    play("Ascend950PR_9579", true, true);
    return 0;
}
