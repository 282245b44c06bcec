"""The tools without the libraries of TLS and the brokers, and with each of them alone.

    libraries_test.py TOOLS EXAMPLES SOURCE [unittest's arguments]

TOOLS has both tools, and a library that they are built without is not tried alone. EXAMPLES has
sessions.ndjson, SOURCE is the tree, of which the tools are built anew in a temporary folder.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import toolcase
from toolcase import ToolTest, main

SKIPPED = 77
JOBS = "2"
SOURCE = None
# Of each option: the name in --version, what the tools link, and those who use it.
LIBRARIES = {
    "TLS": ("OpenSSL", {"libssl", "libcrypto"}, "this sessionpb was built without TLS",
            ("--connect=tcp:127.0.0.1:1", "--tls-ca=ca.pem")),
    "NATS": ("NATS", {"libnats", "libcrypto"}, "nats://: this sessionpb was built without NATS",
             ("--connect=nats://127.0.0.1:1/x",)),
    "KAFKA": ("librdkafka", {"librdkafka"}, "kafka://: this sessionpb was built without Kafka",
              ("--connect=kafka://127.0.0.1:1/x",)),
}
NEED_THEM = {"tls_test": (), "nats_test": (), "nats_access_test": (), "kafka_access_test": (),
             "brokers_test": (), "kafka_test": (sys.executable,)}  # for the mock cluster


def output(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, encoding="utf-8",
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def libraries(tools):
    """What --version says of them: the names, without versions."""
    _, *told = output(tools / "session2pb", "--version").splitlines()
    return re.findall(r"(?:with|,) (\w+) [\d.]+", told[0]) if told else []


class Libraries(ToolTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.build = pathlib.Path(folder.name)
        cls.there = libraries(toolcase.TOOLS)

    def build_with(self, *wanted):
        """From now on the tests run these tools."""
        options = [f"-DSESSIONPB_WITH_{name}={'ON' if name in wanted else 'OFF'}"
                   for name in LIBRARIES]
        output("cmake", "-G", "Ninja", "-S", SOURCE, "-B", self.build, "-DCMAKE_BUILD_TYPE=Debug",
               "-DSESSIONPB_BUILD_TESTS=OFF", *options)
        output("cmake", "--build", self.build, "--parallel", JOBS, "--target", "session2pb",
               "pb2session")
        self.addCleanup(setattr, toolcase, "TOOLS", toolcase.TOOLS)
        toolcase.TOOLS = self.build / "tools"

    def assert_has(self, *wanted):
        self.assertEqual(libraries(toolcase.TOOLS), [LIBRARIES[name][0] for name in wanted])
        linked = set().union(*(LIBRARIES[name][1] for name in wanted))
        for tool in ("session2pb", "pb2session"):
            needed = re.findall(r"NEEDED\s+(\w+)", output("objdump", "-p", toolcase.TOOLS / tool))
            ours = set().union(*(row[1] for row in LIBRARIES.values()))
            self.assertEqual(ours & set(needed), linked)
            for name in LIBRARIES.keys() - set(wanted):
                self.bad(2, LIBRARIES[name][2], tool, *LIBRARIES[name][3])

    def test_without_any_the_tools_convert_and_say_what_they_lack(self):
        self.build_with()
        self.assert_has()
        text = (toolcase.EXAMPLES / "sessions.ndjson").read_bytes()
        self.assertEqual(self.text(self.pb(text)), text)

    def test_without_any_the_tests_that_need_them_are_skipped(self):
        self.build_with()
        for test, more in NEED_THEM.items():
            done = subprocess.run([sys.executable, SOURCE / "tests" / f"{test}.py", toolcase.TOOLS,
                                   toolcase.EXAMPLES, *more], capture_output=True, check=False)
            self.assertEqual(done.returncode, SKIPPED, done)
            self.assertRegex(done.stdout, rb"\Askipped: .*\n\Z")

    def test_each_is_built_alone(self):
        for name in LIBRARIES:
            if LIBRARIES[name][0] in self.there:
                with self.subTest(name):
                    self.build_with(name)
                    self.assert_has(name)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    SOURCE = pathlib.Path(sys.argv.pop(3)).resolve()
    main(__doc__)
