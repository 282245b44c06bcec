#!/usr/bin/env python3
"""Makes completions of a tool for a shell, out of what the tool's help says.

    make.py TOOL SHELL      SHELL is bash, zsh or fish; TOOL a path
"""

import collections
import pathlib
import re
import subprocess
import sys

Option = collections.namedtuple("Option", "letter name value optional about")
FILES = ("FILE",)


def options(tool):
    """The options in the order of the help text, with the first words on each."""
    text = "".join(subprocess.run([tool, flag], capture_output=True, encoding="utf-8", check=True).stdout
                   for flag in ("--help", "--help-network"))
    row = re.compile(r"^  (?:-(\w), |    )--([\w-]+)(\[)?(?:=([^\s\]]+))?\]?((?:\n? {2,}[^\s-].*)+)$", re.M)
    for letter, name, optional, value, about in row.findall(text):
        yield Option(letter, name, value, bool(optional), " ".join(about.split()))


def is_choice(option):
    return "|" in option.value


def bash(name, rows):
    flags = " ".join(f"--{row.name}" + ("=" if row.value and not row.optional else "") for row in rows)
    cases = "".join(f'    --{row.name}) words="{row.value.replace("|", " ")}" ;;\n'
                    for row in rows if is_choice(row))
    files = "|".join([f"--{row.name}" for row in rows if row.value in FILES] +
                     [f"-{row.letter}" for row in rows if row.value in FILES and row.letter])
    others = "|".join([f"--{row.name}" for row in rows if row.value and row.value not in FILES
                       and not is_choice(row)] +
                      [f"-{row.letter}" for row in rows
                       if row.letter and row.value and row.value not in FILES])
    return f"""# Completions of {name} for bash, made by make.py.
_{name}()
{{
    local cur=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD - 1]}} words=
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $option == "=" ]]; then
        option=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    COMPREPLY=()
    case $option in
{cases}    {files}) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
    {others}) return ;;
    esac
    if [[ -z $words && $cur == -* ]]; then
        words="{flags}"
    fi
    if [[ -z $words ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        [[ ${{COMPREPLY[0]-}} != *= ]] || compopt -o nospace
    fi
}}
complete -o filenames -F _{name} {name}
"""


def zsh_value(row):
    if not row.value:
        return ""
    action = f"({row.value.replace('|', ' ')})" if is_choice(row) else \
        "_files" if row.value in FILES else " "
    colon = "::" if row.optional else ":"
    return f"{colon}{row.name if is_choice(row) else row.value.lower()}:{action}"


def zsh(name, rows):
    lines = []
    for row in rows:
        about = re.sub(r"([\[\]:\\])", r"\\\1", row.about).replace("'", r"'\''")
        equals = "=-" if row.optional else "=" if row.value else ""
        if row.letter:
            plus = "+" if row.value else ""
            lines.append(f"'(-{row.letter} --{row.name})'{{-{row.letter}{plus},--{row.name}{equals}}}"
                         f"'[{about}]{zsh_value(row)}'")
        else:
            lines.append(f"'--{row.name}{equals}[{about}]{zsh_value(row)}'")
    body = " \\\n    ".join(lines)
    return f"""#compdef {name}
# Completions of {name} for zsh, made by make.py.
_arguments -s \\
    {body} \\
    '*:file:_files'
"""


def fish(name, rows):
    lines = []
    for row in rows:
        words = ["complete", "-c", name]
        if row.letter:
            words += ["-s", row.letter]
        words += ["-l", row.name]
        if is_choice(row):
            words += ["-x", "-a", f"'{row.value.replace('|', ' ')}'"]
        elif row.value in FILES:
            words += ["-r", "-F"]
        elif row.value and not row.optional:
            words += ["-x"]
        about = row.about.replace("'", r"\'")
        lines.append(" ".join([*words, "-d", f"'{about}'"]))
    return f"# Completions of {name} for fish, made by make.py.\n" + "\n".join(lines) + "\n"


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


def main(tool, shell):
    sys.stdout.write(SHELLS[shell](pathlib.Path(tool).name, list(options(tool))))


if __name__ == "__main__":
    main(*sys.argv[1:])
