#!/usr/bin/env python3
"""Each test that docs/known-bugs.md or SECURITY.md names exists.

known_bugs_table.py SOURCE-TREE

A test is a START_TEST, a method of a Python test, or a name in a CMakeLists.txt. Exit status 0 or 1.
"""

import pathlib
import re
import sys

DEFINED = re.compile(r"START_TEST\((\w+)\)|def (test_\w+)|spb_add_test\((\w+) ")
NAMED = re.compile(r"`(\w+)`")


def defined(tests):
    files = [path for path in tests.rglob("*") if path.suffix in (".c", ".py", ".txt")]
    found = (DEFINED.findall(path.read_text(encoding="utf-8")) for path in files)
    return {name for names in found for match in names for name in match if name}


def main():
    root = pathlib.Path(sys.argv[1])
    known = defined(root / "tests")
    status = 0
    for document in (root / "docs/known-bugs.md", root / "SECURITY.md"):
        # Names of tests are sentences: of three words at least, or files of tests.
        named = {name for name in NAMED.findall(document.read_text(encoding="utf-8"))
                 if name.count("_") >= 3 or name.endswith("_test")}
        if not named:
            print(f"{document}: no test is named")
            status = 1
        for name in sorted(named - known):
            print(f"{document}: no test is called {name}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
