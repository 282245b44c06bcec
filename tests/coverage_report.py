#!/usr/bin/env python3
"""What the tests reach of src and tools, and why they do not reach the rest of src.

    coverage_report.py ROOT BUILD   reports on the source tree ROOT, by the counters in the folder BUILD

tests/uncovered.tsv says why a line of src is not covered: its file, its function, its text, the
reason. Where the text is BRANCHES, it says why the function has less than its share of branches,
where more of them are missing than its lines tell: one for each line, and one more.
What is not covered and not listed is printed, and so is what is listed and covered by now. All
branches that are not taken go to BUILD/branches.txt. Exit status 0 if src has its share, else 1.
"""

import collections
import json
import pathlib
import subprocess
import sys

SHARE = {"lines": 98, "branches": 92}  # of src, in percent; of branches, in each function too
TOTALS = ("src", "tools")
BRANCHES = "BRANCHES"
FIELDS = 4

# Not gcovr: it refuses a header that is compiled for several processors, with functions of one name.
GCOV = ["gcov", "--json-format", "--stdout", "--branch-probabilities"]

# `taken` has a count for each branch.
Line = collections.namedtuple("Line", "file number function text count taken")


def measure(build):
    """What gcov says of each object, those that never ran included."""
    notes = sorted(str(path) for path in build.rglob("*.gcno"))
    done = subprocess.run(GCOV + notes, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def merge(root, units, text_of):
    """The lines of src and tools. What is compiled several times, in whatever way, is counted once."""
    lines = {}
    for unit in units:
        for file in unit["files"]:
            path = pathlib.Path(unit["current_working_directory"], file["file"]).resolve()
            if not any(path.is_relative_to(root / folder) for folder in TOTALS):
                continue
            name = path.relative_to(root).as_posix()
            for line in file["lines"]:
                number = line["line_number"]
                new = [branch["count"] for branch in line["branches"]]
                old = lines.get((name, number)) or Line(
                    name, number, line.get("function_name", ""), text_of(name, number), 0, [])
                longer, shorter = sorted((new, old.taken), key=len, reverse=True)
                taken = [a + b for a, b in zip(longer, shorter)] + longer[len(shorter):]
                lines[name, number] = old._replace(count=old.count + line["count"], taken=taken)
    return [lines[key] for key in sorted(lines)]


class Count:
    """Of each kind: how many are covered, and how many there are."""

    def __init__(self):
        self.of = {"lines": (0, 0), "branches": (0, 0)}

    def add(self, line):
        for kind, counts in (("lines", [line.count]), ("branches", line.taken)):
            covered, every = self.of[kind]
            self.of[kind] = (covered + sum(n > 0 for n in counts), every + len(counts))

    def falls_short(self, kind):
        covered, every = self.of[kind]
        return 100 * covered < SHARE[kind] * every

    def misses(self, kind):
        covered, every = self.of[kind]
        return every - covered

    def __str__(self):
        return "".join(f"{covered:7}{every:7}{100 * covered / (every or 1):7.1f} %"
                       for covered, every in self.of.values())


def count_all(lines):
    """The counts of each total and room by their names, and of each function by (file, name)."""
    counts = collections.defaultdict(Count)
    for line in lines:
        room = str(pathlib.PurePosixPath(line.file).parent)
        for name in {line.file.split("/")[0], room, (line.file, line.function)}:
            counts[name].add(line)
    return counts


def find_missing(lines, counts):
    """What rows of the list may be about, and for each where it is now."""
    missing = {}
    for line in lines:
        function = counts[line.file, line.function]
        place = f"{line.file}:{line.number}: {line.function}()"
        if line.file.startswith("src/") and line.count == 0:
            missing.setdefault((line.file, line.function, line.text), f"{place}: {line.text}")
        untold = function.misses("branches") - function.misses("lines")
        if line.file.startswith("src/") and function.falls_short("branches") and untold > 1:
            share = "{} of {} branches".format(*function.of["branches"])
            missing.setdefault((line.file, line.function, BRANCHES), f"{place}: {share}")
    return missing


def read_reasons(text):
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    for row in rows:
        if len(row) != FIELDS or not all(row):
            sys.exit(f"tests/uncovered.tsv: not a file, a function, a text and a reason: {row}")
    return {tuple(row[:3]): row[3] for row in rows}


def report(lines, reasons):
    """The report as a text, and whether src has its share."""
    counts = count_all(lines)
    missing = find_missing(lines, counts)
    known = [key for key in missing if key in reasons]
    sections = {
        "Not covered, for a reason": [f"{missing[key]}\n    {reasons[key]}" for key in known],
        "Not covered, and not in tests/uncovered.tsv":
            [place for key, place in missing.items() if key not in reasons],
        "In tests/uncovered.tsv, but covered or gone":
            [": ".join(key) for key in reasons if key not in missing],
    }
    out = [f"{heading}: {len(rows)}\n" + "".join(f"  {row}\n" for row in rows)
           for heading, rows in sections.items()]
    rooms = sorted(name for name in counts if isinstance(name, str) and name not in TOTALS)
    out.append(f"{'lines':>32}{'branches':>23}")
    out += [f"{name:18}{counts[name]}" for name in [*rooms, *TOTALS] if name in counts]
    short = [kind for kind in SHARE if counts["src"].falls_short(kind)]
    out += [f"src has less than {SHARE[kind]} % of its {kind}" for kind in short]
    return "\n".join(out), not short


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root, build = (pathlib.Path(path).resolve() for path in sys.argv[1:])
    sources = collections.defaultdict(list)

    def text_of(file, number):
        if not sources[file]:
            sources[file] = (root / file).read_text(encoding="utf-8").splitlines()
        return sources[file][number - 1].strip()

    lines = merge(root, measure(build), text_of)
    partly = [(line, sum(n > 0 for n in line.taken)) for line in lines]
    (build / "branches.txt").write_text("".join(
        f"{line.file}:{line.number}: {taken} of {len(line.taken)}: {line.text}\n"
        for line, taken in partly if taken < len(line.taken)), encoding="utf-8")
    text, enough = report(lines, read_reasons((root / "tests/uncovered.tsv").read_text("utf-8")))
    print(text)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
