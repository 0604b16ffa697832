/* Initialisation, versions, error texts, data types, properties and options, from C. */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "acl/acl.h"
#include "check.h"

static char calls[64]; /* one letter per callback that ran */

static void note(char letter) {
    size_t length = strlen(calls);
    if (length + 1 < sizeof calls) {
        calls[length] = letter;
        calls[length + 1] = '\0';
    }
}

static int on_init(const char *config, size_t length, void *user) {
    CHECK(config != NULL && strlen(config) == length);
    note(*(const char *)user);
    return 0;
}

static int failing_init(const char *config, size_t length, void *user) {
    (void)config;
    (void)length;
    (void)user;
    return 4711;
}

static int on_finalize(void *user) {
    note(*(const char *)user);
    return 0;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

/* CANN only tests a "finalized" flag. */
static void finalize_before_init_succeeds_once(void) {
    uint64_t left = 77;
    CHECK_STATUS(ACL_ERROR_REPEAT_FINALIZE, aclFinalizeReference(&left));
    CHECK(left == 0);
    CHECK_STATUS(ACL_SUCCESS, aclFinalize());
    CHECK_STATUS(ACL_ERROR_REPEAT_FINALIZE, aclFinalize());
}

static void unusable_configurations_are_refused(void) {
    char path[] = "/tmp/ascend-stub-test-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0);
    close(file);
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, aclInit("/no/such/acl.json"));
    CHECK(strstr(aclGetRecentErrMsg(), "/no/such/acl.json") != NULL);
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, aclInit("/"));
    write_file(path, "{\"a\": [1, 2}");
    CHECK_STATUS(ACL_ERROR_PARSE_FILE, aclInit(path));
    write_file(path, "[[[[[[[[[[[]]]]]]]]]]]");
    CHECK_STATUS(ACL_ERROR_PARSE_FILE, aclInit(path));
    write_file(path, "{\"a\": {\"a\": {\"a\": {\"a\": {\"a\": {\"a\": {\"a\": {\"a\": {\"a\": {\"a\": {}}}}}}}}}}}");
    CHECK_STATUS(ACL_ERROR_PARSE_FILE, aclInit(path));
    write_file(path, "{\"defaultDevice\": {\"default_device\": \"0\"}}");
    CHECK_STATUS(ACL_ERROR_COMPILING_STUB_MODE, aclInit(path));
    unlink(path);
}

static void callbacks_run_once_per_initialisation(void) {
    static char model = 'm', executor = 'x', first = '1', second = '2', end = 'e';
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclInitCallbackRegister(ACL_REG_TYPE_ACL_MODEL, NULL, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackRegister(ACL_REG_TYPE_OTHER, on_init, &first));
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackRegister(ACL_REG_TYPE_OTHER, on_init, &second));
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackRegister(ACL_REG_TYPE_ACL_MODEL, on_init, &model));
    CHECK_STATUS(ACL_ERROR_INTERNAL_ERROR, aclInitCallbackRegister(ACL_REG_TYPE_ACL_MODEL, on_init, &model));
    CHECK(strstr(aclGetRecentErrMsg(), "aclInitCallbackRegister: type 0") != NULL);
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackRegister(ACL_REG_TYPE_ACL_OP_EXECUTOR, on_init, &executor));
    CHECK_STATUS(ACL_SUCCESS, aclFinalizeCallbackRegister(ACL_REG_TYPE_ACL_MODEL, on_finalize, &end));
    CHECK_STATUS(ACL_SUCCESS, aclInit(NULL));
    CHECK(strcmp(calls, "m12") == 0); /* no configuration file: nothing for the operator executor */
    CHECK_STATUS(ACL_ERROR_REPEAT_INITIALIZE, aclInit(NULL));
    CHECK(strcmp(calls, "m12") == 0);
}

