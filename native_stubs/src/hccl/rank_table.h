/* The JSON file that says which device of which server is which rank. */
#ifndef ASCEND_STUB_HCCL_RANK_TABLE_H
#define ASCEND_STUB_HCCL_RANK_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/settings.h"
#include "hccl/hccl_types.h"

#define RANK_TABLE_SERVER_BYTES 65 /* of a server_id with its terminator */

typedef struct {
    uint32_t size;
    struct {
        char server[RANK_TABLE_SERVER_BYTES];
        uint32_t device; /* physical id */
        bool given;
    } ranks[STUB_MAX_DEVICES];
} rank_table;

/* 4 with a text when the file cannot be read, is no JSON or is not completed; 1 when its content is not that of a rank
 * table. */
HcclResult read_rank_table(const char *function, const char *path, rank_table *table);

#endif
