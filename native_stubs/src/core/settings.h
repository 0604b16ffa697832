/* What the environment asks for, read once per process on first use. */
#ifndef ASCEND_STUB_CORE_SETTINGS_H
#define ASCEND_STUB_CORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/export.h"

#define STUB_MAX_DEVICES 64
#define STUB_MAX_THREADS 256

/* The products whose differences the stand-in knows (aclrtGetSocName prefixes). */
typedef enum { STUB_PRODUCT_A2, STUB_PRODUCT_A3, STUB_PRODUCT_310P, STUB_PRODUCT_910, STUB_PRODUCT_950 } stub_product;

typedef struct {
    int device_count;              /* ASCEND_STUB_DEVICES, default 8, 1..STUB_MAX_DEVICES */
    uint64_t hbm_bytes;            /* ASCEND_STUB_HBM per device, default 64G; accepts K, M, G, T suffixes (powers of
                                    * 1024); rounded up to 2 MiB */
    char soc_name[64];             /* ASCEND_STUB_SOC, default "Ascend910B" */
    stub_product product;          /* derived from soc_name */
    int queue_depth;               /* ASCEND_STUB_QUEUE_DEPTH, default 1024: tasks a stream holds before an enqueue
                                    * waits (back-pressure) */
    int thread_count;              /* ASCEND_STUB_THREADS, default the cores the process may use: threads that share
                                    * the work of one kernel */
    int visible[STUB_MAX_DEVICES]; /* ASCEND_RT_VISIBLE_DEVICES: logical -> physical id */
    int visible_count;             /* -1 when ASCEND_RT_VISIBLE_DEVICES is malformed (aclrtGetDeviceCount answers
                                    * 207004) */
} stub_settings;

/* Never NULL. A malformed value keeps its default and is reported once on stderr. */
STUB_EXPORT const stub_settings *stub_get_settings(void);

/* Bytes in the notation of ASCEND_STUB_HBM: "64G", "64GB", "64GiB" or "68719476736", at most 16T. */
bool stub_parse_bytes(const char *text, uint64_t *bytes);

#endif
