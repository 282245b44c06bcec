#!/usr/bin/env python3
"""Sessions pass through a broker that is killed and started again while they are sent and fetched:
all arrive.

    brokers_test.py TOOLS EXAMPLES [SESSIONS [KILLS]]

NATS JetStream, with files. First the tools go on by themselves: session2pb has --retry, and both run
through all of it. Then session2pb ends at each kill and is run again with the --skip that it told, and
pb2session is killed as well, and run again. Without nats-server, or without NATS in the tools, nothing
runs.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import time

import toolcase
from exchange import Tool
from million_test import Crowd
from nats_server import Server, installed

SKIPPED = 77
PATIENCE_S = 600
IDLE_S = 5  # longer than what was given to somebody who is gone stays away
ACK_WAIT_NS = 10**9
STREAM, SUBJECT = "SESSIONS", "sessions.new"


class Wrong(AssertionError):
    pass


def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise Wrong(f"waited in vain for {what}")
        time.sleep(0.01)


class Relay:
    """A broker between the tools, in a folder of its own."""

    def __init__(self, folder, sent, count, kills):
        folder.mkdir()
        self.sent, self.count, self.out = sent, count, folder / "out"
        self.marks = [count * (kill + 1) // (kills + 1) for kill in range(kills)]
        self.server = Server(folder)
        self.endpoint = self.server.endpoint(SUBJECT)
        with self.server.client() as client:
            client.create_stream(STREAM, [SUBJECT], duplicate_window=PATIENCE_S * 10**9)
            client.create_durable(STREAM, "sessionpb", filter_subject=SUBJECT,
                                  ack_wait=ACK_WAIT_NS, max_ack_pending=65536)

    def publisher(self, *arguments):
        return Tool("session2pb", "-q", f"--connect={self.endpoint}", *arguments, self.sent)

    def consumer(self):
        return Tool("pb2session", "-q", f"--connect={self.endpoint}", f"--idle-exit={IDLE_S}",
                    "-o", self.out)

    def stored(self):
        with self.server.client() as client:
            return client.stream(STREAM)["messages"]

    def kill_at(self, mark):
        until(lambda: self.stored() >= mark, f"{mark} messages")
        self.server.kill()

    def judge(self):
        """The repeats in the output. A session is in the stream once."""
        if (stored := self.stored()) != self.count:
            raise Wrong(f"{stored} messages in the stream instead of {self.count}")
        expected = self.sent.read_bytes().splitlines()
        written = self.out.read_bytes().splitlines()
        if missing := set(expected) - set(written):
            raise Wrong(f"{len(missing)} sessions have not arrived, such as {min(missing)[:80]}")
        if strange := set(written) - set(expected):
            raise Wrong(f"{len(strange)} lines are no sessions, such as {min(strange)[:80]}")
        return len(written) - len(expected)


def end_well(tool):
    status = tool.wait(PATIENCE_S)
    if (status, tool.said) != (0, b""):
        raise Wrong(f"{tool.process.args[0].name} ends with {status}: {tool.said.decode()}")


def go_on(relay):
    """The tools bear what happens. The same consumer prints nothing twice."""
    publisher, consumer = relay.publisher("--retry"), relay.consumer()
    for mark in relay.marks:
        relay.kill_at(mark)
        relay.server.start()
    end_well(publisher)
    end_well(consumer)
    if repeats := relay.judge():
        raise Wrong(f"{repeats} sessions came out twice")
    return repeats


def skip_told(publisher, done, count):
    """Where to go on, as a publisher says whose server has died."""
    told = re.fullmatch(rb"session2pb: .* sessions confirmed, go on with --skip=(\d+)\n",
                        publisher.said)
    if not told or not done <= int(told[1]) <= count:
        raise Wrong(f"after {done}: {publisher.said.decode()}")
    return int(told[1])


def run_again(relay):
    """The tools are run again by somebody who does as they are told."""
    done = 0
    for mark in relay.marks:
        consumer, publisher = relay.consumer(), relay.publisher(f"--skip={done}")
        relay.kill_at(mark)
        if publisher.wait(PATIENCE_S) == 0:  # it was faster than the kill
            done = relay.count
        else:
            done = skip_told(publisher, done, relay.count)
        consumer.clean_up()
        relay.server.start()
    consumer = relay.consumer()
    end_well(relay.publisher(f"--skip={done}"))
    end_well(consumer)
    return relay.judge()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    toolcase.TOOLS, examples = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    numbers = list(map(int, sys.argv[3:5]))
    count, kills = numbers + [10000, 3][len(numbers):]
    version = subprocess.run([toolcase.TOOLS / "session2pb", "--version"], capture_output=True,
                             check=True).stdout
    if b"NATS" not in version or not installed():
        print("skipped: no NATS in the tools, or no nats-server")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        sent = Crowd(folder, examples, count, senders=1).files[0]
        for way in (go_on, run_again):
            begin = time.monotonic()
            relay = Relay(folder / way.__name__, sent, count, kills)
            try:
                repeats = way(relay)
            except Wrong as error:
                sys.exit(f"wrong: NATS, {way.__name__}: {error}")
            finally:
                relay.server.kill()
            print(f"NATS, {way.__name__}: {count} sessions, all of them, in the stream once; the server "
                  f"killed {kills} times; {repeats} printed again; "
                  f"{time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
