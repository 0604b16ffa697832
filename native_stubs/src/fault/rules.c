/* All rules: one immutable array that calls read without a lock, replaced as a whole. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "fault/fault.h"
#include "fault/rule.h"

/* An array that was replaced goes when nobody is reading: a reader counts itself first and takes the array next, so
 * one that is not counted after the replacement has the new one. */
typedef struct retired {
    struct retired *next;
    fault_rules *rules;
} retired;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(fault_rules *) published;
static atomic_uint readers;
static retired *waiting; /* under lock */
static uint64_t last_id; /* under lock */

const fault_rules *fault_enter(void) {
    static fault_rules none;
    atomic_fetch_add(&readers, 1);
    fault_rules *rules = atomic_load(&published);
    return rules == NULL ? &none : rules;
}

void fault_leave(void) {
    atomic_fetch_sub(&readers, 1);
}

fault_rule *fault_retain(fault_rule *rule) {
    atomic_fetch_add(&rule->references, 1);
    return rule;
}

static void free_rules(fault_rules *rules) {
    if (rules == NULL) {
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        fault_release(rules->items[i]);
    }
    free(rules);
}

/* Under the lock. */
static void free_waiting(void) {
    while (atomic_load(&readers) == 0 && waiting != NULL) {
        retired *first = waiting;
        waiting = first->next;
        free_rules(first->rules);
        free(first);
    }
}

static fault_rules *new_rules(size_t count) {
    fault_rules *rules = malloc(sizeof *rules + count * sizeof *rules->items);
    if (rules != NULL) {
        rules->count = 0;
    }
    return rules;
}

/* Under the lock. */
static bool publish(fault_rules *rules) {
    retired *entry = malloc(sizeof *entry);
    if (entry == NULL) {
        return false;
    }
    *entry = (retired){waiting, atomic_exchange(&published, rules)};
    waiting = entry;
    stub_watch_set(STUB_WATCH_FAULTS, rules->count != 0);
    free_waiting();
    return true;
}

static size_t published_count(void) {
    fault_rules *rules = atomic_load(&published);
    return rules == NULL ? 0 : rules->count;
}

/* Under the lock: the published rules and those that `added` has, whose references move. */
static bool append(const fault_rules *added) {
    fault_rules *rules = new_rules(published_count() + added->count);
    if (rules == NULL) {
        return false;
    }
    for (size_t i = 0; i < published_count(); i++) {
        rules->items[rules->count++] = fault_retain(atomic_load(&published)->items[i]);
    }
    for (size_t i = 0; i < added->count; i++) {
        added->items[i]->id = last_id + 1;
        rules->items[rules->count++] = fault_retain(added->items[i]);
    }
    if (!publish(rules)) {
        free_rules(rules);
        return false;
    }
    last_id++;
    return true;
}

static bool add(const fault_rules *added, uint64_t *id) {
    pthread_mutex_lock(&lock);
    bool good = append(added);
    if (id != NULL) {
        *id = last_id;
    }
    pthread_mutex_unlock(&lock);
    return good;
}

static bool is_blank(const char *text, size_t length) {
    return strspn(text, " \t\n") >= length;
}

/* The rules in a text; what is wrong with those that are malformed goes into the buffer. */
static fault_rules *parse_all(const char *text, char *complaint, size_t size) {
    size_t most = 1;
    for (const char *at = text; *at != '\0'; at++) {
        most += *at == ';';
    }
    fault_rules *rules = new_rules(most);
    for (const char *next = text; rules != NULL && next != NULL;) {
        const char *begin = next;
        size_t length = strcspn(begin, ";");
        next = begin[length] == ';' ? begin + length + 1 : NULL;
        char why[FAULT_COMPLAINT];
        fault_rule *rule = is_blank(begin, length) ? NULL : fault_parse(begin, length, why);
        if (rule != NULL) {
            rules->items[rules->count++] = rule;
        } else if (!is_blank(begin, length)) {
            size_t used = strlen(complaint);
            snprintf(complaint + used, size - used, "%sthe rule \"%.*s\": %s", used == 0 ? "" : "; ", (int)length,
                     begin, why);
        }
    }
    return rules;
}

aclError stub_fault_add(const char *text, uint64_t *id) {
    char complaint[2 * FAULT_COMPLAINT] = "";
    stub_watch_start(); /* the environment's rules come first */
    if (text == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "stub_fault_add: rules is NULL.");
    }
    fault_rules *rules = parse_all(text, complaint, sizeof complaint);
    if (rules == NULL) {
        return stub_fail(ACL_ERROR_BAD_ALLOC, "stub_fault_add: the host is out of memory.");
    }
    int status = *complaint == '\0' ? 0 : stub_fail(ACL_ERROR_INVALID_PARAM, "stub_fault_add: %s.", complaint);
    if (status == 0 && !add(rules, id)) {
        status = stub_fail(ACL_ERROR_BAD_ALLOC, "stub_fault_add: the host is out of memory.");
    }
    free_rules(rules);
    return status;
}

void stub_fault_start(void) {
    char complaint[2 * FAULT_COMPLAINT] = "";
    const char *text = getenv("ASCEND_STUB_FAULT");
    fault_rules *rules = text == NULL ? NULL : parse_all(text, complaint, sizeof complaint);
    if (*complaint != '\0') {
        fprintf(stderr, "ascend-ops stand-in: ASCEND_STUB_FAULT: %s. What is wrong is ignored.\n", complaint);
    }
    if (rules != NULL && rules->count != 0) {
        add(rules, NULL);
    }
    free_rules(rules);
}

/* Under the lock. Without memory the ended rules stay in the array and strike nothing. */
static void take_out_ended(void) {
    fault_rules *rules = new_rules(published_count());
    for (size_t i = 0; rules != NULL && i < published_count(); i++) {
        fault_rule *rule = atomic_load(&published)->items[i];
        if (!atomic_load(&rule->ended)) {
            rules->items[rules->count++] = fault_retain(rule);
        }
    }
    if (rules != NULL && !publish(rules)) {
        free_rules(rules);
    }
}

void stub_fault_remove(uint64_t id) {
    stub_watch_start();
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < published_count(); i++) {
        fault_rule *rule = atomic_load(&published)->items[i];
        if (id == 0 || rule->id == id) {
            atomic_store(&rule->ended, true);
        }
    }
    take_out_ended();
    pthread_mutex_unlock(&lock);
}

uint64_t stub_fault_hits(uint64_t id) {
    uint64_t hits = 0;
    stub_watch_start();
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < published_count(); i++) {
        const fault_rule *rule = atomic_load(&published)->items[i];
        hits += rule->id == id ? atomic_load(&rule->hits) : 0;
    }
    pthread_mutex_unlock(&lock);
    return hits;
}
