"""A sender whose connections break, and receivers that are not what they should be.

    retries_test.py TOOLS EXAMPLES [unittest's arguments]
"""

import fcntl
import os
import pathlib
import signal
import struct
import subprocess
import termios
import threading
import time

from exchange import DEMAND, ExchangeTest, Receipt, connect, lines, report
from toolcase import A, B, C, NDJSON, main, wait_until

RETRY_S = 2
TRIES = 12
UNREAD = 2000  # receipts, more than a socket holds


class Retries(ExchangeTest):
    def setUp(self):
        super().setUp()
        self.listening = self.receive()

    def begin(self, *arguments, text=A + b"\n"):
        """A sender whose input stays open, and the first connection that it makes."""
        sender = self.sender(self.unix, "-q", *arguments, stdin=subprocess.PIPE)
        sender.process.stdin.write(text)
        return sender, self.accept(self.listening)

    def end(self, sender, peer, count):
        sender.process.stdin.close()
        while peer.message() is not None:
            continue
        peer.send(Receipt(count).frame())
        peer.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_what_is_kept_is_sent_again_while_the_input_is_silent(self):
        sender, peer = self.begin("--retry")
        first = peer.sessions(1)
        peer.close()
        peer = self.accept(self.listening)
        self.assertEqual(peer.sessions(1), first)
        self.end(sender, peer, 1)

    def test_a_receiver_that_confirms_too_much_does_not_shift_what_is_sent_again(self):
        sender, peer = self.begin("--retry", text=A + b"\n" + B + b"\n")
        sessions = peer.sessions(2)
        peer.send(Receipt(3).frame())
        again = self.accept(self.listening)
        self.assertEqual(again.sessions(2), sessions)
        self.end(sender, again, 2)

    def test_each_break_has_the_time_of_a_retry(self):
        sender, peer = self.begin(f"--retry={RETRY_S}")
        for _ in range(2):
            peer.sessions(1)
            peer.close()
            peer = self.accept(self.listening)
            peer.sessions(1)
            self.assertEqual(peer.message(), b"")
            peer.send(Receipt(0).frame())
            time.sleep(1.2 * RETRY_S)
            peer.close()
            peer = self.accept(self.listening)
        self.end(sender, peer, 1)

    def test_a_session_that_is_refused_is_sent_ever_more_seldom(self):
        sender, peer = self.begin("--retry=2")
        count = 1
        self.listening.settimeout(3)
        try:
            while True:
                peer.sessions(1)
                peer.send(Receipt(0, 0, "no").frame())
                peer.close()
                peer = self.accept(self.listening)
                count += 1
        except TimeoutError:
            pass
        self.assertEqual(sender.wait(), 3)
        self.assertLess(count, 12)

    def test_a_receiver_that_goes_when_all_is_confirmed_is_not_sought_again(self):
        """On one processor the receiver's last words mostly arrive before the sender has ended its stream."""
        self.listening.close()
        text = self.folder / "text"
        text.write_bytes(NDJSON)
        one = {"preexec_fn": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})}
        for _ in range(TRIES):
            pathlib.Path(self.unix.removeprefix("unix:")).unlink(missing_ok=True)
            sender = self.sender(self.unix, "-q", "--retry=2", text, **one)
            time.sleep(0.05)
            listener = self.listen("--limit=3", **one)
            self.assertEqual(sender.wait(), 0, sender.said)
            self.assertEqual(listener.wait(), 0)

    def test_a_demand_without_an_answer_times_out_while_the_input_is_silent(self):
        sender, peer = self.begin("--receipt-every=1", "--timeout=1")
        peer.sessions(1)
        self.assert_unconfirmed(sender, 0)

    def test_receipts_that_confirm_nothing_do_not_hold_a_sender(self):
        sender, peer = self.begin("--timeout=1")
        sender.process.stdin.close()
        peer.messages()

        def answer():
            try:
                while True:
                    peer.send(Receipt(0).frame())
                    time.sleep(0.05)
            except OSError:
                pass

        thread = threading.Thread(target=answer)
        thread.start()
        self.assert_unconfirmed(sender, 0)
        thread.join()


