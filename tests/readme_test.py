"""What README.md and other pages show is what happens: their commands print what they say, the C of
README.md is the example's.

usage: readme_test.py SOURCE_DIR TOOLS_DIR CONVERT_EXAMPLE
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import unittest

import clickhouse

ROOT, TOOLS, EXAMPLE = (os.path.abspath(path) for path in sys.argv[1:4])

# Pages, and the commands that each has at least.
SCREEN = 40 # lines that a visitor sees first
PAGES = {"README.md": 6, "docs/analytics.md": 5, "docs/adopting.md": 3}

# A block with this word takes something that not every machine has.
NEEDS = {
    "duckdb.mjs": os.path.isdir(os.path.join(ROOT, "examples", "analytics", "node_modules")),
    "clickhouse": clickhouse.THERE,
}


def blocks(language, page="README.md"):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.M | re.S)


def commands(block):
    """Pairs of a command and what the block shows of its output."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def pages():
    """All pages of the tree, but those that npm has installed or a build has made."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in (".git", "build", "node_modules")]
        yield from (os.path.join(folder, name) for name in files if name.endswith(".md"))


def anchors(page):
    """The names that the headings of a page can be linked by."""
    if not page.endswith(".md"):
        return []
    with open(page, encoding="utf-8") as file:
        heads = re.findall(r"^#+ (.*)$", file.read(), re.M)
    return [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads]


def missing(block):
    return [word for word, there in NEEDS.items() if word in block and not there]


@contextlib.contextmanager
def surroundings(page):
    """The environment of a page's commands, with a server of ClickHouse if they ask one."""
    environment = dict(os.environ, PATH=TOOLS + os.pathsep + os.environ["PATH"])
    with contextlib.ExitStack() as stack:
        if clickhouse.THERE and any("clickhouse" in block for block in blocks("console", page)):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            environment |= stack.enter_context(clickhouse.running(folder))
        yield environment


def run(command, environment):
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
    def test_the_first_screen_tells_what_for_whom_how_fast_and_how_to_start(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            screen = "".join(file.readlines()[:SCREEN])
        for words in ("# sessionpb", "It is for people who", "](docs/speed.svg)", "## Start", "./dev demo"):
            self.assertIn(words, screen)

    def test_it_names_the_commands_of_dev(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            named = re.search(r"lists the commands: ((?s:.*?))\.\n", file.read())[1]
        offered = run(os.path.join(ROOT, "dev"), dict(os.environ))
        self.assertEqual(re.findall(r"`(\w+)`", named), re.findall(r"^  (\w+) ", offered, re.M)[:-1])

    def test_links_lead_somewhere(self):
        for page in pages():
            with open(page, encoding="utf-8") as file:
                text = re.sub(r"^```(?s:.*?)^```$", "", file.read(), flags=re.M)
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                path, _, anchor = link.partition("#")
                target = os.path.join(os.path.dirname(page), path) if path else page
                if not re.match(r"https?:", link):
                    with self.subTest(page=page, link=link):
                        self.assertTrue(os.path.exists(target))
                        self.assertIn(anchor, ["", *anchors(target)])

    def test_each_command_prints_what_is_shown(self):
        for page, least in PAGES.items():
            found = blocks("console", page)
            self.assertGreaterEqual(sum(len(list(commands(block))) for block in found), least)
            with surroundings(page) as environment:
                for block in found:
                    self.check_block(page, block, environment)

    def check_block(self, page, block, environment):
        if missing(block):
            with self.subTest(page=page, block=block):
                self.skipTest(f"{missing(block)} cannot run here")
        else:
            for command, shown in commands(block):
                with self.subTest(page=page, command=command):
                    self.assertEqual(run(command, environment), shown)

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
