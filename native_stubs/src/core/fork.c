/* fork() copies only the calling thread: the workers of the streams are gone in the child and locks may be held by
 * threads that no longer exist. The child is therefore marked, and refused before any lock is touched. */
#include "core/fork.h"

#include <pthread.h>
#include <stdatomic.h>

#include "acl/acl_base.h"
#include "core/context.h"
#include "core/error.h"

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static atomic_bool forked;

static void mark_child(void) {
    atomic_store_explicit(&forked, true, memory_order_relaxed);
}

static void install_handler(void) {
    pthread_atfork(NULL, NULL, mark_child);
}

void stub_watch_forks(void) {
    pthread_once(&watch_once, install_handler);
}

bool stub_is_forked_child(void) {
    return atomic_load_explicit(&forked, memory_order_relaxed);
}

int stub_refuse_forked_child(const char *function) {
    if (!stub_is_forked_child()) {
        return 0;
    }
    return stub_fail(ACL_ERROR_RT_INTERNAL_ERROR,
                     "%s: this process was forked after its parent had used the device, and CANN does not survive a "
                     "fork. Start it with spawn instead (Python: multiprocessing.get_context(\"spawn\")), or fork "
                     "before the first device call.",
                     function);
}
