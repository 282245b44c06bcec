#!/usr/bin/env python3
"""An array of many gigabytes passes through both tools in little memory. Run by hand.

    huge_test.py TOOLS EXAMPLES [BYTES]

The array is made on the way (2 GB of it if nothing else is said) and goes through session2pb and
pb2session, as a stream and as an archive; what comes out is compared by its digest.
"""

import hashlib
import pathlib
import subprocess
import sys
import threading
import time

import make_sessions

MEMORY_MAX = 64 * 2**20
BLOCK = 1000  # sessions
PIPELINES = (
    ("session2pb", "pb2session"),
    ("session2pb --zstd", "pb2session"),
    ("session2pb --framing=list", "pb2session --array"),
)


def feed(pipe, block, count):
    """Writes an array of `count` blocks of elements."""
    with pipe:
        pipe.write(b"[" + block)
        for _ in range(count - 1):
            pipe.write(b",\n" + block)
        pipe.write(b"]\n")


def digest(pipe):
    """The digest of all sessions in lines, those of an array as well, and how many bytes it was."""
    sha, size, rest = hashlib.sha256(), 0, b""
    while piece := pipe.read(1 << 20):
        size += len(piece)
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        sha.update(b"".join(line.rstrip(b",") + b"\n" for line in lines if line not in (b"[", b"]")))
    return sha.hexdigest(), size


def peak(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if "VmHWM" in line)


class Watch(threading.Thread):
    """The peak memory of processes while they run."""

    def __init__(self, processes):
        super().__init__(daemon=True)
        self.processes, self.peaks = processes, [0] * len(processes)

    def run(self):
        while any(process.poll() is None for process in self.processes):
            for n, process in enumerate(self.processes):
                try:
                    self.peaks[n] = max(self.peaks[n], peak(process.pid))
                except (OSError, StopIteration):
                    pass
            time.sleep(0.05)


def run(tools, pipeline, block, count):
    first, second = ([str(tools / words.split()[0]), *words.split()[1:]] for words in pipeline)
    to_pb = subprocess.Popen(first, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    to_text = subprocess.Popen(second, stdin=to_pb.stdout, stdout=subprocess.PIPE)
    to_pb.stdout.close()
    watch = Watch([to_pb, to_text])
    watch.start()
    feeder = threading.Thread(target=feed, args=(to_pb.stdin, block, count))
    feeder.start()
    begin = time.monotonic()
    result, size = digest(to_text.stdout)
    feeder.join()
    seconds = time.monotonic() - begin
    statuses = (to_pb.wait(), to_text.wait())
    watch.join()
    print(f"{' | '.join(pipeline)}: {size / 1e9:.2f} GB in {seconds:.0f} s, peak memory "
          + ", ".join(f"{peak / 2**20:.1f} MiB" for peak in watch.peaks), flush=True)
    return statuses == (0, 0) and max(watch.peaks) < MEMORY_MAX and result


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    tools, examples = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 2 * 10**9
    lines = b"".join(make_sessions.make(examples / "sessions.ndjson", "ndjson", BLOCK))
    block = lines.rstrip(b"\n").replace(b"\n", b",\n")
    count = wanted // len(block) + 1
    expected = hashlib.sha256()
    for _ in range(count):
        expected.update(lines)
    results = [run(tools, pipeline, block, count) for pipeline in PIPELINES]
    wrong = [p for p, result in zip(PIPELINES, results) if result != expected.hexdigest()]
    for pipeline in wrong:
        print(f"wrong: {' | '.join(pipeline)}", file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
