#!/usr/bin/env python3
"""The report of coverage, of a tree that is made up: each line and row ends in its section."""

import pathlib
import unittest

import coverage_report


def unit(*lines):
    """What gcov says of one object: for each line its count, and that of each of its branches."""
    rows = [{"line_number": number, "function_name": "f" if number < 4 else "g", "count": count,
             "branches": [{"count": n} for n in taken]}
            for number, (count, *taken) in enumerate(lines, 1)]
    files = [{"file": name, "lines": rows} for name in ("../src/a/a.c", "/usr/x.h")]
    return {"current_working_directory": "/tree/build", "files": files}


REASONS = """# why
src/a/a.c\tf\ttext 2\tso
src/a/a.c\tg\ttext 5\tno more
"""


class Report(unittest.TestCase):
    def setUp(self):
        units = [unit((3, 1, 0, 0, 0, 0), (0,), (0,), (1, 1, 0), (0,)),
                 unit((1, 1, 0, 0, 0, 0), (0,), (0,), (1, 0, 1), (9,))]
        lines = coverage_report.merge(pathlib.Path("/tree"), units, lambda _, at: f"text {at}")
        self.text, self.enough = coverage_report.report(
            lines, coverage_report.read_reasons(REASONS))

    def test_what_is_listed_is_told_with_its_reason(self):
        self.assertIn("reason: 1\n  src/a/a.c:2: f(): text 2\n    so\n", self.text)

    def test_what_is_not_listed_is_told(self):
        self.assertIn("tests/uncovered.tsv: 2\n  src/a/a.c:1: f(): 1 of 5 branches\n"
                      "  src/a/a.c:3: f(): text 3\n", self.text)

    def test_what_is_listed_and_covered_is_told(self):
        self.assertIn("gone: 1\n  src/a/a.c: g: text 5\n", self.text)

    def test_what_is_compiled_twice_counts_once(self):
        self.assertRegex(self.text, r"\nsrc +3 +5 +60\.0 % +3 +7 +42\.9 %\n")

    def test_too_little_is_a_failure(self):
        self.assertFalse(self.enough)
        self.assertIn("less than 98 % of its lines\nsrc has less than 92 % of its branches", self.text)

    def test_a_row_without_a_reason_ends_the_program(self):
        with self.assertRaises(SystemExit):
            coverage_report.read_reasons("src/a/a.c\tf\ttext 2\t\n")


if __name__ == "__main__":
    unittest.main()
