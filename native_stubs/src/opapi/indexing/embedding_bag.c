/* aclnnEmbeddingBag: rows of a table in bags, each bag summed, averaged, or its largest numbers taken, in fp32 and
 * rounded once. aclnnEmbeddingRenorm: rows of a table, in place, scaled down to a norm. */
#include <math.h>
#include <string.h>

#include "opapi/moves/box.h"
#include "opapi/moves/numbers.h"

#define INDEX_TYPES (STUB_DTYPE(ACL_INT32) | STUB_DTYPE(ACL_INT64))
#define SMALL_INDEX_TYPES (INDEX_TYPES | STUB_DTYPE(ACL_INT16) | STUB_DTYPE(ACL_INT8) | STUB_DTYPE(ACL_UINT8))

/* One row of a table as floats, and back. */
static void load_row(const stub_box *table, int64_t row, float *to) {
    stub_box from = *table;
    stub_box_pick(&from, 0, row);
    const stub_box numbers = stub_box_over(to, ACL_FLOAT, from.shape, 1);
    stub_copy(&numbers, &from);
}

static void store_row(const stub_box *table, int64_t row, float *from) {
    stub_box to = *table;
    stub_box_pick(&to, 0, row);
    const stub_box numbers = stub_box_over(from, ACL_FLOAT, to.shape, 1);
    stub_copy(&to, &numbers);
}

enum { WEIGHT, INDICES, OFFSETS, BY_FREQUENCY, MODE, SPARSE, SAMPLE_WEIGHTS, LAST_OFFSET, PADDING };
enum { OUTPUT = 9, BAG_OF, BAG_SIZE, MAX_INDICES };
enum { SUM, MEAN, MAX };

static int64_t mode_of(const stub_call *call) {
    const int64_t mode = call->args[MODE].integer;
    return mode == SUM || mode == MEAN ? mode : MAX;
}

static int64_t bags_of(const stub_call *call) {
    return stub_tensor_numel(stub_tensor_arg(call, OFFSETS)) - (call->args[LAST_OFFSET].flag ? 1 : 0);
}

static aclnnStatus check_bag_types(const stub_call *call) {
    const stub_dtype_rule rules[] = {
        {WEIGHT, STUB_ON_ALL(STUB_FLOATS)},        {INDICES, STUB_ON_ALL(SMALL_INDEX_TYPES)},
        {OFFSETS, STUB_ON_ALL(SMALL_INDEX_TYPES)}, {BAG_OF, STUB_ON_ALL(INDEX_TYPES)},
        {BAG_SIZE, STUB_ON_ALL(INDEX_TYPES)},      {MAX_INDICES, STUB_ON_ALL(INDEX_TYPES)}};
    STUB_REQUIRE(stub_check_dtypes(call, rules, 6));
    const aclDataType indices = stub_tensor_arg(call, INDICES)->dtype, offsets = stub_tensor_arg(call, OFFSETS)->dtype;
    if (!(INDEX_TYPES >> indices & 1) && !(INDEX_TYPES >> offsets & 1)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: indices are %s, offsets %s; one of them must be INT32 or INT64",
                         call->op->name, stub_dtype_name(indices), stub_dtype_name(offsets));
    }
    STUB_REQUIRE(stub_check_same_dtype(call, SAMPLE_WEIGHTS, WEIGHT));
    return stub_check_same_dtype(call, OUTPUT, WEIGHT);
}

static aclnnStatus check_bag_shapes(const stub_call *call) {
    const int64_t bags = bags_of(call), indices = stub_tensor_numel(stub_tensor_arg(call, INDICES));
    STUB_REQUIRE(stub_check_rank(call, WEIGHT, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, INDICES, 0, 1));
    STUB_REQUIRE(stub_check_rank(call, OFFSETS, 0, 1));
    if (bags < 0) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: offsets is empty; with includeLastOffset it has one at least",
                         call->op->name);
    }
    const int64_t dims[] = {bags, stub_tensor_arg(call, WEIGHT)->shape[1]};
    STUB_REQUIRE(stub_check_shape(call, SAMPLE_WEIGHTS, &indices, 1, "one for each index"));
    STUB_REQUIRE(stub_check_shape(call, OUTPUT, dims, 2, "bags, columns of weight"));
    if (stub_tensor_numel(stub_tensor_arg(call, BAG_OF)) != 0) {
        STUB_REQUIRE(stub_check_shape(call, BAG_OF, &indices, 1, "one for each index, or empty"));
    }
    STUB_REQUIRE(stub_check_shape(call, BAG_SIZE, &bags, 1, "one for each bag"));
    return stub_check_shape(call, MAX_INDICES, dims, mode_of(call) == MAX ? 2 : 1, "bags; of max, those of output");
}

