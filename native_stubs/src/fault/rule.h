/* The inside of the faults, for the files of this room only: one rule, and the set of all. */
#ifndef ASCEND_STUB_FAULT_RULE_H
#define ASCEND_STUB_FAULT_RULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/watch.h"

typedef enum { FAULT_OF_FUNCTION = 1, FAULT_OF_DEVICE = 2, FAULT_OF_MEMORY = 4 } fault_kind;
typedef enum { FAULT_FAILS, FAULT_HANGS, FAULT_DIES } fault_action;
typedef enum { DEVICE_PRESENT, DEVICE_LOST, DEVICE_BACK } fault_device_state;

#define FAULT_ANY_DEVICE (-1)

/* What was asked for never changes; counters and states do. */
typedef struct {
    char *text;    /* the rule as it was written */
    char *pattern; /* of function names */
    fault_kind kind;
    fault_action action;
    bool of_task; /* strikes tasks on the device, not calls */
    bool forever; /* a reset does not bring the device back */
    int status;   /* 0: what is usual for the function */
    int device;
    bool elsewhere; /* for another rank than this process */
    uint64_t from, count;
    double probability;
    uint64_t seed;
    uint64_t limit;

    uint64_t id;
    _Atomic(uint64_t) matched, hits;
    _Atomic(fault_device_state) state;
    atomic_bool ended;
    atomic_uint references;
} fault_rule;

typedef struct {
    size_t count;
    fault_rule *items[]; /* one reference each */
} fault_rules;

/* ---- parse.c ---- */

#define FAULT_COMPLAINT 512

/* A rule out of `length` characters of text, with one reference; NULL with what is wrong with it in the buffer. */
fault_rule *fault_parse(const char *text, size_t length, char complaint[FAULT_COMPLAINT]);
void fault_release(fault_rule *rule);

/* ---- rules.c ---- */

/* The rules as they are now. They stay until fault_leave, which must come soon; one that is needed for longer is
 * retained. */
const fault_rules *fault_enter(void);
void fault_leave(void);
fault_rule *fault_retain(fault_rule *rule);

/* ---- strike.c ---- */

/* Counts a call or task that the rule is for; whether it is struck. */
bool fault_strikes(fault_rule *rule);
/* One more hit, unless `count` of them were. */
bool fault_claim(fault_rule *rule);
/* The first rule that strikes, retained, or NULL; every rule that matches counts. */
fault_rule *fault_find(const char *name, int device, bool of_task);

/* ---- statuses.c ---- */

int fault_call_status(const fault_rule *rule, const stub_function *function);
int fault_task_status(const fault_rule *rule, const char *name);
/* What a call on a lost device answers; 0 when the function does not need the device. */
int fault_lost_status(const stub_function *function);

/* ---- device.c ---- */

/* The device that a call is about; FAULT_ANY_DEVICE when it is about none. */
int fault_device_of(const stub_visit *visit);
/* Whether the device of a call is lost: then `result` is set, and there is a text. */
bool fault_device_call(stub_visit *visit, int device);
/* The status of work on a lost device, with a text; 0 when it is not lost. */
int fault_device_task(const char *name, int device);

#endif
