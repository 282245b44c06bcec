# Debian packages, by `cpack -G DEB`, of a build that is configured with SESSIONPB_DEBIAN: libsessionpb and
# its major version, libsessionpb-dev and sessionpb-tools.
set(SESSIONPB_MAINTAINER "sessionpb maintainers <sessionpb@example.org>" CACHE STRING
    "Whom packages name as their maintainer")

set(package_of_runtime "libsessionpb${PROJECT_VERSION_MAJOR}")
set(package_of_dev libsessionpb-dev)
set(package_of_tools sessionpb-tools)
set(debian_dir "${PROJECT_BINARY_DIR}/debian")

# What each package has by Debian's policy. The date is that of the release, so that packages of one
# source are the same.
file(STRINGS CHANGELOG.md release REGEX "^## " LIMIT_COUNT 1)
string(REGEX MATCH "[0-9]+-[0-9]+-[0-9]+" release_date "${release}")
execute_process(COMMAND date -u -R -d "${release_date}"
    OUTPUT_VARIABLE release_date OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
configure_file(cmake/debian/changelog.in "${debian_dir}/changelog" @ONLY)
execute_process(COMMAND gzip -9nkf "${debian_dir}/changelog" COMMAND_ERROR_IS_FATAL ANY)
foreach(component IN ITEMS runtime dev tools)
    install(FILES cmake/debian/copyright "${debian_dir}/changelog.gz"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package_of_${component}}"
        COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${SESSIONPB_MAINTAINER}")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGING_INSTALL_PREFIX "${CMAKE_INSTALL_PREFIX}")
set(CPACK_COMPONENTS_ALL runtime dev tools)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

set(what_it_is "sessionpb keeps and moves Genesys Cloud journey sessions as Protocol
Buffers, about half the bytes of their JSON, and gives the same JSON back.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${package_of_runtime})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "${what_it_is}
This package has the shared library.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_STRICT_PERMISSION ON) # whatever umask the sources came with
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/cmake/debian/triggers")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME ${package_of_dev})
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "${package_of_runtime} (= ${PROJECT_VERSION}), libprotobuf-c-dev, libcjson-dev, libzstd-dev, libxxhash-dev")
set(CPACK_DEBIAN_DEV_DESCRIPTION "${what_it_is}
This package has the headers, the static library and the schema.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME ${package_of_tools})
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_TOOLS_DESCRIPTION "${what_it_is}
This package has the tools session2pb and pb2session.")

include(CPack)
