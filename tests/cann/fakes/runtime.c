/* A runtime that does nothing, for tests of the binding: answers what -D says and counts what it is asked.
 *   INIT_STATUS  what aclInit returns (0)
 *   FINALISE_FD  where aclFinalize leaves a trace (stderr) */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef INIT_STATUS
#define INIT_STATUS 0
#endif

__thread char fake_message[1024];

int aclInit(const char *path) {
    (void)path;
    return INIT_STATUS;
}

int aclFinalize(void) {
    fprintf(stderr, "aclFinalize was called\n");
    return 0;
}

const char *aclGetRecentErrMsg(void) {
    static __thread char taken[1024];
    if (fake_message[0] == '\0') {
        return NULL;
    }
    strcpy(taken, fake_message);
    fake_message[0] = '\0';
    return taken;
}

int aclrtSetDevice(int32_t device) {
    snprintf(fake_message, sizeof(fake_message), "device %d refused", device);
    return 107001;
}

int aclrtGetDeviceCount(uint32_t *count) {
    *count = 3;
    return 0;
}

int aclrtMalloc(void **address, size_t size, int policy) {
    (void)policy;
    *address = malloc(size);
    return 0;
}

int aclrtFree(void *address) {
    free(address);
    fprintf(stderr, "aclrtFree was called\n");
    return 0;
}

#ifdef LATER
int aclrtGetStreamAvailableNum(uint32_t *count) {
    *count = 17;
    return 0;
}
#endif
