#!/usr/bin/env python3
"""The tools as processes beside the engine alone, on the same bytes.

    tools.py BENCH TOOLS [BYTES]

BENCH and TOOLS are the folders of the programs. Some 500 MB of sessions, if nothing else is said,
are made in a temporary file; the engine and the tool take turns, ROUNDS times. A tool's time is that
of its process, from its start to its end, with a file as input and /dev/null as output.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 7
GOAL = 0.75
SESSION_BYTES = 3037  # on average


def tool_seconds(command):
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def engine_seconds(command):
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def measure(name, engine, tool, json_bytes):
    pairs = [(engine_seconds(engine), tool_seconds(tool)) for _ in range(ROUNDS)]
    alone, process = (statistics.median(column) for column in zip(*pairs))
    ratio = alone / process
    verdict = "met" if ratio >= GOAL else "missed"
    print(
        f"{name:12} {json_bytes / alone / 1e6:10.0f} {json_bytes / process / 1e6:10.0f}"
        f" {ratio:8.2f}  {verdict}",
        flush=True,
    )


def main():
    bench, tools = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    size = int(sys.argv[3]) if len(sys.argv) > 3 else 500_000_000
    with tempfile.TemporaryDirectory() as folder:
        lines, messages = pathlib.Path(folder, "sessions.ndjson"), pathlib.Path(folder, "sessions.pb")
        with open(lines, "wb") as file:
            count = str(size // SESSION_BYTES + 1)
            subprocess.run([bench / "bench-corpus", "2", count], stdout=file, check=True)
        subprocess.run([tools / "session2pb", "-o", messages, lines], check=True)
        json_bytes = lines.stat().st_size
        print(f"\n{json_bytes / 1e6:.0f} MB of JSON, {messages.stat().st_size / 1e6:.0f} MB of protobuf;")
        print(f"MB/s of JSON, median of {ROUNDS} rounds; ratio: of the process to the engine alone\n")
        print(f"{'':12} {'engine':>10} {'process':>10} {'ratio':>8}  goal {GOAL}")
        engine = bench / "sessionpb-bench-engine"
        measure("session2pb", [engine, "lines", lines], [tools / "session2pb", lines], json_bytes)
        measure("pb2session", [engine, "messages", messages], [tools / "pb2session", messages], json_bytes)


if __name__ == "__main__":
    main()
