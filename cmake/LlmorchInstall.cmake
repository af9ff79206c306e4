# What `cmake --install` puts where: the library with its headers and package files, the C library,
# the binary. One export set, so find_package(llmorch) gives llmorch::llmorch and llmorch::c.
include(CMakePackageConfigHelpers)

# A dependency that was fetched has no package a consumer could find, so nothing could be exported.
get_target_property(fmt_is_system fmt::fmt IMPORTED)
if(NOT fmt_is_system)
  message(STATUS "llmorch: no install rules, because fmt was fetched; install libfmt-dev for them")
  return()
endif()

set(installed llmorch)
if(TARGET llmorch_c)
  list(APPEND installed llmorch_c)
endif()
foreach(target IN LISTS installed)
  install(TARGETS ${target} EXPORT llmorch-targets
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endforeach()
if(TARGET llmorch_gateway)
  install(TARGETS llmorch_gateway RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

# A static library brings its private dependencies along as link-only ones: the package file must
# find them again, and the .pc file must name them: as Requires, because "pkg-config --static" would
# want their own dependencies as static libraries too, and no distribution has those.
set(LLMORCH_FIND_DEPENDENCIES "")
set(LLMORCH_PC_REQUIRES "")
if(NOT BUILD_SHARED_LIBS)
  string(APPEND LLMORCH_FIND_DEPENDENCIES "find_dependency(Threads)\n")
  foreach(row "CURL::libcurl CURL libcurl" "OpenSSL::SSL OpenSSL openssl" "fmt::fmt fmt fmt"
          "SQLite::SQLite3 SQLite3 sqlite3")
    separate_arguments(row)
    list(GET row 0 target)
    list(GET row 1 package)
    list(GET row 2 module)
    if(target IN_LIST LLMORCH_PRIVATE_LIBS)
      string(APPEND LLMORCH_FIND_DEPENDENCIES "find_dependency(${package})\n")
      string(APPEND LLMORCH_PC_REQUIRES " ${module}")
    endif()
  endforeach()
endif()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/llmorch")
install(EXPORT llmorch-targets NAMESPACE llmorch:: DESTINATION "${package_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/llmorch-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/llmorch-config.cmake"
                              INSTALL_DESTINATION "${package_dir}")
# Before 1.0 a minor release may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/llmorch-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/llmorch-config.cmake"
              "${PROJECT_BINARY_DIR}/llmorch-config-version.cmake" DESTINATION "${package_dir}")

# Relative to the .pc file itself, so that the installed tree may be moved.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(LLMORCH_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${pc_dir}" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(LLMORCH_PC_PREFIX "\${pcfiledir}/${up}")
endif()
set(LLMORCH_PC_LIBDIR "\${prefix}")
cmake_path(APPEND LLMORCH_PC_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
set(LLMORCH_PC_INCLUDEDIR "\${prefix}")
cmake_path(APPEND LLMORCH_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(target IN LISTS installed)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${target}.pc.in" "${PROJECT_BINARY_DIR}/${target}.pc"
                 @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${target}.pc" DESTINATION "${pc_dir}")
endforeach()
