/* The kernels registered at run time: a list by operator name, and a gate that closes before an interpreter ends. */
#include "nnopbase/kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"

struct stub_registration {
    stub_registration *next;
    _Atomic(uint32_t) references; /* the list's and those of planned calls */
    stub_kernel kernel;
    void *user;
    void (*release)(void *user);
    char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static stub_registration *registrations; /* under the lock */
static _Atomic(uint32_t) registered;     /* how many: nobody takes the lock when there are none */

/* Twice the number of functions being called, plus one when no more may be. */
static _Atomic(uint32_t) gate;
#define CLOSED 1u
#define ONE_INSIDE 2u

static bool enter(void) {
    if ((atomic_fetch_add_explicit(&gate, ONE_INSIDE, memory_order_acquire) & CLOSED) == 0) {
        return true;
    }
    atomic_fetch_sub_explicit(&gate, ONE_INSIDE, memory_order_release);
    return false;
}

static void leave(void) {
    atomic_fetch_sub_explicit(&gate, ONE_INSIDE, memory_order_release);
}

bool stub_kernel_enter(const stub_registration *registration) {
    return registration == NULL || enter();
}

void stub_kernel_leave(const stub_registration *registration) {
    if (registration != NULL) {
        leave();
    }
}

void stub_close_kernels(void) {
    const struct timespec moment = {.tv_nsec = 100000};
    atomic_fetch_or_explicit(&gate, CLOSED, memory_order_acq_rel);
    while (atomic_load_explicit(&gate, memory_order_acquire) != CLOSED) {
        nanosleep(&moment, NULL);
    }
}

void stub_registration_retain(stub_registration *registration) {
    atomic_fetch_add_explicit(&registration->references, 1, memory_order_relaxed);
}

void stub_registration_release(stub_registration *registration) {
    if (atomic_fetch_sub_explicit(&registration->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (registration->release != NULL && enter()) {
        registration->release(registration->user);
        leave();
    }
    free(registration);
}

void *stub_registration_user(const stub_registration *registration) {
    return registration == NULL ? NULL : registration->user;
}

/* Under the lock: where the list refers to the operator's registration, or ends. */
static stub_registration **find(const char *name) {
    stub_registration **link = &registrations;
    while (*link != NULL && strcmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    return link;
}

static stub_registration *find_retained(const char *name) {
    pthread_mutex_lock(&lock);
    stub_registration *found = *find(name);
    if (found != NULL) {
        stub_registration_retain(found);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

const stub_kernel *stub_kernel_of(const stub_operator *op, stub_registration **registration) {
    *registration = atomic_load_explicit(&registered, memory_order_relaxed) == 0 ? NULL : find_retained(op->name);
    return *registration != NULL ? &(*registration)->kernel : op->kernel;
}

bool stub_kernel_is_registered(const char *name) {
    pthread_mutex_lock(&lock);
    const bool found = *find(name) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

/* Under the lock: takes the operator's registration out of the list; NULL when it has none. */
static stub_registration *take(const char *name) {
    stub_registration **link = find(name);
    stub_registration *found = *link;
    if (found != NULL) {
        *link = found->next;
        atomic_fetch_sub_explicit(&registered, 1, memory_order_relaxed);
    }
    return found;
}

static stub_registration *new_registration(const char *name, const stub_kernel *kernel) {
    const size_t size = strlen(name) + 1;
    stub_registration *made = malloc(sizeof *made + size);
    if (made != NULL) {
        *made = (stub_registration){.references = 1, .kernel = *kernel};
        memcpy(made->name, name, size);
    }
    return made;
}

aclnnStatus stub_register_kernel(const char *name, const stub_kernel *kernel, void *user, void (*release)(void *)) {
    if (name == NULL || kernel == NULL || kernel->run == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "stub_register_kernel: the operator's %s is NULL",
                         name == NULL     ? "name"
                         : kernel == NULL ? "kernel"
                                          : "run function");
    }
    stub_registration *made = new_registration(name, kernel);
    if (made == NULL) {
        return stub_fail(ACLNN_ERR_INNER_CREATE_EXECUTOR, "stub_register_kernel: the host is out of memory");
    }
    made->user = user;
    made->release = release;
    pthread_mutex_lock(&lock);
    /* Counted before the earlier one leaves: who looks without the lock must not see none in between. */
    atomic_fetch_add_explicit(&registered, 1, memory_order_relaxed);
    stub_registration *earlier = take(name);
    made->next = registrations;
    registrations = made;
    pthread_mutex_unlock(&lock);
    if (earlier != NULL) {
        stub_registration_release(earlier);
    }
    return ACLNN_SUCCESS;
}

aclnnStatus stub_unregister_kernel(const char *name) {
    if (name == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "stub_unregister_kernel: the operator's name is NULL");
    }
    pthread_mutex_lock(&lock);
    stub_registration *taken = take(name);
    pthread_mutex_unlock(&lock);
    if (taken == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "stub_unregister_kernel: no kernel is registered for %s", name);
    }
    stub_registration_release(taken);
    return ACLNN_SUCCESS;
}
