#!/usr/bin/env python3
"""What ./dev fuzz does with the programs that are built.

run.py run PROGRAMS WORK MINUTES [TARGET...]   fuzz each target, two at a time
run.py coverage PROGRAMS WORK                  lines that the corpus, and what was found, reach; fails
                                               where they are too few of the engine's
run.py minimise PROGRAMS WORK                  make a small corpus of what was found

PROGRAMS is the folder with fuzz_TARGET and replay_TARGET. WORK keeps what was found, from run to run, and
the inputs that broke a promise.
"""
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
ENGINE = ["base", "schema", "json", "wire", "bridge"]
ROOMS = [*ENGINE, "stream"]
ENGINE_MIN = 95  # percent of its lines
AT_ONCE = 2
INPUTS_MAX = 22  # of a target in the corpus, as the next
BYTES_MAX = 24000
LIMITS = ["-timeout=25", "-rss_limit_mb=4096", "-max_len=4096"]
ENVIRONMENT = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1")
FAULT = re.compile(r"broken: .*|runtime error: .*|ERROR: .*")


def targets(programs, kind):
    """The programs of a kind, by the names of their targets."""
    found = sorted(pathlib.Path(programs).glob(kind + "_*"))
    return {path.name[len(kind) + 1:]: path for path in found if os.access(path, os.X_OK) and path.is_file()}


# ---------------------------------------------------------------- fuzzing

def fuzz(target, program, work, seconds):
    """Runs a fuzzer to its end or its first finding. Returns its log and whether it has found something."""
    found = work / "found" / target
    findings = work / "findings"
    for folder in (found, findings):
        folder.mkdir(parents=True, exist_ok=True)
    command = [program, *LIMITS, "-max_total_time=%d" % seconds,
               "-dict=%s" % (program.parent / "dictionary"), "-print_final_stats=1",
               "-artifact_prefix=%s/%s-" % (findings, target), found, CORPUS / target]
    done = subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    log = done.stdout.decode("utf-8", "replace")
    (work / (target + ".log")).write_text(log, encoding="utf-8")
    return log, done.returncode != 0


def statistic(name, log):
    found = re.search(r"stat::%s:\s*(\d+)" % name, log)
    return int(found.group(1)) if found else 0


def row(target, log, failed):
    fault = FAULT.search(log)
    text = fault.group(0) if fault else "it has ended, see its log"
    return "%-14s %12d %8d/s   %s" % (target, statistic("number_of_executed_units", log),
                                      statistic("average_exec_per_sec", log),
                                      text if failed else "nothing found")


