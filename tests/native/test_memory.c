/* Device memory, from C: allocation, release, what is told about it. */
#include <pthread.h>
#include <stdbool.h>

#include "blocks.h"

static size_t free_memory(void) {
    size_t left = 0;
    size_t total = 0;
    CHECK_STATUS(ACL_SUCCESS, aclrtGetMemInfo(ACL_HBM_MEM, &left, &total));
    CHECK(total == HBM);
    return left;
}

static void write_pattern(void *device, size_t size, unsigned seed) {
    unsigned char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(i * 31 + seed);
    }
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(device, size, bytes, size, ACL_MEMCPY_HOST_TO_DEVICE));
    free(bytes);
}

static bool has_pattern(const void *device, size_t size, unsigned seed) {
    unsigned char *bytes = calloc(1, size);
    bool equal = true;
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(bytes, size, device, size, ACL_MEMCPY_DEVICE_TO_HOST));
    for (size_t i = 0; i < size; i++) {
        equal = equal && bytes[i] == (unsigned char)(i * 31 + seed);
    }
    free(bytes);
    return equal;
}

static void everything_needs_a_context_but_freeing(void) {
    void *address = NULL;
    size_t left = 0, total = 0;
    int number = 0, other = 0;
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMalloc(&address, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMallocHost(&address, 64));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtGetMemInfo(ACL_HBM_MEM, &left, &total));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMemcpy(&number, 4, &other, 4, ACL_MEMCPY_HOST_TO_HOST));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMemcpyAsync(&number, 4, &other, 4, ACL_MEMCPY_DEFAULT, NULL));
    CHECK_STATUS(ACL_ERROR_RT_CONTEXT_NULL, aclrtMemFlush(&number, 4));
    CHECK(address == NULL);
}

static void arguments_are_checked_before_the_context(void) {
    void *address = NULL;
    size_t left = 0;
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMalloc(NULL, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMalloc(&address, 0, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMalloc(&address, SIZE_MAX - 8, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMallocAlign32(&address, 0, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMallocCached(NULL, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMallocWithCfg(&address, 0, ACL_MEM_MALLOC_HUGE_FIRST, NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMallocHost(&address, 0));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMallocHost(NULL, 64));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFree(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFreeWithDevSync(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFreeHost(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtGetMemInfo(ACL_HBM_MEM, NULL, &left));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_MEMORY_TYPE, aclrtGetMemInfo((aclrtMemAttr)99, &left, &left));
}

static void addresses_are_aligned_and_keep_their_bytes(void) {
    static const size_t sizes[] = {1,         31,           32,         33,          480,        481, 512,
                                   4096,      5000,         100 * 1000, MIB - 64,    MIB - 63,   MIB, MIB + 1,
                                   700 * KIB, 2 * MIB - 32, 2 * MIB,    2 * MIB + 1, 9 * MIB + 5};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    void *blocks[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = device_memory(sizes[i]);
        CHECK((uintptr_t)blocks[i] % 512 == 0);
        write_pattern(blocks[i], sizes[i], i);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK(has_pattern(blocks[i], sizes[i], i));
        for (unsigned j = 0; j < i; j++) { /* 32 spare bytes behind each block are its own */
            uintptr_t a = (uintptr_t)blocks[i], b = (uintptr_t)blocks[j];
            CHECK(a + sizes[i] + 32 <= b || b + sizes[j] + 32 <= a);
        }
    }
    for (unsigned i = 0; i < COUNT; i++) {
        release(blocks[i]);
    }
}

static void other_policies_and_configurations_allocate(void) {
    void *address = NULL;
    aclrtMallocAttribute attribute = {ACL_RT_MEM_ATTR_DEVICE_ID, {.deviceId = 1}};
    aclrtMallocConfig config = {&attribute, 1};
    aclrtMallocConfig broken = {NULL, 1};
    aclrtPtrAttributes found;
    CHECK_STATUS(ACL_SUCCESS, aclrtMalloc(&address, 64, (aclrtMemMallocPolicy)0x7777));
    release(address);
    CHECK_STATUS(ACL_SUCCESS, aclrtMallocAlign32(&address, 64, ACL_MEM_MALLOC_NORMAL_ONLY));
    release(address);
    CHECK_STATUS(ACL_SUCCESS, aclrtMallocCached(&address, 64, ACL_MEM_MALLOC_HUGE_ONLY));
    release(address);
    CHECK_STATUS(ACL_SUCCESS, aclrtMallocWithCfg(&address, 64, ACL_MEM_MALLOC_HUGE_FIRST, &config));
    CHECK_STATUS(ACL_SUCCESS, aclrtPointerGetAttributes(address, &found));
    CHECK(found.location.type == ACL_MEM_LOCATION_TYPE_DEVICE && found.location.id == 1);
    release(address);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMallocWithCfg(&address, 64, ACL_MEM_MALLOC_HUGE_FIRST, &broken));
    attribute.attr = ACL_RT_MEM_ATTR_RSV;
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMallocWithCfg(&address, 64, ACL_MEM_MALLOC_HUGE_FIRST, &config));
}

static void *free_without_a_context(void *address) {
    CHECK_STATUS(ACL_SUCCESS, aclrtFree(address));
    return NULL;
}

static void a_thread_without_context_may_free(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, free_without_a_context, device_memory(1000)) == 0);
    pthread_join(thread, NULL);
}

static void only_the_start_of_a_live_block_can_be_freed(void) {
    char *small = device_memory(1000);
    char *large = device_memory(5 * MIB);
    int number = 0;
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(small + 8));
    CHECK(strstr(aclGetRecentErrMsg(), "1000 bytes") != NULL);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(large + 2 * MIB));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(&number));
    release(small);
    release(large);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(small));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(large));
    CHECK(strstr(aclGetRecentErrMsg(), "no live allocation") != NULL);
}