static void the_last_reference_finalizes(void) {
    uint64_t left = 77;
    CHECK_STATUS(ACL_SUCCESS, aclFinalizeReference(&left));
    CHECK(left == 1 && strcmp(calls, "m12") == 0);
    CHECK_STATUS(ACL_SUCCESS, aclFinalizeReference(&left));
    CHECK(left == 0 && strcmp(calls, "m12e") == 0);
    CHECK_STATUS(ACL_ERROR_REPEAT_FINALIZE, aclFinalizeReference(NULL));
    CHECK_STATUS(ACL_ERROR_REPEAT_FINALIZE, aclFinalize());
}

static void callbacks_can_be_removed(void) {
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackUnRegister(ACL_REG_TYPE_OTHER, on_init));
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackUnRegister(ACL_REG_TYPE_OTHER, on_init));
    CHECK_STATUS(ACL_ERROR_INTERNAL_ERROR, aclInitCallbackUnRegister(ACL_REG_TYPE_OTHER, on_init));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclInitCallbackUnRegister(ACL_REG_TYPE_OTHER, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackUnRegister(ACL_REG_TYPE_ACL_MODEL, on_init));
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackUnRegister(ACL_REG_TYPE_ACL_OP_EXECUTOR, on_init));
    CHECK_STATUS(ACL_ERROR_INTERNAL_ERROR, aclFinalizeCallbackUnRegister(ACL_REG_TYPE_OTHER, on_finalize));
    CHECK_STATUS(ACL_SUCCESS, aclFinalizeCallbackUnRegister(ACL_REG_TYPE_ACL_MODEL, on_finalize));
}

static void a_failing_callback_fails_init(void) {
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackRegister(ACL_REG_TYPE_ACL_DVPP, failing_init, NULL));
    CHECK_STATUS(4711, aclInit(NULL));
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackUnRegister(ACL_REG_TYPE_ACL_DVPP, failing_init));
}

static void init_after_finalize_wants_the_same_configuration(void) {
    static char late = 'l';
    char path[] = "/tmp/ascend-stub-test-XXXXXX";
    close(mkstemp(path));
    write_file(path, "{}");
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclInit(path));
    unlink(path);
    CHECK_STATUS(ACL_SUCCESS, aclInit(""));
    calls[0] = '\0';
    CHECK_STATUS(ACL_SUCCESS, aclInitCallbackRegister(ACL_REG_TYPE_OTHER, on_init, &late));
    CHECK(strcmp(calls, "l") == 0); /* the process is initialised already */
    CHECK_STATUS(ACL_SUCCESS, aclFinalize());
    CHECK_STATUS(ACL_SUCCESS, aclInit(NULL));
}

static void the_version_is_that_of_cann_9_1(void) {
    int32_t major = 0, minor = 0, patch = -1, number = 0;
    char text[128] = "";
    char runtime[] = "runtime", unknown[] = "no-such-package", spelled[] = "ops_nn", driver[] = "driver";
    aclCANNPackageVersion version;
    CHECK_STATUS(ACL_SUCCESS, aclrtGetVersion(&major, &minor, &patch));
    CHECK(major == 1 && minor == 17 && patch == 0);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtGetVersion(&major, NULL, &patch));
    CHECK_STATUS(ACL_SUCCESS, aclsysGetVersionNum(runtime, &number));
    CHECK(number == 90100000);
    CHECK_STATUS(ACL_SUCCESS, aclsysGetVersionStr(runtime, text));
    CHECK(strcmp(text, "9.1.0") == 0);
    CHECK_STATUS(ACL_SUCCESS, aclsysGetVersionNum(spelled, &number));
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, aclsysGetVersionNum(unknown, &number));
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, aclsysGetVersionStr(driver, text));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclsysGetVersionStr(runtime, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version));
    CHECK(strcmp(version.version, "9.1.0") == 0 && strcmp(version.majorVersion, "9") == 0);
    CHECK(strcmp(version.minorVersion, "1") == 0 && strcmp(version.releaseVersion, "0") == 0);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclsysGetCANNVersion((aclCANNPackageName)99, &version));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclsysGetCANNVersion(ACL_PKG_NAME_CANN, NULL));
}

