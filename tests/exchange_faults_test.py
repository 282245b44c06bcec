"""What session2pb --connect and pb2session --listen make of peers, outputs and moments that are
bad, one test for each promise.

    exchange_faults_test.py TOOLS EXAMPLES [unittest's arguments]

Nothing is lost that was confirmed, nobody else notices, and memory stays small.
"""

import gzip
import os
import pathlib
import random
import resource
import signal
import socket
import threading
import time
import unittest

from exchange import DEMAND, ExchangeTest, Receipt, by_sender, connect, filled, lines, report
from toolcase import A, B, MEMORY_MAX, NDJSON, NO_ID, frame, main, wait_until
from wirebytes import varint

ROUNDS = 24
CONNECTIONS = 10000
RUBBISH_CONNECTIONS = 500
IDLE = 1000
HALVES = 8
UNREAD = 1000  # receipts, more than a socket holds
MESSAGE_MAX = 2**22  # unless it is told

RUBBISH = (
    NDJSON,
    gzip.compress(NDJSON),
    b"GET /sessions HTTP/1.1\r\nHost: localhost\r\nUser-Agent: somebody who is lost\r\n\r\n",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(64),  # a greeting of TLS
    b"\x40" + random.Random(3).randbytes(5000),
    b"\xff" * 5000,
)


