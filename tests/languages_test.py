"""The examples of examples/README.md work as it says: programs in other languages read the streams
of session2pb, and all print the same; those in C convert, and tell what is not right.

    languages_test.py TOOLS EXAMPLES c BIN [unittest's arguments]
    languages_test.py TOOLS EXAMPLES cpp|python|node|go DESC [unittest's arguments]

BIN has the programs in C, DESC is the FileDescriptorSet. Exit status 77 where a language is not
installed.
"""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import toolcase
from canonical import load_schema
from toolcase import ToolTest, main, session

SKIPPED = 77
BUILD_S = 280  # Go compiles its runtime once
ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
NODE_MODULES = ROOT / "tests/peers/node_modules"
GO_PACKAGES = pathlib.Path("/usr/share/gocode/src/google.golang.org/protobuf")
DESC_IN_README = "/usr/local/share/sessionpb/session.desc"
MEMBERS = load_schema(ROOT / "tests/facts/definitions.tsv")["Session"]
LANGUAGES = ("cpp", "python", "node", "go")
FILES_LINES = 80


def created(date):
    return re.sub(rb'[^"]*"}$', date.encode() + b'"}', session(date))


# What readers and writers of JSON and of dates are known to stumble over.
ODD = (
    session("plain"),
    session("deep", more='"zzz":' + "[" * 60 + "]" * 60 + ","),
    session("numbers", "-1", '"a":1e400,"b":-12345678901234567890123.5,"c":8.0,'),
    session("names", more='"":4,"10":1,"9":2,"__proto__":3,"\\u00e4":5,"\ufb00":6,"\U0001f6b2":7,'),
    *(created(date) for date in ("2022-10-03T10:00:00.250Z", "1969-12-31T23:59:59.000001Z",
                                 "0001-01-01T00:00:00.000000001Z", "9999-12-31T23:59:59Z")),
    session("long", more='"zzz":"' + "x" * 300000 + '",'),
)


def has_protobuf():
    try:
        return importlib.util.find_spec("google.protobuf") is not None
    except ModuleNotFoundError:
        return False


def programs(*names):
    return all(shutil.which(name) for name in names)


def has_modules(*names):
    if not programs("pkg-config"):
        return False
    return subprocess.run(["pkg-config", "--exists", *names], check=False).returncode == 0


THERE = {
    "c": lambda: True,
    "cpp": lambda: programs("c++", "protoc") and has_modules("protobuf", "libcjson"),
    "python": lambda: programs("protoc") and has_protobuf(),
    "node": lambda: programs("node") and NODE_MODULES.is_dir(),
    "go": lambda: programs("go", "protoc", "protoc-gen-go") and GO_PACKAGES.is_dir(),
}


def commands(name):
    """The commands of an example's row in the table."""
    row = re.search(rf"^\| \[`{re.escape(name)}`\].*$", README, re.M)[0]
    return re.findall(r"`([^`]+)`", row.rpartition(" | ")[2])


def expected_row(line):
    """What a program prints of a session, from its line of JSON."""
    members = json.loads(line)
    date = members.get("createdDate", "-").replace(".000Z", "Z")
    names = sorted((name for name in members if name not in MEMBERS), key=str.encode)
    columns = (members["id"], members.get("type", ""), date, str(members.get("eventCount", "-")))
    return "\t".join((*columns, ",".join(names)))


def nanoseconds(date):
    """A date in milliseconds, to the nanosecond."""
    return date.removesuffix("Z") + "000000Z"


