#!/bin/sh
# Every header in DIRECTORY/sessionpb compiles alone, and may be included twice.
#
#   check_headers.sh DIRECTORY COMPILER [FLAG...]
#   check_headers.sh --self-test COMPILER [FLAG...]     judges headers made up for the purpose
#
# The flags name the language and the warnings; -fsyntax-only and -Werror are among them.
set -eu

# source_including NAME. A header may declare nothing, but a source may not.
source_including()
{
    printf '#include <%s>\n#include <%s>\ntypedef int something;\n' "$1" "$1"
}

# check DIRECTORY COMPILER [FLAG...]
check()
{
    directory=$1
    shift
    count=0
    bad=0
    for header in "$directory"/sessionpb/*.h; do
        [ -e "$header" ] || continue
        count=$((count + 1))
        name=sessionpb/${header##*/}
        if ! source_including "$name" | "$@" "-I$directory" -; then
            echo "$header: does not compile alone"
            bad=$((bad + 1))
        fi
    done
    echo "$count headers, $bad of them bad"
    [ "$count" -gt 0 ] && [ "$bad" -eq 0 ]
}

# judge TEXT COMPILER [FLAG...]: prints good or bad for a header of that text.
judge()
{
    printf '%s\n' "$1" >"$tree/sessionpb/made_up.h"
    shift
    if check "$tree" "$@" >/dev/null 2>&1; then
        echo good
    else
        echo bad
    fi
}

# self_test COMPILER [FLAG...]
self_test()
{
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    mkdir "$tree/sessionpb"

    whole='#ifndef MADE_UP_H
#define MADE_UP_H
#include <stddef.h>
size_t made_up(void);
#endif'
    missing_include='size_t made_up(void);'
    missing_guard='enum made_up { MADE_UP };'
    warning='static int made_up(unsigned a) { return a; }'
    only_macros='#define MADE_UP 1'

    [ "$(judge "$whole" "$@")" = good ] || fail "a good header is refused"
    [ "$(judge "$only_macros" "$@")" = good ] || fail "a header of macros is refused"
    [ "$(judge "$missing_include" "$@")" = bad ] || fail "a missing include is not found"
    [ "$(judge "$missing_guard" "$@")" = bad ] || fail "a missing guard is not found"
    [ "$(judge "$warning" "$@")" = bad ] || fail "a warning is let through"
    rm "$tree/sessionpb/made_up.h"
    ! check "$tree" "$@" >/dev/null || fail "an empty directory passes"
    echo "self-test passed"
}

fail()
{
    echo "self-test failed: $1"
    exit 1
}

if [ "$1" = --self-test ]; then
    shift
    self_test "$@"
else
    check "$@"
fi
