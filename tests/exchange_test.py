"""What session2pb --connect and pb2session --listen promise, one test for each promise.

    exchange_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools, EXAMPLES has sessions.ndjson.
"""

import array
import fcntl
import os
import re
import shutil
import socket
import subprocess
import termios
import time
import unittest

import million_test
import toolcase
from exchange import DEMAND, ExchangeTest, Receipt, address, by_sender, filled, lines, report
from toolcase import (
    A,
    B,
    BAD_COUNT,
    C,
    MEMORY_MAX,
    NDJSON,
    NO_ID,
    frame,
    main,
    wait_until,
)

MANY = 20000
FRAMINGS = ("delimited", "list", "be32")


class Sessions(ExchangeTest):
    """They arrive, whole and in order."""

    def test_a_slow_input_arrives_at_once(self):
        listener = self.listen()
        sender = self.sender(self.unix, stdin=subprocess.PIPE)
        for text, expected in ((A + b"\n", 1), (B + b"\n" + C[:20], 2), (C[20:] + b"\n", 3)):
            sender.process.stdin.write(text)
            self.wait_for_output(b"".join(NDJSON.splitlines(keepends=True)[:expected]))
        sender.process.stdin.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))
        self.stop_well(listener)

    def test_many_senders_at_once_arrive_whole_each_in_order(self):
        listener = self.listen()
        texts = {f"s{n}": lines(f"s{n}", 500) for n in range(8)}
        senders = [self.sender(self.unix, self.file(name, b"".join(texts[name]))) for name in texts]
        self.assertEqual([(sender.wait(), sender.said) for sender in senders], [(0, b"")] * 8)
        self.stop_well(listener)
        self.assertEqual(by_sender(self.written()), texts)

    def test_senders_take_turns(self):
        listener = self.listen()
        first, second = self.connect(listener), self.connect(listener)
        for n in range(20):
            for name, peer in (("a", first), ("b", second)):
                peer.send(self.pb(b"".join(lines(name, 1, n))))
                self.assertEqual(peer.ask(), Receipt(n + 1))
        expected = [line for n in range(20) for name in "ab" for line in lines(name, 1, n)]
        self.assertEqual(self.written(), b"".join(expected))

    def test_20000_sessions_from_16_senders(self):
        crowd = million_test.Crowd(self.folder, toolcase.EXAMPLES, MANY)
        for endpoint in (self.unix, self.tcp):
            peak, addresses = million_test.exchange(crowd, self.out, endpoint)
            if addresses < toolcase.ADDRESSES_MAX:
                self.assertLess(peak, MEMORY_MAX)
            self.out.unlink()

    def test_every_framing(self):
        for framing in FRAMINGS:
            with self.subTest(framing):
                listener = self.listen(f"--framing={framing}")
                self.send_well(self.unix, NDJSON, f"--framing={framing}", "--receipt-every=1")
                self.stop_well(listener)
                self.assertEqual(self.written(), NDJSON)
                self.out.unlink()

    def test_any_shape_and_several_files_are_sent(self):
        listener = self.listen()
        array_of = self.file("array", b"[%s,%s]" % (A, B))
        self.send_well(self.unix, C, array_of, "-")
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)

    def test_unknown_members_and_lenience_are_as_ever(self):
        self.listen("--unknown=drop", "--lenient")
        self.send_well(self.unix, toolcase.UNKNOWN + NO_ID, "--lenient")
        self.assertEqual(self.written(), A + b"\n" + NO_ID + b"\n")


class Stream(ExchangeTest):
    """What is on the wire."""

    def test_a_sender_sends_the_plain_delimited_stream(self):
        sender, peer = self.scripted(NDJSON)
        self.assertEqual(peer.input.read(), self.pb(NDJSON))
        peer.send(Receipt(3).frame())
        peer.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_a_sender_asks_for_receipts_behind_every_so_many_sessions(self):
        sender, peer = self.scripted(NDJSON + A, "--receipt-every=2")
        a, b, c, d = self.messages(NDJSON + A)
        got = []
        while len(got) < 6:
            got.append(peer.message())
            if not got[-1]:
                peer.send(Receipt(len(list(filter(None, got)))).frame())
        self.assertEqual(got, [a, b, b"", c, d, b""])
        self.assertEqual(peer.messages(), [])
        peer.send(Receipt(4).frame())
        peer.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_a_sender_that_knows_nothing_of_receipts(self):
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            family, where = address(listener.endpoint)
            with socket.socket(family) as plain:
                plain.connect(where)
                plain.sendall(self.pb(NDJSON))
            self.wait_for_output(NDJSON)
            self.stop_well(listener)
            self.out.unlink()

    def test_a_receiver_that_knows_nothing_of_receipts(self):
        for silent in (False, True):
            sender, peer = self.scripted(NDJSON, "--no-receipt", "--timeout=1")
            self.assertEqual(peer.input.read(), self.pb(NDJSON))
            if not silent:
                peer.close()
            self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_no_receipt_is_asked_for_where_none_is_expected(self):
        listener = self.listen()
        self.send_well(self.unix, NDJSON, "--no-receipt")
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)

    def test_an_empty_session_cannot_be_sent(self):
        listener = self.listen("--lenient")
        done = self.send(self.unix, A + b"{}" + B, "--lenient")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb"\Asession2pb: \(standard input\):.* record 2: ")
        self.stop_well(listener)
        self.assertEqual(self.written(), A + b"\n")


