/* Places in the user's code: Python frames where Python made the call, a C backtrace otherwise. Interned: two calls
 * from one place have one stub_place, and none is ever freed. */
#ifndef ASCEND_STUB_CHECK_PLACE_H
#define ASCEND_STUB_CHECK_PLACE_H

#include "core/export.h"
#include "watch/watch.h"

/* Where the calling thread's innermost visit was made from; taken once per visit. NULL outside of visits (a worker) and
 * without memory. No lock may be held: the frame reader takes Python's. */
STUB_EXPORT const stub_place *stub_place_here(void);

/* The same, of what is remembered for later reports: NULL also when no check that is on would tell it. */
STUB_EXPORT const stub_place *stub_place_to_keep(void);

/* Its lines, "    file:line in function\n" each; "    (unknown place)\n" for NULL. */
const char *stub_place_text(const stub_place *place);

#endif
