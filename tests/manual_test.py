"""What the manual pages say is what the tools do: every option, every exit status, every example; and
what the library has: every function.

    manual_test.py TOOLS DOCS [unittest's arguments]

TOOLS has both tools, DOCS the pages; beside DOCS are README.md, include and examples/sessions.
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
SOURCE = DOCS.parent
EXAMPLES = SOURCE / "examples" / "sessions"
NAMES = ("session2pb", "pb2session")
DEADLINE_S = 60

TOOL_SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "{}", "ARCHIVES", "SOCKETS", "BROKERS",
                 "BAD RECORDS", "EXIT STATUS", "EXAMPLES", "DIAGNOSTICS", "SEE ALSO", "STANDARDS")
SECTIONS = {
    "session2pb.1": [title.format("INPUT SHAPES") for title in TOOL_SECTIONS],
    "pb2session.1": [title.format("FRAMINGS") for title in TOOL_SECTIONS],
    "sessionpb.3": ["NAME", "SYNOPSIS", "DESCRIPTION", "FUNCTIONS", "EXAMPLES", "SEE ALSO"],
    "sessionpb.7": ["NAME", "DESCRIPTION", "CANONICAL JSON", "MESSAGES", "FRAMINGS", "ARCHIVES",
                    "RECEIPTS", "EXAMPLES", "SEE ALSO", "STANDARDS"],
}

# Pages with commands in their examples, and how many there are at least.
COMMANDS = {"session2pb.1": 10, "pb2session.1": 10, "sessionpb.7": 8}

# What stands for a character that roff would take for its own.
ESCAPES = {r"\-": "-", r"\(aq": "'", r"\(ga": "`", r"\e": "\\", r"\&": ""}


def environment():
    return dict(os.environ, PATH=f"{TOOLS}{os.pathsep}{os.environ['PATH']}", LC_ALL="C")


def help_text(name):
    """All that it says of itself, the options of the network behind the others."""
    return "".join(subprocess.run([TOOLS / name, flag], capture_output=True, encoding="utf-8",
                                  check=True).stdout for flag in ("--help", "--help-network"))


def parts_of(text, macro):
    """What stands behind each head of that macro, by the head and in order."""
    parts = re.split(rf"^\.{macro} (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def sections(page):
    return parts_of((DOCS / page).read_text(encoding="utf-8"), "Sh")


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


def words(text):
    """The words of a rule, of a page or of Markdown."""
    return re.findall(r"\w+", plain(re.sub(r"^\.(?:Li|Fl Fl) ", "", text, flags=re.M)))


def blocks(page):
    examples = sections(page)["EXAMPLES"]
    return [plain(text) for text in re.findall(r"^\.Bd -literal.*\n((?s:.*?))^\.Ed$", examples, re.M)]


def commands(page):
    """Pairs of a command and what the page shows of its output, in order."""
    for part in re.split(r"^\$ ", "".join(blocks(page)), flags=re.M)[1:]:
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
        for page, titles in SECTIONS.items():
            self.assertEqual(list(sections(page)), titles)

    def test_the_first_words_are_those_of_help(self):
        for name in NAMES:
            described = re.search(r"^\.Nd (.*)", sections(f"{name}.1")["NAME"], re.M)[1]
            about = help_text(name).splitlines()[1].lower().removesuffix(".").removesuffix(",")
            self.assertEqual(about.replace("canonical ", ""), described.lower())

    def test_options_are_those_of_help_in_its_order_with_the_same_values(self):
        for name in NAMES:
            offered = re.findall(r"^ +((?:-\w, )?--\S+)", help_text(name), re.M)
            self.assertGreater(len(offered), 10)
            described = [item_form(head) for head, _ in items(sections(f"{name}.1")["OPTIONS"])]
            self.assertEqual(described, offered)

    def test_every_option_is_described(self):
        for name in NAMES:
            for head, text in items(sections(f"{name}.1")["OPTIONS"]):
                self.assertRegex(text, r"\w+ \w+", f"{name}: {head}")

    def test_the_text_names_no_option_that_help_lacks(self):
        for name in NAMES:
            offered = set(re.findall(r"--([\w-]+)", help_text(name)))
            page = (DOCS / f"{name}.1").read_text(encoding="utf-8")
            self.assertEqual(set(re.findall(r"Fl Fl ([\w-]+)", page)), offered)

    def test_exit_statuses_are_those_of_help(self):
        for name in NAMES:
            offered = re.findall(r"^  (\d)  ", help_text(name).split("Exit status:\n")[1], re.M)
            described = [head for head, _ in items(sections(f"{name}.1")["EXIT STATUS"])]
            self.assertEqual(described, offered)

    def run_as_one(self, page, folder):
        """All commands in one shell that stops at the first that fails. A line ahead of each tells
        where its output begins."""
        mark = "==== command"
        script = "".join(f"echo '{mark}'\n{command}\n" for command, _ in commands(page))
        done = subprocess.run(["sh", "-e"], input=script, cwd=folder, env=environment(),
                              capture_output=True, encoding="utf-8", timeout=DEADLINE_S, check=False)
        outputs = done.stdout.split(f"{mark}\n")[1:]
        pairs = list(commands(page))
        self.assertEqual(done.returncode, 0, f"{pairs[len(outputs) - 1][0]}: {done.stderr}")
        return zip(pairs, outputs)

    def test_examples_run_and_print_what_is_shown(self):
        for page, least in COMMANDS.items():
            self.assertGreaterEqual(len(list(commands(page))), least)
            with tempfile.TemporaryDirectory() as folder:
                copy = pathlib.Path(folder, "sessions")
                shutil.copytree(EXAMPLES, copy)
                for (command, shown), output in self.run_as_one(page, copy):
                    with self.subTest(page=page, command=command):
                        self.assertEqual(output, shown)

    def test_canonical_json_is_told_as_in_the_readme(self):
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        section = re.search(r"^## Canonical Session JSON\n((?s:.*?))^A document", readme, re.M)[1]
        told = [words(rule) for rule in re.split(r"^\d\. ", section, flags=re.M)[1:]]
        listed = re.search(r"^\.Bl -enum\n((?s:.*?))^\.El", sections("sessionpb.7")["CANONICAL JSON"], re.M)[1]
        self.assertEqual([words(rule) for rule in re.split(r"^\.It\n", listed, flags=re.M)[1:]], told)
        self.assertGreater(len(told), 5)

    def test_functions_are_those_of_the_headers(self):
        functions = sections("sessionpb.3")["FUNCTIONS"]
        described = {header: sorted(re.findall(r"Fn (\w+)", text))
                     for header, text in parts_of(functions, "Ss").items()}
        declared = {f"sessionpb/{path.name}": sorted(re.findall(
            r"^(?!static|typedef)\w.*?\b(spb_\w+)\(", path.read_text(encoding="utf-8"), re.M))
                    for path in (SOURCE / "include" / "sessionpb").glob("*.h")}
        self.assertEqual(described, {header: names for header, names in declared.items() if names})

    def test_headers_say_how_each_function_fails(self):
        count = 0
        for path in (SOURCE / "include" / "sessionpb").glob("*.h"):
            for about, name in re.findall(r"((?:/\*(?:(?!\*/)(?s:.))*\*/\n)?)^enum spb_status (\w+)\(",
                                          path.read_text(encoding="utf-8"), re.M):
                count += 1
                self.assertRegex(about, r"SPB_OK|Fails (?:with|like)|As spb_\w+\(\)|Its status or", name)
        self.assertGreater(count, 30)

    def test_members_of_a_report_are_described(self):
        bad = {"session2pb": (b'{"id":5}', ()), "pb2session": (b"\x02\0\0", ("--framing=delimited",))}
        for name, (record, arguments) in bad.items():
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([TOOLS / name, "-q", "--rejects=r", *arguments], input=record, cwd=folder,
                               stdout=subprocess.DEVNULL, check=False)
                report = pathlib.Path(folder, "r.report").read_text(encoding="utf-8")
            described = [head for head, _ in items(sections(f"{name}.1")["BAD RECORDS"])]
            members = re.findall(r'[{,]"(\w+)":', report)
            self.assertEqual(described, [f"Li {member}" for member in members])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
