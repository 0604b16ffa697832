"""Headers of one operator in the styles in which CANN writes them; none is a copy."""

from __future__ import annotations

NAME = "aclnnBlendGetWorkspaceSize"
PARAMS = [
    ("self", "const aclTensor *"),
    ("others", "const aclTensorList *"),
    ("dims", "const aclIntArray *"),
    ("mode", "const char *"),
    ("keepDim", "bool"),
    ("eps", "double"),
    ("out", "aclTensor *"),
    ("workspaceSize", "uint64_t *"),
    ("executor", "aclOpExecutor **"),
]

WRITTEN_BY_HAND = """/**
 * Copyright (c) Someone. All rights reserved.
 * "Licensed" (or not), see https://example.org/license
 */
#ifndef OP_API_INC_BLEND_H_
#define OP_API_INC_BLEND_H_

#include <string>
#include "aclnn/aclnn_base.h"
#include "aclnn_util.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BLEND_MAX_RANK 8

/**
 * @brief aclnnBlend's first phase: aclnnBlendGetWorkspaceSize(self, others, ...) plans the call.
 * @param [in] self: aclTensor on the device; float, float16 (and bfloat16).
 * @param [out] workspaceSize: bytes; may be 0.
 */
ACLNN_API aclnnStatus aclnnBlendGetWorkspaceSize(const aclTensor* self, const aclTensorList* others,
                                                 const aclIntArray* dims, const char* mode, bool keepDim,
                                                 double eps, aclTensor* out, uint64_t* workspaceSize,
                                                 aclOpExecutor** executor);

/**
 * @brief The second phase; see aclnnBlendGetWorkspaceSize.
 */
ACLNN_API aclnnStatus aclnnBlend(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                 const aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif  // OP_API_INC_BLEND_H_
"""

GENERATED = """
/*
 * made by a tool, do not change it
 */

#ifndef ACLNN_BLEND_H_
#define ACLNN_BLEND_H_

#include "aclnn/acl_meta.h"

#ifdef __cplusplus
extern "C" {
#endif

/* function: aclnnBlendGetWorkspaceSize
 * parameters :
 * self : required
 * mode : optional
 */
__attribute__((visibility("default")))
aclnnStatus aclnnBlendGetWorkspaceSize(
    const aclTensor *self,
    const aclTensorList *others,
    const aclIntArray *dims,
    const char *mode,
    bool keepDim,
    double eps,
    aclTensor *out,
    uint64_t *workspaceSize,
    aclOpExecutor **executor);

/* function: aclnnBlend
 * parameters :
 * stream : acl stream.
 */
__attribute__((visibility("default")))
aclnnStatus aclnnBlend(
    void *workspace,
    uint64_t workspaceSize,
    aclOpExecutor *executor,
    aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
"""

WITH_ROLES = """/* Generated from the catalogue. */
#ifndef ACLNNOP_ACLNN_BLEND_H_
#define ACLNNOP_ACLNN_BLEND_H_

#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {
#endif

ACL_FUNC_VISIBILITY aclnnStatus aclnnBlendGetWorkspaceSize(
    const aclTensor *self, /* in */
    const aclTensorList *others, /* in */
    const aclIntArray *dims,
    const char *mode,
    bool keepDim,
    double eps,
    aclTensor *out, /* out? */
    uint64_t *workspaceSize,
    aclOpExecutor **executor);
ACL_FUNC_VISIBILITY aclnnStatus aclnnBlend(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream);

#ifdef __cplusplus
}
#endif

#endif
"""  # noqa: E501

LIBERAL = """#pragma once
#include <array>
#include <string>
#include "aclnn/aclnn_base.h"

#define OPS_DECLARE(name) \\
    aclnnStatus name(int a); \\
    aclnnStatus name##2(int b)

enum Reduction { None = 0, Mean = 1, Sum = 2 };  // as the loss functions have it
typedef enum {
    BLEND_NEAREST = 0LL,
    BLEND_LINEAR = 1LL, /* (default) */
} BlendKind;

namespace detail {
constexpr char QUOTE = '"';
inline aclnnStatus Check(const std::string& mode, int64_t& rank) { return mode.empty() ? 1 : (rank = 0); }
}  // namespace detail

#if defined(__cplusplus)
extern "C" {
#endif
ACL_DEPRECATED_MESSAGE("aclnnBlend is deprecated, use aclnnBlendV2 (it's faster) instead")
[[nodiscard]] __attribute__ ((visibility ("default"))) extern aclnnStatus
aclnnBlendGetWorkspaceSize
(
    aclTensor const *const self,              // the first, of any rank
    struct aclTensorList const * others,      // (the rest)
    const aclIntArray *dims, const char mode[],
    const bool keepDim = false, const double eps = 1e-5,  // defaults
    aclTensor *__restrict out,
    uint64_t * workspaceSize, aclOpExecutor * *executor
)
    noexcept;

[[nodiscard]] aclnnStatus aclnnBlend(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor,
                                     aclrtStream stream = nullptr);
#if defined(__cplusplus)
}
#endif
"""

STYLES = {
    "by hand": WRITTEN_BY_HAND,
    "generated": GENERATED,
    "with roles": WITH_ROLES,
    "liberal": LIBERAL,
}
