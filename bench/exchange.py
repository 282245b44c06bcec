#!/usr/bin/env python3
"""Sessions over sockets, beside the conversions alone and beside pipes.

    exchange.py BENCH TOOLS [BYTES]

BENCH and TOOLS are the folders of the programs. Some 500 MB of sessions, if nothing else is said,
are made in a temporary folder. Each way takes all of them to protobuf, or back, or both: through a
pipe, or over a socket from one sender or from many at once, each with its part. The ways take
turns, ROUNDS times.

A time is from the start of the first process to the end of the last. A sender ends when all of its
sessions are confirmed; its receiver is started before, and stopped behind. Output goes to
/dev/null, but in a round before the first it is kept, and must be as long as it should be.
"""

import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 7
GOAL = 0.7  # of the slower conversion alone, from one sender over a Unix socket
SESSION_BYTES = 3037  # on average
SENDERS = (1, 16, 256)
PARTS = max(SENDERS)
SOCAT = "socat -u -b 262144"  # bytes at a time, as the tools write


def start(*command, **pipes):
    return subprocess.Popen([str(word) for word in command], **pipes)


def finish(*processes):
    for process in processes:
        if process.wait() != 0:
            sys.exit(f"exchange.py: {process.args[:5]} ended with status {process.returncode}")


def seconds(*processes, since):
    finish(*processes)
    return time.perf_counter() - since


def shell(script, *arguments, **pipes):
    return start("bash", "-o", "pipefail", "-c", script, *arguments, **pipes)


class Ways:
    """Each takes all sessions into the file `output`, and gives the seconds that it took."""

    def __init__(self, tools, parts, messages):
        self.session2pb, self.pb2session = tools / "session2pb", tools / "pb2session"
        self.parts, self.messages = parts, messages
        self.path = f"{messages}.socket"

    def to_protobuf(self, output):
        begin = time.perf_counter()
        return seconds(start(self.session2pb, *self.parts, stdout=output), since=begin)

    def to_json(self, output):
        begin = time.perf_counter()
        return seconds(start(self.pb2session, self.messages, stdout=output), since=begin)

    def pipe(self, output):
        script = '"$0" "${@:2}" | "$1"'
        begin = time.perf_counter()
        both = shell(script, self.session2pb, self.pb2session, *self.parts, stdout=output)
        return seconds(both, since=begin)

    def socat(self, output):
        take, give = f'{SOCAT} UNIX-LISTEN:"$0" -', f'{SOCAT} - UNIX-CONNECT:"$0"'
        receiver = shell(f'{take} | "$1"', self.path, self.pb2session, stdout=output)
        while not os.path.exists(self.path):
            time.sleep(0.001)
        begin = time.perf_counter()
        sender = shell(f'"$1" "${{@:2}}" | {give}', self.path, self.session2pb, *self.parts)
        return seconds(sender, receiver, since=begin)

    def unix(self, senders, output):
        return self.exchange(f"unix:{self.path}", senders, self.parts, output)

    def tcp(self, senders, output):
        return self.exchange("tcp:127.0.0.1:0", senders, self.parts, output)

    def nothing(self, output):
        """The most senders, that start and have nothing to send."""
        return self.exchange(f"unix:{self.path}", PARTS, [os.devnull] * PARTS, output)

    def exchange(self, at, senders, parts, output):
        with self.listening(at, output) as endpoint:
            command = [self.session2pb, f"--connect={endpoint}"]
            begin = time.perf_counter()
            running = [start(*command, *parts[n::senders]) for n in range(senders)]
            return seconds(*running, since=begin)

    @contextlib.contextmanager
    def listening(self, at, output):
        """pb2session while it listens; gives the endpoint with the port that it got."""
        receiver = start(self.pb2session, f"--listen={at}", stdout=output, stderr=subprocess.PIPE)
        with receiver.stderr as said:
            yield said.readline().decode().split()[-1]
            receiver.terminate()
            finish(receiver)


def ways_by_name(ways):
    named = {
        "session2pb alone": ways.to_protobuf,
        "pb2session alone": ways.to_json,
        "session2pb | pb2session": ways.pipe,
    }
    if shutil.which("socat"):
        named["the same through socat"] = ways.socat
    for name, way in (("unix", ways.unix), ("tcp", ways.tcp)):
        for senders in SENDERS:
            text = f"{name}, {senders} sender" + "s" * (senders > 1)
            named[text] = lambda output, way=way, senders=senders: way(senders, output)
    return named


def make_sessions(bench, tools, folder, size):
    """The sessions in PARTS files, and all of them as messages in one."""
    count = size // SESSION_BYTES + 1
    lines, messages = folder / "sessions.ndjson", folder / "sessions.pb"
    with open(lines, "wb") as file:
        subprocess.run([bench / "bench-corpus", "2", str(count)], stdout=file, check=True)
    subprocess.run(["split", "-n", f"l/{PARTS}", "-a", "4", lines, folder / "part-"], check=True)
    lines.unlink()
    parts = sorted(folder.glob("part-*"))
    subprocess.run([tools / "session2pb", "-o", messages, *parts], check=True)
    return count, parts, messages


def check(named, folder, json_bytes, pb_bytes):
    for name, way in named.items():
        with open(folder / "output", "wb") as output:
            way(output)
            due = pb_bytes if name.startswith("session2pb alone") else json_bytes
            if os.fstat(output.fileno()).st_size != due:
                sys.exit(f"exchange.py: {name}: the output is not as long as it should be")
    (folder / "output").unlink()


def measure(named):
    """The median of each way's seconds."""
    taken = {name: [] for name in named}
    with open(os.devnull, "wb") as output:
        for _ in range(ROUNDS):
            for name, way in named.items():
                taken[name].append(way(output))
    return {name: statistics.median(times) for name, times in taken.items()}


def report(median, count, json_bytes):
    alone = max(median[name] for name in median if name.endswith(" alone"))
    pipe = median["session2pb | pb2session"]
    print(f"{'':24} {'sessions/s':>10} {'MB/s':>7} {'alone':>7} {'pipe':>7}  goal {GOAL}")
    for name, time_s in median.items():
        verdict = ""
        if name == "unix, 1 sender":
            verdict = "  met" if alone / time_s >= GOAL else "  missed"
        print(
            f"{name:24} {count / time_s:10.0f} {json_bytes / time_s / 1e6:7.0f}"
            f" {alone / time_s:7.2f} {pipe / time_s:7.2f}{verdict}"
        )
    if not shutil.which("socat"):
        print("socat is not installed: it is not measured")


def main():
    bench, tools = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    size = int(sys.argv[3]) if len(sys.argv) > 3 else 500_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        count, parts, messages = make_sessions(bench, tools, folder, size)
        json_bytes = sum(part.stat().st_size for part in parts)
        ways = Ways(tools, parts, messages)
        named = ways_by_name(ways)
        print(f"\nSessions over sockets: {count} of them, {json_bytes / 1e6:.0f} MB of JSON;")
        processors = len(os.sched_getaffinity(0))
        print(f"median of {ROUNDS} rounds; {processors} processors, which nothing else may use;")
        print("ratios: to the slower conversion alone, and to the pipe\n")
        check(named, folder, json_bytes, messages.stat().st_size)
        median = measure({**named, "nothing": ways.nothing})
        nothing = median.pop("nothing")
        report(median, count, json_bytes)
        print(f"{PARTS} senders that have nothing to send take {nothing:.2f} s, all in all")


if __name__ == "__main__":
    main()
