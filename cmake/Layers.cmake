# Folders are layers. Each one is a static library that sees its own headers and those of the
# folders it names in USES, and no others: build/include/NAME/NAME is a link to the folder, and
# only the named links are on the include path. An include that climbs fails to compile.

function(vmc_expose name)
  set(stage ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${stage})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${name} ${stage}/${name} SYMBOLIC)
endfunction()

function(vmc_layer name)
  cmake_parse_arguments(A "" "" "SOURCES;USES;LIBS" ${ARGN})
  vmc_expose(${name})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/include/${name})
  foreach(use IN LISTS A_USES)
    if(NOT TARGET ${use})
      message(FATAL_ERROR "${name} uses ${use}, which does not stand below it")
    endif()
    target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/include/${use})
  endforeach()
  target_link_libraries(${name} PUBLIC vmc_flags ${A_USES} ${A_LIBS})
endfunction()

function(vmc_program name)
  cmake_parse_arguments(A "" "" "SOURCES;USES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  foreach(use IN LISTS A_USES)
    target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/include/${use})
  endforeach()
  target_link_libraries(${name} PRIVATE ${A_USES} ${A_LIBS} vmc_flags)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

# vmc_unit_test(name USES layers): tests/unit/NAME.c, a cmocka program, run by ctest.
function(vmc_unit_test name)
  cmake_parse_arguments(A "" "" "USES;LIBS;SOURCES" ${ARGN})
  if(NOT CMOCKA_FOUND)
    return()
  endif()
  add_executable(${name} ${name}.c ${A_SOURCES})
  foreach(use IN LISTS A_USES)
    target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/include/${use})
  endforeach()
  target_link_libraries(${name} PRIVATE ${A_USES} ${A_LIBS} PkgConfig::CMOCKA vmc_flags)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300
    ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;SOURCE_DIR=${CMAKE_SOURCE_DIR}")
endfunction()

# vmc_fuzz(name USES layers): tests/fuzz/NAME.c with LLVMFuzzerTestOneInput; its corpus lies in
# tests/fuzz/corpus/NAME/.
function(vmc_fuzz name)
  cmake_parse_arguments(A "" "" "USES;LIBS;SOURCES" ${ARGN})
  add_executable(${name} ${name}.c ${A_SOURCES})
  foreach(use IN LISTS A_USES)
    target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/include/${use})
  endforeach()
  target_link_libraries(${name} PRIVATE ${A_USES} ${A_LIBS} vmc_flags)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()
