/* The kernels registered at run time: a list by operator name, and a gate that closes before an interpreter ends. The
 * names stay for ever, so that operators without a registered kernel are told apart without a lock. */
#include "nnopbase/kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aclnn/opdev/op_errno.h"
#include "core/error.h"

struct stub_registration {
    _Atomic(uint32_t) references; /* the list's and those of planned calls */
    stub_kernel kernel;
    void *user;
    void (*release)(void *user);
};

typedef struct named {
    struct named *next;
    _Atomic(stub_registration *) current; /* NULL: none; written and retained under the lock */
    char name[];
} named;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(named *) names; /* grows at its head, under the lock */

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

static named *find(const char *name) {
    named *entry = atomic_load_explicit(&names, memory_order_acquire);
    while (entry != NULL && strcmp(entry->name, name) != 0) {
        entry = entry->next;
    }
    return entry;
}

static stub_registration *current_of(named *entry) {
    return entry == NULL ? NULL : atomic_load_explicit(&entry->current, memory_order_acquire);
}

static stub_registration *retain_current(named *entry) {
    pthread_mutex_lock(&lock);
    stub_registration *found = current_of(entry);
    if (found != NULL) {
        stub_registration_retain(found);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

const stub_kernel *stub_kernel_of(const stub_operator *op, stub_registration **registration) {
    named *entry = find(op->name);
    *registration = current_of(entry) == NULL ? NULL : retain_current(entry);
    return *registration != NULL ? &(*registration)->kernel : op->kernel;
}

bool stub_kernel_is_registered(const char *name) {
    return current_of(find(name)) != NULL;
}

/* Under the lock. NULL without memory. */
static named *find_or_add(const char *name) {
    named *entry = find(name);
    if (entry != NULL) {
        return entry;
    }
    const size_t size = strlen(name) + 1;
    entry = calloc(1, sizeof *entry + size);
    if (entry != NULL) {
        memcpy(entry->name, name, size);
        entry->next = atomic_load_explicit(&names, memory_order_relaxed);
        atomic_store_explicit(&names, entry, memory_order_release);
    }
    return entry;
}

static stub_registration *new_registration(const stub_kernel *kernel, void *user, void (*release)(void *)) {
    stub_registration *made = malloc(sizeof *made);
    if (made != NULL) {
        *made = (stub_registration){.references = 1, .kernel = *kernel, .user = user, .release = release};
    }
    return made;
}

/* Under the lock: puts a registration (NULL: none) in the place of the earlier one, which is the caller's then. */
static stub_registration *replace(named *entry, stub_registration *made) {
    return entry == NULL ? NULL : atomic_exchange_explicit(&entry->current, made, memory_order_acq_rel);
}

aclnnStatus stub_register_kernel(const char *name, const stub_kernel *kernel, void *user, void (*release)(void *)) {
    if (name == NULL || kernel == NULL || kernel->run == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_NULLPTR, "stub_register_kernel: the operator's %s is NULL",
                         name == NULL     ? "name"
                         : kernel == NULL ? "kernel"
                                          : "run function");
    }
    stub_registration *made = new_registration(kernel, user, release);
    pthread_mutex_lock(&lock);
    named *entry = made != NULL ? find_or_add(name) : NULL;
    stub_registration *earlier = replace(entry, made);
    pthread_mutex_unlock(&lock);
    if (entry == NULL) {
        free(made);
        return stub_fail(ACLNN_ERR_INNER_CREATE_EXECUTOR, "stub_register_kernel: the host is out of memory");
    }
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
    stub_registration *taken = replace(find(name), NULL);
    pthread_mutex_unlock(&lock);
    if (taken == NULL) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "stub_unregister_kernel: no kernel is registered for %s", name);
    }
    stub_registration_release(taken);
    return ACLNN_SUCCESS;
}
