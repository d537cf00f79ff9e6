# Warnings, hardening, sanitizers: one interface library that everything links.
add_library(vmc_flags INTERFACE)
target_compile_definitions(vmc_flags INTERFACE _GNU_SOURCE VMC_VERSION="${PROJECT_VERSION}")
target_compile_options(vmc_flags INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
  -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wno-unused-parameter
  -fno-strict-aliasing -fstack-protector-strong -fno-common)
if(WERROR)
  target_compile_options(vmc_flags INTERFACE -Werror)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(vmc_flags INTERFACE -Wduplicated-cond -Wlogical-op)
endif()
# libFuzzer is clang's.
set(FUZZ OFF)
if(SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang")
  set(FUZZ ON)
endif()
if(SANITIZE)
  target_compile_options(vmc_flags INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(vmc_flags INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(vmc_flags INTERFACE VMC_SANITIZE=1)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(vmc_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(FUZZ)
  target_compile_options(vmc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
target_link_options(vmc_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--build-id=sha1)
