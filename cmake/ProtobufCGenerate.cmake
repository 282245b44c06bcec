# protobuf_c_generate(<sources variable>
#     PROTO_DIR  <the directory that the names in PROTOS are relative to>
#     OUTPUT_DIR <where the bindings go, under the same names>
#     PROTOS     <name.proto>...)
#
# Makes a rule for each PROTOS entry that writes <name>.pb-c.c and <name>.pb-c.h, and puts the
# paths of both into the variable. Names that are not in PROTO_DIR are looked up among protoc's own
# files, which is how google/protobuf/timestamp.proto gets its bindings: no release of protobuf-c
# ships them.
function(protobuf_c_generate sources_variable)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROTO_DIR;OUTPUT_DIR" "PROTOS")

    set(sources "")
    file(MAKE_DIRECTORY "${arg_OUTPUT_DIR}")
    foreach(proto IN LISTS arg_PROTOS)
        set(input "${arg_PROTO_DIR}/${proto}")
        if(NOT EXISTS "${input}")
            set(input "${ProtobufC_IMPORT_DIR}/${proto}")
        endif()

        string(REGEX REPLACE "\\.proto$" ".pb-c" stem "${arg_OUTPUT_DIR}/${proto}")
        add_custom_command(
            OUTPUT "${stem}.c" "${stem}.h"
            COMMAND "${ProtobufC_PROTOC}"
                "--plugin=protoc-gen-c=${ProtobufC_GENERATOR}"
                "--proto_path=${arg_PROTO_DIR}"
                "--proto_path=${ProtobufC_IMPORT_DIR}"
                "--c_out=${arg_OUTPUT_DIR}"
                "${proto}"
            DEPENDS "${input}"
            COMMENT "Generating C bindings for ${proto}"
            VERBATIM)
        list(APPEND sources "${stem}.c" "${stem}.h")
    endforeach()

    set(${sources_variable} "${sources}" PARENT_SCOPE)
endfunction()

# protobuf_descriptor_set(<output file> PROTO_DIR <directory> PROTOS <name.proto>...)
#
# Makes a rule that writes a FileDescriptorSet of PROTOS and all that they import.
function(protobuf_descriptor_set output)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROTO_DIR" "PROTOS")

    list(TRANSFORM arg_PROTOS PREPEND "${arg_PROTO_DIR}/" OUTPUT_VARIABLE inputs)
    cmake_path(GET output FILENAME name)
    add_custom_command(
        OUTPUT "${output}"
        COMMAND "${ProtobufC_PROTOC}"
            "--proto_path=${arg_PROTO_DIR}"
            "--proto_path=${ProtobufC_IMPORT_DIR}"
            --include_imports
            "--descriptor_set_out=${output}"
            ${arg_PROTOS}
        DEPENDS ${inputs}
        COMMENT "Generating the descriptor set ${name}"
        VERBATIM)
endfunction()

# protobuf_google_session(<library> <runtime>)
#
# Makes a library of session.proto for Google's C++ runtime, the target <runtime>.
function(protobuf_google_session library runtime)
    set(dir "${CMAKE_CURRENT_BINARY_DIR}/google")
    file(MAKE_DIRECTORY "${dir}")
    add_custom_command(
        OUTPUT "${dir}/journey/v1/session.pb.cc" "${dir}/journey/v1/session.pb.h"
        COMMAND "${ProtobufC_PROTOC}"
            "--proto_path=${proto_dir}"
            "--proto_path=${ProtobufC_IMPORT_DIR}"
            "--cpp_out=${dir}"
            journey/v1/session.proto
        DEPENDS "${proto_dir}/journey/v1/session.proto"
        VERBATIM)
    add_library(${library} STATIC "${dir}/journey/v1/session.pb.cc")
    target_compile_options(${library} PRIVATE -w)
    target_include_directories(${library} SYSTEM PUBLIC "${dir}")
    target_link_libraries(${library} PUBLIC ${runtime})
endfunction()
