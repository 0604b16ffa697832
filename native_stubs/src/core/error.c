/* Per-thread error texts. The list is one growing text per thread; a pthread key frees it when the thread ends. */
#include "core/error.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Oldest messages are dropped beyond this many bytes. */
#define LIST_BYTES 16384u
#define MESSAGE_BYTES 2048u

typedef struct {
    char *pending; /* newest on top, one message per line; NULL when there are none */
    char *taken;   /* what the last stub_error_take returned */
} error_texts;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local int last_error;

static void free_texts(void *object) {
    error_texts *texts = object;
    free(texts->pending);
    free(texts->taken);
    free(texts);
}

static void make_key(void) {
    if (pthread_key_create(&key, free_texts) != 0) {
        abort(); /* only when the process has used up its keys: nothing could report an error any more */
    }
}

static error_texts *thread_texts(void) {
    pthread_once(&key_once, make_key);
    error_texts *texts = pthread_getspecific(key);
    if (texts != NULL) {
        return texts;
    }
    texts = calloc(1, sizeof *texts);
    if (texts != NULL && pthread_setspecific(key, texts) != 0) {
        free(texts);
        return NULL;
    }
    return texts;
}

static void cut_to_whole_lines(char *list) {
    if (strlen(list) <= LIST_BYTES) {
        return;
    }
    list[LIST_BYTES] = '\0';
    char *line = strrchr(list, '\n');
    if (line != NULL) {
        *line = '\0';
    }
}

/* Puts a text on top of the thread's list. */
static void add_text(const char *text) {
    error_texts *texts = thread_texts();
    if (texts == NULL || text == NULL || *text == '\0') {
        return;
    }
    const char *older = texts->pending == NULL ? "" : texts->pending;
    size_t size = strlen(text) + strlen(older) + 2;
    char *list = malloc(size);
    if (list == NULL) {
        return;
    }
    snprintf(list, size, "%s%s%s", text, *older == '\0' ? "" : "\n", older);
    cut_to_whole_lines(list);
    free(texts->pending);
    texts->pending = list;
}

const char *stub_error_take(void) {
    error_texts *texts = thread_texts();
    if (texts == NULL) {
        return NULL;
    }
    free(texts->taken);
    texts->taken = texts->pending;
    texts->pending = NULL;
    return texts->taken;
}

static void remember_runtime_status(int status) {
    int family = status / 1000;
    if (family == 107 || family == 207 || family == 507) {
        last_error = status;
    }
}

int stub_fail(int status, const char *format, ...) {
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return stub_fail_text(status, message);
}

int stub_fail_text(int status, const char *text) {
    add_text(text);
    remember_runtime_status(status);
    return status;
}

int stub_last_error_peek(void) {
    return last_error;
}

int stub_last_error_take(void) {
    int status = last_error;
    last_error = 0;
    return status;
}
