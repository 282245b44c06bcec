"""What session2pb and pb2session promise about archives, one test for each promise.

    archives_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools, EXAMPLES has sessions.ndjson.
"""

import random
import re
import shutil
import subprocess
import unittest

import make_sessions
import toolcase
from toolcase import A, B, NDJSON, NO_ID, ToolTest, frame, main, run, session, start

COUNT = 600
FRAME_SIZE = 8192
DAMAGES = 200 // toolcase.SLOWNESS


class ArchiveTest(ToolTest):
    @classmethod
    def setUpClass(cls):
        pieces = make_sessions.make(toolcase.EXAMPLES / "sessions.ndjson", "ndjson", COUNT)
        cls.ndjson = b"".join(pieces)
        cls.lines = cls.ndjson.splitlines(keepends=True)

    def setUp(self):
        super().setUp()
        self.archive = self.folder / "a.pb.zst"
        size = f"--frame-size={FRAME_SIZE}"
        self.good("session2pb", "--zstd", size, "-o", self.archive, stdin=self.ndjson)

    def damaged(self, content):
        return self.file("damaged.pb.zst", bytes(content))

    def table(self, *files):
        """The rows of --list, the heads left out."""
        lines = self.good("pb2session", "--list", *files).decode().splitlines()
        return [line.split() for line in lines if not line.lstrip().startswith("frame")]


