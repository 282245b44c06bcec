"""What session2pb and pb2session promise to people with many sessions, one test for each promise.

    streams_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools, EXAMPLES has sessions.ndjson.
"""

import gzip
import itertools
import json
import os
import random
import re
import signal
import subprocess
import time

import make_sessions
import toolcase
from toolcase import (
    A,
    B,
    BAD_COUNT,
    C,
    DEADLINE_S,
    MEMORY_MAX,
    NDJSON,
    NO_ID,
    ToolTest,
    frame,
    main,
    peak_memory,
    run,
    session,
    start,
    wait_until,
)
from wirebytes import undelimited

MANY = 5000
COUNT = MANY // toolcase.SLOWNESS
FEW = 8  # sessions written byte by byte
FRAMINGS = ("delimited", "list", "be32")


def made(shape, count=COUNT):
    return b"".join(make_sessions.make(toolcase.EXAMPLES / "sessions.ndjson", shape, count))


class Shapes(ToolTest):
    def setUp(self):
        super().setUp()
        self.ndjson = made("ndjson")

    def test_the_same_sessions_in_any_shape_give_the_same_bytes(self):
        pb = self.pb(self.ndjson)
        self.assertEqual(len(undelimited(pb)), COUNT)
        for shape in make_sessions.SHAPES:
            with self.subTest(shape):
                self.assertEqual(self.pb(made(shape)), pb)
        self.assertEqual(self.pb(b"".join(map(made, make_sessions.SHAPES))), pb * 6)

    def test_any_shape_in_single_bytes_gives_the_same_bytes(self):
        pb = self.pb(self.ndjson)
        for shape in make_sessions.SHAPES:
            with self.subTest(shape):
                self.assertTrue(self.good("pieces", "1", stdin=made(shape)) == pb)

    def test_any_shape_in_single_bytes_from_a_pipe_gives_the_same_bytes(self):
        pb = self.pb(made("ndjson", FEW))
        for shape in make_sessions.SHAPES:
            with self.subTest(shape), start("session2pb") as child:
                for byte in made(shape, FEW):
                    child.stdin.write(bytes([byte]))
                child.stdin.close()
                self.assertEqual(child.stdout.read(), pb)
                self.assertEqual((child.stderr.read(), child.wait()), (b"", 0))

    def test_every_framing_comes_back_to_the_same_text_told_or_not(self):
        for framing in FRAMINGS:
            pb = self.pb(self.ndjson, f"--framing={framing}")
            self.assertEqual(self.text(pb), self.ndjson)
            self.assertEqual(self.text(pb, f"--framing={framing}"), self.ndjson)
        for line in self.ndjson.splitlines(keepends=True)[:5]:
            self.assertEqual(self.text(self.pb(line, "--framing=raw")), line)

    def test_framings_are_told_apart_in_single_bytes(self):
        text = made("ndjson", 2)
        for framing in FRAMINGS:
            with start("pb2session") as child:
                for byte in self.pb(text, f"--framing={framing}"):
                    child.stdin.write(bytes([byte]))
                child.stdin.close()
                self.assertEqual((child.stdout.read(), child.wait()), (text, 0))

    def test_each_framing_is_what_it_says(self):
        messages = [self.pb(x, "--framing=raw") for x in (A, B)]
        expected = b"".join(b"\x0a" + frame(message) for message in messages)
        self.assertEqual(self.pb(A + B, "--framing=list"), expected)
        expected = b"".join(len(m).to_bytes(4, "big") + m for m in messages)
        self.assertEqual(self.pb(A + B, "--framing=be32"), expected)

    def test_inputs_of_different_framings_are_told_apart_one_by_one(self):
        files = [self.file(f, self.pb(NDJSON, f"--framing={f}")) for f in FRAMINGS]
        files.append(self.file("raw", self.pb(A, "--framing=raw")))
        self.assertEqual(self.good("pb2session", *files), NDJSON * 3 + A + b"\n")

    def test_array_is_one_json_array_in_lines(self):
        self.assertEqual(self.text(self.pb(NDJSON), "--array"), b"[\n%s,\n%s,\n%s\n]\n" % (A, B, C))
        self.assertEqual(self.text(b"", "--array"), b"[\n]\n")
        pb = self.pb(self.ndjson)
        expected = [json.loads(line) for line in self.ndjson.splitlines()]
        for arguments in ((), ("--pretty",)):
            self.assertEqual(json.loads(self.text(pb, "--array", *arguments)), expected)
        files = [self.file("1", self.pb(A)), self.file("2", self.pb(B))]
        self.assertEqual(self.good("pb2session", "--array", *files), b"[\n%s,\n%s\n]\n" % (A, B))
        self.assertEqual(self.pb(self.text(pb, "--array")), pb)

    def test_a_bad_record_leaves_no_trace_in_an_array(self):
        pb = self.pb(A) + frame(b"\0\0") + self.pb(B)
        done = run("pb2session", "--array", "--on-error=skip", "-q", stdin=pb)
        self.assertEqual((done.returncode, done.stdout), (1, b"[\n%s,\n%s\n]\n" % (A, B)))


