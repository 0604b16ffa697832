/* Copies of every size and alignment: all bytes arrive and none beside them changes, whichever way they are moved. */
#include "blocks.h"

enum { GUARD = 64, PAGE = 4096 };

static char *host_from, *host_to; /* ROOM bytes each, page-aligned */
#define ROOM (20 * MIB)

static void fill_pattern(char *bytes, size_t count, unsigned seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (char)(seed >> 24);
    }
}

static int all_are(const char *bytes, size_t count, char value) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != value) {
            return 0;
        }
    }
    return 1;
}

/* Up and down again, with both ends of the copies at the given offsets. */
static void round_trip(char *device, size_t size, size_t from, size_t at, size_t to) {
    memset(host_to, 'g', to + size + GUARD);
    CHECK_STATUS(ACL_SUCCESS, aclrtMemset(device, at + size + GUARD, 'd', at + size + GUARD));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(device + at, size, host_from + from, size, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(host_to + to, size, device + at, size, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(memcmp(host_to + to, host_from + from, size) == 0);
    CHECK(all_are(host_to, to, 'g') && all_are(host_to + to + size, GUARD, 'g'));
    char around[GUARD];
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(around, GUARD, device + at + size, GUARD, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(all_are(around, GUARD, 'd'));
    if (at > 0) {
        CHECK_STATUS(ACL_SUCCESS,
                     aclrtMemcpy(around, GUARD, device, at < GUARD ? at : GUARD, ACL_MEMCPY_DEVICE_TO_HOST));
        CHECK(all_are(around, at < GUARD ? at : GUARD, 'd'));
    }
}

static void every_size_arrives_at_every_distance(void) {
    static const size_t sizes[] = {1, 63, 64, 65, 127, 2047, 2048, 2049, PAGE + 7, 65536 + 3};
    static const size_t offsets[] = {0, 1, 15, 16, 48, 63, 64, 100, PAGE - 1};
    char *device = device_memory(MIB);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
            for (size_t j = 0; j < sizeof offsets / sizeof *offsets; j++) {
                round_trip(device, sizes[s], offsets[i], offsets[j], offsets[(i + j) % 9]);
            }
        }
    }
    release(device);
}

static void large_sizes_arrive_at_any_alignment(void) {
    char *device = device_memory(ROOM);
    round_trip(device, 8 * MIB - 1, 0, 0, 16);
    round_trip(device, 8 * MIB, 16, 0, 16);
    round_trip(device, 8 * MIB + 1, 3, 2 * MIB - 1, 5);
    round_trip(device, 13 * MIB + 77, 16, 512, 48);
    release(device);
}

static void an_overlapping_copy_is_as_if_it_went_through_a_buffer(void) {
    const size_t size = 9 * MIB;
    char *device = device_memory(ROOM);
    for (int forward = 0; forward < 2; forward++) {
        char *from = device + (forward ? 0 : MIB + 5), *to = device + (forward ? MIB + 5 : 0);
        CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(from, size, host_from, size, ACL_MEMCPY_HOST_TO_DEVICE));
        CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(to, size, from, size, ACL_MEMCPY_DEVICE_TO_DEVICE, NULL));
        CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(NULL));
        CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(host_to, size, to, size, ACL_MEMCPY_DEVICE_TO_HOST));
        CHECK(memcmp(host_to, host_from, size) == 0);
    }
    release(device);
}

/* What is written before a large copy into untouched memory stays, in the pages that the copy fills and beside them. */
static void earlier_bytes_of_the_same_pages_stay(void) {
    for (int turn = 0; turn < 2; turn++) { /* the second one in pages that were given back */
        char *device = device_memory(ROOM);
        CHECK_STATUS(ACL_SUCCESS, aclrtMemset(device + 9 * MIB, 1, 'e', 1));
        CHECK_STATUS(ACL_SUCCESS, aclrtMemset(device + 100, 1, 'f', 1));
        CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(device + 200, ROOM, host_from, 9 * MIB - 200, ACL_MEMCPY_HOST_TO_DEVICE));
        CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(host_to, ROOM, device, 9 * MIB + 1, ACL_MEMCPY_DEVICE_TO_HOST));
        CHECK(host_to[100] == 'f' && host_to[9 * MIB] == 'e');
        CHECK(memcmp(host_to + 200, host_from, 9 * MIB - 200) == 0);
        release(device);
    }
}

static void a_large_buffered_copy_takes_the_source_as_it_is_now(void) {
    const size_t size = 9 * MIB + 16;
    char *device = device_memory(size);
    char first = host_from[0];
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpyAsync(device, size, host_from, size, ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE, NULL));
    host_from[0] = (char)(first + 1);
    CHECK_STATUS(ACL_SUCCESS, aclrtSynchronizeStream(NULL));
    CHECK_STATUS(ACL_SUCCESS, aclrtMemcpy(host_to, size, device, size, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(host_to[0] == first && memcmp(host_to + 1, host_from + 1, size - 1) == 0);
    host_from[0] = first;
    release(device);
}

int main(void) {
    start_device();
    host_from = pinned_memory(ROOM);
    host_to = pinned_memory(ROOM);
    fill_pattern(host_from, ROOM, 1);
    every_size_arrives_at_every_distance();
    large_sizes_arrive_at_any_alignment();
    an_overlapping_copy_is_as_if_it_went_through_a_buffer();
    earlier_bytes_of_the_same_pages_stay();
    a_large_buffered_copy_takes_the_source_as_it_is_now();
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeHost(host_from));
    CHECK_STATUS(ACL_SUCCESS, aclrtFreeHost(host_to));
    end_device();
    return 0;
}
