/* Reading JSON text in place: one walk checks the text, later ones rely on that. */
#include "hccl/json.h"

#include <ctype.h>
#include <string.h>

enum { DEEPEST = 32 };

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at) {
    for (at++; *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
        if ((unsigned char)*at < 0x20) { /* the end of the text among them */
            return NULL;
        }
    }
    return at + 1;
}

static const char *skip_number(const char *at) {
    const char *end = at + strspn(at, "+-.0123456789eE");
    return end != at && (isdigit((unsigned char)*at) || *at == '-') ? end : NULL;
}

static const char *skip_word(const char *at) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) {
            return at + strlen(words[i]);
        }
    }
    return NULL;
}

static const char *skip_value(const char *at, int depth);

/* From behind an opening bracket. */
static const char *skip_members(const char *at, char close, int depth) {
    at = skip_space(at);
    if (*at == close) {
        return at + 1;
    }
    for (;; at = skip_space(at + 1)) {
        if (close == '}') {
            at = *at == '"' ? skip_string(at) : NULL;
            at = at == NULL ? NULL : skip_space(at);
            if (at == NULL || *at != ':') {
                return NULL;
            }
            at = skip_space(at + 1);
        }
        at = skip_value(at, depth);
        at = at == NULL ? NULL : skip_space(at);
        if (at == NULL || *at != ',') {
            return at != NULL && *at == close ? at + 1 : NULL;
        }
    }
}

/* The end of a value, NULL when it is none. */
static const char *skip_value(const char *at, int depth) {
    if (*at == '{' || *at == '[') {
        return depth == 0 ? NULL : skip_members(at + 1, *at == '{' ? '}' : ']', depth - 1);
    }
    if (*at == '"') {
        return skip_string(at);
    }
    return isalpha((unsigned char)*at) ? skip_word(at) : skip_number(at);
}

const char *json_open(const char *text) {
    const char *value = skip_space(text);
    const char *end = skip_value(value, DEEPEST);
    return end != NULL && *skip_space(end) == '\0' ? value : NULL;
}

const char *json_first(const char *array) {
    if (array == NULL || *array != '[') {
        return NULL;
    }
    const char *first = skip_space(array + 1);
    return *first == ']' ? NULL : first;
}

const char *json_next(const char *element) {
    const char *end = skip_space(skip_value(element, DEEPEST));
    return *end == ',' ? skip_space(end + 1) : NULL;
}

const char *json_member(const char *object, const char *name) {
    if (object == NULL || *object != '{') {
        return NULL;
    }
    const size_t length = strlen(name);
    for (const char *key = skip_space(object + 1); key != NULL && *key == '"';) {
        const char *end = skip_string(key);
        const char *value = skip_space(skip_space(end) + 1);
        if ((size_t)(end - key) == length + 2 && strncmp(key + 1, name, length) == 0) {
            return value;
        }
        key = json_next(value);
    }
    return NULL;
}

bool json_string(const char *value, char *copy, size_t size) {
    if (value == NULL || *value != '"') {
        return false;
    }
    const char *end = skip_string(value) - 1;
    size_t length = 0;
    for (const char *at = value + 1; at != end; at++) {
        at += *at == '\\' && strchr("\"\\/", at[1]) != NULL;
        if (length + 1 >= size) {
            return false;
        }
        copy[length++] = *at;
    }
    copy[length] = '\0';
    return true;
}
