"""What pb2session --connect makes of a stream that another program serves.

    connecting_test.py TOOLS EXAMPLES [unittest's arguments]
"""

import signal
import socket
import subprocess
import threading

from exchange import DEMAND, ExchangeTest, Peer, lines
from toolcase import A, B, C, NDJSON, frame, main, run

BAD = frame(b"\0\0")
MANY = 5000


class ConnectingTest(ExchangeTest):
    def fetch(self, *arguments, endpoint=None, **popen):
        """The tool, and the peer that serves it."""
        listening = self.receive(endpoint)
        at = endpoint or self.unix
        if at.startswith("tcp:"):
            at = "tcp:127.0.0.1:%d" % listening.getsockname()[1]
        tool = self.tool("pb2session", f"--connect={at}", "-o", self.out, *arguments, **popen)
        peer = self.accept(listening)
        listening.close()
        (self.folder / "socket").unlink(missing_ok=True)
        return tool, peer

    def serve(self, stream, *arguments, **keywords):
        """A run with the whole stream, which is ended."""
        tool, peer = self.fetch(*arguments, **keywords)
        pushing = threading.Thread(target=lambda: (peer.push(stream), peer.close()))
        pushing.start()
        tool.wait()
        pushing.join()
        return tool

    def ended(self, tool, status, pattern):
        self.assertEqual(tool.wait(), status, tool.said)
        self.assertRegex(tool.said.decode(), rf"\A{pattern}\Z")


class Streams(ConnectingTest):
    def test_a_whole_stream_is_written(self):
        text = b"".join(lines("s", MANY))
        for endpoint in (self.unix, self.tcp):
            self.ended(self.serve(self.pb(text), endpoint=endpoint), 0, "")
            self.assertEqual(self.written(), text)
            self.out.unlink()

    def test_a_connection_that_is_passed_is_read(self):
        ours, theirs = socket.socketpair()
        number = theirs.fileno()
        with theirs, Peer(ours) as peer:
            tool = self.tool("pb2session", f"--connect=fd:{number}", "-o", self.out,
                             pass_fds=[number])
            theirs.close()
            peer.send(self.pb(NDJSON))
            peer.finish()
            self.ended(tool, 0, "")
        self.assertEqual(self.written(), NDJSON)

    def test_every_framing(self):
        for framing in ("delimited", "list", "be32"):
            stream = self.pb(NDJSON, f"--framing={framing}")
            self.ended(self.serve(stream, f"--framing={framing}"), 0, "")
            self.assertEqual(self.written(), NDJSON)
            self.out.unlink()

    def test_a_stream_in_pieces_of_one_byte(self):
        tool, peer = self.fetch()
        peer.send_in_bytes(self.pb(NDJSON))
        peer.close()
        self.ended(tool, 0, "")
        self.assertEqual(self.written(), NDJSON)

    def test_an_empty_stream_is_no_session(self):
        self.ended(self.serve(b""), 0, "")
        self.assertEqual(self.written(), b"")

    def test_each_session_is_written_while_the_stream_goes_on(self):
        tool, peer = self.fetch()
        for n in range(1, 4):
            peer.send(self.pb(A))
            self.wait_for_output((A + b"\n") * n)
        peer.close()
        self.ended(tool, 0, "")

    def test_a_demand_for_a_receipt_is_no_session_and_not_answered(self):
        tool, peer = self.fetch()
        peer.send(DEMAND + self.pb(A) + DEMAND + self.pb(B) + DEMAND)
        peer.finish()
        self.assertEqual(peer.messages(), [])
        self.ended(tool, 0, "")
        self.assertEqual(self.written(), A + b"\n" + B + b"\n")


