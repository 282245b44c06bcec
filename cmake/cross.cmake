# Another architecture of Debian's, with the compiler that cross-compiles to it and the folder that
# cmake/sysroot.sh has filled. `./dev cross` says which, in the environment.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR "$ENV{SPB_CROSS_ARCH}")
set(CMAKE_SYSROOT "$ENV{SPB_CROSS_ROOT}")
set(CMAKE_C_COMPILER "$ENV{SPB_CROSS_TYPE}-gcc")
set(CMAKE_CXX_COMPILER "$ENV{SPB_CROSS_TYPE}-g++")
set(CMAKE_LIBRARY_ARCHITECTURE "$ENV{SPB_CROSS_MULTIARCH}")
set(CMAKE_CROSSCOMPILING_EMULATOR "$ENV{SPB_CROSS_EMULATOR};-L;${CMAKE_SYSROOT}")

# protoc and Python are this machine's, libraries the other's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CMAKE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${CMAKE_SYSROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig")
