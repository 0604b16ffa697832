/* Initialisation count and callbacks; see lifecycle.h. */
#include "core/lifecycle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_base.h"
#include "acl/acl_rt.h"
#include "core/config_file.h"
#include "core/error.h"

typedef struct callback {
    struct callback *next;
    int type;
    stub_init_callback init; /* one of the two */
    stub_finalise_callback finalise;
    void *user;
} callback;

static pthread_once_t lock_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock; /* recursive: callbacks run under it and may call back */
static uint64_t references;
static bool finalised;
static char *first_config;  /* of the process's first successful aclInit */
static callback *callbacks; /* in the order of registration */

static void make_lock(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

static void enter(void) {
    pthread_once(&lock_once, make_lock);
    pthread_mutex_lock(&lock);
}

static int leave(int status) {
    pthread_mutex_unlock(&lock);
    return status;
}

/* A callback may remove itself, hence the early look at `next`. */
static int notify_init(int type, const char *config) {
    for (callback *c = callbacks, *next = NULL; c != NULL; c = next) {
        next = c->next;
        int status = c->type == type && c->init != NULL ? c->init(config, strlen(config), c->user) : ACL_SUCCESS;
        if (status != ACL_SUCCESS) {
            return status;
        }
    }
    return ACL_SUCCESS;
}

static int notify_finalise(int type) {
    for (callback *c = callbacks, *next = NULL; c != NULL; c = next) {
        next = c->next;
        int status = c->type == type && c->finalise != NULL ? c->finalise(c->user) : ACL_SUCCESS;
        if (status != ACL_SUCCESS) {
            return status;
        }
    }
    return ACL_SUCCESS;
}

/* CANN tells the operator executor only about real configuration files. */
static int notify_all_init(const char *config) {
    static const int order[] = {ACL_REG_TYPE_ACL_MODEL, ACL_REG_TYPE_ACL_OP_EXECUTOR, ACL_REG_TYPE_ACL_DVPP,
                                ACL_REG_TYPE_OTHER};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        bool skip = order[i] == ACL_REG_TYPE_ACL_OP_EXECUTOR && *config == '\0';
        int status = skip ? ACL_SUCCESS : notify_init(order[i], config);
        if (status != ACL_SUCCESS) {
            return status;
        }
    }
    return ACL_SUCCESS;
}

static int notify_all_finalise(void) {
    static const int order[] = {ACL_REG_TYPE_ACL_OP_COMPILER, ACL_REG_TYPE_ACL_MODEL, ACL_REG_TYPE_ACL_DVPP,
                                ACL_REG_TYPE_OTHER};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        int status = notify_finalise(order[i]);
        if (status != ACL_SUCCESS) {
            return status;
        }
    }
    return ACL_SUCCESS;
}

static int check_same_config(const char *path, const char *config) {
    if (first_config == NULL || strcmp(first_config, config) == 0) {
        return ACL_SUCCESS;
    }
    return stub_fail(ACL_ERROR_INVALID_PARAM,
                     "aclInit: configPath \"%s\" has other contents than the first aclInit of this process was given; "
                     "use the same configuration in one process.",
                     path == NULL ? "" : path);
}

static int initialise_with(const char *path, char *config) {
    int status = check_same_config(path, config);
    if (status == ACL_SUCCESS) {
        status = notify_all_init(config);
    }
    if (status != ACL_SUCCESS) {
        free(config);
        return status;
    }
    free(first_config);
    first_config = config;
    references = 1;
    finalised = false;
    return ACL_SUCCESS;
}

int stub_initialise(const char *config_path) {
    enter();
    if (references > 0) {
        references++;
        return leave(ACL_ERROR_REPEAT_INITIALIZE); /* without a text: callers take it for success */
    }
    char *config = NULL;
    int status = stub_read_config(config_path, &config);
    return leave(status == ACL_SUCCESS ? initialise_with(config_path, config) : status);
}

static int finalise_now(void) {
    int status = notify_all_finalise();
    if (status == ACL_SUCCESS) {
        finalised = true;
        references = 0;
    }
    return status;
}

int stub_finalise(void) {
    enter();
    if (finalised) {
        return leave(stub_fail(ACL_ERROR_REPEAT_FINALIZE, "aclFinalize: the process is finalized already."));
    }
    return leave(finalise_now());
}

int stub_finalise_reference(uint64_t *left) {
    enter();
    int status = ACL_SUCCESS;
    if (references > 1) {
        references--;
    } else if (references == 1) {
        status = finalise_now();
    } else {
        status = stub_fail(ACL_ERROR_REPEAT_FINALIZE,
                           "aclFinalizeReference: no aclInit is left to undo; the process is not initialised.");
    }
    if (left != NULL) {
        *left = references;
    }
    return leave(status);
}

bool stub_is_finalised(void) {
    enter();
    return leave(finalised) != 0;
}

static bool has_callback(const callback *wanted) {
    for (const callback *c = callbacks; c != NULL; c = c->next) {
        if (c->type == wanted->type && (c->init != NULL) == (wanted->init != NULL)) {
            return true;
        }
    }
    return false;
}

static int fail_null_callback(const char *api) {
    return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: cbFunc is NULL; give the function to call.", api);
}

static int append_callback(const char *api, callback added) {
    if (added.type != ACL_REG_TYPE_OTHER && has_callback(&added)) {
        return stub_fail(ACL_ERROR_INTERNAL_ERROR,
                         "%s: type %d has a callback already; only ACL_REG_TYPE_OTHER takes several.", api, added.type);
    }
    callback *entry = malloc(sizeof *entry);
    if (entry == NULL) {
        return stub_fail(ACL_ERROR_BAD_ALLOC, "%s: no memory for a callback.", api);
    }
    *entry = added;
    callback **end = &callbacks;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = entry;
    return ACL_SUCCESS;
}

static int remove_callback(const char *api, int type, stub_init_callback init, stub_finalise_callback finalise) {
    for (callback **at = &callbacks; *at != NULL; at = &(*at)->next) {
        callback *c = *at;
        if (c->type == type && c->init == init && c->finalise == finalise) {
            *at = c->next;
            free(c);
            return ACL_SUCCESS;
        }
    }
    return stub_fail(ACL_ERROR_INTERNAL_ERROR, "%s: cbFunc is not registered for type %d.", api, type);
}

int stub_add_init_callback(int type, stub_init_callback function, void *user) {
    if (function == NULL) {
        return fail_null_callback("aclInitCallbackRegister");
    }
    enter();
    int status = append_callback("aclInitCallbackRegister", (callback){.type = type, .init = function, .user = user});
    if (status == ACL_SUCCESS && references > 0) {
        (void)function(first_config, strlen(first_config), user); /* CANN drops this status too */
    }
    return leave(status);
}

int stub_remove_init_callback(int type, stub_init_callback function) {
    if (function == NULL) {
        return fail_null_callback("aclInitCallbackUnRegister");
    }
    enter();
    return leave(remove_callback("aclInitCallbackUnRegister", type, function, NULL));
}

int stub_add_finalise_callback(int type, stub_finalise_callback function, void *user) {
    if (function == NULL) {
        return fail_null_callback("aclFinalizeCallbackRegister");
    }
    enter();
    return leave(
        append_callback("aclFinalizeCallbackRegister", (callback){.type = type, .finalise = function, .user = user}));
}

int stub_remove_finalise_callback(int type, stub_finalise_callback function) {
    if (function == NULL) {
        return fail_null_callback("aclFinalizeCallbackUnRegister");
    }
    enter();
    return leave(remove_callback("aclFinalizeCallbackUnRegister", type, NULL, function));
}
