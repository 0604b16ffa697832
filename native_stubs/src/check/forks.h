/* Locks of this room that a forked child finds free, so that it may go on. */
#ifndef ASCEND_STUB_CHECK_FORKS_H
#define ASCEND_STUB_CHECK_FORKS_H

#include <pthread.h>

/* Once per lock, before it is used. None of these locks is held while another is taken, except around a fork. */
void stub_lock_survives_forks(pthread_mutex_t *lock);

#endif
