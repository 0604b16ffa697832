/* The timeline: complete whatever happens, one line per call and task, written by nobody else. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "acl/acl.h"
#include "ascend_stub/trace.h"
#include "latch.h"

#define THREADS 4
#define CALLS 2000 /* several buffers full */

static int in_forked_child;

/* LeakSanitizer asks before it searches: in a forked child, what the parent's other threads hold looks lost. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return in_forked_child;
}

/* ---- reading ---- */

static char folder[] = "/tmp/ascend-trace-XXXXXX";
static char path[256];

static const char *file_named(const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static char *contents(const char *name) {
    FILE *file = fopen(name, "rb");
    CHECK(file != NULL);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    CHECK(fread(text, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    return text;
}

static const char *skip_space(const char *at) {
    return at + strspn(at, " \n");
}

static const char *skip_value(const char *at);

/* Behind an object or an array, NULL when it is none. */
static const char *skip_items(const char *at, char close) {
    at = skip_space(at + 1);
    if (*at == close) {
        return at + 1;
    }
    for (;;) {
        if (close == '}') {
            at = *at == '"' ? skip_value(at) : NULL;
            at = at != NULL && *at == ':' ? at + 1 : NULL;
        }
        at = at == NULL ? NULL : skip_value(skip_space(at));
        if (at == NULL || *(at = skip_space(at)) == close) {
            return at == NULL ? NULL : at + 1;
        }
        if (*at != ',') {
            return NULL;
        }
        at = skip_space(at + 1);
    }
}

static const char *skip_string(const char *at) {
    for (at++; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e) {
            return NULL;
        }
        at += *at == '\\';
    }
    return at + 1;
}

/* Behind a JSON value, NULL where there is none. */
static const char *skip_value(const char *at) {
    if (*at == '{' || *at == '[') {
        return skip_items(at, *at == '{' ? '}' : ']');
    }
    if (*at == '"') {
        return skip_string(at);
    }
    const size_t digits = strspn(at, "-0123456789.");
    return digits > 0 ? at + digits : NULL;
}

static int is_json(const char *text) {
    const char *end = skip_value(text);
    return end != NULL && *skip_space(end) == '\0';
}

static size_t count(const char *text, const char *part) {
    size_t found = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        found++;
    }
    return found;
}

/* Ends the trace and reads it. */
static char *end_trace(const char *name) {
    CHECK_STATUS(0, stub_trace_end());
    char *text = contents(file_named(name));
    CHECK(is_json(text));
    return text;
}

/* ---- what is traced ---- */

static void *many_calls(void *argument) {
    int32_t device = 0;
    CHECK_STATUS(0, aclrtSetDevice(0));
    for (int i = 0; i < CALLS; i++) {
        CHECK_STATUS(0, aclrtGetDevice(&device));
    }
    CHECK_STATUS(0, aclrtResetDevice(0));
    return argument;
}

static void every_call_of_every_thread_is_there(void) {
    pthread_t threads[THREADS];
    CHECK_STATUS(0, stub_trace_begin(file_named("calls.json")));
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, many_calls, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    char *text = end_trace("calls.json");
    CHECK(count(text, "\"name\":\"aclrtGetDevice\"") == THREADS * CALLS);
    CHECK(count(text, "\"name\":\"thread_name\"") == THREADS);
    free(text);
}

static void tasks_are_on_the_rows_of_their_streams_with_arrows(void) {
    void *memory = NULL, *pinned = NULL;
    aclrtStream one = new_stream(), two = new_stream();
    CHECK_STATUS(0, aclrtMalloc(&memory, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtMallocHost(&pinned, 4096));
    CHECK_STATUS(0, stub_trace_begin(file_named("tasks.json")));
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(0, aclrtMemcpyAsync(memory, 4096, pinned, 1000, ACL_MEMCPY_HOST_TO_DEVICE, one));
        CHECK_STATUS(0, aclrtMemsetAsync((char *)memory + 2048, 2048, 7, 100, two));
    }
    CHECK_STATUS(0, aclrtSynchronizeStream(one));
    CHECK_STATUS(0, aclrtSynchronizeStream(two));
    CHECK_STATUS(0, aclrtMemcpy(pinned, 4096, memory, 24, ACL_MEMCPY_DEVICE_TO_HOST));
    char *text = end_trace("tasks.json");
    CHECK(count(text, "\"name\":\"copy host to device, 1000 bytes\"") == 3);
    CHECK(count(text, "\"name\":\"copy device to host, 24 bytes\"") == 1);
    CHECK(count(text, "\"cat\":\"task\",\"name\":\"aclrtMemsetAsync\"") == 3);
    CHECK(count(text, "\"bytes_read\":0,\"bytes_written\":100") == 3);
    CHECK(count(text, "\"ph\":\"s\"") == 6 && count(text, "\"ph\":\"f\"") == 6);
    CHECK(count(text, "{\"name\":\"stream ") == 2);
    free(text);
    CHECK_STATUS(0, aclrtFree(memory));
    CHECK_STATUS(0, aclrtFreeHost(pinned));
    CHECK_STATUS(0, aclrtDestroyStream(one));
    CHECK_STATUS(0, aclrtDestroyStream(two));
}

static void memory_in_use_is_counted(void) {
    void *first = NULL, *second = NULL;
    CHECK_STATUS(0, aclrtMalloc(&first, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, stub_trace_begin(file_named("memory.json")));
    CHECK_STATUS(0, aclrtMalloc(&second, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(0, aclrtFree(second));
    CHECK_STATUS(0, aclrtFree(first));
    char *text = end_trace("memory.json");
    CHECK(count(text, "\"name\":\"memory in use\"") == 4); /* one at the beginning */
    CHECK(count(text, "\"args\":{\"bytes\":0}") == 1);
    free(text);
}

static void what_failed_says_so_and_loops_that_ask_are_one_line(void) {
    aclrtStream stream = new_stream();
    aclrtStreamStatus state;
    CHECK_STATUS(0, stub_trace_begin(file_named("failed.json")));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(&state));
    for (int i = 0; i < 50; i++) {
        CHECK_STATUS(0, aclrtStreamQuery(stream, &state));
    }
    char *text = end_trace("failed.json");
    CHECK(count(text, "\"cat\":\"call,failed\",\"name\":\"aclrtFree\"") == 1);
    CHECK(count(text, "\"returned\":107000},\"cname\":\"terrible\"") == 1);
    CHECK(count(text, "\"name\":\"aclrtStreamQuery\"") == 1 && count(text, "\"calls\":50") == 1);
    free(text);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

/* ---- beginnings and ends ---- */

static void a_trace_begins_once_and_ends_once(void) {
    CHECK_STATUS(ACL_ERROR_UNINITIALIZE, stub_trace_end());
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, stub_trace_begin(NULL));
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, stub_trace_begin(""));
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, stub_trace_begin(file_named("missing/trace.json")));
    CHECK_STATUS(0, stub_trace_begin(file_named("once.json")));
    CHECK_STATUS(ACL_ERROR_REPEAT_INITIALIZE, stub_trace_begin(file_named("twice.json")));
    CHECK(strstr(aclGetRecentErrMsg(), "once.json") != NULL);
    char *text = end_trace("once.json");
    CHECK(count(text, "\"ph\":\"X\"") == 1); /* the call that asked for the text */
    free(text);
    CHECK_STATUS(ACL_ERROR_UNINITIALIZE, stub_trace_end());
}

static void a_disk_that_is_full_is_told_at_the_end(void) {
    if (access("/dev/full", W_OK) == 0) {
        CHECK_STATUS(0, stub_trace_begin("/dev/full"));
        CHECK_STATUS(ACL_ERROR_WRITE_FILE, stub_trace_end());
    }
}

static int stop;

static void *calls_until_told(void *argument) {
    int32_t device = 0;
    CHECK_STATUS(0, aclrtSetDevice(0));
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        CHECK_STATUS(0, aclrtGetDevice(&device));
    }
    CHECK_STATUS(0, aclrtResetDevice(0));
    return argument;
}