class Receipts(ExchangeTest):
    def test_a_receipt_comes_at_the_end(self):
        listener = self.listen()
        for text, expected in ((b"", 0), (A, 1), (NDJSON, 3)):
            peer = self.connect(listener)
            peer.send(self.pb(text))
            peer.finish()
            self.assertEqual(peer.receipts(), [Receipt(expected)])

    def test_receipts_come_on_demand_and_count_all_since_the_first_session(self):
        for framing, demand in (("delimited", b"\0"), ("list", b"\x0a\0"), ("be32", bytes(4))):
            listener = self.listen(f"--framing={framing}")
            peer = self.connect(listener)
            for n in range(1, 6):
                peer.send(self.pb(A, f"--framing={framing}") + demand)
                self.assertEqual(peer.receipt(), Receipt(n))
            peer.send(demand)
            self.assertEqual(peer.receipt(), Receipt(5))
            peer.finish()
            self.assertEqual(peer.receipts(), [Receipt(5)])
            self.stop_well(listener)

    def test_several_demands_may_be_answered_by_one_receipt(self):
        peer = self.connect(self.listen())
        peer.send((self.pb(A) + DEMAND) * 100)
        peer.finish()
        receipts = peer.receipts()
        counts = [receipt.sessions for receipt in receipts]
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(receipts[-1], Receipt(100))
        self.assertLessEqual(len(receipts), 101)

    def confirmed_never_exceeds(self, written, *arguments, **popen):
        """Whenever a receipt comes, so many lines have been written. The arguments go to the
        listener."""
        self.out.unlink(missing_ok=True)
        listener = self.listen(*arguments, **popen)
        peer = self.connect(listener)
        stream = self.pb(A)
        for n in range(1, 200):
            peer.send(stream + DEMAND + stream)
            receipt = peer.receipt()
            self.assertIn(receipt.sessions, (2 * n - 1, 2 * n))
            self.assertLessEqual(receipt.sessions, written())
        peer.finish()
        self.assertEqual(peer.receipts(), [Receipt(2 * n)])
        self.assertEqual(written(), 2 * n)
        self.stop_well(listener)

    def test_only_what_is_flushed_is_confirmed(self):
        def in_file():
            return len(self.whole_lines()[0])
        for arguments in ((), ("-o", self.out), ("--fsync", "-o", self.out)):
            with self.subTest(arguments):
                self.confirmed_never_exceeds(in_file, *arguments)

    @unittest.skipUnless(hasattr(termios, "FIONREAD"), "no FIONREAD")
    def test_only_what_is_in_the_pipe_is_confirmed(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 2**20)

        def in_pipe():
            waiting = array.array("i", [0])
            fcntl.ioctl(reader, termios.FIONREAD, waiting)
            return waiting[0] // (len(A) + 1)
        self.confirmed_never_exceeds(in_pipe, stdout=writer)
        os.close(writer)

    @unittest.skipUnless(shutil.which("strace") and os.geteuid() == 0, "no strace, or not root")
    def test_fsync_syncs_before_it_confirms(self):
        for option, calls in (([], 0), (["--fsync"], 3)):
            trace = self.folder / "trace"
            listener = self.listen("-o", self.out, *option)
            strace = self.tool(shutil.which("strace"), "-f", "-p", str(listener.pid), "-o", trace,
                               "-e", "trace=fsync,fdatasync,sendto,sendmsg")
            strace.says(rb"attached")
            peer = self.connect(listener)
            for n in range(1, 4):
                peer.send(self.pb(A))
                self.assertEqual(peer.ask(), Receipt(n))
            peer.close()
            listener.stop()
            strace.wait()
            names = re.findall(r"\b(fsync|fdatasync|send)", trace.read_text())
            self.assertGreaterEqual(names.count("fdatasync"), calls)
            self.assertEqual(names[:1] == ["fdatasync"], bool(calls))

    def test_without_all_confirmed_a_sender_says_where_to_go_on(self):
        text = b"".join(lines("s", 30))
        skipped = 0
        for confirmed in (10, 0, 5):
            sender, peer = self.scripted(text, f"--skip={skipped}")
            self.assertEqual(len(peer.messages()), 30 - skipped)
            peer.send(Receipt(confirmed, 0, "the shop is closed").frame())
            peer.close()
            self.assertEqual(sender.wait(), 3)
            skipped += confirmed
            self.assertEqual(report(sender.said), (confirmed, 30 - skipped + confirmed, skipped))
            self.assertIn(self.unix.encode() + b": ", sender.said)
            self.assertIn(b"the shop is closed", sender.said)
        listener = self.listen()
        self.send_well(self.unix, text, f"--skip={skipped}")
        self.stop_well(listener)
        self.assertEqual(self.written(), b"".join(lines("s", 15, 15)))