class Languages(ToolTest):
    language = desc = None

    @classmethod
    def setUpClass(cls):
        """The example, in a folder of its own, built by all but the last of its commands."""
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.place = pathlib.Path(folder.name)
        ignored = shutil.ignore_patterns("node_modules")
        shutil.copytree(EXAMPLES, cls.place / "examples", ignore=ignored)
        (cls.place / "proto").symlink_to(ROOT / "proto")
        (cls.place / "examples/node/node_modules").symlink_to(NODE_MODULES)
        (cls.place / "bin").mkdir()
        (cls.place / "bin/python3").symlink_to(sys.executable)
        path = f"{cls.place}/bin:{toolcase.TOOLS}:{os.environ['PATH']}"
        cls.environment = os.environ | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        cls.sessions = cls.place / "sessions.pb"
        *build, cls.command = commands(cls.language)
        for command in build:
            if not command.startswith("npm "):  # what it installs is there
                done = cls.shell(command)
                assert done.returncode == 0, (command, done.stderr)
        # What is built and started by one command is built once.
        before, both, last = cls.command.rpartition(" && ")
        if both:
            assert cls.shell(before).returncode == 0, before
            cls.command = last

    @classmethod
    def shell(cls, command):
        command = command.replace("/tmp", str(cls.place)).replace(DESC_IN_README, str(cls.desc))
        return subprocess.run(
            ["sh", "-c", command],
            cwd=cls.place / "examples",
            env=cls.environment,
            capture_output=True,
            timeout=BUILD_S,
            check=False,
        )

    def read(self, stream):
        self.sessions.write_bytes(stream)
        return self.shell(self.command)

    def check_read(self, stream):
        expected = [expected_row(line) for line in self.text(stream, "--lenient").splitlines()]
        done = self.read(stream)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.decode().splitlines(), expected)
        return expected

    def test_the_stream_of_the_page_is_read(self):
        done = self.shell(re.search(r"^session2pb .*$", README, re.M)[0])
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        rows = self.check_read(self.sessions.read_bytes())
        self.assertEqual(len(rows), 6)
        self.assertRegex(rows[5], "\tcaseAssociations,caseEntity,caseReference,caseStatus$")

    def test_odd_sessions_are_read(self):
        self.assertEqual(len(self.check_read(self.pb(b"\n".join(ODD)))), len(ODD))

    def test_nothing_is_read(self):
        self.assertEqual(self.check_read(b""), [])

    def test_absent_members_are_not_zeros(self):
        self.assertEqual(self.check_read(self.pb(b'{"id":"a"}', "--lenient")), ["a\t\t-\t-\t"])

    def test_an_archive_is_read_through_zstd(self):
        if not programs("zstd"):
            self.skipTest("no zstd")
        files = toolcase.example_files()
        archive = self.pb(b"", "--zstd", *files) + self.pb(b"\n".join(ODD), "--zstd")
        (self.place / "day.pb.zst").write_bytes(archive)
        command, redirected, _ = self.command.partition(" < ")
        self.assertTrue(redirected)
        done = self.shell(f"zstd -dc /tmp/day.pb.zst | {{ {command}; }}")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        expected = [expected_row(line) for line in self.text(archive).splitlines()]
        self.assertEqual(len(expected), len(files) + len(ODD))
        self.assertEqual(done.stdout.decode().splitlines(), expected)

    def test_a_torn_stream_is_no_success(self):
        first, second = self.pb(session("a")), self.pb(session("b", more=f'"zzz":"{"x" * 200}",'))
        rows = [expected_row(session("a"))]
        for rest in (1, 2, len(second) - 1):
            with self.subTest(rest=rest):
                done = self.read(first + second[:rest])
                self.assertNotEqual(done.returncode, 0)
                self.assertNotEqual(done.stderr, b"")
                self.assertEqual(done.stdout.decode().splitlines(), rows)
        self.assertNotEqual(self.read(first + b"\xff" * 20).returncode, 0)


