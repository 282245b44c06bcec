"""What the manual pages say is what the tools do: every option, every exit status, every example.

    manual_test.py TOOLS DOCS [unittest's arguments]

TOOLS has both tools, DOCS their pages; beside DOCS is examples/sessions.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS, DOCS = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
EXAMPLES = DOCS.parent / "examples" / "sessions"
NAMES = ("session2pb", "pb2session")
DEADLINE_S = 60

SECTIONS = {
    "session2pb": ("INPUT SHAPES", "ARCHIVES", "SOCKETS", "BROKERS", "BAD RECORDS"),
    "pb2session": ("FRAMINGS", "ARCHIVES", "SOCKETS", "BROKERS", "BAD RECORDS"),
}
ALWAYS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "DIAGNOSTICS",
          "SEE ALSO", "STANDARDS")

# What stands for a character that roff would take for its own.
ESCAPES = {r"\-": "-", r"\(aq": "'", r"\(ga": "`", r"\e": "\\", r"\&": ""}


def environment():
    return dict(os.environ, PATH=f"{TOOLS}{os.pathsep}{os.environ['PATH']}", LC_ALL="C")


def help_text(name):
    """All that it says of itself, the options of the network behind the others."""
    return "".join(subprocess.run([TOOLS / name, flag], capture_output=True, encoding="utf-8",
                                  check=True).stdout for flag in ("--help", "--help-network"))


def sections(name):
    """The source of each section of a page, by its title and in order."""
    parts = re.split(r"^\.Sh (.*)\n", (DOCS / f"{name}.1").read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def items(section):
    """The heads of the outer list of a section, each with the text below it."""
    depth, found = 0, []
    for line in section.splitlines():
        depth += line.startswith(".Bl ") - line.startswith(".El")
        if depth == 1 and line.startswith(".It "):
            found.append((line[4:], []))
        elif depth > 0 and found:
            found[-1][1].append(line)
    return [(head, "\n".join(text)) for head, text in found]


def plain(text):
    """Literal text as a reader of the page sees it."""
    return re.sub(r"\\(?:\(..|.)", lambda match: ESCAPES[match[0]], text)


def blocks(name):
    examples = sections(name)["EXAMPLES"]
    return [plain(text) for text in re.findall(r"^\.Bd -literal.*\n((?s:.*?))^\.Ed$", examples, re.M)]


def commands(name):
    """Pairs of a command and what the page shows of its output, in order."""
    for part in re.split(r"^\$ ", "".join(blocks(name)), flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def item_form(head):
    """The head of an option's item as --help prints it."""
    head = re.sub(r" Ns Op = Ns Ar (\w+)", r"[=\1]", head)
    head = re.sub(r" Ns = Ns (?:Ar|Cm) ", "=", head)
    head = re.sub(r"Fl (\w) Ar FILE , ", r"Fl \1 , ", head)
    return head.replace("Fl Fl ", "--").replace("Fl ", "-").replace(" , ", ", ").replace(" | ", "|")


class Manual(unittest.TestCase):
    def test_each_page_has_its_sections_in_the_usual_order(self):
        for name in NAMES:
            titles = [*ALWAYS[:4], *SECTIONS[name], *ALWAYS[4:]]
            self.assertEqual(list(sections(name)), titles)

    def test_the_first_words_are_those_of_help(self):
        for name in NAMES:
            described = re.search(r"^\.Nd (.*)", sections(name)["NAME"], re.M)[1]
            about = help_text(name).splitlines()[1].lower().removesuffix(".").removesuffix(",")
            self.assertEqual(about.replace("canonical ", ""), described.lower())

    def test_options_are_those_of_help_in_its_order_with_the_same_values(self):
        for name in NAMES:
            offered = re.findall(r"^ +((?:-\w, )?--\S+)", help_text(name), re.M)
            self.assertGreater(len(offered), 10)
            described = [item_form(head) for head, _ in items(sections(name)["OPTIONS"])]
            self.assertEqual(described, offered)

    def test_every_option_is_described(self):
        for name in NAMES:
            for head, text in items(sections(name)["OPTIONS"]):
                self.assertRegex(text, r"\w+ \w+", f"{name}: {head}")

    def test_the_text_names_no_option_that_help_lacks(self):
        for name in NAMES:
            offered = set(re.findall(r"--([\w-]+)", help_text(name)))
            page = (DOCS / f"{name}.1").read_text(encoding="utf-8")
            self.assertEqual(set(re.findall(r"Fl Fl ([\w-]+)", page)), offered)

    def test_exit_statuses_are_those_of_help(self):
        for name in NAMES:
            offered = re.findall(r"^  (\d)  ", help_text(name).split("Exit status:\n")[1], re.M)
            described = [head for head, _ in items(sections(name)["EXIT STATUS"])]
            self.assertEqual(described, offered)

    def run_as_one(self, name, folder):
        """All commands in one shell that stops at the first that fails. A line ahead of each tells
        where its output begins."""
        mark = "==== command"
        script = "".join(f"echo '{mark}'\n{command}\n" for command, _ in commands(name))
        done = subprocess.run(["sh", "-e"], input=script, cwd=folder, env=environment(),
                              capture_output=True, encoding="utf-8", timeout=DEADLINE_S, check=False)
        outputs = done.stdout.split(f"{mark}\n")[1:]
        pairs = list(commands(name))
        self.assertEqual(done.returncode, 0, f"{pairs[len(outputs) - 1][0]}: {done.stderr}")
        return zip(pairs, outputs)

    def test_examples_run_and_print_what_is_shown(self):
        for name in NAMES:
            self.assertGreaterEqual(len(list(commands(name))), 10)
            with tempfile.TemporaryDirectory() as folder:
                copy = pathlib.Path(folder, "sessions")
                shutil.copytree(EXAMPLES, copy)
                for (command, shown), output in self.run_as_one(name, copy):
                    with self.subTest(page=name, command=command):
                        self.assertEqual(output, shown)

    def test_members_of_a_report_are_described(self):
        bad = {"session2pb": (b'{"id":5}', ()), "pb2session": (b"\x02\0\0", ("--framing=delimited",))}
        for name, (record, arguments) in bad.items():
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([TOOLS / name, "-q", "--rejects=r", *arguments], input=record, cwd=folder,
                               stdout=subprocess.DEVNULL, check=False)
                report = pathlib.Path(folder, "r.report").read_text(encoding="utf-8")
            described = [head for head, _ in items(sections(name)["BAD RECORDS"])]
            members = re.findall(r'[{,]"(\w+)":', report)
            self.assertEqual(described, [f"Li {member}" for member in members])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
