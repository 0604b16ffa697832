# Installs the stand-in as a CANN home. Headers and libraries only: nothing of the build is needed afterwards.
get_property(STUB_LIBRARIES GLOBAL PROPERTY STUB_LIBRARIES)
install(TARGETS ${STUB_LIBRARIES} LIBRARY DESTINATION lib64)
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include/ DESTINATION include)
install(DIRECTORY ${GENERATED_INCLUDE}/aclnnop DESTINATION include)
