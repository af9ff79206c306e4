# What llmorch stands on, and why, is in docs/DESIGN.md ("Dependencies"). System packages first;
# FetchContent only where the system has none. Nothing here leaks into a public header.
include(FetchContent)
find_package(PkgConfig QUIET)
find_package(Threads REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 3.37 REQUIRED)

FetchContent_Declare(fmt URL https://github.com/fmtlib/fmt/archive/refs/tags/9.1.0.tar.gz
                     FIND_PACKAGE_ARGS 9.1)
FetchContent_MakeAvailable(fmt)

# RapidJSON is headers only; SYSTEM keeps its warnings out of ours.
add_library(llmorch_rapidjson INTERFACE)
find_package(RapidJSON QUIET)
if(NOT RapidJSON_FOUND)
  FetchContent_Declare(rapidjson GIT_REPOSITORY https://github.com/Tencent/rapidjson.git
                       GIT_TAG 24b5e7a8b27f42fa16b96fc70aade9106cf7102f SOURCE_SUBDIR none)
  FetchContent_MakeAvailable(rapidjson)
  set(RAPIDJSON_INCLUDE_DIRS "${rapidjson_SOURCE_DIR}/include")
endif()
target_include_directories(llmorch_rapidjson SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIRS})

if(LLMORCH_BUILD_SERVER)
  # Debian ships cpp-httplib compiled, with pkg-config only; its flags must be used as they are
  # (feature macros change the ABI).
  find_package(httplib CONFIG QUIET)
  if(httplib_FOUND)
    add_library(llmorch_httplib ALIAS httplib::httplib)
  else()
    pkg_check_modules(HTTPLIB IMPORTED_TARGET cpp-httplib)
    if(HTTPLIB_FOUND)
      add_library(llmorch_httplib ALIAS PkgConfig::HTTPLIB)
    else()
      FetchContent_Declare(httplib URL https://github.com/yhirose/cpp-httplib/archive/refs/tags/v0.11.4.tar.gz)
      FetchContent_MakeAvailable(httplib)
      add_library(llmorch_httplib ALIAS httplib::httplib)
    endif()
  endif()
  FetchContent_Declare(yaml-cpp URL https://github.com/jbeder/yaml-cpp/archive/refs/tags/yaml-cpp-0.7.0.tar.gz
                       FIND_PACKAGE_ARGS 0.7)
  FetchContent_Declare(CLI11 URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.1.2.tar.gz
                       FIND_PACKAGE_ARGS 2.1)
  FetchContent_MakeAvailable(yaml-cpp CLI11)
endif()
if(LLMORCH_BUILD_TESTS)
  FetchContent_Declare(doctest URL https://github.com/doctest/doctest/archive/refs/tags/v2.4.9.tar.gz
                       FIND_PACKAGE_ARGS 2.4)
  FetchContent_MakeAvailable(doctest)
endif()
