/* Reads a rank table of version 1.0 (or 1.2, whose super pods change nothing on one machine). All values are strings.
 */
#include "hccl/rank_table.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hccl/arguments.h"
#include "hccl/json.h"

#define LARGEST_FILE ((size_t)10 << 20)

/* Where in the table, for texts. */
typedef struct {
    const char *function, *path;
} source;

static HcclResult refuse_file(const source *from, const char *why) {
    return stub_fail(HCCL_E_INTERNAL, "%s: the rank table %s cannot be read: %s.", from->function, from->path, why);
}

static HcclResult refuse_content(const source *from, const char *why) {
    return stub_fail(HCCL_E_PARA, "%s: the rank table %s: %s.", from->function, from->path, why);
}

static HcclResult read_text(const source *from, char **text) {
    FILE *file = fopen(from->path, "rb");
    if (file == NULL) {
        return refuse_file(from, strerror(errno));
    }
    struct stat about;
    const bool usable = fstat(fileno(file), &about) == 0 && S_ISREG(about.st_mode) && about.st_size >= 0 &&
                        (size_t)about.st_size <= LARGEST_FILE;
    const size_t bytes = usable ? (size_t)about.st_size : 0;
    char *content = usable ? calloc(1, bytes + 1) : NULL;
    const bool complete = content != NULL && fread(content, 1, bytes, file) == bytes;
    fclose(file);
    if (!complete) {
        free(content);
        return refuse_file(from, usable ? "reading failed" : "it is no regular file of at most 10 MiB");
    }
    *text = content;
    return HCCL_SUCCESS;
}

static HcclResult check_path(const source *from) {
    const size_t length = strnlen(from->path, PATH_MAX);
    if (length == PATH_MAX) {
        return stub_fail(HCCL_E_INTERNAL, "%s: clusterInfo has %d characters or more.", from->function, PATH_MAX);
    }
    const char *suffix = length < 5 ? "" : from->path + length - 5;
    return strcmp(suffix, ".json") == 0 ? HCCL_SUCCESS : refuse_file(from, "its name does not end in .json");
}

static bool read_number(const char *value, uint32_t *number) {
    char text[12];
    char *end;
    if (!json_string(value, text, sizeof text) || text[0] < '0' || text[0] > '9') {
        return false;
    }
    const unsigned long parsed = strtoul(text, &end, 10);
    *number = (uint32_t)parsed;
    return *end == '\0' && parsed <= UINT32_MAX;
}

static uint32_t count_elements(const char *array) {
    uint32_t count = 0;
    for (const char *element = json_first(array); element != NULL; element = json_next(element)) {
        count++;
    }
    return count;
}

static bool is_taken(const rank_table *table, const char *server, uint32_t device) {
    for (uint32_t i = 0; i < STUB_MAX_DEVICES; i++) {
        if (table->ranks[i].given && table->ranks[i].device == device && strcmp(table->ranks[i].server, server) == 0) {
            return true;
        }
    }
    return false;
}

static HcclResult read_device(const source *from, const char *device, const char *server, rank_table *table) {
    uint32_t id, rank;
    if (!read_number(json_member(device, "device_id"), &id) || !read_number(json_member(device, "rank_id"), &rank)) {
        return refuse_content(from, "a device has no device_id or rank_id that is a number in quotes");
    }
    if (rank >= STUB_MAX_DEVICES || id >= STUB_MAX_DEVICES) {
        return stub_fail(HCCL_E_PARA,
                         "%s: the rank table %s: rank_id %u with device_id %u; the stand-in has ids below "
                         "%d.",
                         from->function, from->path, rank, id, STUB_MAX_DEVICES);
    }
    if (table->ranks[rank].given || is_taken(table, server, id)) {
        return stub_fail(HCCL_E_PARA, "%s: the rank table %s has rank_id %u or device_id %u of server %s twice.",
                         from->function, from->path, rank, id, server);
    }
    table->ranks[rank].given = true;
    table->ranks[rank].device = id;
    memcpy(table->ranks[rank].server, server, RANK_TABLE_SERVER_BYTES);
    table->size++;
    return HCCL_SUCCESS;
}

static HcclResult read_server(const source *from, const char *server, rank_table *table) {
    char id[RANK_TABLE_SERVER_BYTES] = "";
    if (!json_string(json_member(server, "server_id"), id, sizeof id) || id[0] == '\0') {
        return refuse_content(from, "a server has no server_id of 1 to 64 characters");
    }
    const char *device = json_first(json_member(server, "device"));
    if (device == NULL) {
        return stub_fail(HCCL_E_PARA, "%s: the rank table %s: server %s has no device list.", from->function,
                         from->path, id);
    }
    HcclResult status = HCCL_SUCCESS;
    for (; device != NULL && status == HCCL_SUCCESS; device = json_next(device)) {
        status = read_device(from, device, id, table);
    }
    return status;
}

static HcclResult read_servers(const source *from, const char *root, rank_table *table) {
    const char *servers = json_member(root, "server_list");
    const char *count_text = json_member(root, "server_count");
    const uint32_t count = count_elements(servers);
    uint32_t expected = count;
    if (count == 0 || (count_text != NULL && !read_number(count_text, &expected)) || count != expected) {
        return refuse_content(from, "server_list is missing or empty, or its length is not server_count");
    }
    HcclResult status = HCCL_SUCCESS;
    for (const char *server = json_first(servers); server != NULL && status == HCCL_SUCCESS;
         server = json_next(server)) {
        status = read_server(from, server, table);
    }
    return status;
}

static HcclResult check_ranks(const source *from, const rank_table *table) {
    for (uint32_t rank = 0; rank < table->size; rank++) {
        if (!table->ranks[rank].given) {
            return stub_fail(HCCL_E_PARA, "%s: the rank table %s has %u devices, but rank_id %u is missing.",
                             from->function, from->path, table->size, rank);
        }
    }
    return HCCL_SUCCESS;
}

static HcclResult read_content(const source *from, const char *root, rank_table *table) {
    char status_text[16] = "", version[8] = "";
    json_string(json_member(root, "status"), status_text, sizeof status_text);
    json_string(json_member(root, "version"), version, sizeof version);
    if (root == NULL || strcmp(status_text, "completed") != 0) {
        return refuse_file(from, root == NULL ? "it is no JSON" : "its \"status\" is not \"completed\"");
    }
    if (strcmp(version, "1.0") != 0 && strcmp(version, "1.2") != 0) {
        return refuse_content(from, "its \"version\" is neither \"1.0\" nor \"1.2\"");
    }
    HcclResult status = read_servers(from, root, table);
    return status == HCCL_SUCCESS ? check_ranks(from, table) : status;
}

HcclResult read_rank_table(const char *function, const char *path, rank_table *table) {
    const source from = {function, path};
    char *text = NULL;
    memset(table, 0, sizeof *table);
    HcclResult status = check_path(&from);
    if (status == HCCL_SUCCESS) {
        status = read_text(&from, &text);
    }
    if (status == HCCL_SUCCESS) {
        status = read_content(&from, json_open(text), table);
    }
    free(text);
    return status;
}
