/* The language of ASCEND_STUB_FAULT, one rule at a time: a function's name or pattern, or "device-lost" or "memory",
 * then a colon and options separated by commas. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/settings.h"
#include "fault/rule.h"

static bool read_whole(const char *value, uint64_t least, uint64_t *number) {
    char *end = NULL;
    errno = 0;
    *number = isdigit((unsigned char)*value) ? strtoull(value, &end, 10) : 0;
    return end != NULL && *end == '\0' && errno == 0 && *number >= least;
}

static bool read_status(fault_rule *rule, const char *value) {
    uint64_t number = 0;
    bool good = read_whole(value, 1, &number) && number <= INT32_MAX;
    rule->status = (int)number;
    return good;
}

static bool read_from(fault_rule *rule, const char *value) {
    return read_whole(value, 1, &rule->from);
}

static bool read_count(fault_rule *rule, const char *value) {
    return read_whole(value, 1, &rule->count);
}

static bool read_seed(fault_rule *rule, const char *value) {
    return read_whole(value, 0, &rule->seed);
}

static bool read_probability(fault_rule *rule, const char *value) {
    char *end = NULL;
    rule->probability = strtod(value, &end);
    return end != value && *end == '\0' && rule->probability >= 0 && rule->probability <= 1;
}

static bool read_device(fault_rule *rule, const char *value) {
    uint64_t number = 0;
    bool good = read_whole(value, 0, &number) && number < STUB_MAX_DEVICES;
    rule->device = (int)number;
    return good;
}

/* By what the launchers set that start the ranks of a job, see ascend_ops/distributed/_environment.py. */
static bool is_rank(uint64_t rank) {
    static const char *const variables[] = {"RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"};
    const char *text = NULL;
    for (size_t i = 0; i < sizeof variables / sizeof *variables && text == NULL; i++) {
        text = getenv(variables[i]);
    }
    char *end = NULL;
    return text != NULL && *text != '\0' && strtoull(text, &end, 10) == rank && *end == '\0';
}

static bool read_rank(fault_rule *rule, const char *value) {
    uint64_t number = 0;
    bool good = read_whole(value, 0, &number);
    rule->elsewhere = !is_rank(number);
    return good;
}

static bool read_limit(fault_rule *rule, const char *value) {
    return stub_parse_bytes(value, &rule->limit);
}

static bool set_task(fault_rule *rule, const char *value) {
    (void)value;
    return rule->of_task = true;
}

static bool set_hang(fault_rule *rule, const char *value) {
    rule->action = FAULT_HANGS;
    return set_task(rule, value);
}

static bool set_die(fault_rule *rule, const char *value) {
    (void)value;
    rule->action = FAULT_DIES;
    return true;
}

static bool set_forever(fault_rule *rule, const char *value) {
    (void)value;
    return rule->forever = true;
}

#define NO_VALUE "no value"

static const struct {
    const char *word;
    unsigned kinds;
    bool (*read)(fault_rule *rule, const char *value);
    const char *allowed;
} options[] = {
    {"status", FAULT_OF_FUNCTION | FAULT_OF_DEVICE, read_status, "a status other than 0"},
    {"from", FAULT_OF_FUNCTION | FAULT_OF_DEVICE, read_from, "a whole number, 1 or more"},
    {"count", FAULT_OF_FUNCTION, read_count, "a whole number, 1 or more"},
    {"probability", FAULT_OF_FUNCTION, read_probability, "a number from 0 to 1"},
    {"seed", FAULT_OF_FUNCTION, read_seed, "a whole number"},
    {"device", FAULT_OF_FUNCTION | FAULT_OF_DEVICE | FAULT_OF_MEMORY, read_device, "a device's number"},
    {"rank", FAULT_OF_FUNCTION | FAULT_OF_DEVICE | FAULT_OF_MEMORY, read_rank, "a rank's number"},
    {"limit", FAULT_OF_MEMORY, read_limit, "bytes, with a suffix K, M, G or T or without"},
    {"task", FAULT_OF_FUNCTION, set_task, NO_VALUE},
    {"hang", FAULT_OF_FUNCTION, set_hang, NO_VALUE},
    {"die", FAULT_OF_FUNCTION, set_die, NO_VALUE},
    {"forever", FAULT_OF_DEVICE, set_forever, NO_VALUE},
};