class SlowPeers(ExchangeTest):
    def setUp(self):
        super().setUp()
        self.message = self.pb(A)

    def test_single_bytes_to_a_receiver(self):
        for framing in ("delimited", "list", "be32"):
            listener = self.listen(f"--framing={framing}")
            peer = self.connect(listener)
            peer.send_in_bytes(self.pb(NDJSON, f"--framing={framing}"))
            peer.finish()
            self.assertEqual(peer.receipts(), [Receipt(3)])
            self.stop_well(listener)
            self.assertEqual(self.written(), NDJSON)
            self.out.unlink()

    def test_single_bytes_to_a_sender(self):
        sender, peer = self.scripted(NDJSON, "--receipt-every=1")
        receipts = [Receipt(n) for n in (1, 2, 3)]
        peer.send_in_bytes(b"".join(receipt.frame() for receipt in receipts))
        self.assertEqual(list(filter(None, peer.messages())), self.messages(NDJSON))
        peer.send_in_bytes(Receipt(3).frame())
        peer.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def cut_off_in_time(self, rest, *options, drip=b""):
        """One who sends a session and then `rest`, and no more, or a byte now and then, is cut off,
        while another goes on."""
        listener = self.listen(*options)
        other, slow = self.connect(listener), self.connect(listener)
        slow.send(self.pb(A) + rest)
        stop = threading.Event()

        def go_on():
            while not stop.wait(0.05):
                other.push(self.pb(B))
                slow.push(drip)
        busy = threading.Thread(target=go_on)
        busy.start()
        self.assert_cut_off(slow, 1)
        stop.set()
        busy.join()
        self.assertGreater(other.ask().sessions, 0)
        other.leave()
        listener.says(rb"pb2session: .*sender 2 .*: .+\n")
        self.stop_well(listener)
        self.out.unlink()

    def test_a_frame_that_does_not_go_on_is_given_up(self):
        length = varint(300)
        for rest in (length[:1], length, length + bytes(100)):
            with self.subTest(rest[:2]):
                self.cut_off_in_time(rest, "--frame-timeout=1")

    def test_a_frame_that_goes_on_too_slowly_is_given_up(self):
        self.cut_off_in_time(varint(300), "--frame-timeout=1", drip=b"\x0a")

    def test_a_silent_sender_is_given_up(self):
        self.cut_off_in_time(b"", "--idle-timeout=1")

    def deaf(self, listener):
        """One who has a session and a receipt after the other, until no more receipts fit."""
        peer = self.connect(listener)
        for n in range(1, UNREAD + 1):
            peer.send(self.message + DEMAND)
            wait_until(lambda n=n: len(self.written()) == n * (len(A) + 1), "output")
        return peer

    def test_one_that_does_not_read_its_receipts_is_given_up_at_its_end(self):
        for leave in ("finish", "close"):
            listener = self.listen("--frame-timeout=1")
            idle = self.idle_files(listener)
            getattr(self.deaf(listener), leave)()
            wait_until(lambda: listener.open_files() == idle, "a closed connection")
            listener.says(rb"pb2session: .*sender 2 .*: .+\n")
            self.send_well(self.unix, B)
            self.stop_well(listener)
            self.out.unlink()

    def test_one_that_is_cut_off_and_goes_on_is_left_soon(self):
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            idle = self.idle_files(listener)
            peer = self.connect(listener)
            flood = threading.Thread(target=peer.flood, args=(b"\xff" * 100000,))
            flood.start()
            self.assert_left(listener, idle)
            flood.join()
            self.stop_well(listener)

    def assert_left(self, listener, idle):
        """Nobody is connected soon, although the one who was would go on for long."""
        listener.says(rb"pb2session: .*sender 2 .*: .+\n")
        begin = time.monotonic()
        wait_until(lambda: listener.open_files() == idle, "a closed connection")
        self.assertLess(time.monotonic() - begin, 10)

    def test_demands_show_that_a_sender_is_there(self):
        peer = self.connect(self.listen("--idle-timeout=2"))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.assertEqual(peer.ask(), Receipt())
            time.sleep(0.2)
        peer.send(self.pb(A))
        self.assertEqual(peer.ask(), Receipt(1))

    def test_a_thousand_idle_ones_do_not_hinder_another(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 2 * IDLE:
            self.skipTest("too few open files are allowed")
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        listener = self.listen()
        idle = [self.connect(listener) for _ in range(IDLE)]
        for n in range(0, IDLE, 2):
            idle[n].send(self.pb(A)[:40])
        text = b"".join(lines("s", 5000))
        self.send_well(self.unix, text)
        self.assertEqual(self.written(), text)
        self.assertEqual(idle[1].ask(), Receipt())
        self.assert_memory(listener, MEMORY_MAX)
        for peer in idle:
            peer.leave()
        self.stop_well(listener)

    def test_messages_that_stop_in_the_middle_hold_no_more_than_four_times_what_has_come(self):
        listener = self.listen()
        listener_alone = listener.peak()[0]
        part = varint(MESSAGE_MAX) + bytes(MESSAGE_MAX - 1)
        for _ in range(HALVES):
            peer = self.connect(listener)
            peer.send(part)
        self.send_well(self.unix, A)
        self.assert_memory(listener, listener_alone + 4 * HALVES * len(part))
        self.stop_well(listener)


class BrokenPeers(ExchangeTest):
    def test_lengths_that_cannot_be_are_refused_at_once(self):
        numbers = map(varint, (2**22 + 1, 2**31, 2**32, 2**63, 2**64 - 1))
        overlong = (b"\x80" * 10 + b"\1", b"\xff" * 11)
        for options, cases in (((), (*numbers, *overlong)),
                               (("--message-max=1000",), (varint(1001),))):
            listener = self.listen(*options)
            for length in cases:
                with self.subTest(length):
                    peer = self.connect(listener)
                    peer.send(self.pb(A) + length)
                    self.assert_cut_off(peer, 1)
            self.assert_memory(listener, MEMORY_MAX)
            self.send_well(self.unix, B)
            self.stop_well(listener)

    def test_lengths_of_other_framings_that_cannot_be(self):
        for framing, rest in (("be32", b"\xff" * 4), ("be32", b"\0\x40\0\1"), ("list", b"\x12"),
                              ("list", b"\x0a" + varint(2**63))):
            with self.subTest(framing=framing, rest=rest):
                listener = self.listen(f"--framing={framing}")
                peer = self.connect(listener)
                peer.send(self.pb(A, f"--framing={framing}") + rest)
                self.assert_cut_off(peer, 1)
                self.stop_well(listener)

    def test_a_message_as_long_as_may_be_passes(self):
        rest = 500 + 1000 - len(self.messages(filled("x", 500))[0])
        text, longer = filled("x", rest), filled("x", rest + 1)
        self.assertEqual([len(m) for m in self.messages(text + longer)], [1000, 1001])
        self.listen("--message-max=1000")
        self.send_well(self.unix, text)
        done = self.send(self.unix, text + longer)
        self.assertEqual((done.returncode, report(done.stderr)[0]), (3, 1))
        self.assertEqual(self.written(), text * 2)

    def test_rubbish_is_refused_and_leaves_nothing(self):
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            for rubbish in RUBBISH:
                peer = self.connect(listener)
                peer.push(rubbish)
                self.assert_cut_off(peer, 0)
            self.send_well(listener.endpoint, A)
            self.stop_well(listener)
            self.assertEqual(self.written(), A + b"\n")
            self.out.unlink()

    def test_a_stream_that_ends_within_a_session_is_told(self):
        listener = self.listen()
        for rest in (b"\x80", self.pb(B)[:1], self.pb(B)[:-1]):
            peer = self.connect(listener)
            peer.send(self.pb(A) + rest)
            peer.finish()
            self.assert_cut_off(peer, 1)
        self.assertEqual(self.written(), (A + b"\n") * 3)

    def test_one_who_is_cut_off_in_mid_stream_is_told_how_far_it_got(self):
        text = b"".join(lines("s", 1000))
        stream = self.pb(text) + frame(b"\0\0") + self.pb(text) * 100
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            peer = self.connect(listener)
            pushing = threading.Thread(target=peer.push, args=(stream,))
            pushing.start()
            self.assert_cut_off(peer, 1000)
            peer.leave()
            pushing.join()
            self.stop_well(listener)
            self.assertEqual(self.written(), text)
            self.out.unlink()

    def test_a_sender_that_is_cut_off_in_mid_stream_says_how_far_it_got(self):
        text = b"".join(lines("s", 1000)) + NO_ID + b"".join(lines("s", 100000))
        file = self.file("in", text)
        for endpoint in (self.unix, self.tcp):
            for options in ((), ("--receipt-every=100",), ("--retry=1",)):
                with self.subTest(endpoint=endpoint, options=options):
                    listener = self.listen(at=[endpoint])
                    sender = self.sender(listener.endpoint, "--lenient", *options, file)
                    self.assert_unconfirmed(sender, 1000)
                    self.assertIn(b"record 1001", sender.said)
                    self.stop_well(listener)
                    self.out.unlink()

    def test_connections_that_are_reset(self):
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            idle = self.idle_files(listener)
            for n in range(50):
                peer = self.connect(listener)
                peer.send(self.pb(A))
                self.assertEqual(peer.ask(), Receipt(1))
                peer.send((DEMAND * 100, self.pb(A)[:30], b"")[n % 3])
                peer.reset()
            wait_until(lambda: listener.open_files() == idle, "closed connections")
            self.send_well(listener.endpoint, B)
            self.stop_well(listener)
            self.assertEqual(self.written(), (A + b"\n") * 50 + B + b"\n")
            self.out.unlink()

    def test_demands_whose_receipts_nobody_reads(self):
        listener = self.listen()
        peer = self.connect(listener)
        for _ in range(100):
            peer.send(DEMAND * 20000)
        self.send_well(self.unix, A)
        peer.send(self.pb(B))
        peer.finish()
        self.assertEqual(peer.receipts()[-1], Receipt(1))
        self.assert_memory(listener, MEMORY_MAX)
        self.stop_well(listener)

    def test_one_that_reads_no_receipt_hinders_nobody(self):
        listener = self.listen()
        peer = self.connect(listener)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        flood = threading.Thread(target=peer.push, args=((self.pb(A) + DEMAND) * 50000,))
        flood.start()
        text = b"".join(lines("s", 1000))
        self.send_well(self.unix, text)
        peer.leave()
        flood.join()
        self.stop_well(listener)
        self.assertEqual(b"".join(by_sender(self.written().replace(A + b"\n", b""))["s"]), text)

    def test_ten_thousand_connections_one_after_another(self):
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            idle = self.idle_files(listener)
            for n in range(CONNECTIONS // 2):
                with connect(listener.endpoint) as peer:
                    number, rest = divmod(n, CONNECTIONS // RUBBISH_CONNECTIONS)
                    if rest == 0:
                        peer.push(RUBBISH[number % len(RUBBISH)])
                    elif rest % 2:
                        peer.finish()
                        self.assertEqual(peer.receipts(), [Receipt()])
            self.send_well(listener.endpoint, A)
            wait_until(lambda: listener.open_files() == idle, "closed connections")
            self.assert_memory(listener, MEMORY_MAX)
            self.stop_well(listener)
            self.assertEqual(self.written(), A + b"\n")
            self.out.unlink()


class BadReceivers(ExchangeTest):
    """The sender's end."""

    def test_what_is_no_receipt_is_told(self):
        for nonsense in (b"\xff" * 20, frame(b"\0\0"), frame(b"\x08"), varint(2**63) + b"x",
                         b"HTTP/1.1 400 Bad Request\r\n\r\n", b"{}\n", Receipt(3).frame()[:-1]):
            for early in (False, True):
                with self.subTest(nonsense=nonsense, early=early):
                    sender, peer = self.scripted(NDJSON)
                    if early:
                        peer.send(nonsense)
                        peer.finish()
                    peer.messages()
                    peer.push(nonsense)
                    peer.close()
                    self.assert_unconfirmed(sender, 0)

    def test_what_a_receipt_says_beyond_what_is_known_is_passed_over(self):
        sender, peer = self.scripted(NDJSON)
        peer.messages()
        peer.send(frame(b"\x08\x03\x22\x02hi\x50\x01"))
        peer.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_a_receiver_that_closes_early(self):
        text = b"".join(lines("s", 20000))
        for close in ("close", "reset", "finish"):
            for taken in (0, 1, 5000):
                with self.subTest(close=close, taken=taken):
                    sender, peer = self.scripted(text)
                    peer.sessions(taken)
                    peer.send(Receipt(taken).frame() if taken > 1 else b"")
                    getattr(peer, close)()
                    self.assert_unconfirmed(sender, taken if taken > 1 else 0)
                    peer.close()

    def test_a_receiver_that_never_answers(self):
        sender, peer = self.scripted(NDJSON, "--timeout=1")
        peer.messages()
        self.assert_unconfirmed(sender, 0)

    def test_a_receiver_that_takes_nothing(self):
        for option in ("--no-receipt", "--receipt-every=100"):
            sender, peer = self.scripted(b"".join(lines("s", 20000)), option, "--timeout=1")
            self.assertEqual(sender.wait(), 3)
            peer.close()

    def test_a_receiver_that_confirms_more_than_was_sent(self):
        sender, peer = self.scripted(NDJSON)
        peer.messages()
        peer.send(Receipt(4).frame())
        peer.close()
        self.assertEqual(sender.wait(), 3, sender.said)
        sender, peer = self.scripted(NDJSON)
        peer.messages()
        peer.send(Receipt(3, 4).frame())
        peer.close()
        self.assertNotEqual(sender.wait(), 0)

    def test_a_receiver_that_confirms_less_than_before(self):
        sender, peer = self.scripted(NDJSON)
        peer.messages()
        peer.send(Receipt(2).frame() + Receipt(1).frame())
        peer.close()
        self.assertEqual(sender.wait(), 3, sender.said)

    def test_a_receiver_without_receipts_that_closes_early(self):
        sender, peer = self.scripted(b"".join(lines("s", 20000)), "--no-receipt")
        peer.sessions(1)
        peer.close()
        self.assertEqual(sender.wait(), 3)

    def test_receipts_are_read_while_sessions_are_sent(self):
        text = b"".join(lines("s", 20000))
        sender, peer = self.scripted(text, "--receipt-every=1")
        count = 0
        for message in iter(peer.message, None):
            count += bool(message)
            if message:
                peer.send(Receipt(count).frame())
        peer.close()
        self.assertEqual((sender.wait(), sender.said, count), (0, b"", 20000))

    def test_a_sender_survives_reasons_of_any_length_and_kind(self):
        for reason in ("x" * 100000, "\x1b[2J\n\a"):
            sender, peer = self.scripted(NDJSON)
            peer.messages()
            peer.send(Receipt(1, 0, reason).frame())
            peer.close()
            self.assertEqual(sender.wait(), 3)
            self.assertNotIn(b"\x1b", sender.said)
            self.assertLess(len(sender.said), 10000)


class BadOutputs(ExchangeTest):
    def feed(self, endpoint):
        """Sessions go over a connection until the receiver takes no more: its last receipt."""
        with connect(endpoint) as peer:
            parts = [self.pb(b"".join(lines("s", 100, n * 100))) + DEMAND for n in range(50)]
            peer.send(parts[0])
            first = peer.receipt()
            pushing = threading.Thread(target=peer.push, args=(b"".join(parts[1:]),))
            pushing.start()
            last = [first, *peer.receipts()][-1]
            pushing.join()
        return last

    @unittest.skipUnless(pathlib.Path("/dev/full").is_char_device(), "no /dev/full")
    def test_a_full_disk_confirms_nothing(self):
        with open("/dev/full", "wb") as full:
            for arguments in ((), ("--zstd",)):
                listener = self.listen(*arguments, stdout=full)
                last = self.feed(self.unix)
                self.assertEqual((last.sessions, bool(last.reason)), (0, True))
                self.assertEqual(listener.wait(), 3)
                self.assertRegex(listener.said, rb"No space left on device")
                self.assertNotIn("socket", self.files())
                listener = self.listen(stdout=full)
                done = self.send(self.unix, NDJSON)
                self.assertEqual((done.returncode, report(done.stderr)[::2]), (3, (0, 0)))
                self.assertEqual(listener.wait(), 3)

    @unittest.skipUnless(pathlib.Path("/dev/full").is_char_device(), "no /dev/full")
    def test_one_who_has_ended_is_told_that_its_sessions_cannot_be_written(self):
        """A sender that takes a receipt without a reason for success loses nothing by it."""
        with open("/dev/full", "wb") as full:
            for endpoint in (self.unix, self.tcp):
                listener = self.listen(stdout=full, at=[endpoint])
                peer = self.connect(listener)
                listener.process.send_signal(signal.SIGSTOP)
                peer.send(self.pb(NDJSON))
                peer.finish()
                listener.process.send_signal(signal.SIGCONT)
                self.assert_cut_off(peer, 0)
                self.assertEqual(listener.wait(), 3)

    def test_a_disk_that_fills_up_confirms_what_is_on_it(self):
        def little():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300001, 300001))
        listener = self.listen("-o", self.out, preexec_fn=little)
        last = self.feed(self.unix)
        self.assertEqual(listener.wait(), 3)
        whole, _ = self.whole_lines()
        self.assertEqual(whole, lines("s", len(whole)))
        self.assertTrue(last.reason)
        self.assertIn(last.sessions, range(100, len(whole) + 1))
        listener = self.listen("-o", self.out)
        text = b"".join(lines("s", 5000))
        self.send_well(self.unix, text, f"--skip={last.sessions}")
        self.stop_well(listener)
        written = self.whole_lines()
        self.assertEqual((list(dict.fromkeys(written[0])), written[1]), (lines("s", 5000), b""))

    def test_a_reader_that_goes_away_ends_it_with_the_true_number(self):
        reader, writer = os.pipe()
        listener = self.listen(stdout=writer)
        os.close(writer)
        peer = self.connect(listener)
        peer.send(self.pb(NDJSON))
        self.assertEqual(peer.ask(), Receipt(3))
        os.close(reader)
        peer.send(self.pb(A))
        self.assert_cut_off(peer, 3)
        self.assertEqual(listener.wait(), 0)
        self.assertNotIn("socket", self.files())

    def test_a_slow_reader_slows_the_senders_down_and_nothing_is_lost(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        listener = self.listen("--frame-timeout=1", "--idle-timeout=1", stdout=writer)
        os.close(writer)
        texts = {f"s{n}": [filled(f"s{n}-{m}", 1000) for m in range(20000)] for n in range(4)}
        senders = [self.sender(self.unix, self.file(name, b"".join(texts[name]))) for name in texts]

        def progress():
            return [pathlib.Path(f"/proc/{sender.pid}/io").read_text() for sender in senders]
        before, still = progress(), 0
        while still < 4:  # longer than the time-outs of the listener, none of which passes
            time.sleep(0.5)
            still, before = (still + 1 if progress() == before else 0), progress()
        self.assert_memory(listener, MEMORY_MAX)
        text = bytearray()
        total = sum(len(line) for lines in texts.values() for line in lines)
        while len(text) < total and (piece := os.read(reader, 2**20)):
            text += piece
        self.assertEqual([(sender.wait(), sender.said) for sender in senders], [(0, b"")] * 4)
        self.assertTrue(by_sender(bytes(text)) == texts)
        self.assert_memory(listener, MEMORY_MAX)
        self.stop_well(listener)


class Kills(ExchangeTest):
    """At random moments, the same ones every time as far as the machine lets them."""

    COUNT = 4000

    def setUp(self):
        super().setUp()
        self.lines = lines("s", self.COUNT)
        self.input = self.file("in", b"".join(self.lines))
        self.moments = random.Random(4)
        begin = time.monotonic()
        listener = self.listen("-o", self.out)
        self.assertEqual(self.sender(*self.command()).wait(), 0)
        self.duration = time.monotonic() - begin
        self.stop_well(listener)
        self.out.unlink()

    def command(self):
        return self.unix, "--receipt-every=100", self.input

    def wait_a_moment(self):
        time.sleep(self.moments.uniform(0, self.duration))

    def test_a_receiver_that_is_killed_has_what_it_confirmed(self):
        for _ in range(ROUNDS):
            listener = self.listen("-o", self.out)
            sender = self.sender(*self.command())
            self.wait_a_moment()
            listener.process.kill()
            listener.wait()
            status = sender.wait()
            whole, _ = self.whole_lines()
            self.assertEqual(whole, self.lines[: len(whole)])
            if status == 0:
                self.assertEqual(len(whole), self.COUNT)
            else:
                self.assertEqual(status, 3)
                confirmed, _, skip = report(sender.said)
                self.assertLessEqual(confirmed, len(whole))
                self.assertEqual(skip, confirmed)
                listener = self.listen("-o", self.out)
                again = self.sender(*self.command(), f"--skip={skip}")
                self.assertEqual(again.wait(), 0, again.said)
                self.stop_well(listener)
                whole, torn = self.whole_lines()
                self.assertEqual((list(dict.fromkeys(whole)), torn), (self.lines, b""))
            self.out.unlink()

    def test_of_a_sender_that_is_killed_what_arrived_is_whole_and_in_order(self):
        listener = self.listen()
        idle = self.idle_files(listener)
        for _ in range(ROUNDS):
            sender = self.sender(*self.command())
            self.wait_a_moment()
            sender.process.kill()
            sender.wait()
            self.send_well(self.unix, A)  # it stands behind the other in the backlog
            wait_until(lambda: listener.open_files() == idle, "closed connections")
            written = self.written().splitlines(keepends=True)
            written.remove(A + b"\n")
            self.assertEqual(written, self.lines[: len(written)])
            os.truncate(self.out, 0)
        self.stop_well(listener)

    def test_a_sender_that_tries_again_loses_nothing_whenever_the_receiver_is_killed(self):
        listener = self.listen("-o", self.out)
        for _ in range(ROUNDS // 4):
            sender = self.sender(*self.command(), "--retry=20")
            for _ in range(2):
                self.wait_a_moment()
                listener.process.kill()
                listener.wait()
                listener = self.listen("-o", self.out)
            self.assertEqual(sender.wait(), 0, sender.said)
            whole = list(dict.fromkeys(self.whole_lines()[0]))
            self.assertEqual(whole, self.lines)
            self.stop_well(listener)
            self.out.unlink()
            listener = self.listen("-o", self.out)


if __name__ == "__main__":
    main(__doc__)
