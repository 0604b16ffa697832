# Compiler options, and the two functions every library is made with.
option(ASCEND_STUB_WERROR "Treat warnings as errors (for our own builds: other compilers warn about other things)" OFF)
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
add_compile_options(-Wall -Wextra -Wshadow)
if(ASCEND_STUB_WERROR)
  add_compile_options(-Werror)
endif()
# Kernels promise bit-exact results: one rounding per operation on every machine.
add_compile_options(-ffp-contract=off)
add_compile_definitions(_GNU_SOURCE FUNC_VISIBILITY)
if(ASCEND_STUB_SANITIZE)
  add_compile_options(-fsanitize=${ASCEND_STUB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g)
  add_link_options(-fsanitize=${ASCEND_STUB_SANITIZE})
endif()

# stub_library(name source...): a shared library whose soname is its plain file name, as CANN's are.
function(stub_library name)
  add_library(${name} SHARED ${ARGN})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR}/include
                                             ${GENERATED_INCLUDE})
  # Real clients find a symbol through the dependencies of the library they opened: keep the chain even where no
  # symbol of it is used.
  target_link_options(${name} PRIVATE -Wl,--no-as-needed)
  # What doors call stays inside (see catalogue/doors.py): no client meets it, and the call is direct.
  target_link_options(${name} PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cmake/hidden.map)
  # Workers, queued kernels and open executors outlive a client's dlclose.
  target_link_options(${name} PRIVATE -Wl,-z,nodelete)
  if(NOT ASCEND_STUB_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,--no-undefined)
  endif()
  set_property(GLOBAL APPEND PROPERTY STUB_LIBRARIES ${name})
endfunction()

function(stub_needs name)
  target_link_libraries(${name} PRIVATE ${ARGN} Threads::Threads m)
endfunction()
