/* Reading and checking the variables of HCCL. Those that choose network interfaces mean nothing on one machine, but a
 * malformed value is refused all the same. */
#include "comm/environment.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "comm/creation.h"
#include "core/clock.h"
#include "core/error.h"

#define NS_PER_MS UINT64_C(1000000)
#define MOST_DIGITS 10
#define LARGEST_SECONDS 2147483647.0

static _Atomic(int64_t) connect_ms = 120000;
static _Atomic(int64_t) exec_ms = 1836000;

double stub_comm_connect_timeout_s(void) {
    return (double)atomic_load(&connect_ms) / 1000.0;
}

double stub_comm_exec_timeout_s(void) {
    return (double)atomic_load(&exec_ms) / 1000.0;
}

uint64_t stub_comm_connect_deadline(void) {
    return stub_now_ns() + (uint64_t)atomic_load(&connect_ms) * NS_PER_MS;
}

uint64_t stub_comm_exec_deadline(void) {
    const int64_t limit = atomic_load(&exec_ms);
    return limit == 0 ? UINT64_MAX : stub_now_ns() + (uint64_t)limit * NS_PER_MS;
}

/* A whole number without sign that starts at `text`; `rest` is what follows. */
static bool parse_number(const char *text, uint64_t *value, const char **rest) {
    const size_t digits = strspn(text, "0123456789");
    *rest = text + digits;
    *value = digits == 0 || digits > MOST_DIGITS ? 0 : strtoull(text, NULL, 10);
    return digits != 0 && digits <= MOST_DIGITS;
}

static bool parse_within(const char *text, uint64_t least, uint64_t most, uint64_t *value) {
    const char *rest = NULL;
    return parse_number(text, value, &rest) && *rest == '\0' && *value >= least && *value <= most;
}

static bool is_connect_timeout(const char *text) {
    uint64_t seconds = 0;
    const bool good = parse_within(text, 120, 7200, &seconds);
    if (good) {
        atomic_store(&connect_ms, (int64_t)seconds * 1000);
    }
    return good;
}

/* The stand-in's own, for tests: HCCL accepts nothing below two minutes. Read last. */
static bool is_stub_connect_timeout(const char *text) {
    uint64_t seconds = 0;
    const bool good = parse_within(text, 1, 7200, &seconds);
    if (good) {
        atomic_store(&connect_ms, (int64_t)seconds * 1000);
    }
    return good;
}

static bool is_exec_timeout(const char *text) {
    char *end = NULL;
    const bool digits = isdigit((unsigned char)*text) && strspn(text, "0123456789.") == strlen(text);
    const double seconds = digits ? strtod(text, &end) : -1;
    if (!digits || *end != '\0' || seconds > LARGEST_SECONDS) {
        return false;
    }
    const int64_t milliseconds = (int64_t)(seconds * 1000.0);
    atomic_store(&exec_ms, seconds > 0 && milliseconds == 0 ? 1 : milliseconds);
    return true;
}

/* "ip" or "ip%interface" */
static bool is_address(const char *text) {
    char address[INET6_ADDRSTRLEN];
    unsigned char binary[sizeof(struct in6_addr)];
    const size_t length = strcspn(text, "%");
    if (length >= sizeof address) {
        return false;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    return inet_pton(AF_INET, address, binary) == 1 || inet_pton(AF_INET6, address, binary) == 1;
}

static bool is_family(const char *text) {
    return strcmp(text, "AF_INET") == 0 || strcmp(text, "AF_INET6") == 0;
}

static bool is_base_port(const char *text) {
    uint64_t port = 0;
    return parse_within(text, 1024, 65520, &port);
}

static bool parse_port(const char *text, uint64_t *port, const char **rest) {
    return parse_number(text, port, rest) && *port >= 1 && *port <= 65535;
}

/* "60000" or "60000-60050" */
static bool skip_port_range(const char **text) {
    uint64_t first = 0, last = 0;
    if (!parse_port(*text, &first, text)) {
        return false;
    }
    if (**text != '-') {
        return true;
    }
    return parse_port(*text + 1, &last, text) && first <= last;
}

static bool is_port_list(const char *text) {
    if (strcmp(text, "auto") == 0) {
        return true;
    }
    while (skip_port_range(&text)) {
        if (*text == '\0') {
            return true;
        }
        if (*text++ != ',') {
            return false;
        }
    }
    return false;
}

static bool is_switch(const char *text) {
    return strcmp(text, "0") == 0 || strcmp(text, "1") == 0;
}

static bool is_buffer_size(const char *text) {
    uint64_t megabytes = 0;
    return parse_within(text, 1, UINT32_MAX, &megabytes);
}

static bool is_determinism(const char *text) {
    return strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0 || strcasecmp(text, "strict") == 0;
}

/* In this order: a later variable overrides what an earlier one has set. */
static const struct {
    const char *name;
    bool (*is_valid)(const char *text);
    const char *allowed;
} variables[] = {
    {"HCCL_CONNECT_TIMEOUT", is_connect_timeout, "whole seconds from 120 to 7200"},
    {"ASCEND_STUB_CONNECT_TIMEOUT", is_stub_connect_timeout, "whole seconds from 1 to 7200"},
    {"HCCL_EXEC_TIMEOUT", is_exec_timeout, "seconds from 0 (for ever) to 2147483647"},
    {"HCCL_IF_IP", is_address, "an IPv4 or IPv6 address, with or without %interface"},
    {"HCCL_SOCKET_FAMILY", is_family, "AF_INET or AF_INET6"},
    {"HCCL_IF_BASE_PORT", is_base_port, "a port from 1024 to 65520"},
    {"HCCL_HOST_SOCKET_PORT_RANGE", is_port_list, "auto, or ports and ranges such as 60000,60050-60100"},
    {"HCCL_WHITELIST_DISABLE", is_switch, "0 or 1"},
    {"HCCL_BUFFSIZE", is_buffer_size, "whole megabytes, at least 1"},
    {"HCCL_DETERMINISTIC", is_determinism, "true, false or strict"},
};

static HcclResult read_all(void) {
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *text = getenv(variables[i].name);
        if (text != NULL && !variables[i].is_valid(text)) {
            return (HcclResult)stub_fail(HCCL_E_PARA, "%s=\"%s\" is not valid; allowed: %s.", variables[i].name, text,
                                         variables[i].allowed);
        }
    }
    return HCCL_SUCCESS;
}

/* Read until they are valid, then never again. */
HcclResult stub_comm_check_environment(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool valid;
    pthread_mutex_lock(&lock);
    const HcclResult result = valid ? HCCL_SUCCESS : read_all();
    valid = result == HCCL_SUCCESS;
    pthread_mutex_unlock(&lock);
    return result;
}