class Archives(ArchiveTest):
    def test_an_archive_comes_back_as_the_same_text_from_a_file_and_a_pipe(self):
        self.assertEqual(self.good("pb2session", self.archive), self.ndjson)
        with self.archive.open("rb") as file:
            self.assertEqual(self.good("pb2session", stdin=file), self.ndjson)
        self.assertEqual(self.text(self.archive.read_bytes()), self.ndjson)
        self.assertEqual(self.text(self.archive.read_bytes(), "--framing=delimited"), self.ndjson)

    def test_an_archive_in_single_bytes(self):
        with start("pb2session") as child:
            for byte in self.pb(NDJSON, "--zstd"):
                child.stdin.write(bytes([byte]))
            child.stdin.close()
            self.assertEqual((child.stdout.read(), child.wait()), (NDJSON, 0))

    def test_every_level_and_frame_size(self):
        for options in (("--zstd=1",), ("--zstd=22",), ("--zstd=9", "--frame-size=100000")):
            self.assertEqual(self.text(self.pb(self.ndjson, *options)), self.ndjson)

    def test_an_archive_without_records(self):
        empty = self.pb(b"", "--zstd")
        self.assertEqual(self.text(empty), b"")
        self.assertEqual(self.text(empty, "--check"), b"")
        self.assertEqual(self.table(self.file("e", empty)), [["total", "-", "0", "0", "0", "-"]])

    @unittest.skipUnless(shutil.which("zstd"), "no zstd")
    def test_zstd_makes_a_plain_delimited_stream_of_it_and_the_other_way_round(self):
        plain = self.pb(self.ndjson)
        done = subprocess.run(["zstd", "-dcq", self.archive], stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, plain)
        done = subprocess.run(["zstd", "-cq"], input=plain, stdout=subprocess.PIPE, check=True)
        self.assertEqual(self.text(done.stdout), self.ndjson)

    def test_archives_behind_each_other_are_one(self):
        both = self.file("both", self.archive.read_bytes() + self.pb(NDJSON, "--zstd"))
        self.assertEqual(self.good("pb2session", both), self.ndjson + NDJSON)
        self.assertEqual(self.good("pb2session", "--check", both), b"")
        self.assertEqual(self.table(both)[-1][4], str(COUNT + 3))
        skip = f"--skip={COUNT + 1}"
        self.assertEqual(self.good("pb2session", skip, "--limit=1", both), B + b"\n")
        with self.archive.open("ab") as file:  # as >> does
            self.good("session2pb", "--zstd", stdin=NDJSON, stdout=file)
        self.assertEqual(self.archive.read_bytes(), both.read_bytes())

    def test_skip_and_limit_take_what_a_slice_takes(self):
        for skip, limit in ((0, 1), (1, 5), (299, 2), (COUNT - 1, 9), (COUNT, 1), (COUNT + 1, 1)):
            expected = b"".join(self.lines[skip : skip + limit])
            window = (f"--skip={skip}", f"--limit={limit}")
            self.assertEqual(self.good("pb2session", *window, self.archive), expected)
            self.assertEqual(self.text(self.archive.read_bytes(), *window), expected)

    def test_skipping_reads_little(self):
        noise = random.Random(5)
        sessions = [session(n, more=f'"zzz":"{noise.randbytes(2000).hex()}",') for n in range(1000)]
        archive = self.file("noise", self.pb(b"\n".join(sessions), "--zstd", "--frame-size=8192"))
        done = run("pb2session", "--stats", "--skip=999", archive)
        self.assertIn(b'{"id":"999",', done.stdout)
        read = int(re.search(rb"(\d+) bytes in", done.stderr)[1])
        self.assertLess(read, archive.stat().st_size / 2)

    def test_stats_count_the_file_once(self):
        for option in ("--stats", "--check"):
            done = run("pb2session", "--stats", option, self.archive)
            read = int(re.search(rb"(\d+) bytes in", done.stderr)[1])
            self.assertEqual(read, self.archive.stat().st_size)

    def test_ids_are_found(self):
        arguments = (f"--id={make_sessions.session_id(n)}" for n in (5, 400))
        out = self.good("pb2session", *arguments, self.archive)
        self.assertEqual(out, self.lines[5] + self.lines[400])

    def test_list_tells_every_frame_and_the_total(self):
        *frames, total = self.table(self.archive)
        self.assertEqual([row[0] for row in frames], [str(n + 1) for n in range(len(frames))])
        at = 0
        for row in frames:
            self.assertEqual(int(row[1]), at)
            at += int(row[2])
            self.assertEqual(row[5], f"{int(row[3]) / int(row[2]):.2f}")
        sums = [sum(int(row[column]) for row in frames) for column in (2, 3, 4)]
        self.assertEqual(sums, [at, len(self.pb(self.ndjson)), COUNT])
        self.assertEqual(total[:5], ["total", "-", *map(str, sums)])
        self.assertLess(at, self.archive.stat().st_size)
        self.assertGreater(len(frames), 10)

    def test_list_takes_archives_only(self):
        line = ".*: not an archive.*"
        self.assertEqual(self.bad(1, line, "pb2session", "--list", stdin=self.pb(A)), b"")
        table = self.good("pb2session", "--list", self.archive, self.archive).decode()
        self.assertEqual(table.splitlines().count(f"{self.archive}:"), 2)

    def test_a_bad_record_stops_or_is_skipped_as_in_a_stream(self):
        pb = self.pb(A + NO_ID + B, "--zstd", "--lenient")
        line = r".*: record 2: byte \d+ of it: .*"
        self.assertEqual(self.bad(1, line, "pb2session", stdin=pb), A + b"\n")
        rejects = self.folder / "rejects"
        done = run("pb2session", "-q", "--rejects", rejects, stdin=pb)
        self.assertEqual((done.returncode, done.stdout), (1, A + b"\n" + B + b"\n"))
        self.assertEqual(rejects.read_bytes(), self.pb(NO_ID, "--lenient"))

    def test_what_comes_before_a_bad_document_is_a_whole_archive(self):
        done = run("session2pb", "--zstd", stdin=NDJSON + NO_ID)
        self.assertEqual(done.returncode, 1)
        whole = self.file("whole", done.stdout)
        self.assertEqual(self.good("pb2session", "--check", whole), b"")
        self.assertEqual(self.good("pb2session", whole), NDJSON)

    def test_sessions_before_a_pause_are_safe(self):
        with start("session2pb", "--zstd") as child:
            child.stdin.write(NDJSON)
            written = child.stdout.read(1 << 16)
            child.kill()
        done = run("pb2session", stdin=written)
        self.assertEqual(done.stdout, NDJSON)


