/* See file.h. */
#include "trace/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1;
static int error;

/* Truncated only once it is clear that no other process is writing its trace there. */
int stub_trace_file_open(const char *path) {
    const int opened = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (opened < 0) {
        return errno;
    }
    if (flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(opened);
        return EBUSY;
    }
    (void)!ftruncate(opened, 0); /* a terminal or a pipe has nothing to cut */
    pthread_mutex_lock(&lock);
    file = opened;
    error = 0;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Under the lock. */
static void write_text(const char *text, size_t length) {
    while (length > 0 && error == 0) {
        const ssize_t written = write(file, text, length);
        if (written >= 0) {
            text += written;
            length -= (size_t)written;
        } else if (errno != EINTR) {
            error = errno;
        }
    }
}

void stub_trace_file_write(const char *text, size_t length) {
    pthread_mutex_lock(&lock);
    if (file >= 0) {
        write_text(text, length);
    }
    pthread_mutex_unlock(&lock);
}

int stub_trace_file_close(void) {
    pthread_mutex_lock(&lock);
    (void)flock(file, LOCK_UN); /* forked children may hold the file too */
    if (close(file) != 0 && error == 0) {
        error = errno;
    }
    file = -1;
    const int first = error;
    pthread_mutex_unlock(&lock);
    return first;
}
