/* The environment variables of the stand-in, each case in a process of its own: they are read once. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "acl/acl.h"
#include "check.h"

/* Runs `act` in a child with one more variable; true when it exits with 0. Its standard error goes to `text`. */
static bool run_with(const char *name, const char *value, int (*act)(void), char *text, size_t size) {
    int ends[2];
    int status = 0;
    size_t length = 0;
    ssize_t got = 0;
    CHECK(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        setenv(name, value, 1);
        _exit(act());
    }
    close(ends[1]);
    while (length + 1 < size && (got = read(ends[0], text + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static char text[4096];

#define HOLDS(name, value, act) CHECK(run_with(name, value, act, text, sizeof text))

static bool has_devices(uint32_t expected) {
    uint32_t count = 0;
    return aclrtGetDeviceCount(&count) == ACL_SUCCESS && count == expected;
}

static int three_devices(void) {
    return !has_devices(3);
}

static int eight_devices(void) {
    return !has_devices(8);
}

static int no_usable_list(void) {
    uint32_t count = 0;
    bool refused = aclrtSetDevice(0) == ACL_ERROR_RT_INVALID_DEVICEID;
    return !(refused && strstr(aclGetRecentErrMsg(), "ASCEND_RT_VISIBLE_DEVICES is malformed") != NULL &&
             aclrtGetDeviceCount(&count) == ACL_ERROR_RT_NO_DEVICE);
}

static int devices_two_and_five(void) {
    int64_t chip = 0;
    return !(has_devices(2) && aclrtGetDeviceInfo(1, ACL_DEV_ATTR_PHY_CHIP_ID, &chip) == ACL_SUCCESS && chip == 5);
}

static bool has_memory(int64_t expected) {
    int64_t bytes = 0;
    return aclrtGetDeviceInfo(0, ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE, &bytes) == ACL_SUCCESS && bytes == expected;
}

static int half_a_gigabyte(void) {
    return !has_memory((int64_t)512 << 20);
}

static int two_pages(void) {
    return !has_memory((int64_t)4 << 20);
}

static int default_memory(void) {
    return !has_memory((int64_t)64 << 30);
}

static int architecture(int64_t expected) {
    int64_t value = 0;
    return !(aclrtGetDeviceInfo(0, ACL_DEV_ATTR_NPU_ARCH, &value) == ACL_SUCCESS && value == expected);
}

static int is_a3(void) {
    return strcmp(aclrtGetSocName(), "Ascend910_9392") != 0 || architecture(2201);
}

static int is_310p(void) {
    return strcmp(aclrtGetSocName(), "Ascend310P3") != 0 || architecture(2002);
}

static int is_default_product(void) {
    return strcmp(aclrtGetSocName(), "Ascend910B") != 0 || architecture(2201);
}

static int cannot_reserve(void) {
    void *address = NULL;
    if (aclrtSetDevice(0) != ACL_SUCCESS ||
        aclrtMalloc(&address, 64, ACL_MEM_MALLOC_HUGE_FIRST) != ACL_ERROR_RT_MEMORY_ALLOCATION) {
        return 1;
    }
    const char *message = aclGetRecentErrMsg();
    return message == NULL || strstr(message, "ASCEND_STUB_HBM") == NULL;
}

static int logs_everything(void) {
    aclAppLog(ACL_DEBUG, "function", "file.c", 7, "%d quiet", 1);
    return 0;
}

static int logs_errors(void) {
    aclAppLog(ACL_WARNING, "function", "file.c", 7, "hidden");
    aclAppLog(ACL_ERROR, "function", "file.c", 7, "%s shown", "error");
    return 0;
}

static void the_number_of_devices_is_a_setting(void) {
    HOLDS("ASCEND_STUB_DEVICES", "3", three_devices);
    HOLDS("ASCEND_STUB_DEVICES", "", eight_devices);
    CHECK(text[0] == '\0');
    HOLDS("ASCEND_STUB_DEVICES", "many", eight_devices);
    CHECK(strstr(text, "ASCEND_STUB_DEVICES=\"many\"") != NULL);
    HOLDS("ASCEND_STUB_DEVICES", "65", eight_devices);
}

/* Up to the first entry that is no device; ascending, without duplicates. */
static void visible_devices_are_read_as_cann_reads_them(void) {
    HOLDS("ASCEND_RT_VISIBLE_DEVICES", "2,5", devices_two_and_five);
    HOLDS("ASCEND_RT_VISIBLE_DEVICES", "2,5,9", devices_two_and_five);
    HOLDS("ASCEND_RT_VISIBLE_DEVICES", "2,5,x,6", devices_two_and_five);
    HOLDS("ASCEND_RT_VISIBLE_DEVICES", "5,2", no_usable_list);
    HOLDS("ASCEND_RT_VISIBLE_DEVICES", "2,2", no_usable_list);
    HOLDS("ASCEND_RT_VISIBLE_DEVICES", "8", no_usable_list);
    HOLDS("ASCEND_RT_VISIBLE_DEVICES", "", no_usable_list);
}

static void the_size_of_memory_takes_suffixes(void) {
    HOLDS("ASCEND_STUB_HBM", "512M", half_a_gigabyte);
    HOLDS("ASCEND_STUB_HBM", "512MiB", half_a_gigabyte);
    HOLDS("ASCEND_STUB_HBM", "524288k", half_a_gigabyte);
    HOLDS("ASCEND_STUB_HBM", "536870912", half_a_gigabyte);
    HOLDS("ASCEND_STUB_HBM", "2097153", two_pages);
    HOLDS("ASCEND_STUB_HBM", "0", default_memory);
    CHECK(strstr(text, "ASCEND_STUB_HBM") != NULL);
    HOLDS("ASCEND_STUB_HBM", "64 apples", default_memory);
    HOLDS("ASCEND_STUB_HBM", "-1", default_memory);
    HOLDS("ASCEND_STUB_HBM", "99999999999999999999G", default_memory);
}

static void the_product_is_known_by_its_prefix(void) {
    HOLDS("ASCEND_STUB_SOC", "Ascend910_9392", is_a3);
    HOLDS("ASCEND_STUB_SOC", "Ascend310P3", is_310p);
    HOLDS("ASCEND_STUB_SOC", "Descend", is_default_product);
    CHECK(strstr(text, "Descend") != NULL);
}

static void too_much_memory_to_reserve_is_an_error(void) {
    setenv("ASCEND_STUB_HBM", "16T", 1);
    HOLDS("ASCEND_STUB_DEVICES", "64", cannot_reserve); /* 2^50 bytes of addresses: no 64-bit Linux machine has them */
    unsetenv("ASCEND_STUB_HBM");
}

static void the_application_log_has_a_level(void) {
    HOLDS("ASCEND_GLOBAL_LOG_LEVEL", "0", logs_everything);
    CHECK(strstr(text, "[DEBUG]") != NULL && strstr(text, "function:file.c:7: 1 quiet") != NULL);
    HOLDS("ASCEND_GLOBAL_LOG_LEVEL", "", logs_errors);
    CHECK(strstr(text, "error shown") != NULL && strstr(text, "hidden") == NULL);
}

int main(void) {
    unsetenv("ASCEND_STUB_HBM");
    unsetenv("ASCEND_STUB_DEVICES");
    unsetenv("ASCEND_STUB_SOC");
    unsetenv("ASCEND_RT_VISIBLE_DEVICES");
    the_number_of_devices_is_a_setting();
    visible_devices_are_read_as_cann_reads_them();
    the_size_of_memory_takes_suffixes();
    the_product_is_known_by_its_prefix();
    too_much_memory_to_reserve_is_an_error();
    the_application_log_has_a_level();
    return 0;
}
