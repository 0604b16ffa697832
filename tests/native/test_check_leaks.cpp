// Leaks at aclFinalize, at the end of the process and since a mark; the words that turn checks on; how reports are
// kept. What happens at the end of a process is seen in children: this program, run with a word.
#include <sys/wait.h>

#include <csignal>

#include <string>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"
#include "check.h"
#include "reports.h"

namespace {

const char *program;

struct Ended {
    int status;
    std::string text; // on stderr
};

Ended run_child(const char *word, const char *checks) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        setenv("ASCEND_STUB_CHECK", checks, 1);
        execl(program, program, word, static_cast<char *>(nullptr));
        _exit(127);
    }
    close(ends[1]);
    Ended ended{0, ""};
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
        ended.text.append(buffer, static_cast<size_t>(got));
    }
    close(ends[0]);
    CHECK(waitpid(child, &ended.status, 0) == child);
    return ended;
}

size_t count(const std::string &text, const char *part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        found++;
    }
    return found;
}

aclrtStream make_stream() {
    aclrtStream stream = nullptr;
    CHECK_STATUS(0, aclrtCreateStream(&stream));
    return stream;
}

[[gnu::noinline]] void *allocate(size_t size) {
    void *memory = nullptr;
    CHECK_STATUS(0, aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
    return memory;
}

// ---- what the children do ----

void leak_some() {
    for (volatile int i = 0; i < 3; i++) { // volatile: a loop that is unrolled has three places
        allocate(1000);
    }
    CHECK_STATUS(0, aclrtDestroyStream(make_stream()));
    aclrtEvent event;
    CHECK_STATUS(0, aclrtCreateEvent(&event));
}

// A program's own destructors run before the stand-in looks for leaks.
struct Late {
    ~Late() {
        aclrtDestroyStream(stream);
    }
    aclrtStream stream = nullptr;
};

int be_child(const std::string &word) {
    static Late late;
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    late.stream = make_stream();
    if (word == "exit" || word == "finalize" || word == "fork") {
        leak_some();
    }
    if (word == "fork" && fork() == 0) {
        exit(0); // what the parent made is not its own
    }
    if (word == "fork") {
        int status;
        wait(&status);
        CHECK(status == 0);
    }
    if (word == "twice") {
        CHECK_STATUS(0, aclDestroyTensor(nullptr));
        void *memory = allocate(16);
        aclrtFree(memory);
        aclrtFree(memory);
    }
    if (word == "finalize") {
        CHECK_STATUS(0, aclrtDestroyStream(late.stream));
        CHECK_STATUS(0, aclrtResetDevice(0));
        CHECK_STATUS(0, aclFinalize());
        late.stream = nullptr;
    }
    return 0;
}

// ---- what the parent sees ----

void leaks_are_shown_at_exit() {
    const Ended ended = run_child("exit", "all");
    CHECK(ended.status == 0);
    CHECK(count(ended.text, "ascend-ops check [leaks]: ") == 1);
    CHECK(count(ended.text, "4 objects were not destroyed before the end of the process") == 1);
    CHECK(count(ended.text, "3 x device memory (3000 bytes), made by aclrtMalloc at\n    test_check_leaks+0x") == 1);
    CHECK(count(ended.text, "1 x event, made by aclrtCreateEvent") == 1);
    CHECK(count(ended.text, "stream                            2          2          0") == 1);
}

void leaks_are_shown_once_when_the_process_finalizes() {
    const Ended ended = run_child("finalize", "all");
    CHECK(ended.status == 0);
    CHECK(count(ended.text, "[leaks]") == 1);
    CHECK(count(ended.text, "4 objects were not destroyed before aclFinalize") == 1);
}

void a_forked_child_reports_nothing_of_its_parent() {
    const Ended ended = run_child("fork", "leaks");
    CHECK(ended.status == 0);
    CHECK(count(ended.text, "[leaks]") == 1);
}

void whoever_cleans_up_hears_nothing() {
    for (const char *checks : {"all", "", "all,-leaks"}) {
        const Ended ended = run_child("clean", checks);
        CHECK(ended.status == 0 && ended.text.empty());
    }
    CHECK(run_child("exit", "").text.empty());
}

void a_fatal_report_aborts() {
    const Ended ended = run_child("twice", "memory,fatal");
    CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGABRT);
    CHECK(count(ended.text, "ascend-ops check [memory]: aclrtFree frees device memory") == 1);
    CHECK(run_child("twice", "handles,fatal").status == 0);
}

void an_unknown_word_in_the_environment_is_told() {
    const Ended ended = run_child("clean", "all,leeks");
    CHECK(ended.status == 0);
    CHECK(count(ended.text, "ASCEND_STUB_CHECK=\"all,leeks\" is ignored; allowed: all, leaks") == 1);
}

