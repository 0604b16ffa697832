/* Marks what a library of the stand-in shows to the others. Everything else is hidden. */
#ifndef ASCEND_STUB_CORE_EXPORT_H
#define ASCEND_STUB_CORE_EXPORT_H

#define STUB_EXPORT __attribute__((visibility("default")))

#endif