class BadSessions(ExchangeTest):
    BAD = frame(b"\0\0")

    def test_a_bad_session_cuts_off_its_sender_and_no_other(self):
        listener = self.listen()
        good, bad = self.connect(listener), self.connect(listener)
        good.send(self.pb(A))
        self.assertEqual(good.ask(), Receipt(1))
        bad.send(self.pb(B) + self.BAD + self.pb(C))
        self.assert_cut_off(bad, 1)
        good.send(self.pb(C))
        good.finish()
        self.assertEqual(good.receipts(), [Receipt(2)])
        pattern = rb"pb2session: %s: sender 2 \(pid %d, uid %d\): (.+)\n"
        pattern %= (re.escape(self.unix.encode()), os.getpid(), os.getuid())
        self.assertEqual(len(listener.says(pattern)), 1)
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)

    def test_the_log_tells_a_sender_over_tcp_by_its_address(self):
        listener = self.listen(at=[self.tcp])
        peer = self.connect(listener)
        where = "%s:%d" % peer.socket.getsockname()
        peer.send(self.BAD)
        self.assert_cut_off(peer, 0)
        pattern = f"pb2session: {listener.endpoint}: sender 1 ({where}): "
        listener.says(re.escape(pattern.encode()) + rb".+\n")

    def test_the_place_of_what_is_bad_counts_in_the_stream(self):
        listener = self.listen()
        before = self.pb(A) + DEMAND + self.pb(B)
        for bad, offset in ((frame(b"\0\0"), 1), (frame(b"\x0a\x02\xff\xff"), 3), (b"\xff" * 11, 0)):
            peer = self.connect(listener)
            peer.send(before + bad)
            reason = peer.receipts()[-1].reason
            self.assertTrue(reason.startswith(f"record 3: byte {len(before) + offset}: "), reason)
            listener.says(re.escape(reason.encode()))

    def test_bad_sessions_are_passed_over_told_and_counted_when_skipped(self):
        listener = self.listen("--on-error=skip")
        peer = self.connect(listener)
        peer.send(self.pb(A) + self.BAD + self.pb(B))
        self.assertEqual(peer.ask(), Receipt(3, 1))
        peer.send(self.BAD + self.pb(C))
        peer.finish()
        self.assertEqual(peer.receipts(), [Receipt(5, 2)])
        listener.says(rb"(?:pb2session: .*sender 1 .*\n){2}")
        self.assertEqual(listener.stop(), 1)
        self.assertEqual(self.written(), NDJSON)

    def test_bad_framing_cuts_off_even_where_bad_sessions_are_skipped(self):
        listener = self.listen("--on-error=skip")
        peer = self.connect(listener)
        peer.send(self.pb(A) + b"\xff" * 11)
        self.assert_cut_off(peer, 1)
        self.send_well(self.unix, B)
        self.stop_well(listener)

    def test_a_sender_whose_sessions_are_refused_says_so(self):
        listener = self.listen("--on-error=skip")
        done = self.send(self.unix, A + NO_ID + B, "--lenient")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb"\Asession2pb: .*\b1\b.*\n\Z")
        self.assertEqual(listener.stop(), 1)
        self.assertEqual(self.written(), A + b"\n" + B + b"\n")

    def test_a_sender_that_is_cut_off_says_so(self):
        self.listen()
        done = self.send(self.unix, A + NO_ID + B, "--lenient")
        self.assertEqual(done.returncode, 3)
        confirmed, _, skip = report(done.stderr)
        self.assertEqual((confirmed, skip, self.written()), (1, 1, A + b"\n"))

    def test_a_bad_record_ends_the_sender_when_what_is_before_it_is_confirmed(self):
        listener = self.listen()
        done = self.send(self.unix, A + b"\n" + B + b"\n" + BAD_COUNT + C)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb"session2pb: \(standard input\):3:\d+: record 3: ")
        self.assertEqual(self.written(), A + b"\n" + B + b"\n")
        done = self.send(self.unix, BAD_COUNT + C, "--on-error=skip", "-q")
        self.assertEqual(done.returncode, 1)
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)


