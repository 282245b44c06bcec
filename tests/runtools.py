"""Runs session2pb and pb2session: many records in a process, and one by one to lay blame."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from wirebytes import delimited, undelimited

TIMEOUT_S = 120
PAUSE_S = 0.03


class Result:
    def __init__(self, completed):
        self.status = completed.returncode
        self.out = completed.stdout
        self.error = completed.stderr.decode(errors="replace").strip()


class Refused(Exception):
    """A tool did not convert what it should have: [(record number, what it said)], a few."""

    def __init__(self, blamed):
        super().__init__("; ".join(f"record {number}: {said}" for number, said in blamed))
        self.blamed = blamed


class Tools:
    """The two tools of one directory."""

    def __init__(self, directory):
        self.session2pb = os.path.join(directory, "session2pb")
        self.pb2session = os.path.join(directory, "pb2session")

    def run(self, tool, arguments, data):
        completed = subprocess.run(
            [tool, *arguments], input=data, capture_output=True, timeout=TIMEOUT_S, check=False
        )
        return Result(completed)

    def run_in_two(self, tool, data, length):
        """Runs a tool that gets its input in two pieces, the second of them some time later."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen([tool], **pipes) as process:
            process.stdin.write(data[:length])
            process.stdin.flush()
            time.sleep(PAUSE_S)
            out, error = process.communicate(data[length:], timeout=TIMEOUT_S)
        return Result(subprocess.CompletedProcess(tool, process.returncode, out, error))

    def cuts_that_matter(self, tool, data, cuts):
        """The cuts with which input in two pieces gives another result: [(cut, what was said)]."""
        whole = self.run(tool, [], data)
        if whole.status != 0:
            return [(len(data), whole.error)]
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda cut: self.run_in_two(tool, data, cut), cuts))
        return [
            (cut, f"exit status {result.status}, {result.error}")
            for cut, result in zip(cuts, results)
            if (result.status, result.out) != (0, whole.out)
        ]

    def to_pb(self, texts, *arguments, separator=b"\n"):
        """The messages of many documents, in one process."""
        result = self.run(self.session2pb, arguments, separator.join(texts))
        messages = undelimited(result.out) if result.status == 0 else []
        if result.status != 0 or len(messages) != len(texts):
            raise Refused(self.blame(self.session2pb, arguments, texts, result))
        return messages

    def to_json(self, messages, *arguments):
        """The texts of many messages, in one process."""
        records = [delimited([message]) for message in messages]
        result = self.run(self.pb2session, arguments, b"".join(records))
        lines = result.out.split(b"\n")
        if result.status != 0 or len(lines) != len(messages) + 1 or lines[-1]:
            raise Refused(self.blame(self.pb2session, arguments, records, result))
        return lines[:-1]

    def blame(self, tool, arguments, records, whole, limit=5):
        """Converts the records one by one, to name those that fail alone."""
        blamed = []
        for number, record in enumerate(records):
            result = self.run(tool, arguments, record)
            if result.status != 0:
                blamed.append((number, f"exit status {result.status}, {result.error}"))
                if len(blamed) == limit:
                    break
        if not blamed:
            said = f"exit status {whole.status}, {len(whole.out)} bytes, {whole.error}"
            blamed.append((-1, "each record passes alone, but all in one stream do not: " + said))
        return blamed
