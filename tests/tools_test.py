"""What session2pb and pb2session promise at the command line, one test for each promise.

    tools_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools, EXAMPLES has sessions, *.json or sessions/*.json.
"""

import json
import os
import pathlib
import pty
import re
import resource
import signal
import stat
import time
import unittest

from toolcase import (
    A,
    B,
    BAD_COUNT,
    C,
    DEADLINE_S,
    MEMORY_MAX,
    NDJSON,
    NOBODY,
    NO_ID,
    STDIN,
    STDOUT,
    UNKNOWN,
    ToolTest,
    example_files,
    example_lines,
    frame,
    has_own_memory,
    main,
    peak_memory,
    run,
    session,
    start,
    wait_until,
)
from wirebytes import varint


class Formats(ToolTest):
    def test_a_canonical_document_comes_back_byte_for_byte_as_a_line(self):
        self.assertEqual(self.text(self.pb(A)), A + b"\n")

    def test_ndjson_concatenated_and_pretty_documents_give_the_same_bytes(self):
        pb = self.pb(NDJSON)
        pretty = b"".join(json.dumps(json.loads(x), indent=4).encode() for x in (A, B, C))
        spaced = b" \r\n\t" + NDJSON.replace(b"\n", b"\r\n\r\n")
        for text in (A + B + C, pretty, spaced, NDJSON[:-1]):
            self.assertEqual(self.pb(text), pb)
        self.assertEqual(self.text(pb), NDJSON)

    def test_delimited_is_a_varint_length_before_each_message(self):
        messages = [self.pb(x, "--framing=raw") for x in (A, B)]
        self.assertEqual(self.pb(A + B), frame(messages[0]) + frame(messages[1]))
        self.assertEqual(self.pb(A + B, "--framing=delimited"), self.pb(A + B))

    def test_raw_is_one_bare_message(self):
        raw = [self.file(name, self.pb(x, "--framing=raw")) for name, x in (("a", A), ("b", B))]
        self.assertEqual(self.good("pb2session", "--framing=raw", *raw), A + b"\n" + B + b"\n")

    def test_an_empty_raw_input_is_a_session_without_members(self):
        self.assertEqual(self.pb(b"{}", "--framing=raw", "--lenient"), b"")
        self.assertEqual(self.text(b"", "--framing=raw", "--lenient"), b"{}\n")
        line = r"\(standard input\): record 1: byte 0: [^:]*\bid\b.*"
        self.bad(1, line, "pb2session", "--framing=raw")

    def test_raw_refuses_a_second_session_and_names_the_framing_that_takes_it(self):
        line = r"\(standard input\): record 2: .*--framing=delimited.*"
        first = self.bad(1, line, "session2pb", "--framing=raw", stdin=NDJSON)
        self.assertEqual(frame(first), self.pb(A))
        line = r".*/two: record 1: .*--framing=delimited.*"
        self.bad(1, line, "session2pb", "--framing=raw", self.file("one", A), self.file("two", B))

    def test_raw_refuses_an_input_without_a_session(self):
        line = "raw framing holds one session, and there is none"
        self.bad(1, line, "session2pb", "--framing=raw")

    def test_pretty_indents_by_two_spaces(self):
        pretty = json.dumps(json.loads(A), indent=2).encode() + b"\n"
        self.assertEqual(self.text(self.pb(A + A), "--pretty"), pretty * 2)

    def test_unknown_members_are_kept_dropped_or_rejected_in_both_directions(self):
        pb = self.pb(UNKNOWN)
        self.assertEqual(self.text(pb), UNKNOWN + b"\n")
        self.assertEqual(self.pb(UNKNOWN, "--unknown=keep"), pb)
        self.assertEqual(self.pb(UNKNOWN, "--unknown=drop"), self.pb(A))
        line = r".*:1:\d+: record 1: /zzz: .*"
        self.bad(1, line, "session2pb", "--unknown=reject", stdin=UNKNOWN)
        self.assertEqual(self.text(pb, "--unknown=drop"), A + b"\n")
        self.bad(1, ".*: record 1: .*", "pb2session", "--unknown=reject", stdin=pb)

    def test_lenient_takes_missing_members_and_keeps_wrong_types(self):
        for text in (NO_ID, BAD_COUNT):
            self.bad(1, ".*: record 1: .*", "session2pb", stdin=text)
            back = self.text(self.pb(text, "--lenient"), "--lenient")
            self.assertEqual(json.loads(back), json.loads(text))
        self.bad(1, ".*: record 1: .*", "pb2session", stdin=self.pb(NO_ID, "--lenient"))

    def test_examples_pass_through_both_tools(self):
        self.assertTrue(example_files())
        pb = self.good("session2pb", *example_files())
        back = self.text(pb)
        self.assertEqual(self.pb(back), pb)
        ids = [json.loads(line)["id"] for line in example_lines()]
        self.assertEqual([json.loads(line)["id"] for line in back.splitlines()], ids)


