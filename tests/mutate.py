#!/usr/bin/env python3
"""Breaks the sources in one place at a time, and shows that the tests notice.

    mutate.py ROOT [NUMBER...]
    mutate.py ROOT --check     only look whether each row can be put in its place

Each row of MUTATIONS stands once in its file. A copy of the source tree is built and tested with each
of them, or with those whose NUMBERs are given. A mutation that does not compile is an error of this
file. Exit status 1 when more than two go unnoticed.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

UNNOTICED_MAX = 2
JOBS = "-j2"

# What judges the sources by their looks or has other subjects than the library, and what is asked only when
# the quick ones notice nothing.
TESTS_LEFT_OUT = "layering|sizes|headers|readme|manual|known_bugs|mutations|reference|completions|install|" \
    "evolution|buf|duckdb|clickhouse|nats|kafka|brokers|tls"
SLOW_TESTS = "interop|matrix|numbers|streams|archives|progress|fault|failing|linear|threads|peers|" \
    "exchange|listening|retries|netem|connecting|examples|languages"

# The file, a text in it, and what it becomes.
MUTATIONS = [
    # JSON to protobuf
    ("src/bridge/json_to_pb.c", "message->absent |= spb_row_bit(row);", ""),
    ("src/bridge/json_to_pb.c", "if (!spb_message_see(message, row))", "if (0)"),
    ("src/bridge/json_to_pb.c", "} else if (!first) {", "} else if (0) {"),
    ("src/bridge/json_to_pb.c", "next = row + 1;\n            seen", "next = row;\n            seen"),
    ("src/bridge/json_to_pb.c", "if (message->has_unknown_fields)", "if (0)"),
    ("src/bridge/json_to_pb.c", "c->reader.error.status != SPB_OUT_OF_RANGE", "1"),
    ("src/bridge/json_to_pb.c", "if (*k.at == close)\n        return fail(", "if (0)\n        return fail("),
    ("src/bridge/json_to_pb.c", "spb_additional_hide(stack);", ""),
    ("src/bridge/json_scalars.h", "if (end == c->reader.end) /* a number that may go on */", "if (0)"),
    ("src/bridge/json_scalars.h", "odd |= more.odd & spb_first_bits(more_len);", ""),
    ("src/bridge/json_scalars.h", "if (odd != 0 && !spb_is_common_text(text, len))", "if (0)"),
    ("src/bridge/json_scalars.h", "{ k.at + 4 + is_false,", "{ k.at + 4,"),
    ("src/bridge/json_scalars.h", "if (reason != NULL)\n", "if (0)\n"),
    # messages on their way out
    ("src/bridge/message.c", "const size_t len = 2 + members_len;", "const size_t len = 1 + members_len;"),
    ("src/bridge/message.c", "message->seen & ~message->absent", "message->seen"),
    ("src/bridge/message.c", "message->unordered || data_len > 0", "message->unordered"),
    ("src/bridge/message.c", "if (varint_len != *guess)", "if (varint_len > *guess)"),
    ("src/bridge/message.c", "        map->unordered = true;", "        ;"),
    ("src/bridge/message.c", "next->key_len) == 0)", "next->key_len) > 0)"),
    ("src/bridge/message.c", "spb_table_find_field(table, field.number, field.type) != NULL ||", ""),
    ("src/bridge/additional.c", "(len > 0 && member_len > 0)", "(len > 0)"),
    ("src/bridge/additional.c", "if (at != NULL && spb_json_space(at) != reader->end)", "if (0)"),
    # protobuf to JSON
    ("src/bridge/pb_to_json.c", "if (!isfinite(value))", "if (0)"),
    ("src/bridge/pb_to_json.c", "if (!spb_time_is_valid(time))", "if (0)"),
    ("src/bridge/pb_to_json.c", "texts[value != 0]", "texts[value == 1]"),
    ("src/bridge/pb_to_json.c", "if (row != NULL && row < r->next)", "if (0)"),
    ("src/bridge/pb_to_json.c", "if (field->number < r->last_unknown)", "if (0)"),
    ("src/bridge/pb_to_json.c", "k.to += offset_of(c, k.to) == bracket;", ""),
    ("src/bridge/pb_to_json.c", "c->converter->unknown.len = r.unknown;", ""),
    ("src/bridge/pb_to_json.c", "r->shadowed = r->shadowed || row != NULL;", ""),
    ("src/bridge/pb_to_json.c", "c->reader.error.status = SPB_BAD_WIRE;\n    return failed(NULL);",
     "c->reader.error.status = SPB_NEED_MORE;\n    return failed(NULL);"),
    ("src/bridge/pb_to_json.c", "if (last->text != NULL && !spb_key_is_before", "if (0 && !spb_key_is_before"),
    # protobuf's wire
    ("src/wire/reader.c", "if (i == SPB_VARINT_MAX - 1 && at[i] > VARINT_LAST_MAX)", "if (0)"),
    ("src/wire/reader.c", "if (value > (uint64_t)(end - at))", "if (value > (uint64_t)(end - at) + 1)"),
    ("src/wire/reader.c", "if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)", "if (tag >> 3 > NUMBER_MAX)"),
    ("src/wire/reader.c", "if (depth == 0)", "if (0)"),
    ("src/wire/normalise.c", "return (size_t)field->number * 2 + (row == NULL && !additional);",
     "return (size_t)field->number * 2;"),
    ("src/wire/normalise.c", "            kept++;", "            kept += i > first;\n        else\n            continue;"),
    ("src/wire/normalise.c", ": copy_values(n, row, group->base, last, 1);",
     ": copy_values(n, row, group->base, group->first, 1);"),
    # JSON's text
    ("src/json/reader.c", "if (*at == '0' && is_digit(at[1]))", "if (0)"),
    ("src/json/reader.c", "if (low < SURROGATE_LOW || low >= SURROGATE_END)", "if (0)"),
    ("src/base/utf8.c", "scalar >= SCALAR_3 && !is_surrogate(scalar)", "scalar >= SCALAR_3"),
    ("src/base/utf8.c", "tails_fit && scalar >= SCALAR_4", "tails_fit"),
    ("src/base/time.c", "if (hours > 23 || minutes > 59)", "if (hours > 24 || minutes > 59)"),
    ("src/base/time.c", "civil->offset_seconds = is_west ? -seconds : seconds;", "civil->offset_seconds = seconds;"),
    ("src/base/time.c", "if (civil->second > 59)", "if (civil->second > 60)"),
    ("src/base/number.c", "if (number.rest_matters)\n        return false;", ""),
    ("src/base/number.c", "return negative ? -exponent : exponent;", "return exponent;"),
    # streams
    ("src/stream/frame.c", "if (message_len > f.message_max)", "if (0)"),
    ("src/stream/frames.c", "frames->offset += frame.frame_len;", ""),
    ("src/stream/receipt.c", "receipt->rejected = field->varint;", "receipt->sessions = field->varint;"),
    ("src/stream/archive_reader.c", "reader->checksum = spb_get_le32(data + len - SPB_ZSTD_CHECKSUM);", ""),
    ("src/net/socket_file.c", 'if (failure == 0)\n        return refuse(error, endpoint, "it is in use");', ""),
]


def run(*words, cwd=None):
    return subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace", check=False)


def misplaced(root, mutation):
    """Why a row cannot be put in its place, or None."""
    file, old, new = mutation
    times = (root / file).read_text(encoding="utf-8").count(old)
    if times == 1 and old != new:
        return None
    return f"{file}: {times} times, or changed into itself: {old}"


def check(root):
    """Prints what is wrong with the rows. The number of them."""
    faults = [fault for fault in (misplaced(root, row) for row in MUTATIONS) if fault]
    print("".join(f"{fault}\n" for fault in faults), end="")
    return len(faults)


def chosen(words):
    """The numbers of rows that are asked for; all, if none is."""
    numbers = range(1, len(MUTATIONS) + 1)
    wrong = [word for word in words if not word.isdecimal() or int(word) not in numbers]
    if wrong:
        sys.exit(f"no mutation {wrong[0]}: there are 1 to {len(MUTATIONS)}")
    return [int(word) for word in words] or numbers


class Copy:
    """A source tree that can be broken."""

    def __init__(self, root, folder):
        self.source, self.build = folder / "source", folder / "build"
        shutil.copytree(root, self.source, ignore=shutil.ignore_patterns("build", ".git"))
        suite = root.parent / "shared" / "json-test-suite" / "test_parsing"
        done = run("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja",
                   "-DCMAKE_BUILD_TYPE=Release", f"-DSESSIONPB_JSON_TEST_SUITE={suite}")
        if done.returncode != 0 or not self.compiles():
            sys.exit("the sources do not compile as they are")
        test = self.failing()
        if test:
            sys.exit(f"{test} fails as it is")

    def compiles(self):
        return run("ninja", JOBS, cwd=self.build).returncode == 0

    def failing(self):
        """The name of a test that fails, or None."""
        return self.failing_of("-E", f"{TESTS_LEFT_OUT}|{SLOW_TESTS}") or self.failing_of(
            "-R", SLOW_TESTS, "-E", TESTS_LEFT_OUT)

    def failing_of(self, *tests):
        """The first that fails, or None. Then what still runs is ended: broken, it might run for ever."""
        # Without what ctest knows of their costs the quickest run first: they are listed so.
        (self.build / "Testing" / "Temporary" / "CTestCostData.txt").unlink(missing_ok=True)
        with subprocess.Popen(["ctest", JOBS, *tests], cwd=self.build, stdout=subprocess.PIPE,
                              encoding="utf-8", errors="replace", start_new_session=True) as ctest:
            for line in ctest.stdout:
                failed = re.match(r" *\d+/\d+ Test +#\d+: (\S+) .*\*\*\*(?!Skipped)", line)
                if failed:
                    os.killpg(ctest.pid, signal.SIGKILL)
                    return failed[1]
        return None

    def noticed_by(self, file, old, new):
        path = self.source / file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")
        try:
            return self.failing() if self.compiles() else sys.exit(f"{file}: does not compile: {new}")
        finally:
            path.write_text(text, encoding="utf-8")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    faults = check(root)
    if faults > 0 or sys.argv[2:] == ["--check"]:
        sys.exit(faults > 0)
    numbers = chosen(sys.argv[2:])
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(root, pathlib.Path(folder))
        for number in numbers:
            file, old, new = MUTATIONS[number - 1]
            test = copy.noticed_by(file, old, new)
            unnoticed += test is None
            said = f"noticed by {test}" if test else "UNNOTICED"
            print(f"{number:3}  {file}: {' '.join(old.split())[:60]!r}: {said}", flush=True)
    print(f"{len(numbers) - unnoticed} of {len(numbers)} mutations noticed")
    sys.exit(unnoticed > UNNOTICED_MAX)


if __name__ == "__main__":
    main()