static void *fail_in_a_thread(void *unused) {
    (void)unused;
    CHECK(aclGetRecentErrMsg() == NULL);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFree(NULL));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMemset(&check_failures, 4, 0, 4));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL));
    return NULL;
}

static void error_texts_belong_to_their_thread(void) {
    pthread_t thread;
    while (aclGetRecentErrMsg() != NULL) {
    }
    CHECK(pthread_create(&thread, NULL, fail_in_a_thread, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK(aclGetRecentErrMsg() == NULL);
    CHECK_STATUS(ACL_SUCCESS, aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL));
}

static void error_texts_come_newest_first_and_once(void) {
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFree(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFreeHost(NULL));
    const char *text = aclGetRecentErrMsg();
    const char *older = strstr(text, "aclrtFree:");
    CHECK(strncmp(text, "aclrtFreeHost:", strlen("aclrtFreeHost:")) == 0);
    CHECK(older != NULL && older > text && older[-1] == '\n');
    CHECK(aclGetRecentErrMsg() == NULL);
}

static void the_list_of_error_texts_is_bounded(void) {
    for (int i = 0; i < 2000; i++) {
        aclrtFree(NULL);
    }
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFreeHost(NULL));
    const char *text = aclGetRecentErrMsg();
    CHECK(strlen(text) < 20000);
    CHECK(strncmp(text, "aclrtFreeHost:", strlen("aclrtFreeHost:")) == 0);
}

static void the_last_error_is_a_runtime_status(void) {
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFree(NULL)); /* not the runtime's */
    CHECK_STATUS(ACL_SUCCESS, aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMemset(&check_failures, 4, 0, 4));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetLastError(ACL_RT_THREAD_LEVEL));
    CHECK_STATUS(ACL_SUCCESS, aclrtGetLastError(ACL_RT_THREAD_LEVEL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtGetLastError((aclrtLastErrLevel)1));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtPeekAtLastError((aclrtLastErrLevel)-1));
}

static void data_type_sizes_are_canns(void) {
    static const struct {
        int type;
        size_t bytes;
    } sizes[] = {{-1, 0}, {0, 4},  {1, 2},  {2, 1},  {3, 4},   {4, 1},  {6, 2},  {7, 2},  {8, 4},  {9, 8},   {10, 8},
                 {11, 8}, {12, 1}, {13, 0}, {16, 8}, {17, 16}, {27, 2}, {29, 1}, {30, 1}, {33, 4}, {34, 1},  {35, 1},
                 {36, 1}, {37, 1}, {38, 8}, {39, 8}, {40, 8},  {41, 8}, {5, 8},  {14, 8}, {28, 8}, {1000, 8}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK(aclDataTypeSize((aclDataType)sizes[i].type) == sizes[i].bytes);
    }
}

/* Every exponent is an ordinary one: no infinity, no NaN. */
static void half_to_float_is_the_formula(void) {
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        int exponent = (int)(bits >> 10 & 31);
        double fraction = (double)(bits & 1023);
        double expected = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
        expected = (bits & 0x8000) != 0 ? -expected : expected;
        float value = aclFloat16ToFloat((aclFloat16)bits);
        CHECK((double)value == expected && (signbit(value) != 0) == ((bits & 0x8000) != 0));
    }
    CHECK(aclFloat16ToFloat(0x7C00) == 65536.0f && aclFloat16ToFloat(0x7E00) == 98304.0f);
}

