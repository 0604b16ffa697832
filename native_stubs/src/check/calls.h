/* Where the checks look at a watched call. */
#ifndef ASCEND_STUB_CHECK_CALLS_H
#define ASCEND_STUB_CHECK_CALLS_H

#include "watch/watch.h"

/* Handles and memory that a call uses or ends, before it is made, and what it made or failed at, afterwards. */
void stub_objects_enter(stub_visit *visit);
void stub_objects_leave(stub_visit *visit);

#endif
