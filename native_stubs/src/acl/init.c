/* aclInit, aclFinalize and their callbacks. */
#include "acl/acl.h"
#include "core/lifecycle.h"

aclError aclInit(const char *configPath) {
    return stub_initialise(configPath);
}

aclError aclFinalize(void) {
    return stub_finalise();
}

aclError aclFinalizeReference(uint64_t *refCount) {
    return stub_finalise_reference(refCount);
}

aclError aclInitCallbackRegister(aclRegisterCallbackType type, aclInitCallbackFunc cbFunc, void *userData) {
    return stub_add_init_callback((int)type, cbFunc, userData);
}

aclError aclInitCallbackUnRegister(aclRegisterCallbackType type, aclInitCallbackFunc cbFunc) {
    return stub_remove_init_callback((int)type, cbFunc);
}

aclError aclFinalizeCallbackRegister(aclRegisterCallbackType type, aclFinalizeCallbackFunc cbFunc, void *userData) {
    return stub_add_finalise_callback((int)type, cbFunc, userData);
}

aclError aclFinalizeCallbackUnRegister(aclRegisterCallbackType type, aclFinalizeCallbackFunc cbFunc) {
    return stub_remove_finalise_callback((int)type, cbFunc);
}
