"""What the exchange promises when a call to the system fails, on either side: one test for each way
to run the tools, which is done again and again, with every call failing in turn.

    exchange_failing_calls_test.py TOOLS EXAMPLES LIBRARY [unittest's arguments]

LIBRARY makes calls fail. With SPB_FAULTS_ALL in the environment each of them does, else a sample.

A sender never reports more confirmed than is written, and ends with success only when all of it is.
What becomes of one connection does not end a listener.
"""

import re

from exchange import REPORT, ExchangeTest, Tool, lines, listens
from faultcase import calls, environment, faults, happened, sample
from toolcase import A, B, main, run, wait_until

SAMPLE = 40
COUNT = 30
SENDS = ("-q", "--receipt-every=10", "--timeout=5")
OUTLAST = ("write", "fsync", "fdatasync")  # a disk that is full stays full
JUDGING = ("fstat", "ftruncate", "pread", "realloc")  # what the output's last line is
TIDY = ("unlinkat", "fstat", "fstatat", "flock")  # it must know what it has made, to remove it


def confirmed(said):
    found = REPORT.search(said)
    return int(found[1]) if found else 0


class FailingCalls(ExchangeTest):
    def setUp(self):
        super().setUp()
        self.at = self.unix
        self.log = self.folder / "log"
        self.runs = 0

    def possible(self, counted):
        return [fault for fault in faults(counted) if not fault.on or fault.call in OUTLAST]

    def loses(self, fault):
        """No listener succeeds with it."""
        return fault.loses

    def text(self):
        """Sessions that no other run has."""
        self.runs += 1
        return lines(f"run{self.runs}", COUNT)

    def text_written(self):
        return self.written()

    def kept(self, sent):
        """Those of the sessions that are written, each once."""
        pattern = re.escape(sent[0].partition(b"-")[0])
        found = re.findall(rb"^%s-.*\n" % pattern, self.text_written(), re.MULTILINE)
        return list(dict.fromkeys(found))

    def run_sender(self, *arguments, fault=None, log=None):
        """A whole run: its status, what it has said, and what it was to send."""
        sent = self.text()
        environ = {"env": environment(log, fault)} if log else {}
        file = self.file("in", b"".join(sent))
        done = self.send(self.at, None, *SENDS, *arguments, file, **environ)
        return done.returncode, done.stderr, sent

    def judge_sender(self, status, said, sent):
        kept = self.kept(sent)
        self.assertEqual(kept, sent[: len(kept)])
        if status == 0:
            self.assertEqual((kept, said), (sent, b""))
        else:
            self.assertEqual(status, 3, said)
            self.assertRegex(said, rb"\A(session2pb: .+\n){1,2}\Z")
            self.assertLessEqual(confirmed(said), len(kept))


class OfTheSender(FailingCalls):
    def survives(self, *arguments, always=()):
        listener = self.listen("-q", at=[self.at])
        wait_until(lambda: listens(self.at), "the listener")
        status, said, sent = self.run_sender(*arguments, log=self.log)
        self.assertEqual((status, said, self.kept(sent)), (0, b"", sent))
        for fault in sample(self.possible(calls(self.log)), SAMPLE):
            with self.subTest(fault=str(fault)):
                status, said, sent = self.run_sender(*arguments, fault=fault, log=self.log)
                self.judge_sender(status, said, sent)
                if fault.passes or fault.call in always:
                    self.assertEqual(status, 0, said)
                self.assertFalse(listener.ended())
        status, said, sent = self.run_sender()
        self.assertEqual((status, said, self.kept(sent)), (0, b"", sent))
        self.stop_well(listener)

    def test_that_sends_once(self):
        self.survives()

    def test_that_sends_again_what_is_not_confirmed(self):
        self.survives("--retry=20", always=("socket", "connect", "send", "recv", "shutdown"))


class OfTheListener(FailingCalls):
    before = b""  # what the output holds when a listener starts

    def start(self, arguments, fault):
        """A listener, once it listens or has ended."""
        if self.before:
            self.out.write_bytes(self.before)
        listener = Tool("pb2session", "-q", f"--listen={self.at}", "-o", self.out, *arguments,
                        env=environment(self.log, fault))
        self.addCleanup(listener.clean_up)
        wait_until(lambda: listens(self.at) or listener.ended(), "the listener")
        return listener

    def exchange(self, arguments, fault=None):
        """Two senders in turn, and a signal. What became of the listener and of them."""
        listener = self.start(arguments, fault)
        senders = [self.run_sender() for _ in range(2)]
        if not listener.ended():
            listener.process.terminate()
        return listener.wait(), listener.said, senders

    def judge(self, fault, usual, status, said, senders):
        for sender in senders:
            self.judge_sender(*sender)
        self.assertNotRegex(said, rb": \n")  # each line ends with a reason
        if fault.passes:
            self.assertEqual((status, said), (0, usual))
        if self.loses(fault) and happened(self.log):
            self.assertEqual(status, 3, said)
        if status == 0:
            self.assertIn(0, [sender[0] for sender in senders], (said, senders))
        else:
            self.assertEqual(status, 3, said)
            self.assertRegex(said, rf"pb2session: .*({fault.why()})\n".encode())
        self.assertTrue(self.written().startswith(self.before[: self.before.rfind(b"\n") + 1]))
        if fault.call not in TIDY:
            self.assertLessEqual(set(self.files()), {"in", "log", "out"})

    def wanted(self, counted):
        return sample(self.possible(counted), SAMPLE)

    def survives(self, *arguments):
        status, usual, senders = self.exchange(arguments)
        self.assertEqual((status, [sender[0] for sender in senders]), (0, [0, 0]), usual)
        for fault in self.wanted(calls(self.log)):
            with self.subTest(fault=str(fault)):
                for name in set(self.files()) - {"in", "log"}:
                    (self.folder / name).unlink()
                self.judge(fault, usual, *self.exchange(arguments, fault))

    def test_that_writes_a_file(self):
        self.survives()

    def test_that_makes_each_receipt_durable(self):
        self.survives("--fsync")

    def test_that_skips_bad_sessions(self):
        self.survives("--on-error=skip")

    def test_that_goes_on_behind_a_torn_line(self):
        self.before = A + b"\n" + B[:-9]
        self.survives()


class OfTheListenerAtItsStart(OfTheListener):
    """Nothing is appended behind a line that could not be judged."""

    def wanted(self, counted):
        return self.possible({name: count for name, count in counted.items() if name in JUDGING})

    test_that_writes_a_file = test_that_makes_each_receipt_durable = None
    test_that_skips_bad_sessions = None


class OfTheListenerToAnArchive(OfTheListener):
    def text_written(self):
        if not self.out.exists():
            return b""
        return run("pb2session", "-q", "--salvage", self.out).stdout

    def survives(self, *arguments):
        super().survives("--zstd", "--force", *arguments)

    test_that_skips_bad_sessions = test_that_goes_on_behind_a_torn_line = None


if __name__ == "__main__":
    main(__doc__)
