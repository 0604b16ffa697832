/* aclnnFusedInferAttentionScore, aclnnPromptFlashAttention and aclnnIncreFlashAttention, as the family of infer.h. */
#include "opapi/attention/infer.h"

#define FUSED {false, " BSH BSND BNSD BNSD_BSND TND NTD_TND TND_NTD BSH_NBSD BSND_NBSD BNSD_NBSD "}
#define PROMPT {false, " BSH BSND BNSD BNSD_BSND NSD "}
#define INCRE {true, " BSH BSND BNSD "}

STUB_FAMILY_KERNEL(aclnnFusedInferAttentionScore, stub_infer_family, FUSED)
STUB_FAMILY_KERNEL(aclnnFusedInferAttentionScoreV2, stub_infer_family, FUSED)
STUB_FAMILY_KERNEL(aclnnFusedInferAttentionScoreV3, stub_infer_family, FUSED)
STUB_FAMILY_KERNEL(aclnnFusedInferAttentionScoreV4, stub_infer_family, FUSED)
STUB_FAMILY_KERNEL(aclnnPromptFlashAttention, stub_infer_family, PROMPT)
STUB_FAMILY_KERNEL(aclnnPromptFlashAttentionV2, stub_infer_family, PROMPT)
STUB_FAMILY_KERNEL(aclnnPromptFlashAttentionV3, stub_infer_family, PROMPT)
STUB_FAMILY_KERNEL(aclnnIncreFlashAttention, stub_infer_family, INCRE)
STUB_FAMILY_KERNEL(aclnnIncreFlashAttentionV2, stub_infer_family, INCRE)
STUB_FAMILY_KERNEL(aclnnIncreFlashAttentionV3, stub_infer_family, INCRE)
STUB_FAMILY_KERNEL(aclnnIncreFlashAttentionV4, stub_infer_family, INCRE)
