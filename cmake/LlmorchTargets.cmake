# Floors are object libraries, so that a test of one floor links nothing from above it and the
# final archive is compiled once.
set(LLMORCH_FLOORS "" CACHE INTERNAL "floors so far, bottom up")

function(llmorch_compile_settings target)
  target_link_libraries(${target} PRIVATE llmorch_flags)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include"
                             "${PROJECT_BINARY_DIR}/include" "${PROJECT_SOURCE_DIR}/lib")
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  # A shared C++ library shows everything: it promises no ABI beyond its own release. The C library
  # hides all but llmorch_* by its version script, either way.
  if(NOT BUILD_SHARED_LIBS)
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden
                          C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endif()
endfunction()

function(llmorch_floor name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/${name}/*.cc")
  if(NOT sources)
    file(WRITE "${PROJECT_BINARY_DIR}/empty_${name}.cc" "")
    set(sources "${PROJECT_BINARY_DIR}/empty_${name}.cc")
  endif()
  add_library(llmorch_floor_${name} OBJECT ${sources})
  llmorch_compile_settings(llmorch_floor_${name})
  target_link_libraries(llmorch_floor_${name} PRIVATE fmt::fmt Threads::Threads OpenSSL::Crypto)
  if(name STREQUAL json)
    target_link_libraries(llmorch_floor_${name} PRIVATE llmorch_rapidjson)
  elseif(name STREQUAL net)
    target_link_libraries(llmorch_floor_${name} PRIVATE CURL::libcurl OpenSSL::SSL)
  elseif(name STREQUAL storage)
    target_link_libraries(llmorch_floor_${name} PRIVATE SQLite::SQLite3)
  endif()
  set(LLMORCH_FLOORS ${LLMORCH_FLOORS} ${name} CACHE INTERNAL "")
endfunction()

# Everything the floors link to. Private: no public header needs any of it.
set(LLMORCH_PRIVATE_LIBS fmt::fmt CURL::libcurl OpenSSL::SSL OpenSSL::Crypto SQLite::SQLite3
    Threads::Threads)

# Appends to `out` the objects of the floors from the bottom up to and including `top`.
function(llmorch_objects_up_to top out)
  set(objects "")
  foreach(floor IN LISTS LLMORCH_FLOORS)
    list(APPEND objects $<TARGET_OBJECTS:llmorch_floor_${floor}>)
    if(floor STREQUAL top)
      break()
    endif()
  endforeach()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()

function(llmorch_library)
  llmorch_objects_up_to(gateway objects)
  add_library(llmorch ${objects})
  add_library(llmorch::llmorch ALIAS llmorch)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/llmorch/*.h")
  list(REMOVE_ITEM headers "${PROJECT_SOURCE_DIR}/include/llmorch/c.h")
  target_sources(llmorch PUBLIC
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include"
    FILES ${headers} "${PROJECT_BINARY_DIR}/include/llmorch/version.h")
  target_compile_features(llmorch PUBLIC cxx_std_20)
  target_link_libraries(llmorch PRIVATE ${LLMORCH_PRIVATE_LIBS})
  set_target_properties(llmorch PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
                        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  if(LLMORCH_SANITIZE)
    target_link_options(llmorch PUBLIC -fsanitize=${LLMORCH_SANITIZE})
  endif()
endfunction()

# A doctest executable for one floor: tests/<name>/*.cc against the objects up to that floor.
function(llmorch_test name)
  cmake_parse_arguments(arg "" "FLOOR" "LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${name}/*.cc")
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources} $<TARGET_OBJECTS:llmorch_test_main>)
  llmorch_compile_settings(test_${name})
  target_include_directories(test_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  if(arg_FLOOR)
    llmorch_objects_up_to(${arg_FLOOR} objects)
    target_sources(test_${name} PRIVATE ${objects})
  endif()
  target_link_libraries(test_${name} PRIVATE doctest::doctest ${LLMORCH_PRIVATE_LIBS} ${arg_LIBS})
  target_compile_definitions(test_${name} PRIVATE LLMORCH_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
