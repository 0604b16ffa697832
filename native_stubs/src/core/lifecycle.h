/* What aclInit and aclFinalize count, and the callbacks other libraries attach to them. One state per process,
 * whichever of libascendcl.so and libacl_rt.so a caller came through. */
#ifndef ASCEND_STUB_CORE_LIFECYCLE_H
#define ASCEND_STUB_CORE_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"

/* NULL and "" mean no configuration file. 100002 while initialised (one more reference), 100003 for a file that cannot
 * be read, 100006 for one that is no JSON, 100000 for other contents than the first aclInit of the process had. */
STUB_EXPORT int stub_initialise(const char *config_path);

/* Runs the finalize callbacks and drops every reference; 100037 the second time in a row. */
STUB_EXPORT int stub_finalise(void);

/* Drops one reference, the last one finalizes; 100037 without references. `left` (may be NULL) gets the rest. */
STUB_EXPORT int stub_finalise_reference(uint64_t *left);

bool stub_is_finalised(void);

typedef int (*stub_init_callback)(const char *config, size_t length, void *user);
typedef int (*stub_finalise_callback)(void *user);

/* `type` is an aclRegisterCallbackType. 100000 for a NULL callback, 500000 for a type that has one already (all but
 * OTHER) or, when removing, for an unknown pair. An init callback runs at once when the process is initialised. */
STUB_EXPORT int stub_add_init_callback(int type, stub_init_callback callback, void *user);
STUB_EXPORT int stub_remove_init_callback(int type, stub_init_callback callback);
STUB_EXPORT int stub_add_finalise_callback(int type, stub_finalise_callback callback, void *user);
STUB_EXPORT int stub_remove_finalise_callback(int type, stub_finalise_callback callback);

#endif
