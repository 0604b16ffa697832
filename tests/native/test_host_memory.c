/* Pinned and registered host memory, and what happens when the host touches device memory, from C. */
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "blocks.h"

static void pinned_memory_is_freed_once(void) {
    char *pinned = pinned_memory(100);
    char *device = device_memory(8);
    CHECK((uintptr_t)pinned % 64 == 0);
    memset(pinned, 1, 100);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFreeHost(pinned + 64));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFreeHost(device));
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeHost(pinned));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFreeHost(pinned));
    release(device);
}

static void registered_memory_counts_as_pinned(void) {
    void *device_view = NULL;
    char *memory = aligned_alloc(4096, 8192);
    aclrtPtrAttributes found;
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtHostRegister(memory + 1, 8, ACL_HOST_REGISTER_MAPPED, &device_view));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtHostRegister(memory, 8192, ACL_HOST_REGISTER_MAPPED, NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtHostRegister(memory, 8192, ACL_HOST_REGISTER_MAPPED, &device_view));
    CHECK(device_view != NULL);
    CHECK_STATUS(ACL_ERROR_HOST_MEMORY_ALREADY_REGISTERED, aclrtHostRegisterV2(memory, 4096, ACL_HOST_REG_PINNED));
    CHECK_STATUS(ACL_SUCCESS, aclrtPointerGetAttributes(memory + 5000, &found));
    CHECK(found.location.type == ACL_MEM_LOCATION_TYPE_HOST);
    CHECK_STATUS(ACL_ERROR_HOST_MEMORY_NOT_REGISTERED, aclrtHostUnregister(memory + 4096));
    CHECK_STATUS(ACL_SUCCESS, aclrtHostUnregister(memory));
    CHECK_STATUS(ACL_SUCCESS, aclrtHostRegisterV2(memory + 4096, 4096, ACL_HOST_REG_PINNED));
    CHECK_STATUS(ACL_ERROR_HOST_MEMORY_ALREADY_REGISTERED, aclrtHostRegisterV2(memory, 4097, ACL_HOST_REG_PINNED));
    CHECK_STATUS(ACL_SUCCESS, aclrtHostUnregister(memory + 4096));
    CHECK_STATUS(ACL_ERROR_HOST_MEMORY_NOT_REGISTERED, aclrtHostUnregister(memory));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtHostGetDevicePointer(memory, &device_view, 0));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtHostRegisterV2(memory, 8192, 0));
    CHECK_STATUS(ACL_SUCCESS, aclrtHostRegisterV2(memory, 8192, ACL_HOST_REG_MAPPED | ACL_HOST_REG_PINNED));
    CHECK_STATUS(ACL_SUCCESS, aclrtHostGetDevicePointer(memory, &device_view, 0));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtHostGetDevicePointer(memory, &device_view, 1));
    CHECK_STATUS(ACL_SUCCESS, aclrtHostUnregister(memory));
    free(memory);
}

/* ---- the host may not touch device memory */

/* Runs `act` in a forked child; its standard error and how it ended. */
static int run_child(void (*act)(char *), char *address, char *text, size_t size) {
    int ends[2];
    int status = 0;
    size_t length = 0;
    ssize_t got = 0;
    CHECK(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        act(address);
        _exit(0);
    }
    close(ends[1]);
    while (length + 1 < size && (got = read(ends[0], text + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void touch(char *address) {
    *(volatile char *)address = 1;
}

static void a_host_access_dies_with_an_explanation(void) {
    static char text[65536];
    char expected[256];
    char *device = device_memory(1000);
    snprintf(
        expected, sizeof expected,
        "ascend-ops stand-in: host code read or wrote device address 0x%llx, byte 7 of an allocation of 1000 bytes "
        "on device 0 (copy it with aclrtMemcpy first)\n",
        (unsigned long long)(uintptr_t)device + 7);
    int status = run_child(touch, device + 7, text, sizeof text);
    CHECK(strstr(text, expected) != NULL);
    /* A sanitizer has its own handler behind ours, which reports and exits. */
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
    release(device);
    run_child(touch, device + 7, text, sizeof text);
    CHECK(strstr(text, "in no live allocation on device 0") != NULL);
}

static void fall_over_nothing(char *unused) {
    (void)unused;
    raise(SIGSEGV);
}

static void other_faults_stay_fatal_without_an_explanation(void) {
    static char text[65536];
    int status = run_child(fall_over_nothing, NULL, text, sizeof text);
    CHECK(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
    CHECK(strstr(text, "device address") == NULL);
}

static void use_memory_after_fork(char *address) {
    char byte = 0;
    void *more = NULL;
    bool refused = aclrtFree(address) == ACL_ERROR_RT_INTERNAL_ERROR &&
                   aclrtMalloc(&more, 64, ACL_MEM_MALLOC_HUGE_FIRST) == ACL_ERROR_RT_INTERNAL_ERROR &&
                   aclrtMemcpy(&byte, 1, address, 1, ACL_MEMCPY_DEVICE_TO_HOST) == ACL_ERROR_RT_INTERNAL_ERROR;
    _exit(refused ? 3 : 4);
}

static void a_forked_child_is_kept_off_the_memory(void) {
    static char text[4096];
    char *device = device_memory(64);
    int status = run_child(use_memory_after_fork, device, text, sizeof text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    release(device);
}

int main(void) {
    start_device();
    pinned_memory_is_freed_once();
    registered_memory_counts_as_pinned();
    a_host_access_dies_with_an_explanation();
    other_faults_stay_fatal_without_an_explanation();
    a_forked_child_is_kept_off_the_memory();
    end_device();
    return 0;
}
