"""The schema by buf's rules: those of style, and those of what was released before.

    buf_test.py SOURCE [unittest's arguments]
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv[1]).resolve()
BUF = SOURCE / "tests/peers/buf/node_modules/.bin/buf"
SKIPPED = 77
SESSION = "proto/journey/v1/session.proto"


def buf(*arguments, folder=SOURCE):
    done = subprocess.run([BUF, *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


def last_tag(source):
    """The tag of the last release, or nothing: in a tarball, too, that lies within another's tree."""
    if not shutil.which("git") or not (source / ".git").exists():
        return ""
    return subprocess.run(["git", "-C", source, "describe", "--tags", "--abbrev=0", "--match=v*"],
                          capture_output=True, encoding="utf-8", check=False).stdout.strip()


def last_release(source, folder):
    """The .proto files of the last release, or of this tree before there is one."""
    tag = last_tag(source)
    if tag:
        archive = subprocess.run(["git", "-C", source, "archive", tag, "proto", "buf.yaml"],
                                 capture_output=True, check=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
    else:
        copy_schema(source, folder)


def copy_schema(source, folder):
    shutil.copytree(source / "proto", folder / "proto")
    shutil.copy(source / "buf.yaml", folder)


class Buf(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def test_the_schema_keeps_to_the_style(self):
        self.assertEqual(buf("lint"), (0, ""))

    def test_the_schema_breaks_nothing_that_was_released(self):
        last_release(SOURCE, self.folder)
        self.assertEqual(buf("breaking", "--against", self.folder), (0, ""))

    @unittest.skipUnless(shutil.which("git"), "no git")
    def test_what_was_released_is_what_the_last_tag_has(self):
        repository, tarball, released = (self.folder / name for name in ("git", "git/tarball", "released"))
        for folder in (repository, tarball, released):
            folder.mkdir()
        copy_schema(SOURCE, tarball)
        copy_schema(SOURCE, repository)
        for command in ("init -q", "add .", "commit -qm 1", "tag v1.0.0", "rm -rq proto", "commit -qm 2"):
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *command.split()],
                           cwd=repository, check=True)
        last_release(repository, released)
        self.assertTrue((released / SESSION).exists())
        self.assertEqual(last_tag(tarball), "")

    def test_what_would_break_stored_sessions_is_noticed(self):
        copy_schema(SOURCE, self.folder)
        path = self.folder / SESSION
        text = path.read_text(encoding="utf-8")
        changes = {
            "a number": text.replace("optional string type = 5;", "optional string type = 999;"),
            "a type": text.replace("optional string type = 5;", "optional int32 type = 5;"),
            "a name": text.replace("optional string type = 5;", "optional string kind = 5;"),
            "a member": text.replace("optional string type = 5;", ""),
        }
        for what, changed in changes.items():
            path.write_text(changed, encoding="utf-8")
            status, said = buf("breaking", "--against", SOURCE, folder=self.folder)
            self.assertNotEqual(status, 0, what)
            self.assertIn("session.proto", said)


if __name__ == "__main__":
    if not BUF.exists():
        print("skipped: npm has not installed buf")
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
