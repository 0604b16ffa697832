/* The int8 matrix product inside the operators, which no public call shows unrounded: all layouts of the weight, shapes
 * around the borders of tiles and panels, extreme values, every instruction set and several numbers of threads, against
 * a triple loop. */
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "../../native_stubs/src/opapi/matmul/int8_matmul.h"
#include "acl/acl.h"
#include "check.h"

#define UNTOUCHED 0x55555555
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static aclnnStatus (*run)(const stub_int8_matmul *work);

typedef struct {
    size_t m, k, n;
    int8_t *x, *weight; /* [m][k], [k][n] */
    int32_t *expected;  /* [m][n] */
} problem;

typedef struct {
    const problem *of;
    int32_t *sums;
} result;

static uint32_t random_state = 1;

static int8_t random_int8(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return (int8_t)(random_state >> 24);
}

static void *must_have(void *memory) {
    if (memory == NULL) {
        fprintf(stderr, "no memory for the test\n");
        exit(1);
    }
    return memory;
}

/* The slow way, in numbers that wrap. */
static void multiply(const problem *of) {
    memset(of->expected, 0, of->m * of->n * sizeof of->expected[0]);
    for (size_t i = 0; i < of->m; i++) {
        for (size_t p = 0; p < of->k; p++) {
            for (size_t j = 0; j < of->n; j++) {
                const int32_t product = of->x[i * of->k + p] * of->weight[p * of->n + j];
                of->expected[i * of->n + j] += product;
            }
        }
    }
}

static problem new_problem(size_t m, size_t k, size_t n, bool extreme) {
    problem it = {m, k, n, must_have(malloc(m * k + 1)), must_have(malloc(k * n + 1)), must_have(malloc(m * n * 4))};
    for (size_t i = 0; i < m * k; i++) {
        it.x[i] = extreme ? -128 : random_int8();
    }
    for (size_t i = 0; i < k * n; i++) {
        it.weight[i] = extreme ? -128 : random_int8();
    }
    multiply(&it);
    return it;
}

static void free_problem(const problem *of) {
    free(of->x);
    free(of->weight);
    free(of->expected);
}

/* ---- the weight as it may lie in memory, in a block that ends with it ---- */

static size_t round_up(size_t value, size_t unit) {
    return (value + unit - 1) / unit * unit;
}

static size_t place_of(const problem *of, stub_weight_layout layout, size_t stride, size_t p, size_t j) {
    switch (layout) {
    case STUB_WEIGHT_ROWS:
        return p * stride + j;
    case STUB_WEIGHT_COLUMNS:
        return j * stride + p;
    case STUB_WEIGHT_NZ:
        return ((j / 32 * (round_up(of->k, 16) / 16) + p / 16) * 16 + p % 16) * 32 + j % 32;
    default:
        return ((p / 32 * (round_up(of->n, 16) / 16) + j / 16) * 16 + j % 16) * 32 + p % 32;
    }
}

static size_t size_of(const problem *of, stub_weight_layout layout, size_t stride) {
    switch (layout) {
    case STUB_WEIGHT_NZ:
        return round_up(of->n, 32) * round_up(of->k, 16);
    case STUB_WEIGHT_NZ_TRANSPOSED:
        return round_up(of->k, 32) * round_up(of->n, 16);
    default:
        return of->k == 0 ? 0 : place_of(of, layout, stride, of->k - 1, of->n - 1) + 1;
    }
}

/* What is not part of the weight holds ones: it must not count. */
static int8_t *lay_out(const problem *of, stub_weight_layout layout, size_t stride) {
    const size_t size = size_of(of, layout, stride);
    int8_t *laid = must_have(malloc(size + 1));
    memset(laid, 1, size);
    for (size_t p = 0; p < of->k; p++) {
        for (size_t j = 0; j < of->n; j++) {
            laid[place_of(of, layout, stride, p, j)] = of->weight[p * of->n + j];
        }
    }
    return must_have(realloc(laid, size > 0 ? size : 1));
}

/* x with `more` bytes between its rows. */
static int8_t *spread(const problem *of, size_t more) {
    const size_t size = of->m * (of->k + more) - more;
    int8_t *x = must_have(malloc(size > 0 ? size : 1));
    memset(x, 1, size);
    for (size_t i = 0; i < of->m && of->k > 0; i++) {
        memcpy(x + i * (of->k + more), of->x + i * of->k, of->k);
    }
    return x;
}

/* ---- one product ---- */

static void take(void *state, size_t row, size_t column, const int32_t *sums, size_t count) {
    const result *to = state;
    CHECK(row < to->of->m && column + count <= to->of->n && count > 0);
    for (size_t i = 0; i < count; i++) {
        int32_t *at = to->sums + row * to->of->n + column + i;
        CHECK(*at == UNTOUCHED); /* each once: no sum of these tests is this number */
        *at = sums[i];
    }
}