# A bad record of each kind: the status, the record, what else the tool needs to see it.
BAD = [
    ("SPB_BAD_JSON", b'{"id":"x","type":tru,' + A[1:]),
    ("SPB_BAD_JSON", A[:-1] + b",}"),
    ("SPB_BAD_JSON", A.replace(b":0,", b":00,")),
    ("SPB_BAD_JSON", A.replace(b'"web"', b"'web'")),
    ("SPB_BAD_UNICODE", A.replace(b"web_", b"web\xff")),
    ("SPB_BAD_UNICODE", A.replace(b"web_", rb"\ud800")),
    ("SPB_MISSING_MEMBER", NO_ID),
    ("SPB_DUPLICATE_MEMBER", A.replace(b'"type"', b'"id":"b","type"')),
    ("SPB_WRONG_TYPE", BAD_COUNT),
    ("SPB_WRONG_TYPE", b"[7]"),
    ("SPB_OUT_OF_RANGE", session("x", "4294967296")),
    ("SPB_OUT_OF_RANGE", session("x", "1.5")),
    ("SPB_OUT_OF_RANGE", A.replace(b"2022-10", b"2022-13")),
    ("SPB_UNKNOWN_MEMBER", session("x", more='"zzz":1,')),
    ("SPB_TOO_DEEP", session("x", more='"authenticated":' + "[" * 99 + "]" * 99 + ",")),
]


