/* What a stream can be asked and told about itself. */
#include "acl/acl_rt.h"
#include "acl/arguments.h"
#include "core/stream.h"

#define LEAST_PRIORITY 7u

static aclError get_property(const char *function, aclrtStream handle, stub_stream_property property, const char *name,
                             uint32_t *value) {
    if (value == NULL) {
        return refuse_null(function, name);
    }
    stub_stream *stream;
    aclError status = stub_stream_resolve_any(handle, function, &stream);
    if (status == ACL_SUCCESS) {
        *value = stub_stream_get(stream, property);
    }
    return status;
}

aclError aclrtStreamGetId(aclrtStream stream, int32_t *streamId) {
    if (streamId == NULL) {
        return refuse_null(__func__, "streamId");
    }
    stub_stream *found;
    aclError status = stub_stream_resolve_any(stream, __func__, &found);
    if (status == ACL_SUCCESS) {
        *streamId = (int32_t)stub_stream_id(found);
    }
    return status;
}

aclError aclrtStreamGetFlags(aclrtStream stream, uint32_t *flags) {
    return get_property(__func__, stream, STUB_STREAM_FLAGS, "flags", flags);
}

aclError aclrtStreamGetPriority(aclrtStream stream, uint32_t *priority) {
    return get_property(__func__, stream, STUB_STREAM_PRIORITY, "priority", priority);
}

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode) {
    stub_stream *found;
    aclError status = stub_stream_resolve(stream, __func__, &found);
    return status == ACL_SUCCESS ? stub_stream_set_failure_mode(found, (mode & 1) == ACL_STOP_ON_FAILURE) : status;
}

static aclError set_overflow_switch(const char *function, aclrtStream handle, uint32_t flag) {
    if (flag > 1) {
        return stub_fail(ACL_ERROR_INVALID_PARAM, "%s: flag is %u; allowed are 0 (off) and 1 (on).", function, flag);
    }
    stub_stream *stream;
    aclError status = stub_stream_resolve(handle, function, &stream);
    if (status == ACL_SUCCESS) {
        stub_stream_set(stream, STUB_STREAM_OVERFLOW_SWITCH, flag);
    }
    return status;
}

aclError aclrtSetStreamOverflowSwitch(aclrtStream stream, uint32_t flag) {
    return set_overflow_switch(__func__, stream, flag);
}

aclError aclrtGetStreamOverflowSwitch(aclrtStream stream, uint32_t *flag) {
    return get_property(__func__, stream, STUB_STREAM_OVERFLOW_SWITCH, "flag", flag);
}

static aclError set_value(aclrtStream handle, stub_stream_property property, uint32_t value) {
    stub_stream *stream;
    aclError status = stub_stream_resolve(handle, "aclrtSetStreamAttribute", &stream);
    if (status == ACL_SUCCESS) {
        stub_stream_set(stream, property, value);
    }
    return status;
}

static aclError refuse_attribute(const char *function, int attribute) {
    return stub_fail(ACL_ERROR_RT_PARAM_INVALID, "%s: stmAttrType is %d; allowed are %d to %d.", function, attribute,
                     (int)ACL_STREAM_ATTR_FAILURE_MODE, (int)ACL_STREAM_ATTR_PRIORITY);
}

aclError aclrtSetStreamAttribute(aclrtStream stream, aclrtStreamAttr stmAttrType, aclrtStreamAttrValue *value) {
    if (value == NULL) {
        return refuse_null(__func__, "value");
    }
    uint32_t priority = value->streamPriority;
    switch (stmAttrType) {
    case ACL_STREAM_ATTR_FAILURE_MODE:
        return aclrtSetStreamFailureMode(stream, value->failureMode);
    case ACL_STREAM_ATTR_FLOAT_OVERFLOW_CHECK:
        return set_overflow_switch(__func__, stream, value->overflowSwitch);
    case ACL_STREAM_ATTR_USER_CUSTOM_TAG:
        return set_value(stream, STUB_STREAM_CUSTOM_TAG, value->userCustomTag);
    case ACL_STREAM_ATTR_CACHE_OP_INFO:
        return set_value(stream, STUB_STREAM_CACHE_OP_INFO, value->cacheOpInfoSwitch);
    case ACL_STREAM_ATTR_PRIORITY:
        return set_value(stream, STUB_STREAM_PRIORITY, priority > LEAST_PRIORITY ? LEAST_PRIORITY : priority);
    default:
        return refuse_attribute(__func__, (int)stmAttrType);
    }
}

static aclError get_failure_mode(aclrtStream stream, aclrtStreamAttrValue *value) {
    uint32_t mode = 0;
    aclError status = get_property("aclrtGetStreamAttribute", stream, STUB_STREAM_FAILURE_MODE, "value", &mode);
    if (status == ACL_SUCCESS) {
        value->failureMode = mode;
    }
    return status;
}

aclError aclrtGetStreamAttribute(aclrtStream stream, aclrtStreamAttr stmAttrType, aclrtStreamAttrValue *value) {
    if (value == NULL) {
        return refuse_null(__func__, "value");
    }
    switch (stmAttrType) {
    case ACL_STREAM_ATTR_FAILURE_MODE:
        return get_failure_mode(stream, value);
    case ACL_STREAM_ATTR_FLOAT_OVERFLOW_CHECK:
        return get_property(__func__, stream, STUB_STREAM_OVERFLOW_SWITCH, "value", &value->overflowSwitch);
    case ACL_STREAM_ATTR_USER_CUSTOM_TAG:
        return get_property(__func__, stream, STUB_STREAM_CUSTOM_TAG, "value", &value->userCustomTag);
    case ACL_STREAM_ATTR_CACHE_OP_INFO:
        return get_property(__func__, stream, STUB_STREAM_CACHE_OP_INFO, "value", &value->cacheOpInfoSwitch);
    case ACL_STREAM_ATTR_PRIORITY:
        return get_property(__func__, stream, STUB_STREAM_PRIORITY, "value", &value->streamPriority);
    default:
        return refuse_attribute(__func__, (int)stmAttrType);
    }
}
