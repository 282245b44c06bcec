#!/usr/bin/env python3
"""Sessions through brokers, beside a Unix socket.

    brokers.py BENCH TOOLS [SESSIONS]

BENCH and TOOLS are the folders of the programs. 20,000 sessions, if nothing else is said, are made in a
temporary folder. Each way publishes all of them from one process, and a broker on this machine stores them
in files; then one process fetches them. The ways take turns, ROUNDS times.

A time is from the start of the process to its end: of a sender, when all is confirmed; of a consumer, when
all is written, to /dev/null, and acknowledged. The row of the socket is a sender whose receiver writes to
/dev/null. A broker that is not there, or that the tools are built without, is not measured.
"""

import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

import nats_server

ROUNDS = 3
SESSIONS = 20_000
SOCKET = "unix socket"


def timed(*command, **pipes):
    begin = time.perf_counter()
    done = subprocess.run([str(word) for word in command], check=False, **pipes)
    if done.returncode != 0:
        sys.exit(f"brokers.py: {command[:2]} ended with status {done.returncode}")
    return time.perf_counter() - begin


class Tools:
    def __init__(self, folder, sessions, count, output):
        self.session2pb, self.pb2session = folder / "session2pb", folder / "pb2session"
        self.sessions, self.count, self.output = sessions, count, output
        self.version = subprocess.run([self.session2pb, "--version"], capture_output=True,
                                      check=True, text=True).stdout

    def publish(self, endpoint, *options):
        return timed(self.session2pb, f"--connect={endpoint}", *options, self.sessions)

    def fetch(self, endpoint, *options):
        return timed(self.pb2session, f"--connect={endpoint}", f"--limit={self.count}", *options,
                     stdout=self.output)


class Nats:
    """JetStream with file storage; each measurement has a stream of its own."""

    library, name = "NATS", "NATS"
    installed = staticmethod(nats_server.installed)
    windows = (1, 256, 4096)
    keeps = True  # all that is published, to be fetched

    def __init__(self, folder):
        self.server, self.streams = nats_server.Server(folder), 0

    @contextlib.contextmanager
    def place(self):
        """An endpoint with nothing in it."""
        self.streams += 1
        name = f"S{self.streams}"
        with self.server.client() as client:
            client.create_stream(name, [name])
            yield self.server.endpoint(f"{name}?stream={name}")
            client.ask(f"STREAM.DELETE.{name}")

    def close(self):
        self.server.stop()


class Kafka:
    """librdkafka's mock cluster, which stands in BENCH. It keeps sessions in memory, and no more
    than a few megabytes of a partition, so that nothing can be fetched."""

    library, name = "librdkafka", "Kafka's mock"
    windows = (1, 256, 4096)
    keeps = False

    @classmethod
    def installed(cls):
        cls.program = pathlib.Path(sys.argv[1]).resolve() / "bench-kafka-mock"
        return cls.program.exists()

    def __init__(self, _folder):
        self.process = subprocess.Popen([self.program, "1"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.address, self.topics = self.process.stdout.readline().strip(), 0

    @contextlib.contextmanager
    def place(self):
        self.topics += 1
        print(f"topic t{self.topics} 1", file=self.process.stdin)
        self.process.stdout.readline()
        yield f"kafka://{self.address}/t{self.topics}"

    def close(self):
        self.process.communicate()


BROKERS = (Nats, Kafka)


def through(tools, broker, window):
    """Publish, and where that is done with the largest window fetch: the seconds by row."""
    with broker.place() as endpoint:
        taken = {f"{broker.name}, window {window}": tools.publish(endpoint, f"--window={window}")}
        if broker.keeps and window == max(broker.windows):
            taken[f"{broker.name}, fetched"] = tools.fetch(endpoint)
        return taken


def over_socket(tools, folder):
    endpoint = f"unix:{folder}/socket"
    receiver = subprocess.Popen([tools.pb2session, f"--listen={endpoint}"], stdout=tools.output,
                                stderr=subprocess.PIPE)
    with receiver.stderr as said:
        said.readline()
        seconds = tools.publish(endpoint)
        receiver.terminate()
        receiver.wait()
    return {SOCKET: seconds}


def measure(tools, brokers, folder):
    taken = {}
    for _ in range(ROUNDS):
        ways = [over_socket(tools, folder)]
        ways += [through(tools, broker, window) for broker in brokers for window in broker.windows]
        for way in ways:
            for name, seconds in way.items():
                taken.setdefault(name, []).append(seconds)
    return {name: statistics.median(times) for name, times in taken.items()}


def report(median, count):
    print(f"{'':24} {'sessions/s':>10} {'to the socket':>14}")
    for name, seconds in median.items():
        print(f"{name:24} {count / seconds:10.0f} {median[SOCKET] / seconds:14.2f}")


def start_brokers(tools, folder, stack):
    for kind in BROKERS:
        if kind.library not in tools.version or not kind.installed():
            print(f"{kind.name} is not there: it is not measured")
            continue
        home = folder / kind.name
        home.mkdir()
        broker = kind(home)
        stack.callback(broker.close)
        yield broker


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    bench, tools = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else SESSIONS
    with tempfile.TemporaryDirectory() as name, open(os.devnull, "wb") as output, \
            contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        sessions = folder / "sessions.ndjson"
        with open(sessions, "wb") as file:
            subprocess.run([bench / "bench-corpus", "2", str(count)], stdout=file, check=True)
        tools = Tools(tools, sessions, count, output)
        brokers = list(start_brokers(tools, folder, stack))
        print(f"\nSessions through brokers: {count} of them, {sessions.stat().st_size / 1e6:.0f} MB of "
              f"JSON; median of {ROUNDS} rounds;")
        print(f"{len(os.sched_getaffinity(0))} processors, which nothing else may use\n")
        report(measure(tools, brokers, folder), count)


if __name__ == "__main__":
    main()