class Damage(ArchiveTest):
    def cuts(self):
        size = self.archive.stat().st_size
        return sorted(random.Random(3).sample(range(1, size), DAMAGES))

    def flips(self):
        """The archive with one bit wrong in each of many places."""
        content = self.archive.read_bytes()
        for at in random.Random(4).sample(range(4, len(content)), DAMAGES):
            flipped = bytearray(content)
            flipped[at] ^= 1 << at % 8
            yield at, flipped

    def test_check_takes_what_is_whole(self):
        self.assertEqual(self.good("pb2session", "--check", self.archive), b"")
        self.assertEqual(self.text(self.archive.read_bytes(), "--check"), b"")

    def test_check_finds_every_cut(self):
        content = self.archive.read_bytes()
        for length in self.cuts():
            with self.subTest(length):
                done = run("pb2session", "--check", self.damaged(content[:length]))
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertRegex(done.stderr, rb"damaged.pb.zst: .*byte \d+: .*\n\Z")

    def test_check_finds_every_flipped_bit(self):
        for at, flipped in self.flips():
            with self.subTest(at):
                done = run("pb2session", "--check", self.damaged(flipped))
                self.assertEqual((done.returncode, done.stdout), (1, b""))

    def test_check_converts_each_session_as_well(self):
        archive = self.file("bad", self.pb(A + NO_ID, "--zstd", "--lenient"))
        self.bad(1, ".*: record 2: .*", "pb2session", "--check", archive)
        self.good("pb2session", "--check", "--lenient", archive)

    def test_check_of_many_inputs_goes_on_where_that_is_wanted(self):
        torn = self.damaged(self.archive.read_bytes()[:-9000])
        stream = self.file("torn.pb", self.pb(A) + b"\x7f")
        files = (torn, self.archive, stream, self.archive)
        done = run("pb2session", "--check", "--on-error=skip", "--stats", *files)
        *lines, stats = done.stderr.decode().splitlines()
        self.assertEqual((done.returncode, done.stdout, len(lines)), (1, b"", 2))
        self.assertIn(f": {2 * COUNT + 1} records, ", stats)
        self.bad(1, ".*damaged.pb.zst: .*", "pb2session", "--check", *files)

    def test_nothing_wrong_ever_comes_out(self):
        lines = set(self.lines)
        for at, flipped in self.flips():
            for options in ((), ("--salvage",)):
                done = run("pb2session", *options, self.damaged(flipped))
                self.assertTrue(lines.issuperset(done.stdout.splitlines(keepends=True)), at)

    def judge_salvage(self, content, from_pipe=False):
        """The records that come out of what is damaged, and the bytes that do not."""
        file = self.damaged(content)
        stdin = bytes(content) if from_pipe else b""
        done = run("pb2session", "--salvage", *([] if from_pipe else [file]), stdin=stdin)
        self.assertEqual(done.returncode, 1)
        message = done.stderr.decode()
        self.assertRegex(message, r"\A(pb2session: .*: lost \d+ bytes from byte \d+.*: .*\n)+\Z")
        lost = [tuple(map(int, pair)) for pair in re.findall(r"lost (\d+) bytes from byte (\d+)",
                                                             message)]
        self.assertLessEqual(max(n + at for n, at in lost), len(content))
        told = re.findall(r", (\d+) records: ", message)
        return done.stdout, sum(map(int, told)) if len(told) == len(lost) else None

    def test_salvage_gives_all_whole_frames_of_a_torn_archive(self):
        frames = self.table(self.archive)[:-1]
        content = self.archive.read_bytes()
        ends = [int(row[1]) + int(row[2]) for row in frames]
        counts = [int(row[4]) for row in frames]
        for length in self.cuts():
            whole = sum(n for n, end in zip(counts, ends) if end <= length)
            if length in ends or length > ends[-1]:
                continue
            with self.subTest(length):
                for from_pipe in (False, True):
                    out, _ = self.judge_salvage(content[:length], from_pipe)
                    self.assertEqual(out, b"".join(self.lines[:whole]))

    def test_salvage_gives_all_other_frames_of_a_damaged_archive(self):
        frames = self.table(self.archive)[:-1]
        firsts, n = [], 0
        for row in frames:
            firsts.append(n)
            n += int(row[4])
        end = int(frames[-1][1]) + int(frames[-1][2])
        for at, flipped in self.flips():
            if at >= end:
                continue
            hit = max(i for i, row in enumerate(frames) if int(row[1]) <= at)
            begin, behind = firsts[hit], firsts[hit] + int(frames[hit][4])
            with self.subTest(at):
                out, lost = self.judge_salvage(flipped)
                others = b"".join(self.lines[:begin] + self.lines[behind:])
                # The bit that says that a checksum follows damages nothing but that.
                self.assertTrue((out, lost) in ((others, behind - begin), (self.ndjson, 0)))

    def test_salvage_gives_the_whole_prefix_of_a_stream(self):
        pb = self.pb(NDJSON)
        last = len(self.pb(A + B))
        for length in range(last + 1, len(pb)):
            done = run("pb2session", "--salvage", stdin=pb[:length])
            self.assertEqual((done.returncode, done.stdout), (1, A + b"\n" + B + b"\n"))
            lost = f": lost {length - last} bytes from byte {last}: "
            self.assertIn(lost, done.stderr.decode())
        done = run("pb2session", "--salvage", stdin=pb + b"\xff" * 300000)
        self.assertEqual((done.returncode, done.stdout), (1, NDJSON))
        self.assertIn(f": lost 300000 bytes from byte {len(pb)}: ", done.stderr.decode())

    @unittest.skipUnless(shutil.which("zstd"), "no zstd")
    def test_salvage_names_the_last_frame_if_it_ends_inside_of_a_record(self):
        whole, torn = (subprocess.run(["zstd", "-cq"], input=pb, stdout=subprocess.PIPE, check=True).stdout
                       for pb in (self.pb(A), self.pb(B)[:-1]))
        done = run("pb2session", "--salvage", self.damaged(whole + torn))
        self.assertEqual((done.returncode, done.stdout), (1, A + b"\n"))
        self.assertIn(f": lost {len(torn)} bytes from byte {len(whole)}: ", done.stderr.decode())

    def test_salvage_goes_on_with_the_next_input_and_keeps_its_output(self):
        torn, out = self.file("torn", self.pb(A) + b"\x7f"), self.folder / "out"
        done = run("pb2session", "--salvage", "-o", out, torn, "-", stdin=self.pb(B))
        self.assertEqual((done.returncode, out.read_bytes()), (1, A + b"\n" + B + b"\n"))

    def test_salvage_has_nothing_to_say_of_what_is_whole(self):
        self.assertEqual(self.good("pb2session", "--salvage", self.archive), self.ndjson)
        self.assertEqual(self.text(self.pb(NDJSON), "--salvage"), NDJSON)

    def test_without_salvage_damage_ends_the_run_and_names_it(self):
        out = self.folder / "out"
        for stdin in (self.pb(A) + b"\x7f", self.archive.read_bytes()[:-9000]):
            for options in ((), ("--on-error=skip",)):
                line = r".*: record \d+: byte \d+: .*; --salvage converts what is whole"
                self.bad(1, line, "pb2session", *options, "-o", out, stdin=stdin)
                self.assertFalse(out.exists())

    def test_a_message_damaged_inside_of_its_frame_is_one_that_salvage_skips(self):
        pb = self.pb(A) + frame(b"\0\0") + self.pb(B) + b"\x7f"
        done = run("pb2session", "--salvage", "-q", stdin=pb)
        self.assertEqual((done.returncode, done.stdout), (1, A + b"\n" + B + b"\n"))


if __name__ == "__main__":
    main(__doc__)
