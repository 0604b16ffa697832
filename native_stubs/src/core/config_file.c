/* acl.json: read whole, checked as far as CANN checks it, not interpreted any further. */
#include "core/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "acl/acl_base.h"
#include "core/error.h"

#define LARGEST_FILE (10L << 20)
#define DEEPEST 10

static int fail_file(const char *path, const char *reason) {
    return stub_fail(ACL_ERROR_INVALID_FILE,
                     "aclInit: configPath \"%s\": %s. Give the path of a JSON file of at most 10 MiB, or NULL.", path,
                     reason);
}

static int read_file(const char *path, char **text) {
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return fail_file(path, strerror(errno));
    }
    bool usable = fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= LARGEST_FILE;
    char *content = usable ? calloc(1, (size_t)status.st_size + 1) : NULL;
    bool complete = content != NULL && fread(content, 1, (size_t)status.st_size, file) == (size_t)status.st_size;
    fclose(file);
    if (!complete) {
        free(content);
        return fail_file(path, usable ? "reading failed" : "no regular file, or too large");
    }
    *text = content;
    return ACL_SUCCESS;
}

/* The end of the string literal that starts at `text`, or NULL. */
static const char *skip_string(const char *text) {
    for (text++; *text != '\0' && *text != '"'; text++) {
        if (*text == '\\' && text[1] != '\0') {
            text++;
        }
    }
    return *text == '"' ? text : NULL;
}

/* Brackets that match, at most DEEPEST of a kind inside each other. */
static bool is_well_nested(const char *text) {
    char open[2 * DEEPEST];
    int depth[2] = {0, 0}; /* braces, brackets */
    int level = 0;
    for (; *text != '\0'; text++) {
        if (*text == '"' && (text = skip_string(text)) == NULL) {
            return false;
        }
        if (*text == '{' || *text == '[') {
            if (++depth[*text == '['] > DEEPEST) {
                return false;
            }
            open[level++] = *text;
        } else if (*text == '}' || *text == ']') {
            if (level == 0 || open[--level] != (*text == '}' ? '{' : '[')) {
                return false;
            }
            depth[*text == ']']--;
        }
    }
    return level == 0;
}

static bool looks_like_json(const char *text) {
    while (isspace((unsigned char)*text)) {
        text++;
    }
    return *text == '\0' || (*text == '{' && is_well_nested(text));
}

static int check_sections(const char *path, const char *text) {
    static const char *const ignored[] = {"\"dump\"", "\"profiler\"", "\"err_msg_mode\""};
    if (strstr(text, "\"defaultDevice\"") != NULL) {
        return stub_fail(
            ACL_ERROR_COMPILING_STUB_MODE,
            "aclInit: \"defaultDevice\" in %s is not implemented by the ascend-ops stand-in. Remove it and "
            "call aclrtSetDevice in every thread.",
            path);
    }
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        if (strstr(text, ignored[i]) != NULL) {
            fprintf(stderr, "ascend-ops stand-in: %s in %s has no effect\n", ignored[i], path);
        }
    }
    return ACL_SUCCESS;
}

int stub_read_config(const char *path, char **text) {
    if (path == NULL || *path == '\0') {
        *text = calloc(1, 1);
        return *text != NULL ? ACL_SUCCESS : stub_fail(ACL_ERROR_BAD_ALLOC, "aclInit: no memory.");
    }
    int status = read_file(path, text);
    if (status != ACL_SUCCESS) {
        return status;
    }
    status = looks_like_json(*text) ? check_sections(path, *text)
                                    : stub_fail(ACL_ERROR_PARSE_FILE,
                                                "aclInit: %s is not a JSON object whose braces and brackets match and "
                                                "nest at most %d deep.",
                                                path, DEEPEST);
    if (status != ACL_SUCCESS) {
        free(*text);
        *text = NULL;
    }
    return status;
}
