# Folders are layers. Each one is a static library that sees its own headers and those of the
# folders it names in USES, and no others: build/include/LIBRARY/FOLDER/ holds a link to each header
# of that folder (not of the folders in it), and only the stages of the named ones are on the
# include path. An include that climbs fails to compile.
#
# A folder in a folder is named by its path, auth/ssh; its library is then called auth_ssh.

# vmc_library(RESULT folder): the name of the folder's library.
function(vmc_library result name)
  string(REPLACE "/" "_" library ${name})
  set(${result} ${library} PARENT_SCOPE)
endfunction()

function(vmc_expose name)
  vmc_library(library ${name})
  set(stage ${CMAKE_BINARY_DIR}/include/${library})
  file(REMOVE_RECURSE ${stage})
  file(MAKE_DIRECTORY ${stage}/${name})
  file(GLOB headers RELATIVE ${CMAKE_SOURCE_DIR}/${name} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.h)
  foreach(header IN LISTS headers)
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${name}/${header} ${stage}/${name}/${header} SYMBOLIC)
  endforeach()
endfunction()

# vmc_use(target folder...): TARGET sees the headers of these folders and links their libraries.
function(vmc_use target)
  foreach(use IN LISTS ARGN)
    vmc_library(library ${use})
    if(NOT TARGET ${library})
      message(FATAL_ERROR "${target} uses ${use}, which does not stand below it")
    endif()
    target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/include/${library})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      target_link_libraries(${target} PRIVATE ${library})
    else()
      target_link_libraries(${target} PUBLIC ${library})
    endif()
  endforeach()
endfunction()

function(vmc_layer name)
  cmake_parse_arguments(A "" "" "SOURCES;USES;LIBS" ${ARGN})
  vmc_library(library ${name})
  vmc_expose(${name})
  add_library(${library} STATIC ${A_SOURCES})
  target_include_directories(${library} PRIVATE ${CMAKE_BINARY_DIR}/include/${library})
  vmc_use(${library} ${A_USES})
  target_link_libraries(${library} PUBLIC vmc_flags ${A_LIBS})
endfunction()

function(vmc_program name)
  cmake_parse_arguments(A "" "" "SOURCES;USES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  vmc_use(${name} ${A_USES})
  target_link_libraries(${name} PRIVATE ${A_LIBS} vmc_flags)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

# vmc_unit_test(name USES layers): tests/unit/FOLDER/NAME.c, a cmocka program, run by ctest.
function(vmc_unit_test name)
  cmake_parse_arguments(A "" "" "USES;LIBS;SOURCES" ${ARGN})
  if(NOT CMOCKA_FOUND)
    return()
  endif()
  add_executable(${name} ${name}.c ${A_SOURCES})
  vmc_use(${name} ${A_USES})
  target_link_libraries(${name} PRIVATE ${A_LIBS} PkgConfig::CMOCKA vmc_flags)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900
    ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;SOURCE_DIR=${CMAKE_SOURCE_DIR}")
  if(name IN_LIST LONG_UNIT_TESTS)
    set_tests_properties(${name} PROPERTIES COST 1000)
  endif()
endfunction()

# vmc_fuzz(name USES layers): tests/fuzz/NAME.c with LLVMFuzzerTestOneInput; its corpus lies in
# tests/fuzz/corpus/NAME/. As a test it runs over the corpus and searches for FUZZ_SECONDS.
function(vmc_fuzz name)
  cmake_parse_arguments(A "" "" "USES;LIBS;SOURCES" ${ARGN})
  add_executable(${name} ${name}.c ${A_SOURCES})
  vmc_use(${name} ${A_USES})
  target_link_libraries(${name} PRIVATE ${A_LIBS} vmc_flags)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  math(EXPR limit "${FUZZ_SECONDS} + 300")
  add_test(NAME ${name}
    COMMAND ${CMAKE_SOURCE_DIR}/tools/fuzz-run $<TARGET_FILE:${name}> ${FUZZ_SECONDS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT ${limit})
endfunction()