class BadRecords(ToolTest):
    def setUp(self):
        super().setUp()
        self.rejects = self.folder / "rejects"
        self.report = self.folder / "rejects.report"

    def skip(self, tool, stdin, *arguments):
        """A run that rejects something, quietly: its output, the rejects and their report."""
        for path in (self.rejects, self.report):
            path.unlink(missing_ok=True)
        done = run(tool, "-q", "--rejects", self.rejects, *arguments, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        report = [json.loads(line) for line in self.report.read_bytes().splitlines()]
        return done.stdout, self.rejects.read_bytes(), report

    def judge_report(self, lines, bad, rejects, report):
        """bad: numbers of the bad lines."""
        starts = [0, *itertools.accumulate(len(line) + 1 for line in lines)]
        self.assertEqual([entry["record"] for entry in report], [n + 1 for n in bad])
        for n, entry in zip(bad, report):
            self.assertEqual((entry["input"], entry["line"]), ("(standard input)", n + 1))
            self.assertIn(entry["offset"] - starts[n], range(len(lines[n]) + 1))
            before = lines[n][: entry["offset"] - starts[n]]
            characters = sum(byte & 0xC0 != 0x80 for byte in before)
            self.assertEqual(entry["column"], characters + 1)
            begin = entry["rejectOffset"]
            self.assertEqual(rejects[begin : begin + entry["rejectLen"]], lines[n])
            self.assertTrue(entry["reason"])
            if b'"many"' in lines[n]:
                self.assertEqual(entry["path"], "/eventCount")

    def test_one_percent_of_bad_records_of_every_kind(self):
        lines = made("ndjson").splitlines()
        wanted = [BAD[i % len(BAD)] for i in range(max(COUNT // 100, len(BAD)))]
        wanted = [(status, text) for status, text in wanted if text != b"[7]"]
        bad = sorted(random.Random(1).sample(range(COUNT), len(wanted)))
        good = b"".join(x + b"\n" for n, x in enumerate(lines) if n not in set(bad))
        for n, (_, text) in zip(bad, wanted):
            lines[n] = text
        text = b"\n".join(lines) + b"\n"
        out, rejects, report = self.skip("session2pb", text, "--unknown=reject")
        self.assertEqual(self.text(out), good)
        self.assertEqual(rejects, b"".join(text + b"\n" for _, text in wanted))
        self.judge_report(lines, bad, rejects, report)
        self.assertEqual([entry["status"] for entry in report], [status for status, _ in wanted])
        # What was rejected is rejected again, and once it is right it is taken.
        again = self.skip("session2pb", rejects, "--unknown=reject")
        self.assertEqual(again[:2], (b"", rejects))
        mended = rejects.replace(b'"many"', b"1")
        self.assertEqual(len(undelimited(self.skip("session2pb", mended)[0])),
                         rejects.count(b'"many"') + rejects.count(b'"zzz"'))

    def test_each_kind_of_bad_record_stops_or_is_skipped(self):
        for status, bad in BAD:
            if bad == b"[7]":
                continue
            text = b"\n".join((A, bad, B)) + b"\n"
            with self.subTest(status):
                done = run("session2pb", "--unknown=reject", stdin=text)
                self.assertEqual((done.returncode, done.stdout), (1, self.pb(A)))
                out, rejects, report = self.skip("session2pb", text, "--unknown=reject")
                self.assertEqual((self.text(out), rejects), (A + b"\n" + B + b"\n", bad + b"\n"))
                self.assertEqual((len(report), report[0]["status"]), (1, status))

    def test_bad_records_of_arrays_and_listings_are_skipped_as_well(self):
        for before, behind in ((b"[", b"]"), (b'{"entities":[', b'],"selfUri":"/"}')):
            text = before + b",\n".join((A, BAD_COUNT, NO_ID, B)) + behind
            out, rejects, _ = self.skip("session2pb", text)
            self.assertEqual(self.text(out), A + b"\n" + B + b"\n")
            self.assertEqual(rejects, BAD_COUNT + b"\n" + NO_ID + b"\n")

    def test_a_torn_end_is_a_bad_record(self):
        text = NDJSON + A[:40]
        out, rejects, report = self.skip("session2pb", text)
        self.assertEqual((self.text(out), rejects), (NDJSON, A[:40] + b"\n"))
        self.assertEqual((report[0]["status"], report[0]["record"]), ("SPB_NEED_MORE", 4))

    def test_a_document_above_the_limit_is_kept_whole_in_little_memory(self):
        big = session("x", more='"zzz":"' + "z" * (65 * 2**20) + '",')
        out, rejects, report = self.skip("session2pb", A + b"\n" + big + b"\n" + B)
        self.assertEqual(self.text(out), A + b"\n" + B + b"\n")
        self.assertTrue(rejects == big + b"\n")
        self.assertEqual(report[0]["status"], "SPB_TOO_LARGE")

    def test_bad_messages_are_kept_as_delimited_frames(self):
        good = [self.pb(x, "--framing=raw") for x in (A, B, C)]
        bad = [b"\0\0", good[0][:-3], good[0].replace(b"web_event", b"web\xffevent"),
               self.pb(NO_ID, "--lenient", "--framing=raw")]
        messages = [good[0], *bad[:2], good[1], *bad[2:], good[2]]
        pb = b"".join(map(frame, messages))
        out, rejects, report = self.skip("pb2session", pb)
        self.assertEqual((out, rejects), (NDJSON, b"".join(map(frame, bad))))
        statuses = ["SPB_BAD_WIRE", "SPB_NEED_MORE", "SPB_BAD_UNICODE", "SPB_MISSING_MEMBER"]
        self.assertEqual([entry["status"] for entry in report], statuses)
        self.assertEqual([entry["record"] for entry in report], [2, 3, 5, 6])
        for entry, message in zip(report, bad):
            begin, length = entry["rejectOffset"], entry["rejectLen"]
            self.assertEqual(rejects[begin : begin + length], frame(message))
            at = sum(map(len, map(frame, messages[: entry["record"] - 1])))
            self.assertIn(entry["offset"] - at, range(len(frame(message)) + 1))
        self.assertEqual(self.skip("pb2session", rejects)[:2], (b"", rejects))
        self.assertEqual(self.text(rejects[-len(frame(bad[3])):], "--lenient"), NO_ID + b"\n")

    def test_a_report_is_utf_8_whatever_the_input_is_called(self):
        bad = self.file("sch\xf6n \"\n\xff".encode("latin-1").decode("latin-1"), NO_ID)
        name = os.fsencode(self.folder) + b'/"\xff\xc3\xa9\x01'
        os.rename(bad, name)
        run("session2pb", "-q", "--rejects", self.rejects, name)
        entry = json.loads(self.report.read_bytes().decode())
        self.assertEqual(entry["input"], f'{self.folder}/"\ufffdé\x01')

    def test_without_bad_records_both_files_are_empty(self):
        self.good("session2pb", "--rejects", self.rejects, stdin=A)
        self.assertEqual((self.rejects.read_bytes(), self.report.read_bytes()), (b"", b""))

    def test_existing_files_are_not_overwritten_by_rejects(self):
        for path in (self.rejects, self.report):
            path.write_bytes(b"old")
            line = re.escape(f"'{path}' exists; --force overwrites it")
            self.bad(3, line, "session2pb", "--rejects", self.rejects, stdin=NO_ID)
            self.assertEqual((self.files(), path.read_bytes()), ([path.name], b"old"))
            run("session2pb", "--force", "--rejects", self.rejects, stdin=NO_ID)
            self.assertEqual(self.rejects.read_bytes(), NO_ID + b"\n")
            path.rename(self.folder / "old")
            for old in self.folder.iterdir():
                old.unlink()

    def test_skipped_records_are_told_line_by_line_unless_quiet(self):
        text = A + b"\n" + NO_ID + b"\n" + BAD_COUNT
        done = run("session2pb", "--on-error=skip", stdin=text)
        lines = done.stderr.decode().splitlines()
        self.assertRegex(lines[0], r"\Asession2pb: \(standard input\):2:\d+: record 2: .*")
        self.assertRegex(lines[1], r"\Asession2pb: \(standard input\):3:\d+: record 3: .*")
        self.assertEqual(lines[2:], ["session2pb: 2 of 3 records rejected"])
        self.assertEqual((done.returncode, done.stdout), (1, self.pb(A)))

    def test_an_output_file_appears_when_records_are_skipped(self):
        out = self.folder / "out"
        self.skip("session2pb", A + NO_ID, "-o", out)
        self.assertEqual(out.read_bytes(), self.pb(A))

    def test_check_keeps_rejects(self):
        self.assertEqual(self.skip("session2pb", A + NO_ID, "--check")[:2], (b"", NO_ID + b"\n"))

    def test_sessions_and_rejects_cannot_share_a_file(self):
        self.file("rejects", b"")
        line = ".*cannot hold the sessions and the rejects"
        arguments = ("--force", "-o", self.rejects, "--rejects", self.rejects)
        self.bad(2, line, "session2pb", *arguments, stdin=A)
        for name in ("new", "./new", "../" + self.folder.name + "/new"):
            for other in ("new", "new.report", self.folder / "new"):
                arguments = ("-o", str(other), "--rejects", name)
                self.bad(2, line, "session2pb", *arguments, stdin=A, cwd=self.folder)
        line = "'--rejects' needs a file"
        self.assertEqual(self.bad(2, line, "session2pb", "--rejects=-", stdin=A), b"")


    def test_rejects_replace_no_input(self):
        for option, name in (("x", "x"), ("x", "./x"), ("x", "x.report")):
            file = self.file(name, NDJSON)
            arguments = ("--force", "--rejects", option, name)
            line = ".* is read and written"
            self.bad(2, line, "session2pb", *arguments, cwd=self.folder)
            self.assertEqual(file.read_bytes(), NDJSON)

    def test_rejects_stay_where_the_sessions_among_them_have_gone_out(self):
        text = A + b"\n" + BAD_COUNT + b"\n" + B + b"\n"
        torn = self.pb(A) + frame(b"\0\0") + self.pb(B) + b"\x7f"
        done = run("pb2session", "-q", "--rejects", self.rejects, stdin=torn)
        self.assertEqual((done.returncode, done.stdout), (1, A + b"\n" + B + b"\n"))
        self.assertEqual(self.rejects.read_bytes(), frame(b"\0\0"))
        out = self.folder / "out"
        again = self.folder / "again"
        run("pb2session", "-q", "-o", out, "--rejects", again, stdin=torn)
        self.assertFalse(out.exists() or again.exists())
        with start("session2pb", "-q", "--force", "--rejects", self.rejects) as child:
            child.stdout.close()
            child.stdin.write(text * 5000)
            child.stdin.close()
            child.wait(DEADLINE_S)
        self.assertTrue(self.rejects.read_bytes().startswith(BAD_COUNT + b"\n"))


class Windows(ToolTest):
    def lines(self, skip, limit):
        return b"".join(x + b"\n" for x in NDJSON.splitlines()[skip:][:limit])

    def test_skip_and_limit_take_what_sed_takes(self):
        ndjson = made("ndjson", 300)
        for framing in FRAMINGS:
            pb = self.pb(ndjson, f"--framing={framing}")
            for first, last in ((1, 1), (1, 300), (7, 7), (10, 20), (299, 300), (300, 900)):
                sed = subprocess.run(["sed", "-n", f"{first},{last}p"], input=ndjson,
                                     stdout=subprocess.PIPE, check=True).stdout
                window = (f"--skip={first - 1}", f"--limit={last - first + 1}")
                self.assertEqual(self.text(pb, *window), sed)
                self.assertEqual(self.text(self.pb(ndjson, *window)), sed)

    def test_the_window_is_one_over_all_inputs(self):
        files = [self.file(name, x) for name, x in (("1", NDJSON), ("2", NDJSON))]
        pb = self.good("session2pb", "--skip=2", "--limit=3", *files)
        self.assertEqual(self.text(pb), C + b"\n" + A + b"\n" + B + b"\n")
        files = [self.file(name, self.pb(NDJSON)) for name in ("1", "2")]
        out = self.good("pb2session", "--skip=4", "--limit=9", *files)
        self.assertEqual(out, B + b"\n" + C + b"\n")

    def test_bad_records_count_and_are_passed_over_in_silence(self):
        text = NO_ID + b"\n" + A + b"\n" + BAD_COUNT + b"\n" + B
        self.assertEqual(self.text(self.pb(text, "--skip=1", "--limit=1")), A + b"\n")
        self.assertEqual(self.text(self.pb(text, "--skip=3")), B + b"\n")
        done = run("session2pb", "--on-error=skip", "-q", "--limit=3", stdin=text)
        self.assertEqual((done.returncode, done.stdout), (1, self.pb(A)))

    def test_no_records_may_be_wanted(self):
        self.assertEqual(self.pb(NDJSON, "--limit=0"), b"")
        self.assertEqual(self.text(self.pb(NDJSON), "--limit=0"), b"")
        self.assertEqual(self.pb(NDJSON, "--skip=99999999999999999999"), b"")

    def test_the_limit_ends_a_tool_whose_input_goes_on(self):
        for tool, first, expected in (("session2pb", A, self.pb(A)),
                                      ("pb2session", self.pb(A), A + b"\n")):
            with start(tool, "--limit=1") as child:
                child.stdin.write(first)
                self.assertEqual((child.wait(DEADLINE_S), child.stdout.read()), (0, expected))

    def test_what_follows_the_limit_is_not_judged(self):
        self.assertEqual(self.pb(A + b"\n]", "--limit=1"), self.pb(A))
        self.assertEqual(self.text(self.pb(A) + b"\xff\xff", "--limit=1"), A + b"\n")


class Ids(ToolTest):
    def test_only_the_sessions_of_the_ids_are_printed(self):
        ndjson = made("ndjson")
        lines = ndjson.splitlines(keepends=True)
        pb = self.pb(ndjson)
        for wanted in ([0], [COUNT - 1], [17, 3, COUNT // 2]):
            ids = [f"--id={make_sessions.session_id(n)}" for n in wanted]
            self.assertEqual(self.text(pb, *ids), b"".join(lines[n] for n in sorted(wanted)))
        self.assertEqual(self.text(pb, "--id=nobody"), b"")
        self.assertEqual(self.text(pb, "--id", make_sessions.session_id(9), "--limit=1"), lines[9])

    def test_the_last_id_counts_wherever_it_stands(self):
        a, b = (self.pb(x, "--framing=raw") for x in (A, B))
        merged = frame(a + b"\x0a\x01b")
        self.assertEqual(self.text(merged, "--id=b"), B + b"\n")
        self.assertEqual(self.text(merged, "--id=a"), b"")
        group = b"\xf3\x3e\x0a\x01z\xf4\x3e"  # field 1 of a group is not the session's
        text = self.text(frame(a + group), "--id=a", "--unknown=drop")
        self.assertEqual(text, A + b"\n")
        self.assertEqual(self.text(frame(b + group), "--id=z"), b"")

    def test_others_are_not_judged_but_what_cannot_be_told_is(self):
        others = frame(self.pb(BAD_COUNT, "--lenient", "--framing=raw"))
        self.assertEqual(self.text(others + self.pb(A), "--id=a"), A + b"\n")
        for broken in (b"\x0a\x05a", b"\x0b", b"\x0c", b"\x07", b"\0\0", b"\xff" * 12):
            self.bad(1, ".*: record 1: .*", "pb2session", "--id=a", stdin=frame(broken))


class Stats(ToolTest):
    LINE = (r"\A(\w+): (\d+) records, (\d+) rejected, (\d+) (notices|bytes lost), (\d+) bytes in, "
            r"(\d+) bytes out, ratio (\d+\.\d\d), (\d+\.\d{3}) s, (\d+\.\d) MB/s, (\d+) records/s\n\Z")

    def stats(self, tool, *arguments, stdin):
        done = run(tool, "--stats", "-q", *arguments, stdin=stdin)
        self.assertRegex(done.stderr.decode(), self.LINE)
        return done.stdout, re.match(self.LINE, done.stderr.decode()).groups()

    def test_stats_are_one_line_of_numbers(self):
        text = made("notification", 300) + NO_ID
        pb, line = self.stats("session2pb", "--on-error=skip", stdin=text)
        ratio = f"{len(text) / len(pb):.2f}"
        expected = ("session2pb", "300", "1", "43", "notices", str(len(text)), str(len(pb)), ratio)
        self.assertEqual(line[:8], expected)
        out, line = self.stats("pb2session", stdin=pb)
        expected = ("pb2session", "300", "0", "0", "bytes lost", str(len(pb)), str(len(out)))
        self.assertEqual(line[:7], expected)


class Hints(ToolTest):
    def test_what_is_no_json_is_called_by_its_name(self):
        utf16 = NDJSON.decode().encode("utf-16")
        cases = [(gzip.compress(NDJSON), "gzip data"), (utf16, "UTF-16 text"),
                 (self.pb(NDJSON), "a stream of protobuf messages"),
                 (self.pb(A, "--framing=raw"), "a protobuf message"),
                 (b"\x28\xb5\x2f\xfd\x24\0\x01\0\0", "a zstd archive")]
        for stdin, name in cases:
            self.bad(1, f".*: record 1: .*; the input looks like {name}", "session2pb", stdin=stdin)

    def test_what_is_no_protobuf_is_called_by_its_name(self):
        pretty = json.dumps(json.loads(A), indent=2).encode()
        cases = [(NDJSON, "JSON text"), (pretty, "JSON text"), (b"[" + A + b"]", "JSON text"),
                 (gzip.compress(NDJSON), "gzip data")]
        for stdin, name in cases:
            line = f".*: record 1: .*; the input looks like {name}"
            self.bad(1, line, "pb2session", stdin=stdin)
            self.bad(1, line, "pb2session", "--framing=delimited", stdin=stdin)

    def test_what_looks_right_and_later_records_get_no_hint(self):
        for tool, stdin in (("session2pb", BAD_COUNT), ("pb2session", frame(b"\0\0")),
                            ("session2pb", A + b"\x1f\x8b")):
            self.assertNotIn(b"looks like", run(tool, stdin=stdin).stderr)


class Endings(ToolTest):
    def kill(self, whole, *command):
        """Kill a tool at random moments: its files are whole whenever they have their names."""
        begin = time.monotonic()
        run(*command, cwd=self.folder)
        duration = time.monotonic() - begin
        expected = {name: (self.folder / name).read_bytes() for name in whole}
        pauses = random.Random(2)
        for _ in range(25):
            for path in self.folder.iterdir():
                if path.name in whole or path.name.endswith(".tmp"):
                    path.unlink()
            with start(*command, cwd=self.folder) as child:
                time.sleep(pauses.uniform(0, 1.2 * duration))
                child.kill()
            for name in set(self.files()).intersection(whole):
                self.assertTrue((self.folder / name).read_bytes() == expected[name], name)

    def test_a_kill_at_any_moment_leaves_no_file_that_is_not_whole(self):
        text = made("ndjson") * 4
        self.file("many.pb", self.pb(text))
        self.file("many.json", text + NO_ID)
        names = ("out", "rejects", "rejects.report")
        self.kill(names, "session2pb", "-q", "-o", "out", "--rejects", "rejects", "many.json")
        self.kill(("text",), "pb2session", "-o", "text", "many.pb")

    def test_a_signal_leaves_no_rejects_either(self):
        command = ("session2pb", "-q", "-o", "out", "--rejects", "rejects")
        with start(*command, cwd=self.folder) as child:
            child.stdin.write(A + NO_ID)
            wait_until(lambda: len(self.files()) == 3, "three temporary files")
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(DEADLINE_S), -signal.SIGINT)
        self.assertEqual(self.files(), [])

    def test_a_failed_run_leaves_no_rejects(self):
        done = run("session2pb", "--rejects", self.folder / "r", "-", "no/such", stdin=A + NO_ID)
        self.assertEqual((done.returncode, self.files()), (3, []))

    def test_a_reader_that_goes_away_ends_quietly_after_rejects_as_well(self):
        text = self.file("many.json", NO_ID + made("ndjson", MANY))
        with start("session2pb", "-q", "--on-error=skip", text) as child:
            child.stdout.read(1)
            child.stdout.close()
            self.assertEqual((child.wait(DEADLINE_S), child.stderr.read()), (0, b""))

    def test_an_array_of_64_mb_takes_little_memory(self):
        array, pb = self.folder / "array.json", self.folder / "array.pb"
        element = b",".join(made("ndjson", 50).splitlines())
        with array.open("wb") as out:
            out.write(b"[" + element)
            for _ in range(64 * 2**20 // len(element)):
                out.write(b"," + element)
            out.write(b"]")
        for tool, *arguments in (("session2pb", "-o", pb, array), ("pb2session", "--array", pb),
                                 ("session2pb", "--on-error=skip", array)):
            peak, status = peak_memory(tool, *arguments)
            self.assertEqual(status, 0)
            self.assertLess(peak, MEMORY_MAX)


if __name__ == "__main__":
    main(__doc__)
