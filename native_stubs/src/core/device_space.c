/* Reservation and shadows of device memory; see device_space.h. */
#include "core/device_space.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "acl/acl_base.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/memory.h"
#include "core/settings.h"

#define MEMFD_CLOSE_ON_EXEC 1u /* MFD_CLOEXEC; older C libraries lack memfd_create and its flags */
#define GIB_SHIFT 30
#define COLLAPSE 25 /* MADV_COLLAPSE, since Linux 6.1 */

static pthread_once_t open_once = PTHREAD_ONCE_INIT;
static _Atomic(uintptr_t) reservation; /* 0 until made */
static size_t device_bytes;            /* these two are written before the reservation is published */
static size_t reservation_bytes;
static int open_errno;
static _Atomic(char *) shadows[STUB_MAX_DEVICES];
static int files[STUB_MAX_DEVICES];          /* the memfd of a shadow, kept for stub_space_file; published with it */
static ino_t file_numbers[STUB_MAX_DEVICES]; /* tells whether the descriptor is still that file */

static void open_reservation(void) {
    const stub_settings *settings = stub_get_settings();
    device_bytes = (size_t)settings->hbm_bytes;
    reservation_bytes = device_bytes * (size_t)settings->device_count;
    void *base =
        mmap(NULL, reservation_bytes + STUB_DEVICE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        open_errno = errno;
        return;
    }
    uintptr_t aligned = ((uintptr_t)base + STUB_DEVICE_PAGE - 1) / STUB_DEVICE_PAGE * STUB_DEVICE_PAGE;
    atomic_store_explicit(&reservation, aligned, memory_order_release);
    stub_install_segv_guard();
    stub_watch_forks(); /* shadows are shared with forked children, which must therefore keep off */
}

static int fail_space(const char *what, int error) {
    const stub_settings *settings = stub_get_settings();
    return stub_fail(
        ACL_ERROR_RT_MEMORY_ALLOCATION,
        "The ascend-ops stand-in cannot reserve %s for %d devices with %.3g GiB each: %s. Set "
        "ASCEND_STUB_HBM (bytes per device, for instance 4G) or ASCEND_STUB_DEVICES to a smaller value, or "
        "raise the address space limit (ulimit -v).",
        what, settings->device_count, (double)settings->hbm_bytes / (double)(UINT64_C(1) << GIB_SHIFT),
        strerror(error));
}

int stub_space_open(void) {
    pthread_once(&open_once, open_reservation);
    return atomic_load_explicit(&reservation, memory_order_acquire) != 0 ? ACL_SUCCESS
                                                                         : fail_space("addresses", open_errno);
}

/* Maps a file at an address that huge pages can begin at. */
static void *map_aligned(int file) {
    char *room =
        mmap(NULL, device_bytes + STUB_DEVICE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        return MAP_FAILED;
    }
    char *base = room + (-(uintptr_t)room % STUB_DEVICE_PAGE);
    return mmap(base, device_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file, 0);
}

static void *map_shadow(int device) {
    int file = (int)syscall(SYS_memfd_create, "ascend-stub-hbm", MEMFD_CLOSE_ON_EXEC);
    if (file < 0) {
        return MAP_FAILED;
    }
    void *base = MAP_FAILED;
    struct stat about;
    if (ftruncate(file, (off_t)device_bytes) == 0 && fstat(file, &about) == 0) {
        base = map_aligned(file);
    }
    if (base == MAP_FAILED) {
        int error = errno;
        close(file);
        errno = error;
        return base;
    }
    files[device] = file;
    file_numbers[device] = about.st_ino;
    return base;
}

int stub_space_map(int device) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int error = 0;
    if (stub_space_shadow(device) != NULL) {
        return ACL_SUCCESS;
    }
    pthread_mutex_lock(&lock);
    if (stub_space_shadow(device) == NULL) {
        void *base = map_shadow(device);
        error = base == MAP_FAILED ? errno : 0;
        atomic_store_explicit(&shadows[device], error == 0 ? base : NULL, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return error == 0 ? ACL_SUCCESS : fail_space("memory", error);
}

bool stub_space_locate(const void *address, int *device, size_t *offset) {
    uintptr_t base = atomic_load_explicit(&reservation, memory_order_acquire);
    if (base == 0) {
        return false;
    }
    uintptr_t distance = (uintptr_t)address - base;
    if (distance >= reservation_bytes) {
        return false;
    }
    *device = (int)(distance / device_bytes);
    *offset = distance % device_bytes;
    return true;
}

uintptr_t stub_space_address(int device, size_t offset) {
    return atomic_load_explicit(&reservation, memory_order_relaxed) + (size_t)device * device_bytes + offset;
}

char *stub_space_shadow(int device) {
    return atomic_load_explicit(&shadows[device], memory_order_acquire);
}

/* Programs that turn into daemons close all descriptors, and the number may then be another file's. */
int stub_space_file(int device) {
    struct stat about;
    if (stub_space_shadow(device) == NULL || fstat(files[device], &about) != 0 ||
        about.st_ino != file_numbers[device]) {
        return -1;
    }
    return files[device];
}

size_t stub_space_bytes(void) {
    return device_bytes;
}

/* A page that holds nothing at all is refused: reading a byte gives it something. */
void stub_space_populate(int device, size_t offset) {
    char *page = stub_space_shadow(device) + offset;
    (void)*(volatile char *)page;
    (void)madvise(page, STUB_DEVICE_PAGE, COLLAPSE);
}

/* When the hole cannot be punched the memory merely stays; nothing depends on its contents. */
void stub_space_discard(int device, size_t offset, size_t size) {
    (void)madvise(stub_space_shadow(device) + offset, size, MADV_REMOVE);
}

bool stub_is_device_address(const void *address) {
    int device = 0;
    size_t offset = 0;
    return stub_space_locate(address, &device, &offset);
}

void *stub_shadow(const void *address) {
    int device = 0;
    size_t offset = 0;
    if (stub_space_locate(address, &device, &offset)) {
        return stub_space_map(device) == ACL_SUCCESS ? stub_space_shadow(device) + offset : NULL;
    }
    return stub_host_mapped_bytes_from(address) > 0 ? (void *)(uintptr_t)address : NULL;
}

size_t stub_device_bytes_from(const void *address) {
    int device = 0;
    size_t offset = 0;
    return stub_space_locate(address, &device, &offset) ? device_bytes - offset : stub_host_mapped_bytes_from(address);
}
