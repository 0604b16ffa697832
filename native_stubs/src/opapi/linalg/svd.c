/* aclnnSvd: input = u diag(sigma) v^H, by Jacobi rotations of pairs of columns until all are orthogonal (Hestenes), in
 * fp64 and rounded once. Singular values descend; the signs (phases) of the vectors are nobody's promise. */
#include <complex.h>
#include <math.h>

#include "opapi/moves/numbers.h"

enum { INPUT, FULL, COMPUTE_UV, SIGMA, U, V };
enum { MOST_SWEEPS = 60 };

typedef double _Complex number;

static aclnnStatus check_shapes(const stub_call *call) {
    const aclTensor *input = stub_tensor_arg(call, INPUT);
    const bool full = call->args[FULL].flag;
    const uint32_t batch = input->rank - 2;
    const int64_t m = input->shape[batch], n = input->shape[batch + 1], k = m < n ? m : n;
    int64_t dims[STUB_MAX_RANK];
    for (uint32_t i = 0; i < batch; i++) {
        dims[i] = input->shape[i];
    }
    dims[batch] = k;
    STUB_REQUIRE(stub_check_shape(call, SIGMA, dims, batch + 1, "the batch of input, the lesser of m and n"));
    if (!call->args[COMPUTE_UV].flag) {
        return ACLNN_SUCCESS;
    }
    dims[batch + 1] = full ? m : k;
    dims[batch] = m;
    STUB_REQUIRE(stub_check_shape(call, U, dims, batch + 2, "m x m with fullMatrices, else m x min(m, n)"));
    dims[batch + 1] = full ? n : k;
    dims[batch] = n;
    return stub_check_shape(call, V, dims, batch + 2, "n x n with fullMatrices, else n x min(m, n)");
}

static aclnnStatus check(const stub_call *call, stub_plan *plan) {
    const uint32_t tensors[] = {INPUT, SIGMA, U, V};
    const stub_dtypes types = STUB_DTYPE(ACL_FLOAT) | STUB_DTYPE(ACL_DOUBLE) | STUB_COMPLEXES;
    const stub_dtype_rule rule = {INPUT, STUB_ON_ALL(types)};
    STUB_REQUIRE(stub_check_given(call, tensors, 4));
    STUB_REQUIRE(stub_check_dtypes(call, &rule, 1));
    for (uint32_t arg = SIGMA; arg <= V; arg++) {
        STUB_REQUIRE(stub_check_same_dtype(call, arg, INPUT));
    }
    STUB_REQUIRE(stub_check_rank(call, INPUT, 2, STUB_MAX_RANK));
    STUB_REQUIRE(check_shapes(call));
    plan->nothing_to_run = stub_tensor_numel(stub_tensor_arg(call, INPUT)) == 0;
    return ACLNN_SUCCESS;
}

static number dot(const number *a, const number *b, int64_t n) {
    number sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += conj(a[i]) * b[i];
    }
    return sum;
}

/* A unitary rotation of two vectors. */
static void rotate(number *a, number *b, int64_t n, double c, number s) {
    for (int64_t i = 0; i < n; i++) {
        const number x = a[i], y = b[i];
        a[i] = c * x - conj(s) * y;
        b[i] = s * x + c * y;
    }
}

/* Columns p and q, as rows of `w`, become orthogonal; the same is done to `right`. False: they are already. */
static bool orthogonalise(number *w, number *right, int64_t length, int64_t count, int64_t p, int64_t q) {
    number *a = w + p * length, *b = w + q * length;
    const double aa = creal(dot(a, a, length)), bb = creal(dot(b, b, length));
    const number ab = dot(a, b, length);
    const double size = cabs(ab);
    if (!(size > 1e-15 * sqrt(aa * bb)) || size == 0) {
        return false;
    }
    const double zeta = (bb - aa) / (2 * size);
    const double t = (zeta >= 0 ? 1 : -1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    const double c = 1 / sqrt(1 + t * t);
    const number s = c * t * ab / size;
    rotate(a, b, length, c, s);
    rotate(right + p * count, right + q * count, count, c, s);
    return true;
}

static void sweep_all(number *w, number *right, int64_t length, int64_t count) {
    bool moved = true;
    for (int sweep = 0; moved && sweep < MOST_SWEEPS; sweep++) {
        moved = false;
        for (int64_t p = 0; p < count; p++) {
            for (int64_t q = p + 1; q < count; q++) {
                moved |= orthogonalise(w, right, length, count, p, q);
            }
        }
    }
}

/* Of a set of orthonormal rows, number `row` becomes one more: the unit vector that is farthest from those before it,
 * without its part along them (twice, for what rounding leaves). */
static void complete(number *rows, int64_t row, int64_t n) {
    int64_t farthest = 0;
    double least = INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double covered = 0;
        for (int64_t r = 0; r < row; r++) {
            covered += creal(rows[r * n + i] * conj(rows[r * n + i]));
        }
        farthest = covered < least ? i : farthest;
        least = covered < least ? covered : least;
    }
    number *to = rows + row * n;
    for (int64_t i = 0; i < n; i++) {
        to[i] = i == farthest;
    }
    for (int64_t r = 0; r < 2 * row; r++) {
        const number *other = rows + r % row * n;
        const number along = dot(other, to, n);
        for (int64_t i = 0; i < n; i++) {
            to[i] -= along * other[i];
        }
    }
    const double size = sqrt(creal(dot(to, to, n)));
    for (int64_t i = 0; i < n; i++) {
        to[i] /= size;
    }
}