void leaks_since_a_mark_are_told() {
    void *before = allocate(16);
    const uint64_t mark = stub_leak_mark();
    aclrtStream stream = make_stream();
    CHECK_STATUS(0, aclrtDestroyStream(make_stream()));
    stub_leak_report(mark);
    CHECK_REPORT(STUB_CHECK_LEAKS, "1 object was not destroyed", "1 x stream, made by aclrtCreateStream");
    stub_leak_report(mark); // once
    CHECK_QUIET();
    CHECK_STATUS(0, aclrtDestroyStream(stream));
    CHECK_STATUS(0, aclrtFree(before));
}

std::string words() {
    char text[256];
    const size_t size = stub_check_get(text, sizeof text);
    CHECK(size == std::string(text).size() + 1);
    return text;
}

void words_turn_checks_on() {
    CHECK_STATUS(0, stub_check_set(" races, leaks ,,"));
    CHECK(words() == "leaks,races");
    CHECK_STATUS(0, stub_check_set("all,-races,-pageable,fatal"));
    CHECK(words() == "leaks,handles,memory,lifetime,bounds,uninitialised,executors,workspace,overlaps,context,fatal");
    CHECK_STATUS(100000, stub_check_set("leaks,leeks"));
    CHECK(std::string(aclGetRecentErrMsg()).find("\"leaks,leeks\"; allowed: all, leaks") != std::string::npos);
    CHECK_STATUS(100000, stub_check_set(nullptr));
    CHECK_STATUS(0, stub_check_set(""));
    CHECK(words().empty());
    CHECK(std::string(stub_check_name(STUB_CHECK_PAGEABLE)) == "pageable");
    CHECK(stub_check_name(STUB_CHECK_COUNT) == nullptr);
    char cut[4];
    CHECK_STATUS(0, stub_check_set("memory"));
    CHECK(stub_check_get(cut, sizeof cut) == sizeof "memory" && std::string(cut) == "mem");
    CHECK_STATUS(0, stub_check_set("all"));
}

void the_same_report_is_counted() {
    void *memory[3];
    for (volatile int i = 0; i < 3; i++) {
        memory[i] = allocate(16);
    }
    for (volatile int i = 0; i < 6; i++) {
        aclrtFree(memory[i % 3]); // the second time at another address, but at the same place
    }
    uint64_t times = 0;
    stub_check check;
    CHECK(stub_report_count() == 1);
    CHECK(stub_report_read(0, &check, &times, nullptr, 0) > 0);
    CHECK(times == 3 && check == STUB_CHECK_MEMORY);
    CHECK(stub_report_read(1, &check, &times, nullptr, 0) == 0);
    stub_reports_clear();
    CHECK(stub_report_count() == 0);
}

int reads;

void read_frames(char *buffer, size_t size) {
    reads++;
    int32_t device;
    CHECK_STATUS(0, aclrtGetDevice(&device)); // a reader may make calls itself
    void *memory = allocate(16);              // even such that have a place
    CHECK_STATUS(0, aclrtFree(memory));
    std::snprintf(buffer, size, "    model.py:12 in forward\n    train.py:3 in <module>\n");
}

void a_frame_reader_knows_better() {
    const uint64_t mark = stub_leak_mark();
    stub_set_frame_reader(read_frames);
    aclrtStream stream = make_stream();
    stub_set_frame_reader(nullptr);
    CHECK(reads == 1);
    stub_leak_report(mark);
    CHECK_REPORT(STUB_CHECK_LEAKS, "made by aclrtCreateStream at\n    model.py:12 in forward\n    train.py:3 in");
    CHECK_STATUS(0, aclrtDestroyStream(stream));
}

} // namespace

int main(int argc, char **argv) {
    if (argc > 1) {
        return be_child(argv[1]);
    }
    program = argv[0];
    leaks_are_shown_at_exit();
    leaks_are_shown_once_when_the_process_finalizes();
    a_forked_child_reports_nothing_of_its_parent();
    whoever_cleans_up_hears_nothing();
    a_fatal_report_aborts();
    an_unknown_word_in_the_environment_is_told();
    watch("all");
    CHECK_STATUS(0, aclInit(nullptr));
    CHECK_STATUS(0, aclrtSetDevice(0));
    words_turn_checks_on();
    leaks_since_a_mark_are_told();
    the_same_report_is_counted();
    a_frame_reader_knows_better();
    CHECK_STATUS(0, aclrtResetDevice(0));
    CHECK_STATUS(0, aclFinalize());
    CHECK_QUIET();
}
