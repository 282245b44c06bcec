# What `cmake --install` puts where, by component: runtime, dev, tools and doc.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sessionpb")
set(headers_of_pb journey/v1/session.pb-c.h google/protobuf/timestamp.pb-c.h)

install(TARGETS sessionpb_static sessionpb_shared EXPORT sessionpb
    LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
    ARCHIVE COMPONENT dev)
install(DIRECTORY include/sessionpb TYPE INCLUDE COMPONENT dev)
foreach(header IN LISTS headers_of_pb)
    cmake_path(GET header PARENT_PATH folder)
    install(FILES "${generated_dir}/${header}"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/sessionpb/pb/${folder}"
        COMPONENT dev)
endforeach()
install(DIRECTORY proto DESTINATION "${CMAKE_INSTALL_DATADIR}/sessionpb" COMPONENT dev
    FILES_MATCHING PATTERN "*.proto")
install(FILES "${descriptor_set}" DESTINATION "${CMAKE_INSTALL_DATADIR}/sessionpb" COMPONENT dev)

# For find_package(sessionpb)
set_target_properties(sessionpb_static PROPERTIES EXPORT_NAME static)
set_target_properties(sessionpb_shared PROPERTIES EXPORT_NAME shared)
install(EXPORT sessionpb FILE sessionpb-targets.cmake NAMESPACE sessionpb::
    DESTINATION "${package_dir}" COMPONENT dev)
configure_package_config_file(cmake/sessionpb-config.cmake.in
    "${PROJECT_BINARY_DIR}/sessionpb-config.cmake"
    INSTALL_DESTINATION "${package_dir}"
    PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sessionpb-config-version.cmake"
    COMPATIBILITY SameMajorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/sessionpb-config.cmake"
    "${PROJECT_BINARY_DIR}/sessionpb-config-version.cmake"
    DESTINATION "${package_dir}" COMPONENT dev)

# For pkg-config, which finds the rest from where the file is.
file(RELATIVE_PATH prefix_from_pc "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /)
configure_file(cmake/sessionpb.pc.in "${PROJECT_BINARY_DIR}/sessionpb.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/sessionpb.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)

# install_pages(COMPONENT PAGE...): manual pages, compressed.
function(install_pages component)
    file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/man")
    foreach(page IN LISTS ARGN)
        cmake_path(GET page EXTENSION LAST_ONLY section)
        string(REPLACE "." "man" section "${section}")
        execute_process(COMMAND gzip -9nc "${PROJECT_SOURCE_DIR}/docs/${page}"
            OUTPUT_FILE "${PROJECT_BINARY_DIR}/man/${page}.gz" COMMAND_ERROR_IS_FATAL ANY)
        install(FILES "${PROJECT_BINARY_DIR}/man/${page}.gz"
            DESTINATION "${CMAKE_INSTALL_MANDIR}/${section}" COMPONENT ${component})
        set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY
            CMAKE_CONFIGURE_DEPENDS "docs/${page}")
    endforeach()
endfunction()

install_pages(dev sessionpb.3)
if(SESSIONPB_BUILD_TOOLS)
    install(TARGETS session2pb pb2session RUNTIME COMPONENT tools)
    install_pages(tools session2pb.1 pb2session.1 sessionpb.7)
    if(SESSIONPB_DEBIAN)
        set(zsh_folder vendor-completions)
    else()
        set(zsh_folder site-functions) # what zsh searches below /usr/local, too
    endif()
    foreach(tool IN ITEMS session2pb pb2session)
        install(FILES docs/completions/${tool}.bash RENAME ${tool} COMPONENT tools
            DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
        install(FILES docs/completions/${tool}.zsh RENAME _${tool} COMPONENT tools
            DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/${zsh_folder}")
        install(FILES docs/completions/${tool}.fish COMPONENT tools
            DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
    endforeach()
endif()
install(FILES README.md CHANGELOG.md SECURITY.md LICENSE TYPE DOC COMPONENT doc)
install(DIRECTORY docs TYPE DOC COMPONENT doc
    FILES_MATCHING PATTERN "*.md" PATTERN "*.svg"
    PATTERN "completions" EXCLUDE)
install(DIRECTORY examples TYPE DOC COMPONENT doc
    PATTERN "node_modules" EXCLUDE
    PATTERN "__pycache__" EXCLUDE)
