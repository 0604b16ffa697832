/* Operators that write down the arguments they were given. WHO names the library that answered. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifndef WHO
#define WHO "built-in"
#endif

extern __thread char fake_message[1024];

/* Fails on purpose: the text holds what arrived. */
int aclnnEchoGetWorkspaceSize(const void *self, double alpha, float beta, int64_t n, bool flag, char *name,
                              int8_t small, uint64_t large, int dtype, const void *dims, uint64_t *size,
                              void **executor) {
    (void)size;
    (void)executor;
    snprintf(fake_message, sizeof(fake_message), "%s %p %.17g %.9g %" PRId64 " %d %s %d %" PRIu64 " %d %p", WHO, self,
             alpha, (double)beta, n, flag, name ? name : "NULL", small, large, dtype, dims);
    return 161002;
}

int aclnnEcho(void *workspace, uint64_t size, void *executor, void *stream) {
    snprintf(fake_message, sizeof(fake_message), "%s %p %" PRIu64 " %p %p", WHO, workspace, size, executor, stream);
    return 561003;
}

int aclnnPlanGetWorkspaceSize(int64_t bytes, uint64_t *size, void **executor) {
    *size = (uint64_t)bytes;
    *executor = (void *)(uintptr_t)0xabcdef123456;
    return 0;
}

int aclnnPlan(void *workspace, uint64_t size, void *executor, void *stream) {
    (void)workspace, (void)size, (void)stream;
    return executor == (void *)(uintptr_t)0xabcdef123456 ? 0 : 161001;
}

#ifdef HALF
/* Only the first half: such a library must be passed over as a whole. */
int aclnnHalfGetWorkspaceSize(uint64_t *size, void **executor) {
    *size = 1;
    *executor = NULL;
    return 0;
}
#else
int aclnnHalfGetWorkspaceSize(uint64_t *size, void **executor) {
    *size = 2;
    *executor = NULL;
    return 0;
}

int aclnnHalf(void *workspace, uint64_t size, void *executor, void *stream) {
    (void)workspace, (void)size, (void)executor, (void)stream;
    return 0;
}
#endif