static void a_full_device_says_how_much_is_used(void) {
    void *blocks[64];
    void *address = NULL;
    size_t count = 0;
    size_t before = free_memory();
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMalloc(&address, HBM + 1, ACL_MEM_MALLOC_HUGE_FIRST));
    while (count < 64 && aclrtMalloc(&blocks[count], 100 * MIB, ACL_MEM_MALLOC_HUGE_FIRST) == ACL_SUCCESS) {
        count++;
    }
    CHECK(count >= 8 && count <= 10);
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMalloc(&address, 123456789, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL));
    const char *text = aclGetRecentErrMsg();
    CHECK(strstr(text, "123456789") != NULL && strstr(text, "1073741824") != NULL);
    for (size_t i = 0; i < count; i += 2) {
        release(blocks[i]);
    }
    for (size_t i = 1; i < count; i += 2) {
        release(blocks[i]);
    }
    CHECK(free_memory() == before);
    release(device_memory(HBM - 4 * MIB)); /* the pieces have merged with both neighbours */
}

static size_t resident_shared_memory(void) {
    char line[256];
    size_t kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "RssShmem:", 9) == 0) {
            kilobytes = strtoul(line + 9, NULL, 10);
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return kilobytes * KIB;
}

static void freed_memory_goes_back_to_the_system(void) {
    enum { SMALL_BLOCKS = 1000 };
    void *small[SMALL_BLOCKS];
    size_t before = resident_shared_memory();
    void *large = device_memory(64 * MIB);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(large, 64 * MIB, 7, 64 * MIB));
    CHECK(resident_shared_memory() >= before + 64 * MIB);
    release(large);
    CHECK(resident_shared_memory() < before + 4 * MIB);
    for (int i = 0; i < SMALL_BLOCKS; i++) {
        small[i] = device_memory(32 * KIB);
        CHECK_STATUS(ACL_SUCCESS, aclrtMemset(small[i], 32 * KIB, 7, 32 * KIB));
    }
    CHECK(resident_shared_memory() >= before + SMALL_BLOCKS * 32 * KIB);
    for (int i = 0; i < SMALL_BLOCKS; i++) {
        release(small[i]);
    }
    CHECK(resident_shared_memory() < before + 4 * MIB);
}

