/* A communicator's board in this process, shared by all of its ranks that live here, and the memory of all ranks. */
#ifndef ASCEND_STUB_COMM_SEGMENT_H
#define ASCEND_STUB_COMM_SEGMENT_H

#include "comm/board.h"
#include "hccl/hccl_types.h"

typedef struct stub_segment stub_segment;

#define STUB_IDENTIFIER_BYTES COMM_NAME_MAX_LENGTH

/* A new board for `size` ranks; NULL with a text. */
stub_segment *stub_segment_create(uint32_t size);

/* The board that another process made (takes the descriptor, always), or the one that this process has already. */
stub_segment *stub_segment_adopt(uint32_t size, int file);

stub_segment *stub_segment_retain(stub_segment *segment);
void stub_segment_release(stub_segment *segment);

stub_board *stub_segment_board(stub_segment *segment);
int stub_segment_file(const stub_segment *segment); /* still the segment's */

/* `rank` lives in this process, on that device. From now on others can tell whether it is alive. */
HcclResult stub_segment_join(stub_segment *segment, uint32_t rank, int device);

/* The rank takes no further part; those who wait for it learn so. */
void stub_segment_leave(stub_segment *segment, uint32_t rank);

/* Another process's rank: the file of its device memory (still the caller's). */
HcclResult stub_segment_reach(stub_segment *segment, uint32_t rank, int file, uint64_t bytes);

/* False once the process of a rank that has joined is gone, whatever it died of. */
bool stub_segment_is_alive(stub_segment *segment, uint32_t rank);

/* Where a rank's device memory starts in this process. */
char *stub_segment_memory(stub_segment *segment, uint32_t rank);

#endif