static void check_layout(const problem *of, stub_weight_layout layout, size_t more) {
    const size_t stride = (layout == STUB_WEIGHT_ROWS ? of->n : of->k) + more;
    int8_t *weight = lay_out(of, layout, stride), *x = spread(of, more);
    result got = {of, must_have(malloc(of->m * of->n * sizeof got.sums[0]))};
    memset(got.sums, 0x55, of->m * of->n * sizeof got.sums[0]);
    const stub_int8_matmul work = {x, of->k + more, weight, stride, layout, of->m, of->k, of->n, take, &got};
    CHECK_STATUS(0, run(&work));
    const bool right = memcmp(got.sums, of->expected, of->m * of->n * sizeof got.sums[0]) == 0;
    if (!right) {
        fprintf(stderr, "wrong sums: m %zu, k %zu, n %zu, layout %d, %zu between rows\n", of->m, of->k, of->n, layout,
                more);
    }
    CHECK(right);
    free(got.sums);
    free(weight);
    free(x);
}

static void check_shape(size_t m, size_t k, size_t n, bool extreme) {
    const problem of = new_problem(m, k, n, extreme);
    for (stub_weight_layout layout = STUB_WEIGHT_ROWS; layout <= STUB_WEIGHT_NZ_TRANSPOSED; layout++) {
        check_layout(&of, layout, 0);
    }
    check_layout(&of, STUB_WEIGHT_ROWS, 3);
    check_layout(&of, STUB_WEIGHT_COLUMNS, 3);
    free_problem(&of);
}

/* ---- what is true of the product ---- */

static void small_shapes_are_exact(void) {
    static const size_t rows[] = {1, 2, 3, 4, 5, 8, 9}, depths[] = {0, 1, 8, 31, 32, 33, 65},
                        columns[] = {1, 3, 16, 17, 33, 64};
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(depths); j++) {
            for (size_t l = 0; l < COUNT(columns); l++) {
                check_shape(rows[i], depths[j], columns[l], false);
            }
        }
    }
}

static void shapes_of_several_tiles_are_exact(void) {
    check_shape(143, 40, 257, false);
    check_shape(145, 513, 34, false);
    check_shape(290, 33, 130, false);
    check_shape(5, 1027, 66, false);
    check_shape(7, 600, 70, false);
    check_shape(9, 1027, 66, false);
    check_shape(4, 4097, 37, false);
    check_shape(1, 70, 2113, false);
    check_shape(2, 35, 4200, false);
    check_shape(3, 300, 1100, false);
    check_shape(5, 131, 1057, false);
    check_shape(100, 130, 515, false);
}

static void extreme_values_do_not_saturate(void) {
    check_shape(5, 65535, 5, true);
    check_shape(1, 65535, 5, true);
    check_shape(5, 131071, 3, true); /* 2^14 * 131071 is the last multiple that an int32 holds */
    check_shape(2, 131071, 3, true);
    check_shape(5, 511, 40, true);
    check_shape(2, 512, 40, true);
    check_shape(1, 4099, 35, true);
}

static void nothing_to_do_is_done(void) {
    const stub_int8_matmul no_rows = {.m = 0, .k = 5, .n = 5}, no_columns = {.m = 5, .k = 5, .n = 0};
    CHECK_STATUS(0, run(&no_rows));
    CHECK_STATUS(0, run(&no_columns));
}

static void test_everything(const char *simd, const char *threads) {
    setenv("ASCEND_STUB_SIMD", simd, 1);
    setenv("ASCEND_STUB_THREADS", threads, 1);
    small_shapes_are_exact();
    shapes_of_several_tiles_are_exact();
    extreme_values_do_not_saturate();
    nothing_to_do_is_done();
}

/* The settings are read once per process. */
static void test_in_child(const char *simd, const char *threads) {
    const pid_t child = fork();
    if (child == 0) {
        test_everything(simd, threads);
        exit(0);
    }
    int status = -1;
    const bool passed = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    if (!passed) {
        fprintf(stderr, "with ASCEND_STUB_SIMD=%s ASCEND_STUB_THREADS=%s\n", simd, threads);
    }
    CHECK(passed);
}

int main(void) {
    void *library = dlopen("libopapi.so", RTLD_NOW);
    CHECK(library != NULL);
    void *found = library != NULL ? dlsym(library, "stub_int8_matmul_run") : NULL;
    CHECK(found != NULL);
    if (found != NULL) {
        memcpy(&run, &found, sizeof run);
        test_in_child("baseline", "1");
        test_in_child("baseline", "3");
        test_in_child("", "1");
        test_in_child("", "7");
    }
    return 0;
}