class Inputs(ToolTest):
    def test_files_are_converted_in_order_and_dash_is_standard_input(self):
        one, three = self.file("one", A), self.file("three", C)
        out = self.good("session2pb", one, "-", three, stdin=B)
        self.assertEqual(self.text(out), NDJSON)
        parts = [self.file(name, self.pb(x)) for name, x in (("1", A), ("3", C))]
        self.assertEqual(self.good("pb2session", parts[0], "-", parts[1], stdin=self.pb(B)), NDJSON)

    def test_options_may_follow_files_and_two_dashes_end_them(self):
        self.file("-o", A)
        self.assertEqual(self.good("session2pb", "--", "-o", cwd=self.folder), self.pb(A))
        message = self.good("session2pb", "./-o", "--framing=raw", cwd=self.folder)
        self.assertEqual(frame(message), self.pb(A))

    def test_an_empty_input_has_no_records(self):
        for tool in ("session2pb", "pb2session"):
            self.assertEqual(self.good(tool), b"")
            self.assertEqual(self.good(tool, "/dev/null", self.file("empty", b"")), b"")
        self.assertEqual(self.pb(b" \n\t\r\n"), b"")

    def test_an_input_that_cannot_be_opened(self):
        for tool in ("session2pb", "pb2session"):
            self.bad(3, "cannot open 'no/such': No such file or directory", tool, "no/such")

    def test_all_inputs_are_looked_for_before_one_is_read(self):
        out = self.bad(3, "cannot open .*", "session2pb", self.file("one", A), "no/such")
        self.assertEqual(out, b"")

    def test_an_input_does_not_grow_by_what_is_made_of_it(self):
        for tool, content in (("session2pb", NDJSON), ("pb2session", self.pb(NDJSON))):
            file = self.file("grows", content)
            for arguments in ((file,), ("-",)):
                with file.open("rb") as stdin, file.open("ab") as out:
                    line = ".* is read and written"
                    self.bad(2, line, tool, *arguments, stdin=stdin, stdout=out)
                self.assertEqual(file.read_bytes(), content)

    def test_an_input_that_may_not_be_read(self):
        secret = self.file("secret", A)
        secret.chmod(0)
        self.folder.chmod(0o755)
        for tool in ("session2pb", "pb2session"):
            self.bad(3, f"cannot open '{secret}': Permission denied", tool, secret, **NOBODY)

    def test_a_directory_as_input(self):
        for tool in ("session2pb", "pb2session"):
            self.bad(3, f"cannot read '{self.folder}': Is a directory", tool, self.folder)

    def test_closed_standard_input_and_output(self):
        line = rf"cannot read '{re.escape(STDIN)}': Bad file descriptor"
        self.bad(3, line, "session2pb", stdin=None, preexec_fn=lambda: os.close(0))
        line = rf"cannot write '{re.escape(STDOUT)}': Bad file descriptor"
        self.bad(3, line, "session2pb", self.file("one", A), preexec_fn=lambda: os.close(1))

    def test_messages_never_end_up_in_a_file(self):
        for closed in (0, 1, 2):
            out = self.folder / f"out{closed}"
            run("session2pb", "-o", out, self.file("one", A), preexec_fn=lambda: os.close(closed))
            self.assertEqual(out.read_bytes(), self.pb(A))


