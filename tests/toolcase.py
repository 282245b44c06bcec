"""What the tests of the tools share: running a tool, and judging how it ended.

    X_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools, EXAMPLES has sessions, *.json or sessions/*.json.
"""

import atexit
import functools
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from wirebytes import delimited

TOOLS = EXAMPLES = None  # set from the arguments
# How many times longer everything takes in an emulator, or with counters: as the presets tell Check.
SLOWNESS = int(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))
DEADLINE_S = 20 * SLOWNESS
MEMORY_MAX = 64 * 2**20  # a child counts this Python's, too, some 30 MiB, until its exec
ADDRESSES_MAX = 2**40
FILE_MAX = 4 * MEMORY_MAX  # a broken tool shall not fill the disk
STDIN, STDOUT = "(standard input)", "(standard output)"
NOBODY = {"user": 65534} if os.geteuid() == 0 else {}  # root may read and write everything

EVENT = '{"id":"e","eventName":"web_event","createdDate":"2022-10-03T10:00:00.000Z"}'
REST = '"lastEvent":' + EVENT + ',"authenticated":false,"createdDate":"2022-10-03T10:00:00.000Z"}'
NO_ID = b'{"type":"web","eventCount":0,' + REST.encode()


def session(name, count="0", more=""):
    """A compact canonical session without a line end."""
    return f'{{"id":"{name}","type":"web","eventCount":{count},{more}{REST}'.encode()


A, B, C = session("a"), session("b"), session("c")
NDJSON = A + b"\n" + B + b"\n" + C + b"\n"
UNKNOWN = A[:-1] + b',"zzz":[1,{"y":null}]}'
BAD_COUNT = session("bad", '"many"')


def frame(message):
    return delimited([message])


@functools.cache
def within_reach(tool):
    """A copy of the tool that other users can run: the tools may be below a folder of root's own."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    os.chmod(folder, 0o755)
    return shutil.copy(TOOLS / tool, folder)


def is_emulated(tool):
    """Whether it is a script that calls an emulator; see tests/CMakeLists.txt."""
    return (TOOLS / tool).read_bytes().startswith(b"#!")


def has_own_memory(tool, addresses):
    """Whether a tool's memory is its own: a sanitizer reserves addresses, an emulator needs some."""
    return addresses < ADDRESSES_MAX and not is_emulated(tool)


def path_of(tool, popen):
    return within_reach(tool) if "user" in popen else TOOLS / tool


def run(tool, *arguments, stdin=b"", **popen):
    """Run a tool with the bytes `stdin`, or with the file `stdin`."""
    if isinstance(stdin, bytes):
        popen["input"] = stdin
    else:
        popen["stdin"] = stdin
    popen.setdefault("stdout", subprocess.PIPE)
    popen |= {"stderr": subprocess.PIPE, "timeout": DEADLINE_S}
    return subprocess.run([path_of(tool, popen), *arguments], **popen)


def start(tool, *arguments, **popen):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([path_of(tool, popen), *arguments], bufsize=0, **(pipes | popen))


def example_files():
    return sorted(EXAMPLES.glob("*.json")) or sorted(EXAMPLES.glob("sessions/*.json"))


def example_lines():
    """The examples as NDJSON, one line each."""
    documents = [json.loads(file.read_bytes()) for file in example_files()]
    return [json.dumps(document).encode() + b"\n" for document in documents]


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.005)


def proc_status(pid, *names):
    """Numbers from /proc/PID/status in bytes; empty when the process has ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except ProcessLookupError:
        return []
    found = (re.search(rf"{name}:\s*(\d+) kB", text) for name in names)
    return [int(match[1]) * 1024 for match in found if match]


def peak_memory(tool, *arguments, **popen):
    """Peak resident bytes of a tool, and its exit status. What wait4() tells counts this Python, too,
    until the child's exec, so the tool is watched while it runs."""
    peak = 0
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": None}
    with start(tool, *arguments, **(quiet | popen)) as child:
        while child.poll() is None:
            numbers = proc_status(child.pid, "VmPeak", "VmHWM")
            if numbers and numbers[0] > ADDRESSES_MAX:
                raise unittest.SkipTest("a sanitizer reserves addresses")
            peak = max([peak, *numbers[1:]])
            time.sleep(0.005)
    return peak, child.returncode


class ToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def good(self, tool, *arguments, **keywords):
        """The output of a run that succeeds and says nothing."""
        done = run(tool, *arguments, **keywords)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def bad(self, status, line, tool, *arguments, **keywords):
        """The output of a run that fails with one line, which fits the regular expression."""
        done = run(tool, *arguments, **keywords)
        message = done.stderr.decode()
        self.assertEqual(done.returncode, status, message)
        self.assertRegex(message, rf"\A{tool}: {line}\n\Z")
        return done.stdout

    def pb(self, text, *arguments):
        return self.good("session2pb", *arguments, stdin=text)

    def text(self, pb, *arguments):
        return self.good("pb2session", *arguments, stdin=pb)


def main(usage):
    """Run the tests of the program that calls this, and exit."""
    global TOOLS, EXAMPLES
    if len(sys.argv) < 3:
        sys.exit(usage)
    TOOLS, EXAMPLES = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    if not (TOOLS / "session2pb").exists():
        sys.exit(f"there is no {TOOLS}/session2pb")
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_MAX, FILE_MAX))
    result = unittest.main(argv=[sys.argv[0], *sys.argv[3:]], exit=False).result
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun} tests, {failed} failures, {skipped} skipped")
    sys.exit(not result.wasSuccessful())
