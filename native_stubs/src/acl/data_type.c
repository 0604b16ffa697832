/* Sizes of data types, the conversions between float and half precision, and aclDataBuffer. */
#include <stdlib.h>
#include <string.h>

#include "acl/acl.h"
#include "core/error.h"
#include "core/release.h"

struct aclDataBuffer {
    void *data;
    size_t size;
};

enum { HIFLOAT4 = 42 }; /* in the headers of CANN 9.0 only */

/* CANN answers 8 for whatever it does not know, FLOAT6 and FLOAT4 included. */
size_t aclDataTypeSize(aclDataType dataType) {
    switch ((int)dataType) {
    case ACL_DT_UNDEFINED:
    case ACL_STRING:
        return 0;
    case ACL_BOOL:
    case ACL_INT8:
    case ACL_UINT8:
    case ACL_INT4:
    case ACL_UINT1:
    case ACL_HIFLOAT8:
    case ACL_FLOAT8_E5M2:
    case ACL_FLOAT8_E4M3FN:
    case ACL_FLOAT8_E8M0:
        return 1;
    case ACL_FLOAT16:
    case ACL_BF16:
    case ACL_INT16:
    case ACL_UINT16:
        return 2;
    case ACL_FLOAT:
    case ACL_INT32:
    case ACL_UINT32:
    case ACL_COMPLEX32:
        return 4;
    case ACL_COMPLEX128:
        return 16;
    case HIFLOAT4:
        return stub_release() == 900 ? 1 : 8;
    default:
        return 8;
    }
}

#define HALF_LARGEST 0x7BFFu

/* value / 2^shift, ties to even */
static uint32_t shift_rounded(uint32_t value, unsigned shift) {
    uint32_t kept = value >> shift;
    uint32_t lost = value & ((UINT32_C(1) << shift) - 1);
    uint32_t half = UINT32_C(1) << (shift - 1);
    return kept + (lost > half || (lost == half && (kept & 1) != 0));
}

/* Infinity and NaN are no special cases: everything too large becomes the largest finite number. */
aclFloat16 aclFloatToFloat16(float value) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t exponent = bits >> 23 & 0xFFu;
    uint32_t fraction = bits & 0x7FFFFFu;
    uint32_t magnitude = 0;
    if (exponent > 112) { /* normal in half precision: rounding may carry into the exponent, as it should */
        magnitude = exponent > 142 ? HALF_LARGEST : shift_rounded((exponent - 112) << 23 | fraction, 13);
    } else if (exponent >= 102) { /* at least half of the smallest subnormal */
        magnitude = shift_rounded(fraction | 0x800000u, 126 - exponent);
    }
    return (aclFloat16)(sign | (magnitude > HALF_LARGEST ? HALF_LARGEST : magnitude));
}

/* The largest exponent is an ordinary one here: 0x7C00 is 65536. */
float aclFloat16ToFloat(aclFloat16 value) {
    uint32_t exponent = value >> 10 & 0x1Fu;
    uint32_t fraction = value & 0x3FFu;
    float magnitude = 0.0f;
    if (exponent == 0) {
        magnitude = (float)fraction * 0x1p-24f;
    } else {
        uint32_t bits = (exponent + 112) << 23 | fraction << 13;
        memcpy(&magnitude, &bits, sizeof bits);
    }
    return (value & 0x8000u) != 0 ? -magnitude : magnitude;
}

aclDataBuffer *aclCreateDataBuffer(void *data, size_t size) {
    aclDataBuffer *buffer = malloc(sizeof *buffer);
    if (buffer != NULL) {
        *buffer = (aclDataBuffer){data, size};
    }
    return buffer;
}

aclError aclDestroyDataBuffer(const aclDataBuffer *dataBuffer) {
    if (dataBuffer == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclDestroyDataBuffer: dataBuffer is NULL.");
    }
    free((void *)(uintptr_t)dataBuffer);
    return ACL_SUCCESS;
}

aclError aclUpdateDataBuffer(aclDataBuffer *dataBuffer, void *data, size_t size) {
    if (dataBuffer == NULL) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "aclUpdateDataBuffer: dataBuffer is NULL.");
    }
    *dataBuffer = (aclDataBuffer){data, size};
    return ACL_SUCCESS;
}

void *aclGetDataBufferAddr(const aclDataBuffer *dataBuffer) {
    return dataBuffer == NULL ? NULL : dataBuffer->data;
}

uint32_t aclGetDataBufferSize(const aclDataBuffer *dataBuffer) {
    return dataBuffer == NULL ? 0 : (uint32_t)dataBuffer->size;
}

size_t aclGetDataBufferSizeV2(const aclDataBuffer *dataBuffer) {
    return dataBuffer == NULL ? 0 : dataBuffer->size;
}
