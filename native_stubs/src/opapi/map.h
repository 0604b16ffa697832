/* The elementwise family: out[i] = f(inputs[i]), with broadcasting, promotion and conversion.
 *
 * An operator of the family is a stub_map: its loops and what its types do. The signature says the rest: tensors and
 * scalars that go in are inputs, in their order; those that come out are outputs (STUB_INOUT: both); numbers passed by
 * value are the loops' constants. Inputs are broadcast to the outputs' shape. */
#ifndef ASCEND_STUB_OPAPI_MAP_H
#define ASCEND_STUB_OPAPI_MAP_H

#include "opapi/elements.h"
#include "opapi/kernel.h"
#include "opapi/loops.h"
#include "opapi/walk.h"

enum { STUB_MAX_INPUTS = 6, STUB_MAX_OUTPUTS = 4, STUB_MAX_CONSTANTS = 6 };

/* n numbers: in[k] and out[k] are arrays in the class of the type that the map computes in, or the one that the map
 * says. An absent optional input is NULL. An input and an output may be the same array. */
typedef void stub_loop(size_t n, const void *const *in, void *const *out, const double *constants);

typedef struct {
    stub_loop *baseline, *avx2;
    bool costly; /* more work for an element than looking its result up in a table (map_apply.c) */
} stub_loops;

/* The type a map computes in, from the promoted type of its inputs. */
typedef enum {
    STUB_AS_PROMOTED, /* that type */
    STUB_AS_FLOATING, /* that type; FLOAT for integers and BOOL */
    STUB_AS_FLOAT,    /* as FLOATING, and FLOAT for FLOAT16 and BF16: results are rounded once, to the output's type */
    STUB_AS_OUTPUT,   /* the first output's type */
    STUB_AS_BOOL      /* BOOL: each input's elements are 0 or not */
} stub_map_type;

/* What the loops write. */
typedef enum {
    STUB_GIVES_SAME, /* numbers of the class they compute in */
    STUB_GIVES_BOOL, /* uint8_t, 0 or 1 */
    STUB_GIVES_REAL  /* of complex inputs double; else the same */
} stub_map_result;

/* The type in which tensors of type `tensors` meet a scalar, for results that go to a tensor of type `out`: where an
 * operator has a rule of its own. */
typedef aclDataType stub_scalar_rule(aclDataType tensors, const aclScalar *scalar, aclDataType out);

typedef struct {
    const stub_loops *loops[STUB_CLASS_COUNT]; /* NULL: nothing computes in this class */
    stub_dtypes allowed;                       /* of the input tensors on A2 and A3 */
    stub_map_type type;
    stub_map_result result;
    uint32_t apart;          /* bit k: input k has no say in the promotion (alpha, value) */
    uint32_t conditions;     /* bit k: input k, of an 8-bit type or BOOL, is loaded as BOOL, and has no say */
    uint32_t optional;       /* bit k: input k may be absent (NULL) */
    stub_scalar_rule *meets; /* NULL: stub_promote_scalar */
    bool any_output;         /* any output type is fine, as in a cast; else the types must be castable (CanCast) */
    bool own_output;         /* outputs have the type of the results (of halves: not the FLOAT in between) */
    stub_dtypes promoted;    /* what the inputs may promote to; 0: all that the loops compute in */
    stub_dtypes outputs;     /* what outputs may be; 0: any number */
} stub_map;

/* Phase one of the family: 161001 for missing tensors, 161002 for types, ranks and shapes. */
aclnnStatus stub_map_check(const stub_call *call, stub_plan *plan, const stub_map *map);
aclnnStatus stub_map_run(const stub_call *call, const stub_map *map);
/* The type that a call with all its tensors and scalars computes in; ACL_DT_UNDEFINED: none. */
aclDataType stub_map_computes_in(const stub_call *call, const stub_map *map);

/* An input or output on its own, for kernels that are made of maps (lists of tensors, say). */
typedef struct {
    const stub_view *view;   /* NULL: a scalar, or absent */
    const aclScalar *scalar; /* NULL: a tensor, or absent */
    bool is_condition;
} stub_operand;

/* One map over opened operands. `as`: the type it computes in. */
void stub_map_apply(const stub_map *map, aclDataType as, const stub_operand *in, uint32_t inputs,
                    const stub_view *const *out, uint32_t outputs, const double *constants);

/* The type of the results, which decides what they can be stored in. */
aclDataType stub_map_result_type(const stub_map *map, aclDataType as);

