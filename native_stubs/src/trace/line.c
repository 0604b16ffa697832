/* Formatting without printf, which would be most of the cost of an event; see line.h. */
#include "trace/line.h"

#include <string.h>

#define LONGEST_STRING 200u
#define FIRST_ADDRESS (UINT64_C(1) << 40) /* no size is that large, and few addresses of memory are smaller */

static void put(stub_trace_line *line, const char *text, size_t length) {
    if (length > (size_t)(line->end - line->at)) {
        line->full = true;
        return;
    }
    memcpy(line->at, text, length);
    line->at += length;
}

void stub_line_raw(stub_trace_line *line, const char *text) {
    put(line, text, strlen(text));
}

static void put_escaped(stub_trace_line *line, unsigned char c) {
    static const char digits[] = "0123456789abcdef";
    const char escaped[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    put(line, escaped, sizeof escaped);
}

/* Bytes beyond ASCII may be cut UTF-8 (names of threads are), which a reader would refuse the whole file for. */
void stub_line_string(stub_trace_line *line, const char *text) {
    put(line, "\"", 1);
    for (size_t i = 0; text[i] != '\0' && i < LONGEST_STRING; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            put_escaped(line, c);
        } else {
            put(line, c < 0x7f ? &text[i] : "?", 1);
        }
    }
    put(line, "\"", 1);
}

/* At least `width` digits. */
static void put_digits(stub_trace_line *line, uint64_t number, unsigned base, size_t width) {
    static const char all[] = "0123456789abcdef";
    char digits[20];
    size_t first = sizeof digits;
    while (number != 0 || sizeof digits - first < width) {
        digits[--first] = all[number % base];
        number /= base;
    }
    put(line, digits + first, sizeof digits - first);
}

void stub_line_number(stub_trace_line *line, uint64_t number) {
    put_digits(line, number, 10, 1);
}

void stub_line_address(stub_trace_line *line, uint64_t address) {
    put(line, "\"0x", 3);
    put_digits(line, address, 16, 1);
    put(line, "\"", 1);
}

void stub_line_value(stub_trace_line *line, uint64_t value) {
    if (value < FIRST_ADDRESS) {
        stub_line_number(line, value);
    } else if (-value < FIRST_ADDRESS) {
        put(line, "-", 1);
        stub_line_number(line, -value);
    } else {
        stub_line_address(line, value);
    }
}

void stub_line_time(stub_trace_line *line, uint64_t nanoseconds) {
    put_digits(line, nanoseconds / 1000, 10, 1);
    put(line, ".", 1);
    put_digits(line, nanoseconds % 1000, 10, 3);
}
