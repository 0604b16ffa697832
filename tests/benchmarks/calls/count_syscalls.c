/* Runs a command and counts the system calls of its threads between markers.
 *
 *     count_syscalls REPORT COMMAND [ARGUMENT...]
 *
 * A thread's getppid begins a section, its next getppid ends it. Each section becomes a line of REPORT: how many system
 * calls that thread made in between, then number:count for each kind. The exit status is the command's; 125 when this
 * system does not let processes be traced. Child processes are not followed. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { THREADS = 1024, KINDS = 1024, NOT_PERMITTED = 125 };

/* A thread of the command. Slots of threads that ended are used again. */
typedef struct {
    pid_t id;
    bool counting;
    unsigned count[KINDS];
} thread;

static thread threads[THREADS];
static FILE *report;

static void refuse(const char *what) {
    fprintf(stderr, "count_syscalls: %s: %s\n", what, strerror(errno));
    exit(NOT_PERMITTED);
}

static thread *find(pid_t id) {
    thread *free_slot = NULL;
    for (thread *each = threads; each < threads + THREADS; each++) {
        if (each->id == id) {
            return each;
        }
        if (each->id == 0 && free_slot == NULL) {
            free_slot = each;
        }
    }
    if (free_slot == NULL) {
        fprintf(stderr, "count_syscalls: more than %d threads\n", THREADS);
        exit(1);
    }
    memset(free_slot, 0, sizeof *free_slot);
    free_slot->id = id;
    return free_slot;
}

static void write_section(const thread *of) {
    unsigned total = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        total += of->count[kind];
    }
    fprintf(report, "%u", total);
    for (int kind = 0; kind < KINDS; kind++) {
        if (of->count[kind] != 0) {
            fprintf(report, " %d:%u", kind, of->count[kind]);
        }
    }
    fputc('\n', report);
}

static void entered(thread *caller, uint64_t number) {
    if (number == SYS_getppid) {
        if (caller->counting) {
            write_section(caller);
        }
        memset(caller->count, 0, sizeof caller->count);
        caller->counting = !caller->counting;
    } else if (caller->counting) {
        caller->count[number < KINDS ? number : KINDS - 1]++;
    }
}

/* A thread stopped on its way into a system call or out of it. */
static void passed(pid_t id) {
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, id, sizeof info, &info) < 0) {
        if (errno != ESRCH) { /* which a killed thread answers */
            refuse("PTRACE_GET_SYSCALL_INFO");
        }
    } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        entered(find(id), info.entry.nr);
    }
}

static void run_command(char **command) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        refuse("PTRACE_TRACEME");
    }
    raise(SIGSTOP);
    execvp(command[0], command);
    refuse(command[0]);
}

static void trace(pid_t child) {
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        exit(NOT_PERMITTED); /* the child has said why */
    }
    if (ptrace(PTRACE_SETOPTIONS, child, NULL, options) != 0 || ptrace(PTRACE_SYSCALL, child, NULL, 0L) != 0) {
        refuse("PTRACE_SETOPTIONS");
    }
}

/* The signal that a stopped thread is to be given; 0 for stops that are ptrace's own. */
static int handle_stop(pid_t id, int status) {
    const int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
        passed(id);
        return 0;
    }
    const bool ptrace_event = status >> 16 != 0, new_thread = signal == SIGSTOP;
    return ptrace_event || new_thread ? 0 : signal;
}

/* The command's exit status, once it has one. */
static int follow(pid_t child) {
    for (;;) {
        int status;
        const pid_t id = waitpid(-1, &status, __WALL);
        if (id < 0) {
            refuse("waitpid");
        }
        if (WIFSTOPPED(status)) {
            ptrace(PTRACE_SYSCALL, id, NULL, (long)handle_stop(id, status));
        } else {
            find(id)->id = 0;
            if (id == child) {
                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            }
        }
    }
}

int main(int count, char **words) {
    if (count < 3) {
        fprintf(stderr, "usage: %s REPORT COMMAND [ARGUMENT...]\n", words[0]);
        return 2;
    }
    report = fopen(words[1], "w");
    if (report == NULL) {
        perror(words[1]);
        return 2;
    }
    const pid_t child = fork();
    if (child == 0) {
        run_command(words + 2);
    }
    trace(child);
    const int status = follow(child);
    fclose(report);
    return status;
}
