"""What the tools promise when a call to the system fails: one test for each way to run them, done
again and again, with every call failing in turn.

    failing_calls_test.py TOOLS EXAMPLES LIBRARY [unittest's arguments]

LIBRARY makes calls fail. With SPB_FAULTS_ALL in the environment each of them does, else a sample.

A fault ends a run with exit status 3 and a line that says where and why, or changes nothing at all.
What has its final name is whole or as it was before, nothing else is left, and inputs stay as they
are.
"""

import hashlib
import shutil

from exchange import filled, lines
from faultcase import calls, environment, faults, happened, sample
from toolcase import A, BAD_COUNT, NDJSON, UNKNOWN, ToolTest, main, run

SAMPLE = 150
PLACE = r"'(in|more|out|bad|bad\.report|\(standard (input|output)\))'"
OLD = b"what was there before\n"
TEXT = b"".join(lines("s", 6)) + UNKNOWN + b"\n"
BIG = b"".join(filled(f"big-{n}", 150000) for n in range(6))
BAD = A + b"\n" + BAD_COUNT + b"\n" + b'{"id":tru}\n' + NDJSON


def brief(content):
    """Content to be compared, short enough to be shown."""
    return content if content is None or len(content) < 4096 else hashlib.sha256(content).digest()


class Faults(ToolTest):
    def setUp(self):
        super().setUp()
        self.log = self.folder / "log"
        self.place = self.folder / "place"

    def once(self, tool, arguments, files, stdin, fault=None):
        """Run it in a folder with nothing but the files. What came of it."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        for name, content in files.items():
            (self.place / name).write_bytes(content)
            (self.place / name).chmod(0o600)
        done = run(tool, *arguments, stdin=stdin, cwd=self.place, env=environment(self.log, fault))
        found = {file.name: brief(file.read_bytes()) for file in self.place.iterdir()}
        modes = {file.name: file.stat().st_mode & 0o777 for file in self.place.iterdir()}
        return done, found, modes

    def survives(self, tool, *arguments, files=None, stdin=b"", status=0, many=False):
        """The promises at the top of this file; without a fault a run ends with `status`."""
        files = files or {}
        good = self.once(tool, arguments, files, stdin)
        self.assertEqual(good[0].returncode, status, good[0].stderr)
        for fault in sample(faults(calls(self.log), on=not many), SAMPLE):
            with self.subTest(arguments=arguments, fault=str(fault)):
                done = self.once(tool, arguments, files, stdin, fault)
                if not stdin:  # what a read of a pipe finds is chance, and so is the number of them
                    self.assertTrue(happened(self.log))
                self.judge(files, fault, good, done)

    def judge(self, files, fault, good, done):
        ended, found, modes = done
        whole = good[1]
        if fault.loses:
            self.assertEqual(ended.returncode, 3, ended.stderr)
        if fault.passes or ended.returncode != 3 or ended.stderr == good[0].stderr:
            self.assertEqual(ended.returncode, good[0].returncode, ended.stderr)
            self.assertEqual((ended.stdout, ended.stderr), (good[0].stdout, good[0].stderr))
            self.assertEqual({name: found.get(name) for name in whole}, whole)
            self.assertEqual({name: modes[name] for name in whole}, good[2])
        else:
            self.assertTrue(good[0].stdout.startswith(ended.stdout))
            self.assert_told(fault, good[0].stderr, ended.stderr)
            for name in whole:
                self.assertIn(found.get(name), (brief(files.get(name)), whole[name]), name)
        if not fault.call.startswith("unlink"):
            self.assertLessEqual(set(found), set(whole))

    def assert_told(self, fault, good, said):
        """Besides what it says anyway stands a line for each place: why, and where."""
        usual = good.decode().splitlines()
        lines = [line for line in said.decode().splitlines() if line not in usual]
        self.assertTrue(lines and (fault.on or len(lines) == 1), said)
        self.assertEqual(len(set(lines)), len(lines), said)
        for line in lines:
            self.assertRegex(line, rf"\A(session2pb|pb2session): .*({fault.why()})\Z")
            if not line.endswith("not enough memory"):
                self.assertRegex(line, PLACE)


class ToProtobuf(Faults):
    def test_a_file_to_a_file(self):
        self.survives("session2pb", "-o", "out", "in", files={"in": TEXT})

    def test_a_file_over_another(self):
        self.survives("session2pb", "--force", "-o", "out", "in", files={"in": TEXT, "out": OLD})

    def test_a_file_that_exists(self):
        self.survives("session2pb", "-o", "out", "in", files={"in": TEXT, "out": OLD}, status=3)

    def test_files_to_standard_output(self):
        self.survives("session2pb", "in", "more", files={"in": TEXT, "more": TEXT})

    def test_a_pipe_to_a_pipe(self):
        self.survives("session2pb", stdin=TEXT)

    def test_much_to_a_file(self):
        self.survives("session2pb", "-o", "out", "in", files={"in": BIG}, many=True)

    def test_an_archive(self):
        options = ("--zstd", "--frame-size=1024", "-o", "out")
        self.survives("session2pb", *options, "in", files={"in": TEXT})

    def test_rejects(self):
        options = ("-q", "--rejects=bad", "-o", "out")
        self.survives("session2pb", *options, "in", files={"in": BAD}, status=1)

    def test_a_check(self):
        self.survives("session2pb", "--check", "in", files={"in": TEXT})


class ToJson(Faults):
    def test_a_file_to_a_file(self):
        self.survives("pb2session", "-o", "out", "in", files={"in": self.pb(TEXT)})

    def test_a_file_to_standard_output(self):
        self.survives("pb2session", "--array", "--pretty", "in", files={"in": self.pb(TEXT)})

    def test_a_pipe_to_a_pipe(self):
        self.survives("pb2session", stdin=self.pb(TEXT))

    def test_much_to_a_file(self):
        self.survives("pb2session", "-o", "out", "in", files={"in": self.pb(BIG)}, many=True)

    def test_rejects(self):
        pb = self.pb(TEXT) + b"\1\0" + self.pb(TEXT)
        options = ("-q", "--rejects=bad", "-o", "out")
        self.survives("pb2session", *options, "in", files={"in": pb}, status=1)


class FromArchives(Faults):
    def setUp(self):
        super().setUp()
        self.whole = self.pb(TEXT, "--zstd", "--frame-size=1024") + self.pb(NDJSON, "--zstd")
        first = bytearray(self.whole)
        first[100] ^= 1
        self.torn = bytes(first) + self.whole + self.whole[:-100]

    def test_all_of_it(self):
        self.survives("pb2session", "-o", "out", "in", files={"in": self.whole})

    def test_from_a_pipe(self):
        self.survives("pb2session", stdin=self.whole)

    def test_records_are_skipped(self):
        self.survives("pb2session", "--skip=5", "--limit=3", "in", files={"in": self.whole})

    def test_what_is_torn_is_salvaged(self):
        options = ("--salvage", "-o", "out")
        self.survives("pb2session", *options, "in", files={"in": self.torn}, status=1)

    def test_a_check(self):
        self.survives("pb2session", "--check", "in", files={"in": self.whole})

    def test_a_list(self):
        self.survives("pb2session", "--list", "in", files={"in": self.whole})


if __name__ == "__main__":
    main(__doc__)
