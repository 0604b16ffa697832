/* Streams and the process they live in: forked children are refused, and a process may end while they are busy. */
#include <string.h>
#include <sys/wait.h>

#include "latch.h"

static int in_forked_child;

/* LeakSanitizer asks before it searches: in a forked child, what the parent's other threads hold looks lost. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return in_forked_child;
}

static int calls_in_a_forked_child(aclrtStream stream) {
    int count = 0;
    in_forked_child = 1;
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtLaunchHostFunc(stream, count_up, &count));
    const char *text = aclGetRecentErrMsg();
    CHECK(text != NULL && strstr(text, "spawn") != NULL);
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtSynchronizeStream(stream));
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtSynchronizeDevice());
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtSetDevice(0));
    CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, aclrtCreateStream(&stream));
    return check_failures;
}

static void a_forked_child_is_refused_and_can_exit(void) {
    latch gate = LATCH;
    aclrtStream stream = new_stream();
    CHECK_STATUS(0, aclrtLaunchHostFunc(stream, latch_wait, &gate));
    latch_await(&gate, 1);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        exit(calls_in_a_forked_child(stream)); /* runs the destructors of the libraries too */
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    latch_open(&gate);
    CHECK_STATUS(0, aclrtSynchronizeStream(stream));
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

/* The process may end while streams are at work. In a child that was forked before any stream existed. */
static void a_process_can_exit_while_streams_are_busy(void) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static latch gate = LATCH;
        static int count;
        CHECK_STATUS(0, aclrtSetDevice(0));
        aclrtStream busy = new_stream(), idle = new_stream();
        CHECK_STATUS(0, aclrtLaunchHostFunc(idle, count_up, &count));
        CHECK_STATUS(0, aclrtSynchronizeStream(idle));
        CHECK_STATUS(0, aclrtLaunchHostFunc(busy, latch_wait, &gate));
        for (int i = 0; i < 100; i++) {
            CHECK_STATUS(0, aclrtLaunchHostFunc(busy, count_up, &count));
        }
        latch_await(&gate, 1);
        exit(check_failures);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    a_process_can_exit_while_streams_are_busy();
    CHECK_STATUS(0, aclInit(NULL));
    CHECK_STATUS(0, aclrtSetDevice(0));
    a_forked_child_is_refused_and_can_exit();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    return 0;
}