/* The reference rounds to the grid of half precision in double arithmetic (rint: ties to even), then saturates. */
static aclFloat16 half_of(float value) {
    double size = fabs((double)value);
    int exponent = 0;
    unsigned sign = signbit(value) ? 0x8000u : 0;
    if (!(size < 65504.0)) {
        return (aclFloat16)(sign | 0x7BFF);
    }
    frexp(size, &exponent); /* size = f * 2^exponent with f in [0.5, 1) */
    int unit = exponent - 11 < -24 || size == 0 ? -24 : exponent - 11;
    double units = rint(ldexp(size, -unit));
    if (units >= 2048) {
        units /= 2;
        unit++;
    }
    unsigned bits = units < 1024 ? (unsigned)units : ((unsigned)(unit + 25) << 10) + (unsigned)units - 1024;
    return (aclFloat16)(sign | (bits > 0x7BFF ? 0x7BFFu : bits));
}

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void float_to_half_rounds_to_even_and_saturates(void) {
    CHECK(aclFloatToFloat16(INFINITY) == 0x7BFF && aclFloatToFloat16(-INFINITY) == 0xFBFF);
    CHECK(aclFloatToFloat16(NAN) == 0x7BFF && aclFloatToFloat16(-0.0f) == 0x8000);
    CHECK(aclFloatToFloat16(65520.0f) == 0x7BFF && aclFloatToFloat16(1e30f) == 0x7BFF);
    for (uint32_t half = 0; half < 0x7C00; half++) { /* every value, and the neighbourhood of every midpoint */
        float low = aclFloat16ToFloat((aclFloat16)half);
        float middle = (low + aclFloat16ToFloat((aclFloat16)(half + 1))) / 2;
        CHECK(aclFloatToFloat16(low) == half && aclFloatToFloat16(-low) == (half | 0x8000));
        CHECK(aclFloatToFloat16(middle) == half_of(middle));
        CHECK(aclFloatToFloat16(nextafterf(middle, 0)) == half_of(nextafterf(middle, 0)));
        CHECK(aclFloatToFloat16(nextafterf(middle, 1e9f)) == half_of(nextafterf(middle, 1e9f)));
    }
    uint32_t bits = 1;
    for (int i = 0; i < 1000000; i++) {
        bits = bits * 1664525u + 1013904223u;
        float value = float_of_bits(bits);
        if (!isnan(value)) {
            CHECK(aclFloatToFloat16(value) == half_of(value));
        }
    }
}

static void a_data_buffer_keeps_address_and_size(void) {
    int data = 0;
    aclDataBuffer *buffer = aclCreateDataBuffer(&data, (size_t)5 << 32);
    CHECK(aclGetDataBufferAddr(buffer) == (void *)&data);
    CHECK(aclGetDataBufferSizeV2(buffer) == (size_t)5 << 32);
    CHECK_STATUS(ACL_SUCCESS, aclUpdateDataBuffer(buffer, NULL, 3));
    CHECK(aclGetDataBufferAddr(buffer) == NULL && aclGetDataBufferSizeV2(buffer) == 3);
    CHECK_STATUS(ACL_SUCCESS, aclDestroyDataBuffer(buffer));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclDestroyDataBuffer(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclUpdateDataBuffer(NULL, NULL, 0));
    CHECK(aclGetDataBufferAddr(NULL) == NULL && aclGetDataBufferSizeV2(NULL) == 0);
}

static void the_product_is_the_one_asked_for(void) {
    aclrtRunMode mode = ACL_DEVICE;
    int64_t value = 0;
    CHECK(strcmp(aclrtGetSocName(), "Ascend910B3") == 0);
    CHECK_STATUS(ACL_SUCCESS, aclrtGetRunMode(&mode));
    CHECK(mode == ACL_HOST);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtGetRunMode(NULL));
    CHECK_STATUS(ACL_SUCCESS, aclGetDeviceCapability(0, ACL_DEVICE_INFO_AI_CORE_NUM, &value));
    CHECK(value == 20);
    CHECK_STATUS(ACL_SUCCESS, aclGetDeviceCapability(1, ACL_DEVICE_INFO_VECTOR_CORE_NUM, &value));
    CHECK(value == 40);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclGetDeviceCapability(2, ACL_DEVICE_INFO_L2_SIZE, &value));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclGetDeviceCapability(0, ACL_DEVICE_INFO_UNDEFINED, &value));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclGetDeviceCapability(0, ACL_DEVICE_INFO_L2_SIZE, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtGetDeviceInfo(0, ACL_DEV_ATTR_NPU_ARCH, &value));
    CHECK(value == 2201);
    CHECK_STATUS(ACL_SUCCESS, aclrtGetDeviceInfo(0, ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE, &value));
    CHECK(value == (int64_t)1 << 30);
    CHECK_STATUS(ACL_SUCCESS, aclrtGetDeviceInfo(0, ACL_DEV_ATTR_WARP_SIZE, &value));
    CHECK(value == 0);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtGetDeviceInfo(0, (aclrtDevAttr)999, &value));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtGetDeviceInfo(2, ACL_DEV_ATTR_NPU_ARCH, &value));
}

