/* Races: the same bytes, in no order. */
#ifndef ASCEND_STUB_CHECK_RACES_H
#define ASCEND_STUB_CHECK_RACES_H

#include "check/books.h"

#define STUB_MOST_RACES 32u /* that are told of one task */

/* Two touches that race; references to both tasks are held. */
typedef struct {
    struct {
        const stub_touch *first, *second; /* in the order of queueing */
    } items[STUB_MOST_RACES];
    size_t count;
} stub_race_list;

/* Under the books' lock: a pending task has touched its bytes, or is about to and will not be ordered any better. It is
 * compared with all that have, and kept. */
void stub_races_touched(stub_check_task *task, stub_race_list *races);

/* With no lock held; gives the references back. */
void stub_races_report(const stub_race_list *races);

/* The calling thread itself is about to access memory: in stub_check_host_access. */
void stub_races_host_access(const char *function, const stub_access_list *accesses);

#endif
