/* Segments of this process.
 *
 * Whether a rank's process is alive is told by a record lock of that process on byte `rank` of the segment's file: the
 * kernel drops it however the process ends. It would drop all of them as soon as the process closes any descriptor of
 * that file, hence one segment per process, which keeps every descriptor it is ever given. */
#include "comm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "comm/peer_memory.h"
#include "core/device_space.h"
#include "core/error.h"

#define MEMFD_CLOSE_ON_EXEC 1u

struct stub_segment {
    stub_segment *next;
    unsigned references;
    ino_t number; /* of the file */
    stub_board *board;
    size_t bytes;
    int files[STUB_COMM_RANKS + 1]; /* one from the root's listener and one per rank of this process at most */
    unsigned file_count;
    atomic_bool local[STUB_COMM_RANKS];
    _Atomic(char *) memory[STUB_COMM_RANKS];
    stub_peer_memory *peers[STUB_COMM_RANKS]; /* under the lock */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_segment *segments; /* under the lock, as are their references and files */

/* Under the lock. */
static stub_segment *find(ino_t number) {
    for (stub_segment *segment = segments; segment != NULL; segment = segment->next) {
        if (segment->number == number) {
            return segment;
        }
    }
    return NULL;
}

static stub_segment *fail(const char *what) {
    stub_fail(HCCL_E_MEMORY, "the memory that the ranks of a communicator share cannot be %s: %s.", what,
              strerror(errno));
    return NULL;
}

/* Under the lock. */
static stub_segment *add(ino_t number, uint32_t size, int file) {
    stub_segment *segment = calloc(1, sizeof *segment);
    const size_t bytes = stub_board_bytes(size);
    void *board = segment == NULL ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (board == MAP_FAILED) {
        free(segment);
        return fail("mapped");
    }
    segment->number = number;
    segment->board = board;
    segment->bytes = bytes;
    segment->next = segments;
    segments = segment;
    return segment;
}

static int make_file(uint32_t size) {
    const int file = (int)syscall(SYS_memfd_create, "ascend-stub-hccl", MEMFD_CLOSE_ON_EXEC);
    if (file >= 0 && ftruncate(file, (off_t)stub_board_bytes(size)) != 0) {
        const int error = errno;
        close(file);
        errno = error;
        return -1;
    }
    return file;
}

stub_segment *stub_segment_create(uint32_t size) {
    const int file = make_file(size);
    if (file < 0) {
        return fail("made");
    }
    stub_segment *segment = stub_segment_adopt(size, file);
    if (segment != NULL) {
        segment->board->size = size;
    }
    return segment;
}

/* Under the lock: the segment of the file, which becomes the segment's. */
static stub_segment *take(uint32_t size, int file) {
    struct stat about;
    if (fstat(file, &about) != 0 || (size_t)about.st_size < stub_board_bytes(size)) {
        return fail("used");
    }
    stub_segment *segment = find(about.st_ino);
    if (segment == NULL) {
        segment = add(about.st_ino, size, file);
    }
    if (segment != NULL) {
        segment->references++;
        segment->files[segment->file_count++] = file;
    }
    return segment;
}

stub_segment *stub_segment_adopt(uint32_t size, int file) {
    pthread_mutex_lock(&lock);
    stub_segment *segment = take(size, file);
    pthread_mutex_unlock(&lock);
    if (segment == NULL) {
        close(file);
    }
    return segment;
}

stub_segment *stub_segment_retain(stub_segment *segment) {
    pthread_mutex_lock(&lock);
    segment->references++;
    pthread_mutex_unlock(&lock);
    return segment;
}

static void destroy(stub_segment *segment) {
    for (uint32_t rank = 0; rank < STUB_COMM_RANKS; rank++) {
        stub_peer_memory_release(segment->peers[rank]);
    }
    munmap(segment->board, segment->bytes);
    for (unsigned i = 0; i < segment->file_count; i++) {
        close(segment->files[i]);
    }
    free(segment);
}

/* Under the lock: a rank that joins again finds none of it, or all. */
static void unlink_segment(const stub_segment *segment) {
    stub_segment **link = &segments;
    while (*link != segment) {
        link = &(*link)->next;
    }
    *link = segment->next;
}

void stub_segment_release(stub_segment *segment) {
    pthread_mutex_lock(&lock);
    const bool last = --segment->references == 0;
    if (last) {
        unlink_segment(segment);
    }
    pthread_mutex_unlock(&lock);
    if (last) {
        destroy(segment);
    }
}

stub_board *stub_segment_board(stub_segment *segment) {
    return segment->board;
}

int stub_segment_file(const stub_segment *segment) {
    return segment->files[0];
}

HcclResult stub_segment_join(stub_segment *segment, uint32_t rank, int device) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)rank, .l_len = 1};
    if (fcntl(stub_segment_file(segment), F_SETLK, &range) != 0) {
        return (HcclResult)stub_fail(HCCL_E_SYSCALL, "rank %u cannot show the others that it is alive: %s.", rank,
                                     strerror(errno));
    }
    atomic_store(&segment->local[rank], true);
    atomic_store(&segment->memory[rank], stub_space_shadow(device));
    atomic_store(&segment->board->slots[rank].process, (int32_t)getpid());
    atomic_store(&segment->board->slots[rank].life, STUB_RANK_JOINED);
    return HCCL_SUCCESS;
}

void stub_segment_leave(stub_segment *segment, uint32_t rank) {
    atomic_store(&segment->board->slots[rank].life, STUB_RANK_LEFT);
    stub_board_ring(segment->board);
}

HcclResult stub_segment_reach(stub_segment *segment, uint32_t rank, int file, uint64_t bytes) {
    pthread_mutex_lock(&lock);
    stub_peer_memory *known = segment->peers[rank];
    stub_peer_memory *memory = known != NULL ? known : stub_peer_memory_map(file, bytes);
    segment->peers[rank] = memory;
    pthread_mutex_unlock(&lock);
    if (memory == NULL) {
        return HCCL_E_MEMORY;
    }
    atomic_store(&segment->memory[rank], stub_peer_memory_start(memory));
    return HCCL_SUCCESS;
}

/* A process is never refused its own locks. */
bool stub_segment_is_alive(stub_segment *segment, uint32_t rank) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)rank, .l_len = 1};
    if (atomic_load(&segment->local[rank]) || atomic_load(&segment->board->slots[rank].life) == STUB_RANK_EXPECTED) {
        return true;
    }
    return fcntl(stub_segment_file(segment), F_GETLK, &range) != 0 || range.l_type != F_UNLCK;
}

char *stub_segment_memory(stub_segment *segment, uint32_t rank) {
    return atomic_load(&segment->memory[rank]);
}
