#!/bin/sh
# No function is longer than 70 lines and no file longer than 600: a function is read on one
# screen, a file in one sitting. All public headers together have less than 900.
#
#   check_sizes.sh ROOT            judges the source tree ROOT: its files in any language, the
#                                  functions of those in C, Python and shell
#   check_sizes.sh --self-test     judges files made up for the purpose
#
# Each violation is printed as file:line: reason. Needs Universal Ctags; without it, exit status 77.
set -eu

function_lines_max=70
file_lines_max=600
headers_lines_max=899
skipped=77

# source_files NAME-PATTERN...: the files that any of the patterns fits, one per line, at the root or
# in a folder of sources.
source_files()
{
    for pattern in "$@"; do
        [ ! -f "$pattern" ] || echo "$pattern"
        for folder in src include tools tests bench examples cmake docs; do
            [ ! -d "$folder" ] ||
                find "$folder" -name node_modules -prune -o -type f -name "$pattern" -print
        done
    done | sort
}

long_files()
{
    source_files '*.c' '*.h' '*.cc' '*.go' '*.mjs' '*.py' '*.sh' dev | while IFS= read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -le "$file_lines_max" ] ||
            echo "$file:$lines: file of $lines lines, at most $file_lines_max"
    done
}

# A function of the test framework is a macro to ctags, so it is told what START_TEST stands for.
long_functions()
{
    source_files '*.c' '*.h' '*.py' |
        ctags -L - -x --languages=C,Python --langmap=C:.c.h --kinds-C=f --kinds-Python=fm \
            -D 'START_TEST(name)=static void name(void)' --fields=+ne \
            --_xformat='%F %n %{end} %N' |
        awk -v max="$function_lines_max" '
            $3 - $2 + 1 > max {
                printf "%s:%d: function %s of %d lines, at most %d\n",
                    $1, $2, $4, $3 - $2 + 1, max
            }'
}

# ctags does not say where a shell function ends. Ours begin with "name()" and end with "}", both
# at the start of a line.
long_shell_functions()
{
    source_files '*.sh' dev | while IFS= read -r file; do
        awk -v file="$file" -v max="$function_lines_max" '
            /^[A-Za-z_][A-Za-z0-9_]*\(\)/ { name = $1; first = FNR }
            /^}/ && name != "" {
                lines = FNR - first + 1
                if (lines > max)
                    printf "%s:%d: function %s of %d lines, at most %d\n",
                        file, first, name, lines, max
                name = ""
            }' "$file"
    done
}

long_headers()
{
    lines=$(find include -name '*.h' -exec cat {} + | wc -l)
    [ "$lines" -le "$headers_lines_max" ] ||
        echo "include:$lines: headers of $lines lines, at most $headers_lines_max"
}

# check ROOT
check()
{
    violations=$(cd "$1" && long_files && long_headers && long_functions && long_shell_functions)
    [ -n "$violations" ] || return 0
    echo "$violations"
    return 1
}

# lines COUNT TEXT: TEXT, COUNT times.
lines()
{
    awk -v count="$1" -v text="$2" 'BEGIN { while (count-- > 0) print text }'
}

# made_up_files BODY-LINES FILE-LINES HEADER-LINES: one function of each kind, BODY-LINES between its
# first and last line, a file of FILE-LINES, and another header, both of HEADER-LINES together.
made_up_files()
{
    { echo 'int f(void) {'; lines "$1" '    g();'; echo '}'; } >src/function.c
    { echo 'START_TEST(named)'; echo '{'; lines "$(($1 - 1))" '    g();'; echo '}'; echo 'END_TEST'; } \
        >tests/named_test.c
    { echo 'def f():'; lines "$(($1 + 1))" '    g()'; } >tests/function.py
    { echo 'f() {'; lines "$1" '    g'; echo '}'; } | tee tests/function.sh >dev
    lines "$2" '/* A line. */' >include/long.h
    lines "$(($3 - $2))" '/* A line. */' >include/more.h
}

self_test()
{
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    mkdir "$tree/src" "$tree/tests" "$tree/include"

    (cd "$tree" && made_up_files $((function_lines_max - 2)) "$file_lines_max" "$headers_lines_max")
    check "$tree" || fail "what is just short enough is refused"

    (cd "$tree" && made_up_files $((function_lines_max - 1)) $((file_lines_max + 1)) \
        $((headers_lines_max + 1)))
    ! found=$(check "$tree") || fail "what is a line too long passes"
    [ "$found" = "include/long.h:601: file of 601 lines, at most 600
include:900: headers of 900 lines, at most 899
src/function.c:1: function f of 71 lines, at most 70
tests/function.py:1: function f of 71 lines, at most 70
tests/named_test.c:1: function named of 71 lines, at most 70
dev:1: function f() of 71 lines, at most 70
tests/function.sh:1: function f() of 71 lines, at most 70" ] || fail "it found: $found"
    echo "self-test passed"
}

fail()
{
    echo "self-test failed: $1"
    exit 1
}

if ! ctags --version 2>/dev/null | grep -q 'Universal Ctags'; then
    echo "skipped: Universal Ctags is not installed"
    exit $skipped
fi
if [ "$1" = --self-test ]; then
    self_test
else
    check "$1"
fi
