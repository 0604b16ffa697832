/* The steps of softmax over one line, of float and of double: the softmax operators are made of them. */
#ifndef ASCEND_STUB_OPAPI_SOFTMAX_LINES_H
#define ASCEND_STUB_OPAPI_SOFTMAX_LINES_H

#include <stddef.h>

/* A NaN makes all of the line NaN, and so does a line whose maximum is infinite. x and y may be the same array. */
void stub_softmax_f32(const float *x, size_t n, float *y);
void stub_softmax_f64(const double *x, size_t n, double *y);
/* x - max(x) - log(sum(exp(x - max(x)))). `scratch` has room for n numbers. */
void stub_log_softmax_f32(const float *x, size_t n, float *scratch, float *y);
void stub_log_softmax_f64(const double *x, size_t n, double *scratch, double *y);
/* y * (dy - sum(dy * y)), and dy - exp(y) * sum(dy). */
void stub_softmax_backward(const float *dy, const float *y, size_t n, float *dx);
void stub_log_softmax_backward(const float *dy, const float *y, size_t n, float *dx);

#endif