enum { THREADS = 4, ROUNDS = 400, SLOTS = 24 };

/* Random sizes, some freed and some kept, each block with its own pattern. */
static void *allocate_and_free(void *argument) {
    unsigned seed = (unsigned)(uintptr_t)argument;
    struct {
        void *address;
        size_t size;
    } slots[SLOTS] = {{NULL, 0}};
    CHECK_STATUS(ACL_SUCCESS, aclrtSetDevice((int32_t)(seed % 2)));
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525u + 1013904223u;
        size_t size = 1 + (seed >> 8) % ((size_t)1 << (4 + (seed >> 4) % 18));
        int at = round % SLOTS;
        if (slots[at].address != NULL) {
            CHECK(has_pattern(slots[at].address, slots[at].size, (unsigned)slots[at].size));
            release(slots[at].address);
        }
        slots[at].address = device_memory(size);
        slots[at].size = size;
        write_pattern(slots[at].address, size, (unsigned)size);
    }
    for (int i = 0; i < SLOTS; i++) {
        release(slots[i].address);
    }
    return NULL;
}

static void threads_may_allocate_at_the_same_time(void) {
    pthread_t threads[THREADS];
    size_t before = free_memory();
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, allocate_and_free, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(free_memory() == before);
}

static void queries_know_what_an_address_is(void) {
    char *device = device_memory(100);
    char *pinned = pinned_memory(100);
    int pageable = 0;
    uint32_t match = 7;
    aclrtPtrAttributes found;
    void *devices[] = {device, device + 50};
    void *mixed[] = {device, pinned};
    CHECK_STATUS(ACL_SUCCESS, aclrtPointerGetAttributes(device + 99, &found));
    CHECK(found.location.type == ACL_MEM_LOCATION_TYPE_DEVICE && found.location.id == 0);
    CHECK_STATUS(ACL_SUCCESS, aclrtPointerGetAttributes(pinned + 99, &found));
    CHECK(found.location.type == ACL_MEM_LOCATION_TYPE_HOST);
    CHECK_STATUS(ACL_SUCCESS, aclrtPointerGetAttributes(&pageable, &found));
    CHECK(found.location.type == ACL_MEM_LOCATION_TYPE_UNREGISTERED);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtPointerGetAttributes(NULL, &found));
    CHECK_STATUS(ACL_SUCCESS, aclrtCheckMemType(devices, 2, ACL_RT_MEM_TYPE_DEV, &match, 0));
    CHECK(match == 1);
    CHECK_STATUS(ACL_SUCCESS, aclrtCheckMemType(mixed, 2, ACL_RT_MEM_TYPE_DEV, &match, 0));
    CHECK(match == 0);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtCheckMemType(devices, 0, ACL_RT_MEM_TYPE_DEV, &match, 0));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtCheckMemType(devices, 2, ACL_RT_MEM_TYPE_DEV, NULL, 0));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemFlush(device, 100));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemInvalidate(device, 0));
    release(device);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtPointerGetAttributes(device, &found));
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeHost(pinned));
}

int main(void) {
    choose_devices();
    everything_needs_a_context_but_freeing();
    arguments_are_checked_before_the_context();
    start_device();
    addresses_are_aligned_and_keep_their_bytes();
    other_policies_and_configurations_allocate();
    a_thread_without_context_may_free();
    only_the_start_of_a_live_block_can_be_freed();
    a_full_device_says_how_much_is_used();
    freed_memory_goes_back_to_the_system();
    threads_may_allocate_at_the_same_time();
    queries_know_what_an_address_is();
    end_device();
    return 0;
}
