/* Mappings of other processes' device memory, by file. */
#include "comm/peer_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/error.h"
#include "hccl/hccl_types.h"

struct stub_peer_memory {
    stub_peer_memory *next;
    ino_t number; /* of the file; memfds of one machine never share one */
    char *start;
    size_t bytes;
    unsigned references;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_peer_memory *mappings; /* under the lock */

/* Under the lock. */
static stub_peer_memory *find(ino_t number) {
    for (stub_peer_memory *memory = mappings; memory != NULL; memory = memory->next) {
        if (memory->number == number) {
            memory->references++;
            return memory;
        }
    }
    return NULL;
}

/* Under the lock. Sparse: what the peer has not written costs nothing. */
static stub_peer_memory *add(int file, ino_t number, size_t bytes) {
    stub_peer_memory *memory = calloc(1, sizeof *memory);
    void *start =
        memory == NULL ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (start == MAP_FAILED) {
        free(memory);
        return NULL;
    }
    *memory = (stub_peer_memory){.next = mappings, .number = number, .start = start, .bytes = bytes, .references = 1};
    mappings = memory;
    return memory;
}

stub_peer_memory *stub_peer_memory_map(int file, uint64_t bytes) {
    struct stat about;
    if (fstat(file, &about) != 0 || (uint64_t)about.st_size < bytes) {
        stub_fail(HCCL_E_INTERNAL, "another rank's device memory is not what that rank said it is.");
        return NULL;
    }
    pthread_mutex_lock(&lock);
    stub_peer_memory *memory = find(about.st_ino);
    if (memory == NULL) {
        memory = add(file, about.st_ino, (size_t)bytes);
    }
    const int error = errno;
    pthread_mutex_unlock(&lock);
    if (memory == NULL) {
        stub_fail(HCCL_E_MEMORY,
                  "the %.3g GiB of another rank's device cannot be mapped: %s. Set ASCEND_STUB_HBM (bytes per device, "
                  "for instance 4G) to a smaller value in every rank, or raise the address space limit (ulimit -v).",
                  (double)bytes / (double)(UINT64_C(1) << 30), strerror(error));
    }
    return memory;
}

/* Under the lock. */
static void remove_mapping(stub_peer_memory *memory) {
    stub_peer_memory **link = &mappings;
    while (*link != memory) {
        link = &(*link)->next;
    }
    *link = memory->next;
    munmap(memory->start, memory->bytes);
    free(memory);
}

void stub_peer_memory_release(stub_peer_memory *memory) {
    if (memory == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    if (--memory->references == 0) {
        remove_mapping(memory);
    }
    pthread_mutex_unlock(&lock);
}

char *stub_peer_memory_start(const stub_peer_memory *memory) {
    return memory->start;
}
