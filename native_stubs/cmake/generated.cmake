# What is generated at build time, see catalogue/README.md: operator headers, entry points, "not implemented" answers.
set(CATALOGUE ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/operators.json)
set(FUNCTIONS ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/functions.json)
set(HEADERS ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/headers.json)
set(GENERATOR ${CMAKE_CURRENT_SOURCE_DIR}/catalogue/generate.py)
set(GENERATED_INCLUDE ${CMAKE_BINARY_DIR}/include)
set(GENERATED_SOURCE ${CMAKE_BINARY_DIR}/generated)

set(OPERATOR_SOURCE ${GENERATED_SOURCE}/operators.c)
add_custom_command(
  OUTPUT ${OPERATOR_SOURCE}
  COMMAND Python3::Interpreter ${GENERATOR} operators ${CATALOGUE} ${FUNCTIONS} ${HEADERS} ${GENERATED_INCLUDE}
          ${OPERATOR_SOURCE}
  COMMAND ${CMAKE_COMMAND} -E touch ${OPERATOR_SOURCE}
  DEPENDS ${CATALOGUE} ${FUNCTIONS} ${HEADERS} ${GENERATOR}
  COMMENT "Generating the operators' headers and entry points")

set(UNSUPPORTED_OPAPI ${GENERATED_SOURCE}/unsupported_opapi.c)
add_custom_command(
  OUTPUT ${UNSUPPORTED_OPAPI}
  COMMAND Python3::Interpreter ${GENERATOR} functions ${FUNCTIONS} ${UNSUPPORTED_OPAPI}
  COMMAND ${CMAKE_COMMAND} -E touch ${UNSUPPORTED_OPAPI}
  DEPENDS ${FUNCTIONS} ${GENERATOR})

# stub_unsupported(variable header...): a source with a weak definition for everything these headers declare.
function(stub_unsupported variable)
  string(TOLOWER ${variable} name)
  set(output ${GENERATED_SOURCE}/${name}.c)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/include/ OUTPUT_VARIABLE headers)
  add_custom_command(
    OUTPUT ${output}
    COMMAND Python3::Interpreter ${GENERATOR} unsupported ${output} ${headers}
    COMMAND ${CMAKE_COMMAND} -E touch ${output}
    DEPENDS ${headers} ${GENERATOR})
  set(${variable} ${output} PARENT_SCOPE)
endfunction()

file(GLOB ACL_HEADERS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/include CONFIGURE_DEPENDS include/acl/*.h)
stub_unsupported(UNSUPPORTED_ACL ${ACL_HEADERS})
stub_unsupported(UNSUPPORTED_ACLNN aclnn/acl_meta.h aclnn/aclnn_base.h)
stub_unsupported(UNSUPPORTED_HCOMM hccl/hccl_comm.h)
stub_unsupported(UNSUPPORTED_HCCL hccl/hccl.h hccl/hccl_comm.h)
