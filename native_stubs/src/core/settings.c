/* Reads the ASCEND_STUB_* variables and ASCEND_RT_VISIBLE_DEVICES. */
#include "core/settings.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)
#define HBM_UNIT (UINT64_C(2) << 20)
#define HBM_LIMIT (UINT64_C(1) << 44)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static stub_settings settings;

static void report(const char *name, const char *value, const char *allowed) {
    fprintf(stderr, "ascend-ops stand-in: %s=\"%s\" is ignored; allowed: %s\n", name, value, allowed);
}

/* A decimal number without sign, followed by `end` characters of the caller's grammar. */
static bool parse_digits(const char *text, uint64_t *value, const char **rest) {
    if (!isdigit((unsigned char)*text)) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    *value = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

static int read_count(const char *name, int otherwise, int largest) {
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') {
        return otherwise;
    }
    uint64_t value = 0;
    const char *rest = NULL;
    if (parse_digits(text, &value, &rest) && *rest == '\0' && value >= 1 && value <= (uint64_t)largest) {
        return (int)value;
    }
    char allowed[64];
    snprintf(allowed, sizeof allowed, "a whole number from 1 to %d", largest);
    report(name, text, allowed);
    return otherwise;
}

bool stub_parse_bytes(const char *text, uint64_t *bytes) {
    static const char units[] = "KMGT";
    uint64_t value = 0;
    const char *rest = NULL;
    if (!parse_digits(text, &value, &rest)) {
        return false;
    }
    const char *unit = *rest == '\0' ? NULL : strchr(units, toupper((unsigned char)*rest));
    unsigned shift = unit == NULL ? 0 : 10u * (unsigned)(unit - units + 1);
    rest += unit != NULL;
    if (*rest != '\0' && strcmp(rest, "B") != 0 && (unit == NULL || strcmp(rest, "iB") != 0)) {
        return false;
    }
    if (value == 0 || value > (HBM_LIMIT >> shift)) {
        return false;
    }
    *bytes = value << shift;
    return true;
}

static uint64_t read_hbm(void) {
    const char *text = getenv("ASCEND_STUB_HBM");
    uint64_t bytes = 64 * GIB;
    if (text != NULL && *text != '\0' && !stub_parse_bytes(text, &bytes)) {
        report("ASCEND_STUB_HBM", text, "bytes per device with an optional suffix K, M, G or T, at most 16T");
    }
    return (bytes + HBM_UNIT - 1) / HBM_UNIT * HBM_UNIT;
}

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Longest prefixes first: Ascend910B and Ascend910_93 are other products than Ascend910. "Ascend910B" alone is the old
 * 910B in CANN's own tables, but nobody names the A2 otherwise; the stand-in takes it for the A2. */
static bool find_product(const char *name, stub_product *product) {
    static const struct {
        const char *prefix;
        stub_product product;
    } products[] = {
        {"Ascend910B", STUB_PRODUCT_A2},   {"Ascend910_93", STUB_PRODUCT_A3}, {"Ascend910", STUB_PRODUCT_910},
        {"Ascend310P", STUB_PRODUCT_310P}, {"Ascend950", STUB_PRODUCT_950},
    };
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        if (starts_with(name, products[i].prefix)) {
            *product = products[i].product;
            return true;
        }
    }
    return false;
}

static void read_soc(void) {
    const char *text = getenv("ASCEND_STUB_SOC");
    settings.product = STUB_PRODUCT_A2;
    if (text != NULL && *text != '\0') {
        if (strlen(text) < sizeof settings.soc_name && find_product(text, &settings.product)) {
            strcpy(settings.soc_name, text);
            return;
        }
        report("ASCEND_STUB_SOC", text,
               "a name that starts with Ascend910B, Ascend910_93, Ascend910, Ascend310P or Ascend950");
    }
    strcpy(settings.soc_name, "Ascend910B");
}

/* CANN reads the list up to the first entry that is no device, and wants what it read to be ascending. */
static int read_visible_list(const char *text) {
    int count = 0;
    uint64_t id = 0;
    const char *rest = text;
    while (count < settings.device_count && parse_digits(rest, &id, &rest) && (*rest == ',' || *rest == '\0') &&
           id < (uint64_t)settings.device_count) {
        if (count > 0 && (int)id <= settings.visible[count - 1]) {
            return -1;
        }
        settings.visible[count++] = (int)id;
        if (*rest == '\0') {
            break;
        }
        rest++;
    }
    return count == 0 ? -1 : count;
}

static void read_visible(void) {
    const char *text = getenv("ASCEND_RT_VISIBLE_DEVICES");
    if (text != NULL) {
        settings.visible_count = read_visible_list(text);
        return;
    }
    settings.visible_count = settings.device_count;
    for (int i = 0; i < settings.device_count; i++) {
        settings.visible[i] = i;
    }
}

static int usable_cores(void) {
    cpu_set_t cores;
    const int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return count < STUB_MAX_THREADS ? count : STUB_MAX_THREADS;
}

static void read_environment(void) {
    settings.device_count = read_count("ASCEND_STUB_DEVICES", 8, STUB_MAX_DEVICES);
    settings.queue_depth = read_count("ASCEND_STUB_QUEUE_DEPTH", 1024, 1 << 20);
    settings.thread_count = read_count("ASCEND_STUB_THREADS", usable_cores(), STUB_MAX_THREADS);
    settings.hbm_bytes = read_hbm();
    read_soc();
    read_visible();
}

const stub_settings *stub_get_settings(void) {
    pthread_once(&once, read_environment);
    return &settings;
}
