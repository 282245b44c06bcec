"""Writes docs/interop.md: what other runtimes make of our sessions, and we of theirs.

    interop_report.py ROOT TOOLS SESSION.DESC FACTS.TSV PEERS.TSV > docs/interop.md

ROOT is the source tree. Exit status 1 when something differs that is not known to.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from matrix import WAYS, Matrix, load_peers, unexpected

HEAD = """\
# Exchange with other runtimes

Made by `./dev interop`, which installs the peers and exits with failure when one differs in a way
that is not known. `./dev test` does a part of it with the peers that are there.

What is compared is meaning: whatever the peer gives goes through `pb2session` and must come out as
the session's canonical text, byte for byte. So white space, the order of map entries and the number
of fraction digits in a date (`10:00:00Z` for our `10:00:00.000Z`) make no difference. Additional
members are the text in the field `additional_properties` to a peer, hence a string in its JSON.
Unknown fields are not part of any peer's JSON.

The cells count the sessions that came out right. Where the peer wrote other bytes than ours, the
number with the same bytes follows: JavaScript puts keys that look like numbers first, Java sorts
keys by UTF-16 units, we sort them by bytes, and in our JSON there is no -0. protobuf.js keeps
unknown fields because its peer asks for it (`Reader.discardUnknown = false`); the others do so by
themselves.

| column | sessions |
|---|---|
| corpus | made up from a seed, with all 141 members, additional members everywhere |
| int32 | both ends, every power of two and of ten, and their neighbours |
| double | the first 10,000 numbers of the test that RFC 8785 names, two in each, -0 on the wire |
| date | first and last nanosecond of every year from 0001 to 9999, fractions of 0 to 9 digits |
| string | every character of Unicode, in 272 strings; those that JSON escapes alone |
| map key | names that JavaScript, JSON or protobuf give a meaning, of 0 to 70,000 bytes |
| empty | for each of the 141 members a session with nothing but an empty or zero one |
"""

UNKNOWN_HEAD = """
## Unknown fields

One session with every member, with an unknown field of the wire type in every object (*several*:
one to five of any type), read and written again by the peer, then printed by `pb2session` with
`"$unknownFields"` in every object. Java puts the fields inside of an unknown group into the order
of their numbers.
"""
NUMBERS = 1_000_000


class Report:
    def __init__(self, root, directory, descriptors, facts, peers):
        self.root = pathlib.Path(root)
        self.matrix = Matrix(directory, descriptors, facts)
        self.peers = load_peers(peers)
        self.failures = []

    def write(self):
        print(HEAD)
        self.write_peers()
        columns = list(self.matrix.columns(is_quick=False))
        for way in WAYS:
            print(f"\n## {way.title[0].upper()}{way.title[1:]}\n")
            self.write_table(way, columns, compares_bytes=way.method != "to_json")
        print(UNKNOWN_HEAD)
        self.write_table(WAYS[0], list(self.matrix.unknown_columns()), compares_bytes=False)
        self.write_numbers()
        self.write_schema()

    def write_numbers(self):
        print("\n## Numbers\n\n| | |\n|---|---|")
        script = self.root / "tests/numbers_test.py"
        directory = pathlib.Path(self.matrix.tools.pb2session).parent
        command = [sys.executable, script, directory, str(NUMBERS)]
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        what = f"the first {NUMBERS:,} numbers of that test, printed by `pb2session`, have the "
        what += "published SHA-256, and `session2pb` reads the same bits from them"
        self.write_verdict(what, done.returncode)

    def write_peers(self):
        print("| peer | |\n|---|---|")
        for peer in self.peers:
            print(f"| {peer.name} | {peer.version() if peer.is_there else absence(peer)} |")

    def write_table(self, way, columns, compares_bytes):
        names = [f"{column.name} ({len(column.cases)})" for column in columns]
        print("| " + " | ".join(["peer", *names]) + " |")
        print("|---" * (len(names) + 1) + "|")
        for peer in self.peers:
            cells = ["absent"] * len(columns)
            if peer.is_there:
                cells = [self.cell(peer, way, column, compares_bytes) for column in columns]
            print("| " + " | ".join([peer.name, *cells]) + " |", flush=True)

    def cell(self, peer, way, column, compares_bytes):
        outcome = self.matrix.outcome(peer, way, column)
        failure = unexpected(peer, way, column, outcome)
        if failure:
            self.failures.append(failure)
        right = str(outcome.total - len(outcome.wrong))
        if outcome.wrong:
            reasons = sorted(set(outcome.wrong.values()))
            return f"{right}: " + "; ".join(reasons[:2]).replace("|", "\\|")
        if compares_bytes and outcome.same_bytes != outcome.total:
            return f"{right} (bytes {outcome.same_bytes})"
        return right

    # ---- The schema, judged by buf.

    def write_schema(self):
        print("\n## The schema\n")
        self.buf = self.root / "tests/peers/buf/node_modules/.bin/buf"
        if not self.buf.exists():
            print("Not judged: buf is absent.")
            return
        print("| | |\n|---|---|")
        self.write_verdict("`buf lint`, rules STANDARD", self.run_buf("lint", self.root))
        tag = self.last_tag()
        if tag:
            against = f"{self.root}/.git#tag={tag}"
            status = self.run_buf("breaking", self.root, "--against", against)
            self.write_verdict(f"`buf breaking`, rules WIRE_JSON, against {tag}", status)
        else:
            print("| `buf breaking`, rules WIRE_JSON | nothing to compare with: no release yet |")
        self.write_verdict("`buf breaking` finds a renumbered field", self.misses_a_break())

    def write_verdict(self, what, status):
        print(f"| {what} | {'passed' if status == 0 else 'FAILED'} |")
        if status != 0:
            self.failures.append(what)

    def run_buf(self, *arguments):
        done = subprocess.run([self.buf, *arguments], stdout=sys.stderr, check=False)
        return done.returncode

    def last_tag(self):
        command = ["git", "-C", self.root, "describe", "--tags", "--abbrev=0"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def misses_a_break(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(self.root / "buf.yaml", folder)
            shutil.copytree(self.root / "proto", pathlib.Path(folder, "proto"))
            if self.run_buf("breaking", folder, "--against", self.root) != 0:
                return 1
            schema = pathlib.Path(folder, "proto/journey/v1/session.proto")
            text = schema.read_text(encoding="utf-8")
            changed = re.sub(r"(customer_id = )3;", r"\g<1>48;", text)
            schema.write_text(changed, encoding="utf-8")
            finds = self.run_buf("breaking", folder, "--against", self.root) != 0
            return 0 if finds and changed != text else 1


def absence(peer):
    return f"absent: it takes {peer.takes}"


def main():
    if len(sys.argv) != 6:
        print(__doc__)
        return 2
    report = Report(*sys.argv[1:])
    report.write()
    for failure in report.failures:
        print(failure, file=sys.stderr)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
