"""The completions of shells are made of what the tools' help says.

    completions_test.py TOOLS DOCS [unittest's arguments]
"""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

TOOLS, DOCS = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
FOLDER = DOCS / "completions"
NAMES = ("session2pb", "pb2session")
SHELLS = ("bash", "zsh", "fish")


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, encoding="utf-8",
                          check=True).stdout


def in_bash(name, *words):
    """What bash offers for the last of the words of a command line."""
    line = " ".join(f"'{word}'" for word in (name, *words))
    script = (f"source {FOLDER / name}.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; "
              f"compopt() {{ :; }}; _{name}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return run("bash", "-c", script).split()


class Completions(unittest.TestCase):
    def test_they_are_up_to_date(self):
        for name in NAMES:
            for shell in SHELLS:
                path = FOLDER / f"{name}.{shell}"
                made = run(sys.executable, FOLDER / "make.py", TOOLS / name, shell)
                self.assertEqual(path.read_text(encoding="utf-8"), made, f"make {path.name} anew")

    def test_every_option_of_help_is_in_them(self):
        for name in NAMES:
            offered = re.findall(r"^ +(?:-\w, )?--([\w-]+)", run(TOOLS / name, "--help") +
                                 run(TOOLS / name, "--help-network"), re.M)
            self.assertGreater(len(offered), 20)
            for shell in SHELLS:
                text = (FOLDER / f"{name}.{shell}").read_text(encoding="utf-8")
                for option in offered:
                    self.assertRegex(text, rf"(--|-l ){option}\b", shell)

    def test_bash_offers_options_choices_and_files(self):
        self.assertEqual(in_bash("pb2session", "--fram"),
                         ["--framing=", "--frame-size=", "--frame-timeout="])
        self.assertEqual(in_bash("session2pb", "--on-error", "=", "s"), ["stop", "skip"])
        self.assertEqual(in_bash("session2pb", "--unknown", "="), ["keep", "drop", "reject"])
        self.assertEqual(in_bash("session2pb", "-o", str(DOCS / "pb2session.")),
                         [str(DOCS / "pb2session.1")])
        self.assertEqual(in_bash("session2pb", "--skip", "="), [])

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish_offers_options_and_choices(self):
        script = f"source {FOLDER}/pb2session.fish; complete -C 'pb2session --on-error='"
        words = [line.split("\t")[0] for line in run("fish", "--no-config", "-c", script).splitlines()]
        self.assertEqual(words, ["--on-error=skip", "--on-error=stop"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_can_read_them(self):
        for name in NAMES:
            run("zsh", "-n", FOLDER / f"{name}.zsh")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