static void an_a2_has_bf16_and_infinities(void) {
    const aclCannAttr *list = NULL;
    size_t count = 0;
    int32_t value = 0;
    aclrtFloatOverflowMode mode = ACL_RT_OVERFLOW_MODE_UNDEF;
    CHECK_STATUS(ACL_SUCCESS, aclGetCannAttributeList(&list, &count));
    CHECK(count == 3 && list[0] == ACL_CANN_ATTR_INF_NAN && list[1] == ACL_CANN_ATTR_BF16);
    CHECK_STATUS(ACL_SUCCESS, aclGetCannAttribute(ACL_CANN_ATTR_BF16, &value));
    CHECK(value == 1);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclGetCannAttribute(ACL_CANN_ATTR_UNDEFINED, &value));
    CHECK_STATUS(ACL_SUCCESS, aclrtGetDeviceSatMode(&mode));
    CHECK(mode == ACL_RT_OVERFLOW_MODE_INFNAN);
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_INFNAN));
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_SATURATION));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_UNDEF));
}

static void options_have_a_process_and_a_context_value(void) {
    int64_t value = 77;
    CHECK_STATUS(ACL_SUCCESS, aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    CHECK(value == 0);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtSetSysParamOpt((aclSysParamOpt)3, 1));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtSetSysParamOpt(ACL_OPT_DETERMINISTIC, 2));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, NULL));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1));
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice(0));
    CHECK_STATUS(ACL_ERROR_RT_SYSPARAMOPT_NOT_SET, aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    CHECK_STATUS(ACL_SUCCESS, aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1));
    CHECK_STATUS(ACL_SUCCESS, aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    CHECK(value == 1);
    CHECK_STATUS(ACL_SUCCESS, aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    CHECK(value == 1); /* CANN writes it through */
    CHECK_STATUS(ACL_SUCCESS, aclrtSetSysParamOpt(ACL_OPT_DETERMINISTIC, 0));
    CHECK_STATUS(ACL_SUCCESS, aclrtResetDevice(0));
}

static void what_is_missing_says_so(void) {
    CHECK_STATUS(ACL_ERROR_COMPILING_STUB_MODE, aclrtCtxGetFloatOverflowAddr(NULL));
    CHECK(strstr(aclGetRecentErrMsg(), "aclrtCtxGetFloatOverflowAddr") != NULL);
}

int main(void) {
    setenv("ASCEND_STUB_SOC", "Ascend910B3", 1);
    setenv("ASCEND_STUB_DEVICES", "2", 1);
    setenv("ASCEND_STUB_HBM", "1G", 1);
    finalize_before_init_succeeds_once();
    unusable_configurations_are_refused();
    callbacks_run_once_per_initialisation();
    the_last_reference_finalizes();
    callbacks_can_be_removed();
    a_failing_callback_fails_init();
    init_after_finalize_wants_the_same_configuration();
    the_version_is_that_of_cann_9_1();
    error_texts_belong_to_their_thread();
    error_texts_come_newest_first_and_once();
    the_list_of_error_texts_is_bounded();
    the_last_error_is_a_runtime_status();
    data_type_sizes_are_canns();
    half_to_float_is_the_formula();
    float_to_half_rounds_to_even_and_saturates();
    a_data_buffer_keeps_address_and_size();
    the_product_is_the_one_asked_for();
    an_a2_has_bf16_and_infinities();
    options_have_a_process_and_a_context_value();
    what_is_missing_says_so();
    return 0;
}