class Faults(ConnectingTest):
    def test_a_stream_that_is_cut_in_a_message_is_told(self):
        for cut in (1, 2, 30, len(self.pb(C)) - 1):
            tool = self.serve(self.pb(A + b"\n" + B) + self.pb(C)[:cut])
            self.ended(tool, 1, f"pb2session: {self.unix}: record 3: byte .*\n")
            self.assertEqual(self.written(), A + b"\n" + B + b"\n")
            self.out.unlink(missing_ok=True)

    def test_a_connection_that_is_reset_loses_nothing_that_was_whole(self):
        tool, peer = self.fetch(endpoint=self.tcp)
        peer.send(self.pb(NDJSON))
        self.wait_for_output(NDJSON)
        peer.reset()
        self.ended(tool, 3, "pb2session: tcp:.*: .*reset.*\n")
        self.assertEqual(self.written(), NDJSON)

    def test_rubbish_is_refused_with_its_place(self):
        for stream in (b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n" * 9, b"\0" * 3 + b"\xff" * 11):
            tool = self.serve(stream)
            self.ended(tool, 1, f"pb2session: {self.unix}: record 1: byte \\d+: .+\n")
            self.assertEqual(self.written(), b"")

    def test_a_bad_session_ends_the_run(self):
        tool = self.serve(self.pb(A) + BAD + self.pb(B))
        place = len(self.pb(A)) + 1
        self.ended(tool, 1, f"pb2session: {self.unix}: record 2: byte {place}: .+\n")
        self.assertEqual(self.written(), A + b"\n")

    def test_bad_sessions_are_passed_over_where_they_are_skipped(self):
        stream = BAD + self.pb(A) + BAD + self.pb(B) + self.pb(C)
        told = "".join(f"pb2session: {self.unix}: record {n}: byte \\d+: .+\n" for n in (1, 3))
        told += "pb2session: 2 of 5 records rejected\n"
        self.ended(self.serve(stream, "--on-error=skip"), 1, told)
        self.assertEqual(self.written(), NDJSON)
        self.ended(self.serve(stream, "--on-error=skip", "-q"), 1, "")
        self.assertEqual(self.written(), NDJSON * 2)

    def test_a_message_above_the_limit_is_refused(self):
        tool = self.serve(self.pb(A) * 2, "--message-max=10")
        self.ended(tool, 1, f"pb2session: {self.unix}: record 1: byte 0: .+\n")

    def test_who_cannot_be_reached_is_told_and_no_file_is_made(self):
        listening = self.receive(self.tcp)
        port = listening.getsockname()[1]
        listening.close()
        for endpoint in (self.unix, f"tcp:127.0.0.1:{port}", "tcp:no-such.invalid:1"):
            self.bad(3, f"cannot .*{endpoint}.*", "pb2session", f"--connect={endpoint}", "-o",
                     self.out)
            self.assertEqual(self.files(), [])


class Ends(ConnectingTest):
    def test_the_limit_ends_it(self):
        for limit in (1, 2, 3):
            self.ended(self.serve(self.pb(NDJSON), f"--limit={limit}"), 0, "")
            self.assertEqual(self.written().count(b"\n"), limit)
            self.out.unlink()

    def test_a_signal_ends_it_with_what_was_whole(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            tool, peer = self.fetch()
            peer.send(self.pb(NDJSON) + self.pb(A)[:20])
            self.wait_for_output(NDJSON)
            self.assertEqual((tool.stop(number), tool.said), (0, b""))
            self.assertEqual(self.written(), NDJSON)
            self.out.unlink()

    def test_statistics_are_told_when_asked_and_at_the_end(self):
        tool, peer = self.fetch("--stats")
        peer.send(self.pb(NDJSON))
        self.wait_for_output(NDJSON)
        tool.process.send_signal(signal.SIGUSR1)
        tool.says(rb"pb2session: 3 records, 0 rejected, .*\n")
        peer.close()
        self.ended(tool, 0, r"(?:pb2session: 3 records, 0 rejected, .*\n){2}")

    def test_it_ends_when_nothing_has_come_for_long(self):
        tool, peer = self.fetch("--idle-exit=1")
        peer.send(self.pb(NDJSON))
        self.ended(tool, 0, "")
        self.assertEqual(self.written(), NDJSON)


class Output(ConnectingTest):
    def test_a_file_is_appended_to_and_its_torn_line_cut_off(self):
        self.out.write_bytes(A + b"\n" + C[:20])
        self.ended(self.serve(self.pb(B)), 0, r"pb2session: .*torn line; its 20 bytes were cut off\n")
        self.assertEqual(self.written(), A + b"\n" + B + b"\n")

    def test_an_archive_is_appended_to(self):
        for _ in range(2):
            self.ended(self.serve(self.pb(NDJSON), "--zstd"), 0, "")
        self.assertEqual(self.good("pb2session", self.out), NDJSON * 2)
        self.good("pb2session", "--check", self.out)

    def test_an_archive_has_what_was_whole_before_a_cut(self):
        tool = self.serve(self.pb(A) + self.pb(B)[:10], "--zstd")
        self.ended(tool, 1, f"pb2session: {self.unix}: record 2: byte .*\n")
        self.assertEqual(self.good("pb2session", self.out), A + b"\n")

    def test_standard_output_is_written(self):
        listening = self.receive()
        tool = self.tool("pb2session", f"--connect={self.unix}", stdout=subprocess.PIPE)
        with self.accept(listening) as peer:
            peer.send(self.pb(NDJSON))
        self.assertEqual(tool.process.stdout.read(), NDJSON)
        self.ended(tool, 0, "")


class Usage(ConnectingTest):
    def test_options_that_mean_nothing_here(self):
        for words in ("--pretty", "--array", "--id=x", "--list", "--check", "--salvage", "--skip=1",
                      "--rejects=r", "FILE", "--framing=raw", "--listen=unix:x",
                      "--max-connections=1", "--idle-timeout=1", "--frame-timeout=1",
                      "--allow-uid=1", "--allow-gid=1", "--insecure-remote", "--credentials=x",
                      "-X a=b", "--tls-ca=x"):
            done = run("pb2session", f"--connect={self.unix}", *words.split(), cwd=self.folder)
            self.assertEqual(done.returncode, 2, words)
            self.assertRegex(done.stderr, rb"\Apb2session: .+\n", words)
            self.assertEqual(self.files(), [], words)

    def test_endpoints_that_are_none(self):
        for endpoint in ("x", "systemd:", "unix:", "tcp:", "tcp:127.0.0.1", "fd:x", "udp:a:1"):
            self.bad(2, ".+", "pb2session", f"--connect={endpoint}", "-o", self.out)
            self.assertEqual(self.files(), [], endpoint)


if __name__ == "__main__":
    main(__doc__)
