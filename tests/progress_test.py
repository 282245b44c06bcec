"""What a terminal shows while session2pb and pb2session run, one test for each promise.

    progress_test.py TOOLS EXAMPLES [unittest's arguments]
"""

import os
import pty
import re
import select
import subprocess
import time

from toolcase import A, DEADLINE_S, NO_ID, ToolTest, main, start

LASTS_S = 0.9
DRAWN = re.compile(rb"\r([\d.]+ k?B)( of [\d.]+ k?B)?, (\d+) records, [\d.]+ [kM]?B/s"
                   rb"(, \d\d:\d\d left)?")


class Progress(ToolTest):
    def read(self, leader):
        """What arrives at the terminal until everyone has closed it."""
        shown = b""
        while select.select([leader], [], [], DEADLINE_S)[0]:
            try:
                piece = os.read(leader, 4096)
            except OSError:  # EIO: closed
                break
            shown += piece
        return shown

    def watch(self, tool, *arguments, record, stdout=subprocess.DEVNULL, more=b""):
        """What a terminal shows on standard error of a tool that gets its input slowly."""
        leader, terminal = pty.openpty()
        self.addCleanup(os.close, leader)
        if stdout == "terminal":
            stdout = terminal
        with start(tool, *arguments, stdout=stdout, stderr=terminal) as child:
            os.close(terminal)
            end = time.monotonic() + LASTS_S
            while time.monotonic() < end:
                child.stdin.write(record)
                time.sleep(0.01)
            child.stdin.write(more)
            child.stdin.close()
            shown = self.read(leader)
            self.status = child.wait(DEADLINE_S)
        return shown

    def test_progress_is_shown_at_most_five_times_a_second_and_then_erased(self):
        for tool, record in (("session2pb", A), ("pb2session", self.pb(A))):
            shown = self.watch(tool, record=record)
            drawn = DRAWN.findall(shown)
            self.assertEqual(self.status, 0)
            self.assertIn(len(drawn), range(2, int(LASTS_S * 5) + 2))
            counts = [int(line[2]) for line in drawn]
            self.assertEqual(counts, sorted(counts))
            self.assertTrue(all(line[1] == b"" for line in drawn))
            last = shown.rsplit(b"records", 1)[1]
            self.assertRegex(last, rb"\A.*\r {20,79}\r\Z")
            self.assertLess(max(map(len, re.split(rb"[\r\n]", shown))), 80)

    def test_size_and_time_left_are_shown_where_the_size_is_known(self):
        file = self.folder / "many"
        with file.open("wb") as out:
            for _ in range(300):
                out.write(A * 2000)
        leader, terminal = pty.openpty()
        self.addCleanup(os.close, leader)
        reader, writer = os.pipe()  # the tool is as fast as who reads from it
        with start("session2pb", file, stdout=writer, stderr=terminal) as child:
            os.close(terminal)
            os.close(writer)
            with open(reader, "rb") as out:
                while out.read(1 << 20):
                    time.sleep(0.02)
            shown = self.read(leader)
            self.assertEqual(child.wait(), 0)
        self.assertRegex(shown, rb"\r[\d.]+ MB of [\d.]+ MB, \d+ records, [\d.]+ MB/s, \d\d:\d\d left")

    def test_nothing_is_shown_when_quiet_or_without_a_terminal(self):
        for option in ("-q", "--quiet"):
            self.assertEqual(self.watch("session2pb", option, record=A), b"")
        with start("session2pb", stdout=subprocess.DEVNULL) as child:
            for _ in range(30):
                child.stdin.write(A)
                time.sleep(0.02)
            child.stdin.close()
            self.assertEqual((child.stderr.read(), child.wait()), (b"", 0))

    def test_nothing_is_shown_among_sessions_on_the_same_terminal(self):
        shown = self.watch("pb2session", record=self.pb(A), stdout="terminal")
        self.assertEqual(set(shown.split(b"\r\n")), {A, b""})

    def test_a_message_is_not_mixed_with_progress(self):
        shown = self.watch("session2pb", record=A, more=NO_ID)
        self.assertEqual(self.status, 1)
        self.assertRegex(shown, rb"\r {20,79}\rsession2pb: \(standard input\):1:\d+: record \d+: ")

    def test_stats_come_after_progress(self):
        shown = self.watch("session2pb", "--stats", record=A)
        self.assertRegex(shown, rb"\r {20,79}\rsession2pb: \d+ records, .*\r\n\Z")


if __name__ == "__main__":
    main(__doc__)