/* One matrix, taken so that its columns (count of them, of `length` elements) are not more than its rows. */
typedef struct {
    int64_t length, count, left_rows;
    number *w, *right, *left; /* vectors as rows: the matrix's columns, the rotations, what becomes of the columns */
    int64_t *order;
    double *sizes;
} decomposition;

static void sort_by_size(const decomposition *d) {
    for (int64_t i = 0; i < d->count; i++) {
        int64_t at = i;
        d->sizes[i] = sqrt(creal(dot(d->w + i * d->length, d->w + i * d->length, d->length)));
        for (; at > 0 && d->sizes[d->order[at - 1]] < d->sizes[i]; at--) {
            d->order[at] = d->order[at - 1];
        }
        d->order[at] = i;
    }
}

static void take_left(const decomposition *d) {
    const double largest = d->count > 0 ? d->sizes[d->order[0]] : 0;
    for (int64_t r = 0; r < d->left_rows; r++) {
        const int64_t from = r < d->count ? d->order[r] : 0;
        if (r >= d->count || d->sizes[from] <= largest * 1e-15) {
            complete(d->left, r, d->length);
            continue;
        }
        for (int64_t i = 0; i < d->length; i++) {
            d->left[r * d->length + i] = d->w[from * d->length + i] / d->sizes[from];
        }
    }
}

static void decompose(const decomposition *d) {
    for (int64_t i = 0; i < d->count * d->count; i++) {
        d->right[i] = i / d->count == i % d->count;
    }
    sweep_all(d->w, d->right, d->length, d->count);
    sort_by_size(d);
    take_left(d);
}

static void store(const number *rows, const int64_t *order, int64_t count, int64_t n, number *to) {
    for (int64_t r = 0; r < count; r++) {
        const number *from = rows + (order ? order[r] : r) * n;
        for (int64_t i = 0; i < n; i++) {
            to[i * count + r] = from[i];
        }
    }
}

/* `wide`: the matrix is taken as its conjugate transpose, so that u and v change places. */
static void decompose_matrix(const decomposition *d, const number *input, bool wide, number *sigma, number *u,
                             number *v) {
    for (int64_t i = 0; i < d->count * d->length; i++) {
        const int64_t column = i / d->length, row = i % d->length;
        d->w[i] = wide ? conj(input[column * d->length + row]) : input[row * d->count + column];
    }
    decompose(d);
    for (int64_t i = 0; i < d->count; i++) {
        sigma[i] = d->sizes[d->order[i]];
    }
    if (u != NULL) {
        store(d->left, NULL, d->left_rows, d->length, wide ? v : u);
        store(d->right, d->order, d->count, d->count, wide ? u : v);
    }
}

static aclnnStatus run(const stub_call *call) {
    const aclTensor *input = stub_tensor_arg(call, INPUT);
    const int64_t m = input->shape[input->rank - 2], n = input->shape[input->rank - 1];
    const bool vectors = call->args[COMPUTE_UV].flag, wide = m < n;
    decomposition d = {.length = wide ? n : m, .count = wide ? m : n};
    d.left_rows = !vectors ? 0 : call->args[FULL].flag ? d.length : d.count;
    stub_numbers set = {.call = call};
    const number *from = stub_numbers_read(&set, INPUT, ACL_COMPLEX128);
    number *sigma = stub_numbers_write(&set, SIGMA, ACL_COMPLEX128);
    number *u = vectors ? stub_numbers_write(&set, U, ACL_COMPLEX128) : NULL;
    number *v = vectors ? stub_numbers_write(&set, V, ACL_COMPLEX128) : NULL;
    d.w = stub_numbers_room(&set, d.count * d.length, sizeof *d.w);
    d.right = stub_numbers_room(&set, d.count * d.count, sizeof *d.right);
    d.left = stub_numbers_room(&set, d.left_rows * d.length, sizeof *d.left);
    d.order = stub_numbers_room(&set, d.count, sizeof *d.order);
    d.sizes = stub_numbers_room(&set, d.count, sizeof *d.sizes);
    const int64_t matrices = stub_tensor_numel(input) / (m * n), left = d.left_rows * d.length,
                  right = d.count * d.count;
    for (int64_t i = 0; i < matrices && set.status == ACLNN_SUCCESS; i++) {
        decompose_matrix(&d, from + i * m * n, wide, sigma + i * d.count,
                         vectors ? u + i * (wide ? right : left) : NULL,
                         vectors ? v + i * (wide ? left : right) : NULL);
    }
    return stub_numbers_end(&set);
}

STUB_KERNEL(aclnnSvd, check, run)