class Retries(ExchangeTest):
    def test_a_sender_waits_for_its_receiver(self):
        sender = self.sender(self.unix, "--retry=20", self.file("in", NDJSON))
        time.sleep(0.2)  # it has tried once
        self.assertFalse(sender.ended())
        listener = self.listen()
        self.assertEqual(sender.wait(), 0, sender.said)
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)

    def test_a_sender_without_retry_does_not_wait(self):
        self.assertEqual(self.send(self.unix, NDJSON).returncode, 3)

    def test_a_sender_gives_up_when_it_gets_nowhere(self):
        begin = time.monotonic()
        done = self.send(self.unix, NDJSON, "--retry=1")
        self.assertEqual((done.returncode, report(done.stderr)[0]), (3, 0))
        self.assertGreater(time.monotonic() - begin, 0.9)

    def test_only_what_was_not_confirmed_is_sent_again(self):
        text = b"".join(lines("s", 50))
        messages = self.messages(text)
        listening = self.receive()
        sender = self.sender(self.unix, "--retry=20", self.file("in", text))
        done = 0
        for confirmed in (7, 0, 20):
            with self.accept(listening) as peer:
                got = peer.sessions(21)
                self.assertEqual(got, messages[done : done + 21])
                peer.send(Receipt(confirmed).frame())
                peer.finish()
                peer.messages()
            done += confirmed
        with self.accept(listening) as peer:
            self.assertEqual(list(filter(None, peer.messages())), messages[done:])
            peer.send(Receipt(50 - done).frame())
        self.assertEqual(sender.wait(), 0, sender.said)

    def test_nothing_is_lost_when_the_receiver_is_killed_and_comes_back(self):
        sent = lines("s", 3000)
        listener = self.listen("-o", self.out)
        sender = self.sender(self.unix, "--retry=20", stdin=subprocess.PIPE)
        for begin in range(0, 3000, 1000):
            sender.process.stdin.write(b"".join(sent[begin : begin + 1000]))
            wait_until(lambda: self.whole_lines()[0], "output")
            listener.process.kill()
            listener.wait()
            listener = self.listen("-o", self.out)
        sender.process.stdin.close()
        self.assertEqual(sender.wait(), 0, sender.said)
        self.stop_well(listener)
        written = self.whole_lines()
        self.assertEqual((list(dict.fromkeys(written[0])), written[1]), (sent, b""))

    def test_nothing_comes_twice_when_the_receiver_is_stopped_and_started_again(self):
        sent = lines("s", 2000)
        for endpoint in (self.unix, self.tcp):
            listener = self.listen("-o", self.out, at=[endpoint])
            endpoint = listener.endpoint
            sender = self.sender(endpoint, "--retry=20", stdin=subprocess.PIPE)
            for begin in range(0, 2000, 1000):
                sender.process.stdin.write(b"".join(sent[begin : begin + 1000]))
                self.wait_for_output(b"".join(sent[: begin + 1000]))
                self.stop_well(listener)
                listener = self.listen("-o", self.out, at=[endpoint])
            sender.process.stdin.close()
            self.assertEqual(sender.wait(), 0, sender.said)
            self.stop_well(listener)
            self.assertEqual(self.written(), b"".join(sent))
            self.out.unlink()

    def test_what_is_kept_to_be_sent_again_is_bounded(self):
        sender, peer = self.scripted(filled("large", 100000) * 800, "--retry=20")
        count = 0
        while (message := peer.message()) is not None:
            count += bool(message)
            if not message:
                peer.send(Receipt(count).frame())
        self.assertEqual(count, 800)
        self.assert_memory(sender, MEMORY_MAX)
        peer.send(Receipt(count).frame())
        peer.close()
        self.assertEqual(sender.wait(), 0, sender.said)


if __name__ == "__main__":
    main(__doc__)
