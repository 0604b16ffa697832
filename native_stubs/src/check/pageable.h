/* Asynchronous copies of memory that is not pinned. */
#ifndef ASCEND_STUB_CHECK_PAGEABLE_H
#define ASCEND_STUB_CHECK_PAGEABLE_H

#include "core/copy.h"
#include "core/export.h"
#include "watch/watch.h"

/* Behind stub_is_watched_by(STUB_WATCH_CHECKS): a copy is about to be queued with a host side that is not pinned. */
STUB_EXPORT void stub_check_pageable(const char *function, const stub_copy *copy);

#endif