static void traces_begin_and_end_while_threads_call(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, calls_until_told, NULL) == 0);
    }
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(0, stub_trace_begin(file_named("many.json")));
        free(end_trace("many.json"));
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void a_forked_child_does_not_write(void) {
    aclrtStream stream = new_stream();
    int32_t device = 0;
    int status = -1;
    CHECK_STATUS(0, stub_trace_begin(file_named("fork.json")));
    CHECK_STATUS(0, aclrtGetDevice(&device));
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        in_forked_child = 1;
        aclrtGetDevice(&device);
        CHECK_STATUS(ACL_ERROR_RT_INTERNAL_ERROR, stub_trace_end());
        exit(check_failures != 0); /* runs the destructors of the libraries too */
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    char *text = end_trace("fork.json");
    CHECK(count(text, "\"name\":\"aclrtGetDevice\"") == 1 && count(text, "]}") == 1);
    free(text);
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

/* In a child that was forked before the first call: it ends with work queued, and traces itself by the environment. */
static void a_process_that_exits_with_work_queued_has_traced_all_it_did(void) {
    int status = -1;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        static latch gate = LATCH;
        setenv("ASCEND_STUB_TRACE", file_named("exit-%p.json"), 1);
        CHECK_STATUS(0, aclrtSetDevice(0));
        aclrtStream busy = new_stream(), idle = new_stream();
        CHECK_STATUS(0, aclrtLaunchHostFunc(idle, count_up, &status));
        CHECK_STATUS(0, aclrtSynchronizeStream(idle));
        CHECK_STATUS(0, aclrtLaunchHostFunc(busy, latch_wait, &gate));
        latch_await(&gate, 1);
        CHECK_STATUS(0, aclrtLaunchHostFunc(busy, count_up, &status));
        in_forked_child = 1;
        exit(check_failures != 0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    char name[64];
    snprintf(name, sizeof name, "exit-%d.json", (int)child);
    char *text = contents(file_named(name));
    CHECK(is_json(text));
    CHECK(count(text, "\"cat\":\"call\",\"name\":\"aclrtLaunchHostFunc\"") == 3);
    CHECK(count(text, "\"cat\":\"task\",\"name\":\"aclrtLaunchHostFunc\"") == 1);
    free(text);
}

/* The file of a process that was killed has whole lines up to some point. */
static void a_process_that_is_killed_leaves_what_it_has_written(void) {
    int status = -1;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        setenv("ASCEND_STUB_TRACE", file_named("killed.json"), 1);
        many_calls(NULL);
        raise(SIGKILL);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    char *text = contents(file_named("killed.json"));
    CHECK(!is_json(text));
    CHECK(count(text, "\"name\":\"aclrtGetDevice\"") > CALLS / 4);
    free(text);
}

/* Another process would have another lock on the file, as another descriptor has. */
static void a_file_that_another_process_traces_into_is_refused(void) {
    const int file = open(file_named("shared.json"), O_WRONLY | O_CREAT, 0600);
    CHECK(file >= 0 && write(file, "theirs", 6) == 6 && flock(file, LOCK_EX) == 0);
    CHECK_STATUS(ACL_ERROR_INVALID_FILE, stub_trace_begin(path));
    CHECK(strstr(aclGetRecentErrMsg(), "%p") != NULL);
    char *text = contents(path);
    CHECK(strcmp(text, "theirs") == 0);
    free(text);
    CHECK(close(file) == 0);
}

static void remove_folder(void) {
    snprintf(path, sizeof path, "rm -r %s", folder);
    CHECK(system(path) == 0);
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    a_process_that_exits_with_work_queued_has_traced_all_it_did();
    a_process_that_is_killed_leaves_what_it_has_written();
    CHECK_STATUS(0, aclrtSetDevice(0));
    a_trace_begins_once_and_ends_once();
    every_call_of_every_thread_is_there();
    tasks_are_on_the_rows_of_their_streams_with_arrows();
    memory_in_use_is_counted();
    what_failed_says_so_and_loops_that_ask_are_one_line();
    a_disk_that_is_full_is_told_at_the_end();
    traces_begin_and_end_while_threads_call();
    a_forked_child_does_not_write();
    a_file_that_another_process_traces_into_is_refused();
    CHECK_STATUS(0, aclrtResetDevice(0));
    remove_folder();
    return 0;
}
