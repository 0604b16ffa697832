/* Names of communicators that were given none. */
#ifndef ASCEND_STUB_COMM_IDENTIFIER_H
#define ASCEND_STUB_COMM_IDENTIFIER_H

#include "comm/segment.h"

/* "<ip>_<port>_<device>_<microseconds>", as HCCL makes them; never the same twice in this process. */
void stub_make_identifier(int device, char identifier[STUB_IDENTIFIER_BYTES]);

#endif