/* A number passed by value or as a scalar, as double; complex ones by their real part. */
double stub_number(const stub_call *call, uint32_t arg);
double stub_scalar_number(const aclScalar *scalar);

/* Sums, products and powers: floats keep their type; integers that meet a floating scalar, and BOOL, promote as with a
 * tensor of its type, but to FLOAT for a DOUBLE whose results go to FLOAT. */
stub_scalar_rule stub_meets_in_sums;
/* The same without that exception: aclnnRsubs, aclnnRemainderTensorScalar. */
stub_scalar_rule stub_meets_in_differences;
/* A scalar promotes as a tensor of its type does. */
stub_scalar_rule stub_meets_as_tensors;

/* Loops from a body, and from an expression. T: the type of the inputs' elements, R: of the output's. The expression
 * sees x (x, y; x, y, z; x, y, z, w), the elements, of type T, `c`, the constants, and T itself. COSTLY: see above. */
#define STUB_LOOP_VERSIONS(name, ...)                                                                                  \
    STUB_VERSIONS(void, name##_loop, (size_t n, const void *const *in, void *const *out, const double *c), __VA_ARGS__)
#define STUB_LOOP(name, ...)                                                                                           \
    STUB_LOOP_VERSIONS(name, __VA_ARGS__)                                                                              \
    static const stub_loops name = {STUB_PAIR(name##_loop), .costly = false};
#define STUB_COSTLY_LOOP(name, ...)                                                                                    \
    STUB_LOOP_VERSIONS(name, __VA_ARGS__)                                                                              \
    static const stub_loops name = {STUB_PAIR(name##_loop), .costly = true};

#define STUB_BODY1(T_, R_, ...)                                                                                        \
    {                                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const xs = in[0];                                                                                     \
        R_ *const rs = out[0];                                                                                         \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T x = xs[i];                                                                                         \
            rs[i] = (R_)(__VA_ARGS__);                                                                                 \
        }                                                                                                              \
    }

#define STUB_BODY2(T_, R_, ...)                                                                                        \
    {                                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const xs = in[0], *const ys = in[1];                                                                  \
        R_ *const rs = out[0];                                                                                         \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T x = xs[i], y = ys[i];                                                                              \
            rs[i] = (R_)(__VA_ARGS__);                                                                                 \
        }                                                                                                              \
    }

#define STUB_BODY3(T_, R_, ...)                                                                                        \
    {                                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const xs = in[0], *const ys = in[1], *const zs = in[2];                                               \
        R_ *const rs = out[0];                                                                                         \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T x = xs[i], y = ys[i], z = zs[i];                                                                   \
            rs[i] = (R_)(__VA_ARGS__);                                                                                 \
        }                                                                                                              \
    }

#define STUB_BODY4(T_, R_, ...)                                                                                        \
    {                                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *const xs = in[0], *const ys = in[1], *const zs = in[2], *const ws = in[3];                            \
        R_ *const rs = out[0];                                                                                         \
        (void)c;                                                                                                       \
        STUB_EACH for (size_t i = 0; i < n; i++) {                                                                     \
            const T x = xs[i], y = ys[i], z = zs[i], w = ws[i];                                                        \
            rs[i] = (R_)(__VA_ARGS__);                                                                                 \
        }                                                                                                              \
    }

#define STUB_LOOP1(name, T, R, ...) STUB_LOOP(name, STUB_BODY1(T, R, __VA_ARGS__))
#define STUB_LOOP2(name, T, R, ...) STUB_LOOP(name, STUB_BODY2(T, R, __VA_ARGS__))
#define STUB_LOOP3(name, T, R, ...) STUB_LOOP(name, STUB_BODY3(T, R, __VA_ARGS__))
#define STUB_LOOP4(name, T, R, ...) STUB_LOOP(name, STUB_BODY4(T, R, __VA_ARGS__))
#define STUB_COSTLY_LOOP1(name, T, R, ...) STUB_COSTLY_LOOP(name, STUB_BODY1(T, R, __VA_ARGS__))
#define STUB_COSTLY_LOOP2(name, T, R, ...) STUB_COSTLY_LOOP(name, STUB_BODY2(T, R, __VA_ARGS__))
#define STUB_COSTLY_LOOP3(name, T, R, ...) STUB_COSTLY_LOOP(name, STUB_BODY3(T, R, __VA_ARGS__))
#define STUB_COSTLY_LOOP4(name, T, R, ...) STUB_COSTLY_LOOP(name, STUB_BODY4(T, R, __VA_ARGS__))

#endif
