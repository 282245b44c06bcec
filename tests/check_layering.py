#!/usr/bin/env python3
"""Includes flow one way: base <- schema <- {json, wire} <- bridge <- stream, and base <- net.

    check_layering.py ROOT          judges src, include and tools of the source tree ROOT
    check_layering.py --self-test   judges a tree made up for the purpose

Each violation is printed as file:line: reason. Exit status 0 if there is none, else 1.
"""

import pathlib
import re
import sys
import tempfile
from fnmatch import fnmatchcase

# A room, and the rooms that it may include besides itself.
ROOMS = {
    "base": set(),
    "schema": {"base"},
    "json": {"base", "schema"},
    "wire": {"base", "schema"},
    "bridge": {"base", "schema", "json", "wire"},
    "stream": {"base", "schema", "json", "wire", "bridge"},
    "net": {"base"},
}

# What comes from elsewhere stops at a door: what it is, its headers, the files that may include
# them. Inside src/ the session header counts as protobuf-c, because it brings protobuf-c along.
DOORS = [
    (
        "protobuf-c",
        ["protobuf-c/*", "google/protobuf-c/*", "*.pb-c.h"],
        ["src/schema/*.c", "src/bridge/session.c", "include/sessionpb/session.h"],
    ),
    (
        "the session header",
        ["sessionpb/session.h"],
        ["src/schema/*.c", "src/bridge/session.c", "include/*", "tools/*"],
    ),
    (
        "cJSON",
        ["cJSON*.h", "cjson/*"],
        ["src/bridge/tree_to_pb.c", "src/bridge/pb_to_tree.c"],
    ),
    (
        "socket headers",
        ["sys/socket.h", "sys/un.h", "netinet/*", "arpa/*", "netdb.h", "net/if*.h"],
        ["src/net/*"],
    ),
    ("zstd", ["zstd*.h", "xxhash.h"], ["src/stream/*.c"]),
    ("libnats", ["nats/*", "nats.h"], ["tools/transport/nats*"]),
    ("librdkafka", ["librdkafka/*"], ["tools/transport/kafka*"]),
    ("OpenSSL", ["openssl/*"], ["tools/transport/*.c"]),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]*)"|<([^>]*)>)', re.MULTILINE)

# A literal is matched only so that what looks like a comment inside it is not taken for one.
LITERAL_OR_COMMENT = re.compile(
    r""" "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | (/\*.*?\*/|//[^\n]*) """,
    re.DOTALL | re.VERBOSE,
)


def without_comments(text):
    """The text without its comments, each line still where it was."""
    return LITERAL_OR_COMMENT.sub(
        lambda match: "\n" * match[1].count("\n") if match[1] else match[0], text
    )


def includes(path):
    """Yields line, name and whether it is quoted, for each include of a file."""
    text = without_comments(path.read_text(encoding="utf-8"))
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        quoted = match[1] is not None
        yield line, match[1] if quoted else match[2], quoted


def fits(name, patterns):
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def door_of(name):
    return next((door for door in DOORS if fits(name, door[1])), None)


def door_violation(file, door):
    what, _, files = door
    if fits(file, files):
        return None
    return f"{what} may be included only by {', '.join(files)}"


def room_of(root, name, quoted):
    """The room that an include names, or None. <wire/a.h> names one if there is such a file."""
    room = name.split("/")[0]
    if room in ROOMS and (quoted or (root / "src" / name).is_file()):
        return room
    return None


def source_violation(root, file, name, quoted):
    """src/: a file's own room, the rooms below it, and public headers."""
    parts = file.split("/")
    if len(parts) < 3 or parts[1] not in ROOMS:
        return "this file is in no room"
    room, target = parts[1], room_of(root, name, quoted)
    if target and target != room and target not in ROOMS[room]:
        return f"{room} may not include {target}"
    if quoted and not target and not name.startswith("sessionpb/"):
        return f'"{name}" names no room'
    return None


def public_violation(root, _, name, quoted):
    """include/: other public headers."""
    if room_of(root, name, quoted) or (quoted and not name.startswith("sessionpb/")):
        return f"a public header may not include {name}"
    return None


def tool_violation(root, _, name, quoted):
    """tools/: public headers and the tools' own."""
    own = (root / "tools" / name).is_file() or name.startswith("sessionpb/")
    if room_of(root, name, quoted) or (quoted and not own):
        return f"a tool may not include {name}"
    return None


RULES = {"src": source_violation, "include": public_violation, "tools": tool_violation}


def check(root):
    """All violations of a tree as (file, line, reason), in the order of files and lines."""
    violations = []
    for folder, rule in RULES.items():
        for path in sorted((root / folder).rglob("*.[ch]")):
            file = path.relative_to(root).as_posix()
            for line, name, quoted in includes(path):
                door = door_of(name)
                reason = door_violation(file, door) if door else rule(root, file, name, quoted)
                if reason:
                    violations.append((file, line, reason))
    return violations