static void list_options(const fault_rule *rule, char *list, size_t size) {
    *list = '\0';
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if ((options[i].kinds & (unsigned)rule->kind) != 0) {
            size_t used = strlen(list);
            snprintf(list + used, size - used, "%s%s", used == 0 ? "" : ", ", options[i].word);
        }
    }
}

static bool read_option(fault_rule *rule, const char *word, const char *value, char *complaint) {
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(options[i].word, word) != 0 || (options[i].kinds & (unsigned)rule->kind) == 0) {
            continue;
        }
        bool wants_value = strcmp(options[i].allowed, NO_VALUE) != 0;
        if (wants_value != (value != NULL) || !options[i].read(rule, value)) {
            snprintf(complaint, FAULT_COMPLAINT, "%s takes %s", word, options[i].allowed);
            return false;
        }
        return true;
    }
    char list[160];
    list_options(rule, list, sizeof list);
    snprintf(complaint, FAULT_COMPLAINT, "there is no option \"%s\" here; there are %s", word, list);
    return false;
}

/* Cuts leading and trailing blanks off, in place. */
static char *trimmed(char *text) {
    text += strspn(text, " \t\n");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\n", text[length - 1]) != NULL) {
        length--;
    }
    text[length] = '\0';
    return text;
}

static bool read_options(fault_rule *rule, char *text, char *complaint) {
    for (char *rest = text, *next; rest != NULL; rest = next) {
        next = strchr(rest, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *value = strchr(rest, '=');
        if (value != NULL) {
            *value++ = '\0';
            value = trimmed(value);
        }
        if (!read_option(rule, trimmed(rest), value, complaint)) {
            return false;
        }
    }
    return true;
}

static bool read_name(fault_rule *rule, const char *name, char *complaint) {
    bool is_device = strcmp(name, "device-lost") == 0;
    bool is_memory = strcmp(name, "memory") == 0;
    rule->kind = is_device ? FAULT_OF_DEVICE : is_memory ? FAULT_OF_MEMORY : FAULT_OF_FUNCTION;
    rule->device = is_device ? 0 : FAULT_ANY_DEVICE;
    bool in_brackets = false;
    for (const char *at = name; rule->kind == FAULT_OF_FUNCTION && *at != '\0'; at++) {
        in_brackets = *at == '[' || (in_brackets && *at != ']');
        if (!isalnum((unsigned char)*at) && strchr(in_brackets ? "_[!-" : "_*?]", *at) == NULL) {
            snprintf(complaint, FAULT_COMPLAINT,
                     "\"%s\" is no function's name or pattern, nor \"device-lost\" or \"memory\"", name);
            return false;
        }
    }
    rule->pattern = strdup(name);
    if (*name == '\0' || rule->pattern == NULL) {
        snprintf(complaint, FAULT_COMPLAINT, "it begins with the name of a function");
    }
    return *name != '\0' && rule->pattern != NULL;
}

static bool read_rule(fault_rule *rule, char *text, char *complaint) {
    char *rest = strchr(text, ':');
    if (rest != NULL) {
        *rest++ = '\0';
    }
    if (!read_name(rule, trimmed(text), complaint) || (rest != NULL && !read_options(rule, rest, complaint))) {
        return false;
    }
    if (rule->kind == FAULT_OF_MEMORY && rule->limit == 0) {
        snprintf(complaint, FAULT_COMPLAINT, "memory needs a limit, as in memory:limit=512M");
        return false;
    }
    return true;
}

fault_rule *fault_parse(const char *text, size_t length, char complaint[FAULT_COMPLAINT]) {
    snprintf(complaint, FAULT_COMPLAINT, "the host is out of memory");
    fault_rule *rule = calloc(1, sizeof *rule);
    char *copy = strndup(text, length);
    if (rule != NULL && copy != NULL) {
        rule->text = strdup(trimmed(copy));
        rule->from = 1;
        rule->count = UINT64_MAX;
        rule->probability = 1;
        atomic_init(&rule->references, 1);
    }
    bool good = rule != NULL && copy != NULL && rule->text != NULL && read_rule(rule, trimmed(copy), complaint);
    free(copy);
    if (!good && rule != NULL) {
        free(rule->pattern);
        free(rule->text);
        free(rule);
    }
    return good ? rule : NULL;
}

void fault_release(fault_rule *rule) {
    if (atomic_fetch_sub(&rule->references, 1) == 1) {
        free(rule->pattern);
        free(rule->text);
        free(rule);
    }
}
