/* Threads of the stand-in's own. */
#ifndef ASCEND_STUB_CORE_THREAD_H
#define ASCEND_STUB_CORE_THREAD_H

#include <pthread.h>

/* pthread_create for a thread that takes no asynchronous signals (those are the program's business; faults still reach
 * their handlers) and has a stack for kernels and host functions. Returns what pthread_create returns. */
int stub_thread_start(pthread_t *thread, void *(*body)(void *), void *argument);

#endif