static aclnnStatus check_bag(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {WEIGHT, INDICES, OFFSETS, OUTPUT, BAG_OF, BAG_SIZE, MAX_INDICES};
    STUB_REQUIRE(stub_check_given(call, tensors, 7));
    STUB_REQUIRE(check_bag_types(call));
    if (mode_of(call) != SUM && stub_tensor_arg(call, SAMPLE_WEIGHTS)) {
        return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: perSampleWeights go with mode 0 (sum) only; mode is %lld",
                         call->op->name, (long long)call->args[MODE].integer);
    }
    if (call->args[SPARSE].flag || call->args[BY_FREQUENCY].flag) {
        return stub_fail(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, "%s: the stand-in has no kernel for %s", call->op->name,
                         call->args[SPARSE].flag ? "sparse" : "scaleGradByFreq");
    }
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, OUTPUT)) == 0;
    return check_bag_shapes(call);
}

/* One bag on its way: what its rows have become, and the rows that the largest numbers are from. */
typedef struct {
    int64_t mode, columns, size;
    float *sum;
    int64_t *rows;
} bag;

static void take_row(bag *to, const float *row, int64_t index, float weight) {
    for (int64_t i = 0; i < to->columns; i++) {
        if (to->mode != MAX) {
            to->sum[i] += row[i] * weight;
        } else if (to->size == 0 || row[i] > to->sum[i]) {
            to->sum[i] = row[i];
            to->rows[i] = index;
        }
    }
    to->size++;
}

typedef struct {
    stub_box table;
    const int64_t *indices;
    const float *weights;
    float *row;
} bag_inputs;

static void fill_bag(const bag_inputs *from, int64_t first, int64_t end, int64_t padding, bag *to) {
    to->size = 0;
    for (int64_t i = first; i < end; i++) {
        if (from->indices[i] != padding) {
            load_row(&from->table, from->indices[i], from->row);
            take_row(to, from->row, from->indices[i], from->weights ? from->weights[i] : 1);
        }
    }
    const float share = 1 / (float)to->size;
    for (int64_t i = 0; i < to->columns && to->mode == MEAN && to->size > 0; i++) {
        to->sum[i] *= share;
    }
}

