#!/usr/bin/env python3
"""A million sessions pass from many senders to one receiver at once: none is lost, none comes
twice, and the receiver stays small. Run by hand.

    million_test.py TOOLS EXAMPLES [SESSIONS]

The sessions (1,000,000 of them if nothing else is said) go over a Unix socket and then over TCP.
What comes out is compared with what was sent, line by line.
"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import make_sessions
import toolcase
from exchange import Listener
from toolcase import MEMORY_MAX, start

SENDERS = 16
SORTS = 1000  # sessions that differ in more than their ids
ID = b'{"id":"'
PATIENCE_S = 600
OPTIONS = ((), ("--receipt-every=1000",), ("--retry",))  # the senders take turns


class Wrong(AssertionError):
    pass


class Crowd:
    """Senders, each with a file of its own sessions, and what shall arrive of them."""

    def __init__(self, folder, examples, count, senders=SENDERS):
        made = make_sessions.make(examples / "sessions.ndjson", "ndjson", SORTS)
        self.ends = [line[line.index(b'"', len(ID)):] for line in made]
        self.counts = [(count + n) // senders for n in range(senders)]
        self.files = [folder / f"sender-{n}" for n in range(senders)]
        for sender, path in enumerate(self.files):
            with path.open("wb") as file:
                file.writelines(self.line(sender, n) for n in range(self.counts[sender]))

    def line(self, sender, number):
        return ID + b"%d-%d" % (sender, number) + self.ends[number % len(self.ends)]

    def judge(self, output):
        """Each session of each sender stands in the output once, whole and in order."""
        arrived = [0] * len(self.files)
        with output.open("rb") as lines:
            for at, line in enumerate(lines, 1):
                try:
                    sender, number = map(int, line[len(ID) : line.index(b'"', len(ID))].split(b"-"))
                    expected = self.line(sender, arrived[sender])
                except (ValueError, IndexError):
                    raise Wrong(f"line {at} is no session of anybody's: {line[:80]}") from None
                if line != expected:
                    raise Wrong(f"line {at} of sender {sender}, {number} where {arrived[sender]} "
                                f"is next: {line[:80]}")
                arrived[sender] += 1
        if arrived != self.counts:
            raise Wrong(f"of {self.counts} sessions of each sender {arrived} have arrived")

    def send(self, endpoint):
        """Send all files at once, and wait for the last receipts."""
        senders = []
        for n, path in enumerate(self.files):
            command = ("session2pb", f"--connect={endpoint}", *OPTIONS[n % len(OPTIONS)], path)
            senders.append(start(*command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        for n, sender in enumerate(senders):
            said = sender.communicate(timeout=PATIENCE_S)[1]
            if (sender.returncode, said) != (0, b""):
                raise Wrong(f"sender {n} ends with {sender.returncode}: {said.decode()}")


def exchange(crowd, output, endpoint, *arguments, way=lambda endpoint: endpoint):
    """Send everything to one listener: its peak of resident bytes and of addresses.

    way   what the senders connect to, from what the listener listens on
    """
    listener = Listener([endpoint], "-o", output, *arguments)
    try:
        crowd.send(way(listener.endpoint))
        peak = listener.peak()
        listener.process.send_signal(signal.SIGTERM)
        status = listener.wait(PATIENCE_S)
    finally:
        listener.clean_up()
    if status != 0:
        raise Wrong(f"the receiver ends with {status}: {listener.said.decode()}")
    crowd.judge(output)
    return peak


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    toolcase.TOOLS, examples = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 10**6
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        crowd, output = Crowd(folder, examples, count), folder / "out"
        size = sum(path.stat().st_size for path in crowd.files)
        print(f"{count} sessions from {SENDERS} senders, {size / 1e6:.0f} MB of JSON")
        for endpoint in (f"unix:{folder}/socket", "tcp:127.0.0.1:0"):
            begin = time.monotonic()
            try:
                peak, addresses = exchange(crowd, output, endpoint)
            except Wrong as error:
                sys.exit(f"wrong: {endpoint}: {error}")
            seconds = time.monotonic() - begin
            print(f"{endpoint.split(':')[0]}: all of them, each once and in order, sent and "
                  f"compared in {seconds:.0f} s, the receiver's peak memory "
                  f"{peak / 2**20:.1f} MiB", flush=True)
            if peak >= MEMORY_MAX and addresses < toolcase.ADDRESSES_MAX:
                sys.exit("wrong: the receiver is too large")
            output.unlink()


if __name__ == "__main__":
    main()
