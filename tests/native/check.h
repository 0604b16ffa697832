/* Checks for the native tests, in C and C++. A failed check prints where it is and lets the program go on; the process
 * then ends with status 1, whatever main returns. Threads may check too. */
#ifndef ASCEND_TESTS_CHECK_H
#define ASCEND_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECK_LARGEST 100 /* failures after which the rest is noise */

static int check_failures;

static inline void check_end(void) {
    int failures = __atomic_load_n(&check_failures, __ATOMIC_RELAXED);
    if (failures == 0) {
        return; /* a forked child that counts its own */
    }
    fprintf(stderr, "%d check(s) failed\n", failures);
    fflush(NULL);
    _exit(1);
}

static inline void check_failed(void) {
    int earlier = __atomic_fetch_add(&check_failures, 1, __ATOMIC_RELAXED);
    if (earlier == 0) {
        atexit(check_end);
    } else if (earlier == CHECK_LARGEST) {
        check_end();
    }
}

static inline void check_true(int holds, const char *text, const char *file, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
        check_failed();
    }
}

static inline void check_status(int expected, int status, const char *text, const char *file, int line) {
    if (status != expected) {
        fprintf(stderr, "%s:%d: %s returned %d, expected %d\n", file, line, text, status, expected);
        check_failed();
    }
}

#define CHECK(condition) check_true((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_STATUS(expected, call) check_status((int)(expected), (int)(call), #call, __FILE__, __LINE__)

#endif
