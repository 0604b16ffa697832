/* Rows of elements as columns: what lies across is brought side by side with it. */
#ifndef ASCEND_STUB_OPAPI_TURN_H
#define ASCEND_STUB_OPAPI_TURN_H

#include <stddef.h>
#include <stdint.h>

/* Elements of 1, 2, 4, 8 or 16 bytes; element c of row r becomes element r of row c. Steps: bytes from one row to the
 * next. */
void stub_turn(size_t size, const uint8_t *from, int64_t from_step, int64_t rows, int64_t columns, uint8_t *to,
               int64_t to_step);

#endif