class Losses(ExchangeTest):
    def test_what_was_converted_before_the_input_failed_is_sent(self):
        self.listen("-o", self.out)
        done = self.send(self.unix, b"", self.file("in", NDJSON), self.folder)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, rb"3 of 3 sessions confirmed, go on with --skip=3\n\Z")
        self.wait_for_output(NDJSON)

    def test_sessions_of_a_sender_that_reads_no_receipts_are_written(self):
        listener = self.listen("-o", self.out)
        text = b"".join(lines("s", UNREAD))
        with connect(listener.endpoint) as peer:
            for message in self.messages(text):
                peer.send(bytes([len(message) & 0x7F | 0x80, len(message) >> 7]) + message + DEMAND)
        wait_until(lambda: len(self.written()) >= len(text), "output")
        self.assertTrue(self.written() == text)
        self.stop_well(listener)

    def test_a_sender_that_a_signal_ends_says_what_is_confirmed(self):
        one, two, three = NDJSON.splitlines(keepends=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            for options, before in (((), b""), (("--skip=1",), A + b"\n"),
                                    (("--retry",), b""), (("--rejects", self.folder / "bad"), b"")):
                with self.subTest(number=number, options=options):
                    listening = self.receive()
                    sender = self.sender(self.unix, "--receipt-every=1", *options,
                                         stdin=subprocess.PIPE)
                    peer = self.accept(listening)
                    sender.process.stdin.write(before + one)
                    peer.sessions(1)
                    peer.send(Receipt(1).frame())
                    for line in (two, three):  # it takes what has come each time it has sent
                        sender.process.stdin.write(line)
                        peer.sessions(1)
                    self.assertEqual(sender.stop(number), -number)
                    self.assertEqual(report(sender.said), (1, 3, 1 + bool(before)))
                    self.assertEqual(sender.said.count(b"\n"), 1)
                    listening.close()
                    os.unlink(self.unix.removeprefix("unix:"))
                    self.assertEqual(self.files(), [])

    def test_a_sender_with_nothing_to_say_is_ended_by_a_signal_as_usual(self):
        for options, text in (((), b""), (("--no-receipt",), A + b"\n"), (("--retry",), b"")):
            listening = self.receive()
            sender = self.sender(self.unix, *options, stdin=subprocess.PIPE)
            peer = self.accept(listening)
            sender.process.stdin.write(text)
            peer.sessions(len(text) > 0)
            self.assertEqual((sender.stop(signal.SIGINT), sender.said), (-signal.SIGINT, b""))
            listening.close()
            os.unlink(self.unix.removeprefix("unix:"))

    def test_a_signal_that_is_ignored_stays_ignored_by_a_sender(self):
        def ignore():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        sender, peer = self.scripted(NDJSON, preexec_fn=ignore)
        peer.sessions(3)
        sender.process.send_signal(signal.SIGINT)
        peer.send(Receipt(3).frame())
        peer.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_a_second_signal_of_either_kind_kills(self):
        for first, second in ((signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)):
            listener = self.listen(stdout=subprocess.PIPE)
            with connect(listener.endpoint) as peer:
                threading.Thread(target=peer.push, args=(self.pb(C * 20000),)).start()
                wait_until(lambda: self.is_stuck(listener.process.stdout), "a full pipe")
                listener.process.send_signal(first)
                time.sleep(0.1)
                self.assertFalse(listener.ended())
                self.assertEqual(listener.stop(second), -second)
                peer.leave()

    def is_stuck(self, pipe):
        """Whether there is something in a pipe, and no more comes."""
        def unread():
            return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
        before = unread()
        time.sleep(0.1)
        return unread() == before > 0


if __name__ == "__main__":
    main(__doc__)
