# What is generated at build time, see catalogue/README.md: operator headers, entry points, doors.
set(CATALOGUE ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/operators.json)
set(FUNCTIONS ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/functions.json)
set(HEADERS ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/headers.json)
set(SINCE ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/since.json)
set(GENERATOR ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/generate.py)
set(GENERATORS ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/doors.py ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/files.py
               ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/later.py)
set(GENERATED_INCLUDE ${CMAKE_BINARY_DIR}/include)
set(GENERATED_SOURCE ${CMAKE_BINARY_DIR}/generated)

set(OPERATOR_SOURCE ${GENERATED_SOURCE}/operators.c)
add_custom_command(
  OUTPUT ${OPERATOR_SOURCE}
  COMMAND Python3::Interpreter ${GENERATOR} operators ${CATALOGUE} ${FUNCTIONS} ${HEADERS} ${GENERATED_INCLUDE}
          ${OPERATOR_SOURCE}
  COMMAND ${CMAKE_COMMAND} -E touch ${OPERATOR_SOURCE}
  DEPENDS ${CATALOGUE} ${FUNCTIONS} ${HEADERS} ${GENERATOR} ${GENERATORS}
  COMMENT "Generating the operators' headers and entry points")

set(LATER_SOURCE ${GENERATED_SOURCE}/later.c)
add_custom_command(
  OUTPUT ${LATER_SOURCE}
  COMMAND Python3::Interpreter ${GENERATOR} later ${SINCE} ${CATALOGUE} ${FUNCTIONS} ${LATER_SOURCE}
  COMMAND ${CMAKE_COMMAND} -E touch ${LATER_SOURCE}
  DEPENDS ${SINCE} ${CATALOGUE} ${FUNCTIONS} ${GENERATOR} ${GENERATORS})

# stub_doors(name command argument... DEPENDS file...): the exported functions of a family, see catalogue/doors.py.
# DOORS_<name> are sources of its libraries; RENAMES_<name> goes in front of the family's own sources.
function(stub_doors name)
  cmake_parse_arguments(PARSE_ARGV 1 doors "" "" "COMMAND;DEPENDS")
  set(stem ${GENERATED_SOURCE}/doors_${name})
  list(TRANSFORM doors_COMMAND REPLACE "^STEM$" ${stem})
  set(outputs ${stem}.c ${stem}_unsupported.c ${stem}_renames.h)
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND Python3::Interpreter ${GENERATOR} ${doors_COMMAND}
    COMMAND ${CMAKE_COMMAND} -E touch ${outputs}
    DEPENDS ${doors_DEPENDS} ${GENERATOR} ${GENERATORS})
  set(DOORS_${name} ${stem}.c ${stem}_unsupported.c ${stem}_renames.h PARENT_SCOPE)
  set(RENAMES_${name} ${stem}_renames.h PARENT_SCOPE)
endfunction()

# stub_header_doors(name family header...)
function(stub_header_doors name family)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/include/ OUTPUT_VARIABLE files)
  stub_doors(${name} COMMAND doors ${family} ${SINCE} STEM ${CMAKE_CURRENT_SOURCE_DIR}/include ${ARGN}
             DEPENDS ${SINCE} ${files})
  set(DOORS_${name} ${DOORS_${name}} PARENT_SCOPE)
  set(RENAMES_${name} ${RENAMES_${name}} PARENT_SCOPE)
endfunction()

# stub_rename(renames source...): compiles the sources under the names that the doors call.
function(stub_rename renames)
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -include ${renames})
  set_property(SOURCE ${ARGN} APPEND PROPERTY OBJECT_DEPENDS ${renames})
endfunction()

file(GLOB ACL_HEADERS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/include CONFIGURE_DEPENDS include/acl/*.h)
stub_header_doors(acl ACL ${ACL_HEADERS})
stub_header_doors(nnopbase ACLNN aclnn/acl_meta.h aclnn/aclnn_base.h)
stub_header_doors(hcomm HCCL hccl/hccl_comm.h)
stub_header_doors(hccl HCCL hccl/hccl.h hccl/hccl_comm.h)
stub_doors(opapi COMMAND function-doors ACLNN ${FUNCTIONS} STEM DEPENDS ${FUNCTIONS})
