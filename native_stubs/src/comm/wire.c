/* See wire.h. */
#include "comm/wire.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"

#define NS_PER_MS UINT64_C(1000000)

static uint64_t hash(const char *text) {
    uint64_t value = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++) {
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return value;
}

/* The user is part of the name: others cannot be in the way, at least not by accident. */
static socklen_t make_address(const char *text, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    const int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "ascend-stub-hccl-%u-%016llx",
                                (unsigned)getuid(), (unsigned long long)hash(text));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static int open_socket(int flags) {
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
}

static int close_failed(int socket) {
    const int error = errno;
    close(socket);
    errno = error;
    return -1;
}

int stub_wire_listen(const char *text) {
    struct sockaddr_un address;
    const socklen_t length = make_address(text, &address);
    const int listener = open_socket(SOCK_NONBLOCK);
    if (listener >= 0 && (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 128) != 0)) {
        return close_failed(listener);
    }
    return listener;
}

static bool is_own_user(int socket) {
    struct ucred other;
    socklen_t length = sizeof other;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &other, &length) == 0 && other.uid == getuid();
}

static int refuse_others(int socket) {
    if (socket >= 0 && !is_own_user(socket)) {
        errno = EACCES;
        return close_failed(socket);
    }
    return socket;
}

int stub_wire_connect(const char *text) {
    struct sockaddr_un address;
    const socklen_t length = make_address(text, &address);
    const int connection = open_socket(0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&address, length) != 0) {
        return close_failed(connection);
    }
    return refuse_others(connection);
}

int stub_wire_accept(int listener) {
    return refuse_others(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

typedef union {
    struct cmsghdr header; /* for the alignment */
    char bytes[CMSG_SPACE(sizeof(int) * STUB_WIRE_FILES)];
} control;

static void attach_files(struct msghdr *message, control *space, const int *files, unsigned count) {
    memset(space, 0, sizeof *space);
    message->msg_control = space->bytes;
    message->msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), files, sizeof(int) * count);
}

bool stub_wire_send(int socket, const void *packet, size_t size, const int *files, unsigned count) {
    control space;
    struct iovec data = {.iov_base = (void *)(uintptr_t)packet, .iov_len = size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count > 0) {
        attach_files(&message, &space, files, count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

static unsigned detach_files(struct msghdr *message, int *files) {
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    const unsigned count = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(files, CMSG_DATA(header), sizeof(int) * count);
    return count;
}

/* Closing a socket before it has read everything resets the connection, which is told before what it had still to say.
 */
static ssize_t receive(int socket, struct msghdr *message) {
    const ssize_t length = recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    return length < 0 && errno == ECONNRESET ? recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) : length;
}

bool stub_wire_receive(int socket, void *packet, size_t size, int *files, unsigned *count) {
    control space;
    int received[STUB_WIRE_FILES];
    struct iovec data = {.iov_base = packet, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = space.bytes, .msg_controllen = sizeof space.bytes};
    const ssize_t length = receive(socket, &message);
    unsigned found = length > 0 ? detach_files(&message, received) : 0;
    if (length != (ssize_t)size || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        (files == NULL && found > 0)) {
        stub_wire_close_files(received, found);
        errno = (message.msg_flags & MSG_CTRUNC) != 0 ? EMFILE : ECONNRESET;
        return false;
    }
    if (files != NULL) {
        memcpy(files, received, sizeof(int) * found);
        *count = found;
    }
    return true;
}

bool stub_wire_wait(int socket, uint64_t deadline_ns) {
    struct pollfd waited = {.fd = socket, .events = POLLIN};
    for (uint64_t now = stub_now_ns(); now < deadline_ns; now = stub_now_ns()) {
        const uint64_t left = (deadline_ns - now) / NS_PER_MS + 1;
        if (poll(&waited, 1, left > 60000 ? 60000 : (int)left) > 0) {
            return true;
        }
    }
    return false;
}

void stub_wire_close_files(int *files, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        close(files[i]);
    }
}