class C(ToolTest):
    bin = None

    def run_example(self, command, stdin=b""):
        """Runs one that the table has, with the program and what it writes where they are here."""
        self.assertTrue(command.startswith("/tmp/"))
        command = re.sub(r"(?<= )/tmp/(\w+\.pb)", rf"{self.folder}/\1", command)
        command = f"{self.bin}/{command.removeprefix('/tmp/')}"
        return subprocess.run(
            ["bash", "-c", command],
            cwd=EXAMPLES,
            input=stdin,
            capture_output=True,
            timeout=toolcase.DEADLINE_S,
            check=False,
        )

    def good_example(self, command, **stdin):
        done = self.run_example(command, **stdin)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def bad_example(self, command, said, **stdin):
        done = self.run_example(command, **stdin)
        self.assertEqual((done.returncode, done.stderr.decode()), (1, said + "\n"))
        return done.stdout

    def test_walk_prints_members_of_every_kind(self):
        web = json.loads((toolcase.EXAMPLES / "web.json").read_bytes())
        expected = [
            ("id", web["id"]),
            ("type", web["type"]),
            ("created", nanoseconds(web["createdDate"])),
            ("ended", nanoseconds(web["endedDate"])),
            ("events", web["eventCount"]),
            ("authenticated", "yes"),
            ("last page", web["lastPage"]["title"]),
            ("latitude", f"{web['geolocation']['latitude']:.6f}"),
            *(("search term", term) for term in web["searchTerms"]),
            *(
                ("outcome achieved", nanoseconds(each["achievedDate"]))
                for each in web["outcomeAchievements"]
            ),
            *((f"attribute {key}", each["value"]) for key, each in web["attributes"].items()),
        ]
        lines = self.good_example(commands("walk.c")[-1]).decode().splitlines()
        self.assertEqual(lines, [f"{name}: {value}" for name, value in expected])
        newer = self.good_example("/tmp/walk sessions/next-year.json").splitlines()[-1]
        self.assertTrue(newer.startswith(b'additional members: {"caseAssociations":[{'))

    def test_walk_reads_bytes_as_it_reads_text(self):
        for file in toolcase.example_files():
            pb = self.file("session.pb", self.pb(file.read_bytes(), "--framing=raw"))
            of_bytes, of_text = (self.good_example(f"/tmp/walk {path}") for path in (pb, file))
            self.assertEqual(of_bytes, of_text)

    def test_walk_tells_absent_from_zero(self):
        path = self.file("open.json", session("a"))
        lines = self.good_example(f"/tmp/walk {path}").splitlines()
        names = [line.split(b":")[0] for line in lines]
        self.assertEqual(names, [b"id", b"type", b"created", b"events", b"authenticated"])

    def test_walk_says_what_is_not_right(self):
        path = self.file("bad.json", toolcase.BAD_COUNT)
        said = f"walk: {path}: /eventCount: expected a number"
        self.assertEqual(self.bad_example(f"/tmp/walk {path}", said), b"")
        self.bad_example("/tmp/walk none.json", "walk: none.json: cannot be read")

    def test_tree_changes_a_member(self):
        text = self.good_example(commands("tree.c")[-1])
        web = json.loads((toolcase.EXAMPLES / "web.json").read_bytes())
        pb = (self.folder / "web.pb").read_bytes()
        self.assertEqual(json.loads(text), web | {"eventCount": 32})
        self.assertEqual(self.text(pb, "--framing=raw"), text)
        self.assertEqual(self.pb(text, "--framing=raw"), pb, "both are canonical")

    def test_tree_tells_the_path_and_writes_nothing(self):
        for name, value, said in (
            ("eventCount", '"many"', "/eventCount: expected a number"),
            ("browser", '{"viewWidth":[]}', "/browser/viewWidth: expected a number"),
            ("id", "null", 'the required member "id" is missing'),
            ("id", "nul", "nul: is not JSON"),
        ):
            with self.subTest(name=name, value=value):
                command = f"/tmp/tree {name} '{value}' /tmp/out.pb"
                out = self.bad_example(command, f"tree: {said}", stdin=toolcase.A)
                self.assertEqual((out, self.files()), (b"", []))

    def test_tree_does_not_round_a_number(self):
        said = "tree: /zzz: cJSON cannot hold this number: a double has not its digits"
        text = session("a", more='"zzz":9007199254740993,')
        self.bad_example("/tmp/tree type '\"app\"' /tmp/out.pb", said, stdin=text)

    def test_files_converts_as_session2pb_does(self):
        self.good_example(commands("files.c")[-1])
        pb = (self.folder / "files.pb").read_bytes()
        self.assertTrue(pb)
        self.assertEqual(pb, self.pb((toolcase.EXAMPLES / "sessions.ndjson").read_bytes()))
        large = self.file("large.json", b"[" + b",\n".join([toolcase.A] * 2000) + b"]")
        self.assertEqual(self.good_example(f"/tmp/files {large}"), self.pb(toolcase.A) * 2000)

    def test_files_tells_line_and_column(self):
        column = toolcase.BAD_COUNT.index(b'"many"') + 1
        for bad, place in (
            (toolcase.BAD_COUNT, f"4:{column}: /eventCount: "),
            (b'{"id":', "4:7: /id: "),
        ):
            with self.subTest(bad=bad):
                path = self.file("bad.ndjson", toolcase.NDJSON + bad)
                done = self.run_example(f"/tmp/files {path}")
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr.decode(), rf"\A{path}:{place}.+\n\Z")
                self.assertEqual(done.stdout, self.pb(toolcase.NDJSON))

    def test_files_says_when_it_cannot_write(self):
        self.bad_example(
            "/tmp/files sessions/sessions.ndjson > /dev/full", "the output cannot be written"
        )

    def test_files_is_short(self):
        lines = (EXAMPLES / "files.c").read_text(encoding="utf-8").splitlines()
        self.assertLessEqual(len(lines), FILES_LINES)

    def test_the_table_has_every_example_once(self):
        rows = re.findall(r"^\| \[`([^`]+)`\]\(([^)]+)\)", README, re.M)
        examples = set(os.listdir(EXAMPLES)) - {"README.md"}
        self.assertEqual(sorted(name for name, _ in rows), sorted(examples))
        for name, target in rows:
            self.assertTrue((EXAMPLES / target).exists(), target)
            self.assertLessEqual(len(commands(name)), 2, name)


if __name__ == "__main__":
    language, place = sys.argv[3:5]
    if not THERE[language]():
        print(f"skipped: what {language} takes is not installed")
        sys.exit(SKIPPED)
    C.bin, Languages.language, Languages.desc = place, language, pathlib.Path(place).resolve()
    sys.argv[3:5] = ["C" if language == "c" else "Languages"]
    # A linker writes more than a broken tool may.
    toolcase.FILE_MAX = 2**40
    main(__doc__)