class OutputFiles(ToolTest):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out"

    def test_output_file_has_what_standard_output_would_have(self):
        for name in ("-o", "--output"):
            self.assertEqual(self.good("session2pb", "--force", name, self.out, stdin=NDJSON), b"")
            self.assertEqual(self.out.read_bytes(), self.pb(NDJSON))
            self.assertEqual(self.files(), ["out"])
        text = self.folder / "text"
        self.good("pb2session", f"--output={text}", self.out)
        self.assertEqual(text.read_bytes(), NDJSON)

    def test_an_existing_file_is_overwritten_by_force_only(self):
        self.file("out", b"old")
        for tool, stdin in (("session2pb", A), ("pb2session", self.pb(A))):
            line = re.escape(f"'{self.out}' exists; --force overwrites it")
            self.assertEqual(self.bad(3, line, tool, "-o", self.out, stdin=stdin), b"")
            self.assertEqual((self.files(), self.out.read_bytes()), (["out"], b"old"))
        self.good("session2pb", "-o", self.out, "--force", stdin=A)
        self.assertEqual(self.out.read_bytes(), self.pb(A))

    def test_a_file_that_appears_meanwhile_is_not_overwritten(self):
        with start("session2pb", "-o", self.out) as child:
            child.stdin.write(A)
            wait_until(self.files, "the temporary file")
            self.file("out", b"another's")
            child.stdin.close()
            self.assertEqual(child.wait(DEADLINE_S), 3)
            self.assertIn(b"exists", child.stderr.read())
        self.assertEqual((self.files(), self.out.read_bytes()), (["out"], b"another's"))

    def test_dash_as_output_is_standard_output(self):
        self.assertEqual(self.pb(A, "-o", "-"), self.pb(A))

    def test_a_new_file_has_the_mode_that_the_umask_leaves(self):
        self.good("session2pb", "-o", self.out, stdin=A, umask=0o027)
        self.assertEqual(stat.S_IMODE(self.out.stat().st_mode), 0o640)

    def test_a_replaced_file_keeps_its_mode(self):
        self.file("out", b"old").chmod(0o622)
        self.good("session2pb", "--force", "-o", self.out, stdin=A, umask=0o077)
        self.assertEqual(self.out.read_bytes(), self.pb(A))
        self.assertEqual(stat.S_IMODE(self.out.stat().st_mode), 0o622)

    def test_a_failed_run_leaves_nothing_under_the_name(self):
        bad_pb = self.pb(A) + b"\xff"
        for tool, stdin in (("session2pb", A + BAD_COUNT), ("pb2session", bad_pb)):
            self.bad(1, ".*: record 2: .*", tool, "-o", self.out, stdin=stdin)
            self.assertEqual(self.files(), [])

    def test_a_failed_run_leaves_an_existing_file_as_it_was(self):
        self.file("out", b"old")
        before = self.out.stat()[:7]  # all but the times
        self.bad(1, ".*: record 2: .*", "session2pb", "--force", "-o", self.out, stdin=A + BAD_COUNT)
        self.bad(3, "cannot open .*", "session2pb", "--force", "-o", self.out, "no/such")
        self.assertEqual(self.files(), ["out"])
        self.assertEqual(self.out.read_bytes(), b"old")
        self.assertEqual(self.out.stat()[:7], before)

    def test_an_input_may_be_its_own_output(self):
        self.file("out", NDJSON * 5000)
        self.good("session2pb", "--force", "-o", self.out, self.out)
        self.assertTrue(self.out.read_bytes() == self.pb(NDJSON) * 5000)  # no diff of megabytes
        self.good("pb2session", "--force", "-o", self.out, self.out)
        self.assertTrue(self.out.read_bytes() == NDJSON * 5000)
        self.assertEqual(self.files(), ["out"])

    def test_a_link_is_followed(self):
        target = self.file("target", b"old")
        self.out.symlink_to("target")
        self.good("session2pb", "--force", "-o", self.out, stdin=A)
        self.assertTrue(self.out.is_symlink())
        self.assertEqual(target.read_bytes(), self.pb(A))

    def test_a_name_may_be_as_long_as_names_can_be(self):
        name = "n" * 255
        self.good("session2pb", "-o", name, stdin=A, cwd=self.folder)
        self.assertEqual(self.files(), [name])

    def test_what_is_no_regular_file_is_written_as_it_is(self):
        os.mkfifo(self.out)
        reader = os.open(self.out, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.good("session2pb", "-o", self.out, stdin=A)
        self.assertTrue(self.out.is_fifo())
        self.assertEqual(os.read(reader, 1000), self.pb(A))

    def test_an_output_that_cannot_be_made(self):
        nowhere = self.folder / "no" / "out"
        line = f"cannot open '{nowhere}': No such file or directory"
        self.bad(3, line, "session2pb", "-o", nowhere, stdin=A)
        line = f"cannot open '{self.folder}': Is a directory"
        self.bad(3, line, "session2pb", "-o", self.folder, stdin=A)

    def test_a_write_protected_file_is_not_replaced(self):
        self.file("out", b"old").chmod(0o444)
        self.folder.chmod(0o777)
        line = f"cannot open '{self.out}': Permission denied"
        self.bad(3, line, "session2pb", "--force", "-o", self.out, stdin=A, **NOBODY)
        self.assertEqual((self.files(), self.out.read_bytes()), (["out"], b"old"))

    def test_a_file_that_may_not_grow_further_is_removed(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        line = f"cannot write '{self.out}': File too large"
        self.bad(3, line, "session2pb", "-o", self.out, stdin=NDJSON * 1000, preexec_fn=limit)
        self.assertEqual(self.files(), [])

    def test_check_writes_nothing_and_judges_everything(self):
        self.assertEqual(self.pb(NDJSON, "--check", "-o", self.out), b"")
        self.assertEqual(self.pb(NDJSON, "--check"), b"")
        self.assertEqual(self.text(self.pb(NDJSON), "--check", "-o", self.out), b"")
        self.assertEqual(self.files(), [])
        bad_pb = self.pb(A) + b"\xff"
        for tool, stdin in (("session2pb", A + BAD_COUNT), ("pb2session", bad_pb)):
            self.assertEqual(self.bad(1, ".*: record 2: .*", tool, "--check", stdin=stdin), b"")

    def interrupt(self, number, tool, first, **popen):
        """Signal a tool that has begun to write; its exit status."""
        with start(tool, "-o", self.out, **popen) as child:
            child.stdin.write(first)
            wait_until(lambda: any(f.stat().st_size for f in self.folder.iterdir()), "output")
            self.assertFalse(self.out.exists())
            child.send_signal(number)
            time.sleep(0.05)
            child.stdin.close()
            return child.wait(DEADLINE_S)

    def test_a_signal_leaves_no_file(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for tool, first in (("session2pb", A), ("pb2session", self.pb(A))):
                self.assertEqual(self.interrupt(number, tool, first), -number)
                self.assertEqual(self.files(), [])

    def test_an_ignored_signal_stays_ignored(self):
        ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.assertEqual(self.interrupt(signal.SIGHUP, "session2pb", A, preexec_fn=ignore), 0)
        self.assertEqual(self.files(), ["out"])


class Errors(ToolTest):
    def test_a_json_error_has_file_line_column_record_pointer_and_reason(self):
        bad = self.file("bad.json", A + b"\n" + BAD_COUNT + b"\n" + C)
        column = BAD_COUNT.index(b'"many"') + 1
        line = rf"{bad}:2:{column}: record 2: /eventCount: [^:]+[^.]"
        self.assertEqual(self.bad(1, line, "session2pb", bad), self.pb(A))

    def test_a_json_error_without_a_pointer(self):
        line = r"\(standard input\):2:1: record 2: [^/:][^:]*[^.]"
        self.assertEqual(self.bad(1, line, "session2pb", stdin=A + b"\n]"), self.pb(A))

    def test_a_wire_error_has_file_record_byte_path_and_reason(self):
        whole = self.pb(A)
        at = whole.index(b"web_event")
        bad = self.file("bad.pb", whole + whole.replace(b"web_event", b"web\xffevent"))
        line = rf"{bad}: record 2: byte (\d+): last_event\.event_name: [^:]+[^.]"
        done = run("pb2session", bad)
        self.assertRegex(done.stderr.decode(), rf"\Apb2session: {line}\n\Z")
        offset = int(re.search(r"byte (\d+)", done.stderr.decode())[1])
        self.assertIn(offset - len(whole) - at, range(-2, 4))  # the field, or the byte in it
        self.assertEqual((done.returncode, done.stdout), (1, A + b"\n"))

    def test_a_wire_error_without_a_path(self):
        line = r"\(standard input\): record 1: byte 1: [^:]+[^.]"
        self.bad(1, line, "pb2session", stdin=frame(b"\x00\x00"))

    def test_records_are_counted_from_one_in_each_input(self):
        bad = self.file("bad", B + BAD_COUNT)
        self.bad(1, rf"{bad}:1:\d+: record 2: .*", "session2pb", self.file("good", NDJSON), bad)
        good = self.file("good.pb", self.pb(NDJSON))
        bad.write_bytes(self.pb(NDJSON) + frame(b"\x00\x00"))
        at = len(self.pb(NDJSON)) + 1
        self.bad(1, rf"{bad}: record 4: byte {at}: .*", "pb2session", good, bad)

    def test_a_length_above_the_limit_is_refused(self):
        for length in (64 * 2**20 + 1, 2**31, 2**63):
            self.bad(1, ".*: record 1: byte 0: .*", "pb2session", stdin=varint(length) + b"abc")

    def test_what_is_no_length_is_refused(self):
        self.bad(1, ".*: record 1: byte .*", "pb2session", stdin=b"\xff" * 11)

    def test_json_cut_short_at_every_byte(self):
        for length in range(1, len(A)):
            line = rf"\(standard input\):2:{length + 1}: record 2: .+"
            out = self.bad(1, line, "session2pb", stdin=B + b"\n" + A[:length])
            self.assertEqual(out, self.pb(B))

    def test_protobuf_cut_short_at_every_byte(self):
        first, second = self.pb(A), self.pb(B)
        for length in range(1, len(second)):
            line = r".*: record 2: byte \d+: .+"
            out = self.bad(1, line, "pb2session", stdin=first + second[:length])
            self.assertEqual(out, A + b"\n")

    def test_a_raw_message_cut_short(self):
        message = self.pb(A, "--framing=raw")
        for length in range(len(message)):
            line = r".*: record 1: byte \d+: .+"
            out = self.bad(1, line, "pb2session", "--framing=raw", stdin=message[:length])
            self.assertEqual(out, b"")


class Usage(ToolTest):
    def test_help_fits_a_screen_and_lists_options_and_exit_statuses(self):
        own = {"session2pb": "--force", "pb2session": "--pretty"}
        for tool, option in own.items():
            for flag in ("--help-network", "-h", "--help"):
                lines = self.good(tool, flag).decode().splitlines()
                self.assertLessEqual(len(lines), 50)
                self.assertLessEqual(max(map(len, lines)), 80)
            text = "\n".join(lines)
            for words in ("-o, --output=FILE", "--framing=delimited|list|be32|raw", option):
                self.assertIn(words, text)
            self.assertRegex(text, r"Exit status:\n  0  .*\n  1  .*\n  2  .*\n  3  .*\Z")

    def test_version(self):
        for tool in ("session2pb", "pb2session"):
            for flag in ("-V", "--version"):
                line = self.good(tool, flag).decode()
                self.assertRegex(line, rf"\A{tool} \(sessionpb\) \d+\.\d+\.\d+\n(with .+\n)?\Z")

    def test_wrong_usage(self):
        cases = {
            ("--bogus",): "unknown option '--bogus'",
            ("-x",): "unknown option '-x'",
            ("--skip=x",): "'x' is no value of '--skip': it takes a number",
            ("--limit", "-1"): "'-1' is no value of '--limit': it takes a number",
            ("--rejects=r", "--on-error=stop"): "'--rejects' and '--on-error=stop' contradict"
            " each other",
            ("--framing=le32",): "'le32' is no value of '--framing': it takes delimited|list|be32|raw",
            ("--unknown", "x"): "'x' is no value of '--unknown': it takes keep|drop|reject",
            ("-o",): "option '--output' needs a value",
            ("--output=",): "option '--output' needs a value",
            ("--lenient=yes",): "option '--lenient' takes no value",
        }
        for tool in ("session2pb", "pb2session"):
            for arguments, line in cases.items():
                lines = re.escape(line) + f"\nTry '{tool} --help' for more."
                self.assertEqual(self.bad(2, lines, tool, *arguments, stdin=A), b"")

    def test_options_that_contradict_each_other(self):
        cases = {
            "session2pb": ("--zstd --framing=raw", "--zstd --framing=list", "--zstd --framing=be32"),
            "pb2session": ("--list --check", "--list --array", "--salvage --check", "--list --id=a"),
        }
        for tool, contradictions in cases.items():
            for words in contradictions:
                one, other = words.split()
                one, other = one.split("=")[0], other.removesuffix("=a")
                line = re.escape(f"'{one}' and '{other}' contradict each other")
                self.bad(2, f"{line}\nTry .*", tool, *words.split(), stdin=A)
        self.bad(2, "'--frame-size' needs '--zstd'\nTry .*", "session2pb", "--frame-size=4096", stdin=A)
        for value in ("0", "23", "x"):
            line = f"'{value}' is no value of '--zstd': it takes 1 to 22\nTry .*"
            self.bad(2, line, "session2pb", f"--zstd={value}", stdin=A)

    def on_terminal(self, tool, *arguments, stdin):
        """What a tool writes to a terminal, and how it ends."""
        leader, terminal = pty.openpty()
        self.addCleanup(os.close, leader)
        done = run(tool, *arguments, stdin=stdin, stdout=terminal)
        os.close(terminal)
        os.set_blocking(leader, False)
        try:
            return done, os.read(leader, 100000)
        except OSError:  # EIO: nothing was written
            return done, b""

    def test_binary_is_not_written_to_a_terminal_without_force(self):
        done, shown = self.on_terminal("session2pb", stdin=A)
        self.assertEqual((done.returncode, shown), (2, b""))
        self.assertRegex(done.stderr, rb"\Asession2pb: .*--force\n\Z")
        done, shown = self.on_terminal("session2pb", "--force", stdin=A)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"web_event", shown)

    def test_text_and_checks_do_not_mind_a_terminal(self):
        done, shown = self.on_terminal("pb2session", stdin=self.pb(A))
        self.assertEqual((done.returncode, shown), (0, A + b"\r\n"))
        done, shown = self.on_terminal("session2pb", "--check", stdin=A)
        self.assertEqual((done.returncode, shown), (0, b""))


class Streams(ToolTest):
    def test_single_bytes_through_a_pipe_give_the_same_as_the_whole(self):
        pb = self.pb(NDJSON)
        for tool, stdin, expected in (("session2pb", NDJSON, pb), ("pb2session", pb, NDJSON)):
            with start(tool) as child:
                for byte in stdin:
                    child.stdin.write(bytes([byte]))
                child.stdin.close()
                self.assertEqual(child.stdout.read(), expected)
                self.assertEqual((child.stderr.read(), child.wait()), (b"", 0))

    def test_a_live_pipe_gives_each_session_at_once(self):
        with start("session2pb") as first, start("pb2session", stdin=first.stdout) as second:
            for document in (A, B, C):
                first.stdin.write(document + b"\n")
                self.assertEqual(second.stdout.read(len(document) + 1), document + b"\n")
            first.stdin.close()
            self.assertEqual((first.wait(DEADLINE_S), second.wait(DEADLINE_S)), (0, 0))

    def test_a_reader_that_goes_away_ends_the_tool_quietly(self):
        text = self.file("many.json", NDJSON * 20000)
        self.good("session2pb", "-o", self.folder / "many.pb", text)
        for tool, file in (("session2pb", text), ("pb2session", self.folder / "many.pb")):
            with start(tool, file) as child:
                child.stdout.read(1)
                child.stdout.close()
                self.assertEqual((child.wait(DEADLINE_S), child.stderr.read()), (0, b""))
        reader, writer = os.pipe()
        os.close(reader)
        self.good("session2pb", "--help", stdout=writer)
        os.close(writer)

    @unittest.skipUnless(pathlib.Path("/dev/full").is_char_device(), "no /dev/full")
    def test_a_full_disk_is_reported_once(self):
        line = f"cannot write '{re.escape(STDOUT)}': No space left on device"
        with open("/dev/full", "wb") as full:  # never -o: a broken tool would replace the device
            self.bad(3, line, "session2pb", stdin=A, stdout=full)
            self.bad(3, line, "session2pb", stdin=NDJSON * 5000, stdout=full)
            self.bad(3, line, "pb2session", stdin=self.pb(A), stdout=full)
            self.bad(3, line, "session2pb", "--help", stdout=full)

    def test_a_non_blocking_input_is_waited_for(self):
        reader, writer = os.pipe2(os.O_NONBLOCK)
        with start("pb2session", stdin=reader) as child:
            os.close(reader)
            time.sleep(0.05)
            os.write(writer, self.pb(A))
            self.assertEqual(child.stdout.read(len(A) + 1), A + b"\n")
            os.close(writer)
            self.assertEqual(child.wait(DEADLINE_S), 0)

    def test_a_non_blocking_output_is_waited_for(self):
        reader, writer = os.pipe2(os.O_NONBLOCK)
        os.set_blocking(reader, True)
        text = self.file("many.json", NDJSON * 5000)
        with start("session2pb", text, stdout=writer) as child, open(reader, "rb") as out:
            os.close(writer)
            time.sleep(0.05)
            self.assertTrue(out.read() == self.pb(NDJSON) * 5000)
            self.assertEqual(child.wait(DEADLINE_S), 0)

    def test_memory_does_not_grow_with_the_input(self):
        lines = b"".join(example_lines())
        text, pb = self.folder / "long.json", self.folder / "long.pb"
        with text.open("wb") as out:
            for _ in range(2 * MEMORY_MAX // len(lines) + 1):
                out.write(lines)
        self.good("session2pb", "-o", pb, text)
        for tool, file in (("session2pb", text), ("pb2session", pb)):
            self.assertGreater(file.stat().st_size, MEMORY_MAX)
            peak, status = peak_memory(tool, file)
            self.assertEqual(status, 0)
            self.assertLess(peak, MEMORY_MAX)

    def test_a_declared_length_takes_no_memory(self):
        with start("pb2session") as child:
            child.stdin.write(self.pb(A) + varint(MEMORY_MAX) + b"abc")
            self.assertEqual(child.stdout.read(len(A) + 1), A + b"\n")
            time.sleep(0.05)  # it has looked at the length and waits for the rest
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            child.stdin.close()
            self.assertEqual(child.wait(DEADLINE_S), 1)
        peak = int(re.search(r"VmPeak:\s*(\d+) kB", status)[1]) * 1024
        if not has_own_memory("pb2session", peak):
            self.skipTest("a sanitizer or an emulator reserves addresses")
        self.assertLess(peak, MEMORY_MAX)


if __name__ == "__main__":
    main(__doc__)