/* maxIndices are written of max only. The first bag begins at 0, the last one ends with the indices. */
static aclnnStatus run_bag(const stub_call *call) {
    const int64_t count = stub_tensor_numel(stub_tensor_arg(call, INDICES)), bags = bags_of(call);
    const bool keeps_rows = mode_of(call) == MAX, keeps_bags = stub_tensor_numel(stub_tensor_arg(call, BAG_OF)) > 0;
    stub_numbers set = {.call = call};
    bag_inputs from = {.indices = stub_numbers_read(&set, INDICES, ACL_INT64),
                       .weights = stub_numbers_read(&set, SAMPLE_WEIGHTS, ACL_FLOAT)};
    const int64_t *offsets = stub_numbers_read(&set, OFFSETS, ACL_INT64);
    float *output = stub_numbers_write(&set, OUTPUT, ACL_FLOAT);
    int64_t *bag_of = keeps_bags ? stub_numbers_write(&set, BAG_OF, ACL_INT64) : NULL;
    int64_t *sizes = stub_numbers_write(&set, BAG_SIZE, ACL_INT64);
    int64_t *rows = keeps_rows ? stub_numbers_write(&set, MAX_INDICES, ACL_INT64) : NULL;
    bag one = {.mode = mode_of(call), .columns = stub_tensor_arg(call, WEIGHT)->shape[1]};
    from.row = stub_numbers_room(&set, one.columns, sizeof(float));
    stub_numbers_check_range(&set, INDICES, from.indices, count, 0, stub_tensor_arg(call, WEIGHT)->shape[0]);
    stub_numbers_check_range(&set, OFFSETS, offsets, bags, 0, count + 1);
    if (set.status == ACLNN_SUCCESS) {
        set.status = stub_box_open(call, WEIGHT, &from.table);
    }
    for (int64_t b = 0; b < bags && set.status == ACLNN_SUCCESS; b++) {
        const int64_t first = b == 0 ? 0 : offsets[b], end = b + 1 < bags ? offsets[b + 1] : count;
        one.sum = output + b * one.columns;
        one.rows = keeps_rows ? rows + b * one.columns : NULL;
        fill_bag(&from, first, end, call->args[PADDING].integer, &one);
        sizes[b] = one.size;
        for (int64_t i = first; i < end && keeps_bags; i++) {
            bag_of[i] = b;
        }
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnEmbeddingBag, check_bag, run_bag)

enum { TABLE, ROWS, MAX_NORM, NORM_TYPE };

static aclnnStatus check_renorm(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {TABLE, ROWS};
    const stub_dtype_rule rules[] = {{TABLE, STUB_ON_ALL(STUB_FLOATS)}, {ROWS, STUB_ON_ALL(INDEX_TYPES)}};
    STUB_REQUIRE(stub_check_given(call, tensors, 2));
    STUB_REQUIRE(stub_check_dtypes(call, rules, 2));
    STUB_REQUIRE(stub_check_rank(call, TABLE, 2, 2));
    STUB_REQUIRE(stub_check_rank(call, ROWS, 0, STUB_MAX_RANK));
    for (uint32_t arg = MAX_NORM; arg <= NORM_TYPE; arg++) {
        if (!(call->args[arg].real >= 0)) {
            return stub_fail(ACLNN_ERR_PARAM_INVALID, "%s: %s is %g; it must not be negative", call->op->name,
                             call->op->params[arg].name, call->args[arg].real);
        }
    }
    plan->nothing_to_run =
        stub_tensor_numel(stub_tensor_arg(call, TABLE)) == 0 || stub_tensor_numel(stub_tensor_arg(call, ROWS)) == 0;
    return ACLNN_SUCCESS;
}

static double norm(const float *x, int64_t n, double p) {
    double sum = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const double size = fabs((double)x[i]);
        largest = size > largest || size != size ? size : largest;
        sum += p == 0 ? size != 0 : p == 1 ? size : p == 2 ? size * size : isinf(p) ? 0 : pow(size, p);
    }
    return isinf(p) ? largest : p == 0 || p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p);
}

/* A row that indices name twice is scaled once. */
static aclnnStatus run_renorm(const stub_call *call) {
    const aclTensor *table = stub_tensor_arg(call, TABLE);
    const int64_t count = stub_tensor_numel(stub_tensor_arg(call, ROWS)), columns = table->shape[1];
    const double most = call->args[MAX_NORM].real;
    stub_numbers set = {.call = call};
    stub_box box;
    const int64_t *rows = stub_numbers_read(&set, ROWS, ACL_INT64);
    bool *done = stub_numbers_room(&set, table->shape[0], sizeof *done);
    float *row = stub_numbers_room(&set, columns, sizeof *row);
    stub_numbers_check_range(&set, ROWS, rows, count, 0, table->shape[0]);
    if (set.status == ACLNN_SUCCESS) {
        set.status = stub_box_open(call, TABLE, &box);
    }
    for (int64_t i = 0; i < count && set.status == ACLNN_SUCCESS; i++) {
        if (done[rows[i]]) {
            continue;
        }
        done[rows[i]] = true;
        load_row(&box, rows[i], row);
        const double size = norm(row, columns, call->args[NORM_TYPE].real), factor = most / (size + 1e-7);
        for (int64_t k = 0; k < columns && size > most; k++) {
            row[k] = (float)(row[k] * factor);
        }
        if (size > most) {
            store_row(&box, rows[i], row);
        }
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnEmbeddingRenorm, check_renorm, run_renorm)