def seconds_of(minutes):
    """A number above 0, of minutes, in whole seconds."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", minutes) or float(minutes) == 0:
        sys.exit("'%s' is no number of minutes" % minutes)
    return max(1, round(60 * float(minutes)))


def run(programs, work, minutes, *names):
    seconds = seconds_of(minutes)
    known = targets(programs, "fuzz")
    for name in names:
        if name not in known:
            sys.exit("no target %s; there are: %s" % (name, " ".join(known)))
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {pool.submit(fuzz, name, known[name], work, seconds): name
                   for name in names or known}
        print("%-14s %12s" % ("target", "executions"))
        for done in concurrent.futures.as_completed(waiting):
            log, failed = done.result()
            failures += failed
            print(row(waiting[done], log, failed), flush=True)
    if failures:
        print("The inputs are in %s; logs beside it" % (work / "findings"))
    return 1 if failures else 0


# ---------------------------------------------------------------- the corpus

def inputs(folder):
    return sorted(folder.iterdir()) if folder.is_dir() else []


def reached(name, program, work):
    """Which edges each input reaches, as libFuzzer notes it when it merges."""
    control = work / (name + ".merge")
    merged = work / "merged"
    control.unlink(missing_ok=True)
    merged.mkdir(parents=True, exist_ok=True)
    subprocess.run([program, "-set_cover_merge=1", "-use_counters=0", *LIMITS,
                    "-merge_control_file=%s" % control, merged, CORPUS / name, work / "found" / name],
                   check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(merged)
    lines = control.read_text(encoding="utf-8").splitlines()
    paths = [pathlib.Path(line) for line in lines[2:2 + int(lines[0])]]
    notes = (line.split() for line in lines if line.startswith("FT "))
    return {paths[int(index)]: set(edges) for _, index, *edges in notes}


def choose(edges):
    """The inputs that each reach the most of what those before do not."""
    chosen, left, size = [], dict(edges), 0
    while left and len(chosen) < INPUTS_MAX:
        best = max(left, key=lambda path: (len(left[path]), -path.stat().st_size))
        gain = left.pop(best)
        if not gain:
            break
        if size + best.stat().st_size > BYTES_MAX:
            continue
        size += best.stat().st_size
        chosen.append(best)
        left = {path: rest - gain for path, rest in left.items()}
    return chosen


def minimise(programs, work):
    """An input that somebody has given a name stays, the others are chosen anew."""
    for name, program in targets(programs, "fuzz").items():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        edges = reached(name, program, work)
        contents = [path.read_bytes() for path in choose(edges)]
        for path in inputs(folder):
            if re.fullmatch("[0-9a-f]{40}", path.name):
                path.unlink()
        for content in contents:
            (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)
        print("%-14s %4d inputs, %6d bytes" % (name, len(contents), sum(map(len, contents))))
    return 0


# ---------------------------------------------------------------- coverage

def replay(programs, work):
    """Passes all inputs to their targets. Returns the profiles."""
    profiles = []
    for name, program in targets(programs, "replay").items():
        folders = [folder for folder in (CORPUS / name, work / "found" / name) if inputs(folder)]
        profiles.append(work / (name + ".profraw"))
        subprocess.run([program, *folders], check=True, stderr=subprocess.DEVNULL,
                       env=dict(ENVIRONMENT, LLVM_PROFILE_FILE=str(profiles[-1])))
    return profiles


def coverage(programs, work):
    work.mkdir(parents=True, exist_ok=True)
    merged = work / "merged.profdata"
    subprocess.run(["llvm-profdata", "merge", "-o", merged, *replay(programs, work)], check=True)
    first, *others = targets(programs, "replay").values()
    export = ["llvm-cov", "export", "-summary-only", "-instr-profile=%s" % merged, first]
    for program in others:
        export += ["-object", program]
    report = json.loads(subprocess.run(export, check=True, stdout=subprocess.PIPE).stdout)
    rooms = collections.defaultdict(lambda: [0, 0])
    for file in report["data"][0]["files"]:
        path = pathlib.Path(*pathlib.Path(file["filename"]).parts[-2:])
        if path.parts[0] not in ROOMS:
            continue
        lines = file["summary"]["lines"]
        print("%-32s %5d of %5d lines %6.1f%%" % (path, lines["covered"], lines["count"], lines["percent"]))
        rooms[path.parts[0]][0] += lines["covered"]
        rooms[path.parts[0]][1] += lines["count"]
    print()
    rooms["engine"] = [sum(numbers) for numbers in zip(*(rooms[room] for room in ENGINE))]
    for room in [*ROOMS, "engine"]:
        covered, count = rooms[room]
        print("%-32s %5d of %5d lines %6.1f%%" % (room, covered, count, 100 * covered / max(1, count)))
    covered, count = rooms["engine"]
    if 100 * covered < ENGINE_MIN * count:
        print("less than %d %% of the engine: the fuzzers have not run for long enough" % ENGINE_MIN)
        return 1
    return 0


def main():
    commands = {"run": run, "coverage": coverage, "minimise": minimise}
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    command, programs, work, *rest = sys.argv[1:]
    return commands[command](programs, pathlib.Path(work), *rest)


if __name__ == "__main__":
    sys.exit(main())
