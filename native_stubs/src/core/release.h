/* The release of CANN that is played: ASCEND_STUB_CANN, read on first use. */
#ifndef ASCEND_STUB_CORE_RELEASE_H
#define ASCEND_STUB_CORE_RELEASE_H

#include "core/export.h"

/* No function of CANN's is newer than this: the stand-in's own release, behaviour of 9.1 with all functions. */
#define STUB_RELEASE_LATEST 902

/* 801, 805, 900, 901, or STUB_RELEASE_LATEST when nothing is asked for. */
STUB_EXPORT int stub_release(void);

#endif
