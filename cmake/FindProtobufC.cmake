# Finds protobuf-c: its library, its generator, and the protoc that runs the generator.
#
#   ProtobufC::ProtobufC           the library; link to it
#   ProtobufC_PROTOC               protoc
#   ProtobufC_GENERATOR            protoc-gen-c, the plugin
#   ProtobufC_IMPORT_DIR           where google/protobuf/*.proto are
#   ProtobufC_INCLUDE_DIRS         what the compiler does not search anyway; empty on Debian
#
# protobuf-c ships no CMake package, only libprotobuf-c.pc. On Debian the four parts come from
# libprotobuf-c-dev, protobuf-compiler, protobuf-c-compiler and libprotobuf-dev.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(ProtobufC_PC QUIET IMPORTED_TARGET libprotobuf-c)
endif()

find_program(ProtobufC_PROTOC NAMES protoc DOC "The protobuf compiler")
find_program(ProtobufC_GENERATOR NAMES protoc-gen-c DOC "protoc's plugin for C")

set(_protoc_prefix "")
if(ProtobufC_PROTOC)
    file(REAL_PATH "${ProtobufC_PROTOC}" _protoc_prefix)
    cmake_path(GET _protoc_prefix PARENT_PATH _protoc_prefix)
    cmake_path(GET _protoc_prefix PARENT_PATH _protoc_prefix)
endif()
find_path(ProtobufC_IMPORT_DIR google/protobuf/timestamp.proto
    HINTS "${_protoc_prefix}/include"
    DOC "The directory of google/protobuf/timestamp.proto")
unset(_protoc_prefix)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ProtobufC
    REQUIRED_VARS
        ProtobufC_PC_LINK_LIBRARIES
        ProtobufC_PROTOC
        ProtobufC_GENERATOR
        ProtobufC_IMPORT_DIR
    VERSION_VAR ProtobufC_PC_VERSION)

if(ProtobufC_FOUND AND NOT TARGET ProtobufC::ProtobufC)
    set(ProtobufC_INCLUDE_DIRS "${ProtobufC_PC_INCLUDE_DIRS}")
    add_library(ProtobufC::ProtobufC INTERFACE IMPORTED)
    target_link_libraries(ProtobufC::ProtobufC INTERFACE PkgConfig::ProtobufC_PC)
endif()

mark_as_advanced(ProtobufC_PROTOC ProtobufC_GENERATOR ProtobufC_IMPORT_DIR)
