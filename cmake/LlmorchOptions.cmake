# Options are prefixed and default to consumer mode: a project that adds llmorch as a subdirectory
# gets the library and nothing else.
option(BUILD_SHARED_LIBS "Build llmorch::llmorch as a shared library" OFF)
option(LLMORCH_BUILD_SERVER "Build the gateway binary" ${PROJECT_IS_TOP_LEVEL})
option(LLMORCH_BUILD_C_API "Build libllmorch_c, which every other language loads" ${PROJECT_IS_TOP_LEVEL})
option(LLMORCH_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(LLMORCH_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(LLMORCH_BUILD_TESTING "Build llmorch::testing: mock upstream, fault proxy, load generator" ${PROJECT_IS_TOP_LEVEL})
option(LLMORCH_BUILD_BENCH "Build the guard and the micro-benchmarks" OFF)
option(LLMORCH_BUILD_FUZZERS "Build the libFuzzer targets (clang only)" OFF)
option(LLMORCH_INSTALL "Generate install rules" ${PROJECT_IS_TOP_LEVEL})
option(LLMORCH_DEVELOPER "Warnings are errors" OFF)
set(LLMORCH_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(PROJECT_IS_TOP_LEVEL)
  find_program(LLMORCH_CCACHE ccache)
  if(LLMORCH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${LLMORCH_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${LLMORCH_CCACHE}")
  endif()
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
endif()

# Flags for our own translation units only; never PUBLIC, never global.
add_library(llmorch_flags INTERFACE)
target_compile_features(llmorch_flags INTERFACE cxx_std_20)
target_compile_options(llmorch_flags INTERFACE -Wall -Wextra -Wpedantic -fno-omit-frame-pointer
                       $<$<BOOL:${LLMORCH_DEVELOPER}>:-Werror>
                       $<$<CONFIG:Debug>:-D_GLIBCXX_ASSERTIONS>
                       -fstack-protector-strong)
# GCC 12, once it inlines, sees overlapping copies in std::string (GCC bug 105329) and unset members
# in moved std::variants (GCC bug 105562 and its like) where there are none.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(llmorch_flags INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-Wno-restrict>
    $<$<NOT:$<CONFIG:Debug>>:-Wno-maybe-uninitialized>)
endif()
if(LLMORCH_SANITIZE)
  target_compile_options(llmorch_flags INTERFACE -fsanitize=${LLMORCH_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(llmorch_flags INTERFACE -fsanitize=${LLMORCH_SANITIZE})
endif()
if(LLMORCH_BUILD_FUZZERS)
  target_compile_options(llmorch_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
