"""What README.md shows is what happens: its commands print what it says, its C is the example's.

usage: readme_test.py SOURCE_DIR TOOLS_DIR CONVERT_EXAMPLE
"""

import os
import re
import subprocess
import sys
import unittest

ROOT, TOOLS, EXAMPLE = (os.path.abspath(path) for path in sys.argv[1:4])


def blocks(language):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.M | re.S)


def commands(block):
    """Pairs of a command and what the block shows of its output."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def run(command):
    environment = dict(os.environ, PATH=TOOLS + os.pathsep + os.environ["PATH"])
    return subprocess.run(
        command,
        shell=True,
        executable="/bin/bash",
        cwd=os.path.join(ROOT, "examples", "sessions"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    ).stdout


class Readme(unittest.TestCase):
    def test_each_command_prints_what_is_shown(self):
        pairs = [pair for block in blocks("console") for pair in commands(block)]
        self.assertGreaterEqual(len(pairs), 6)
        for command, shown in pairs:
            with self.subTest(command=command):
                self.assertEqual(run(command), shown)

    def test_the_demo_brings_every_session_back(self):
        demo = subprocess.run(
            [os.path.join(ROOT, "dev"), "demo", TOOLS],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        self.assertEqual(demo.returncode, 0, demo.stdout)
        examples = os.path.join(ROOT, "examples", "sessions")
        for name in (name for name in os.listdir(examples) if name.endswith(".json")):
            self.assertRegex(demo.stdout, rf"(?m)^  {re.escape(name)} .*(identical|canonical)$")

    def test_the_code_is_the_example(self):
        with open(os.path.join(ROOT, "examples", "convert.c"), encoding="utf-8") as file:
            self.assertEqual(blocks("c"), [file.read()])

    def test_the_example_converts_there_and_back(self):
        output = subprocess.run([EXAMPLE], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
        first, second = output.splitlines()
        self.assertRegex(first, r"^[0-9]+ bytes of protobuf$")
        self.assertEqual(
            second,
            '{"id":"a","type":"web","eventCount":1,"lastEvent":{"id":"e","eventName":"page_viewed",'
            '"createdDate":"2026-01-31T09:00:00.000Z"},"authenticated":false,'
            '"createdDate":"2026-01-31T09:00:00.000Z"}',
        )


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