# The made-up tree: a file, its text, and what the reason for its last line begins with.
GOOD = ""
CASES = [
    ("src/base/bytes.h", "#include <stddef.h>", GOOD),
    ("src/wire/reader.h", '#include "base/bytes.h"', GOOD),
    ("src/json/own.c", '#include "json/reader.h"', GOOD),
    ("src/json/below.c", '#include "schema/table.h"', GOOD),
    ("src/json/public.c", '#include "sessionpb/error.h"', GOOD),
    ("src/json/comment.c", '/*\n#include "wire/reader.h"\n*/\n// #include "wire/reader.h"', GOOD),
    ("src/bridge/both.c", '#include "json/reader.h"\n#include "wire/reader.h"', GOOD),
    ("src/base/up.c", '#include "json/reader.h"', "base may not include json"),
    ("src/schema/up.c", '#include "wire/reader.h"', "schema may not include wire"),
    ("src/json/sibling.c", '/*\n*/\n#include "wire/reader.h"', "json may not include wire"),
    ("src/json/angle.c", "#include <wire/reader.h>", "json may not include wire"),
    ("src/json/text.c", 'char *s = "/*";\n#include "wire/reader.h"', "json may not include wire"),
    ("src/wire/sibling.c", ' # include "json/reader.h"', "wire may not include json"),
    ("src/bridge/up.c", '#include "stream/frame.h"', "bridge may not include stream"),
    ("src/stream/net.c", '#include "net/socket.h"', "stream may not include net"),
    ("src/net/up.c", '#include "schema/table.h"', "net may not include schema"),
    ("src/json/bare.c", '#include "reader.h"', '"reader.h" names no room'),
    ("src/json/dots.c", '#include "../base/bytes.h"', '"../base/bytes.h" names no room'),
    ("src/stray.c", "#include <stddef.h>", "this file is in no room"),
    ("src/bridge/pb_to_tree.c", "#include <cjson/cJSON.h>", GOOD),
    ("src/bridge/other.c", "#include <cjson/cJSON.h>", "cJSON may be included only by"),
    ("src/json/cjson.c", "#include <cJSON.h>", "cJSON may be included only by"),
    ("tools/cjson.c", "#include <cjson/cJSON.h>", "cJSON may be included only by"),
    ("src/schema/table.c", "#include <protobuf-c/protobuf-c.h>", GOOD),
    ("src/schema/table.h", "#include <protobuf-c/protobuf-c.h>", "protobuf-c may be"),
    ("src/bridge/session.c", '#include "journey/v1/session.pb-c.h"', GOOD),
    ("src/wire/generated.c", '#include "journey/v1/session.pb-c.h"', "protobuf-c may be"),
    ("src/stream/struct.c", "#include <sessionpb/session.h>", "the session header may be"),
    ("include/sessionpb/session.h", '#include "journey/v1/session.pb-c.h"', GOOD),
    ("include/sessionpb/error.h", "#include <sessionpb/version.h>", GOOD),
    ("include/sessionpb/leak.h", '#include "base/bytes.h"', "a public header may not include"),
    ("src/net/socket.c", "#include <sys/socket.h>\n#include <net/if.h>", GOOD),
    ("src/stream/socket.c", "#include <sys/socket.h>", "socket headers may be included only by"),
    ("tools/cli.h", "#include <sessionpb/session.h>", GOOD),
    ("tools/good.c", '#include <stdio.h>\n#include "cli.h"', GOOD),
    ("tools/transport/kafka_client.c", "#include <librdkafka/rdkafka.h>", GOOD),
    ("tools/cafka.c", "#include <librdkafka/rdkafka.h>", "librdkafka may be included only by"),
    ("src/net/tls.c", "#include <openssl/ssl.h>", "OpenSSL may be included only by"),
    ("tools/inside.c", '#include "base/bytes.h"', "a tool may not include"),
]


def self_test():
    """Each case gives the violation that it is there for, at its place, and no case another."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for file, text, _ in CASES:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text + "\n", encoding="utf-8")
        found = {(file, line): reason for file, line, reason in check(root)}

    failures = []
    for file, text, expected in CASES:
        reason = found.pop((file, text.count("\n") + 1), GOOD)
        if not reason.startswith(expected) or bool(reason) != bool(expected):
            failures.append(f"{file}: expected {expected!r}, got {reason!r}")
    failures += [f"{file}:{line}: unexpected: {reason}" for (file, line), reason in found.items()]
    return failures


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--self-test":
        lines = self_test()
    elif pathlib.Path(sys.argv[1], "src").is_dir():
        violations = check(pathlib.Path(sys.argv[1]))
        lines = [f"{file}:{line}: {reason}" for file, line, reason in violations]
    else:
        sys.exit(f"{sys.argv[1]}: not a source tree")
    print("\n".join(lines) or "nothing found")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
