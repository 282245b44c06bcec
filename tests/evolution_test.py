"""A member that is added to session.proto, and to nothing else, is converted both ways.

    evolution_test.py SOURCE TOOLS [unittest's arguments]

A copy of the source tree SOURCE gets new members, and its tools are built. TOOLS has those of today.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, TOOLS = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
PROTO = pathlib.Path("proto/journey/v1/session.proto")
PARTS = ("CMakeLists.txt", "CHANGELOG.md", "cmake", "docs", "include", "proto", "src", "tools")

# One of each kind, behind the last field of Session.
MEMBERS = """
  optional string new_text = 48;
  optional int32 new_number = 49;
  optional double new_double = 50;
  optional bool new_flag = 51;
  optional google.protobuf.Timestamp new_date = 52;
  repeated string new_texts = 53;
  optional NewPart new_part = 54;
  repeated NewPart new_parts = 55;
"""
MESSAGE = """
message NewPart {
  optional string name = 1;
  optional string additional_properties = 1000;
}
"""
VALUES = {
    "newText": "é", "newNumber": -5, "newDouble": 0.25, "newFlag": False,
    "newDate": "2027-02-03T04:05:06.000Z", "newTexts": ["a", ""], "newPart": {"name": "p", "next": [1]},
    "newParts": [{"name": "q"}, {}],
}


def run(*command, stdin=b""):
    return subprocess.run([str(word) for word in command], input=stdin, capture_output=True,
                          check=True).stdout


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class Evolution(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for part in PARTS:
            copy = shutil.copytree if (SOURCE / part).is_dir() else shutil.copy
            copy(SOURCE / part, cls.folder / part)
        path = cls.folder / PROTO
        text = path.read_text(encoding="utf-8")
        session = re.search(r"^message Session \{\n(?s:.*?)^\}\n", text, re.M)[0]
        last = re.search(r"^.* additional_properties = 1000;\n", session, re.M)[0]
        grown = session.replace(last, MEMBERS + last) + MESSAGE
        path.write_text(text.replace(session, grown), encoding="utf-8")
        build = cls.folder / "build"
        run("cmake", "-G", "Ninja", "-S", cls.folder, "-B", build, "-DCMAKE_BUILD_TYPE=Debug",
            "-DSESSIONPB_BUILD_TESTS=OFF", "-DCMAKE_C_FLAGS=-w")
        run("cmake", "--build", build, "--parallel", "2", "--target", "session2pb", "pb2session")
        cls.tools = build / "tools"
        today = json.loads((SOURCE / "examples/sessions/sessions.ndjson").read_text().splitlines()[0])
        cls.text = compact({**today, **VALUES})

    def to_pb(self, tools, text):
        return run(tools / "session2pb", "--framing=raw", stdin=text)

    def to_json(self, tools, message):
        return run(tools / "pb2session", "--framing=raw", stdin=message)

    def test_new_members_are_fields_of_their_own(self):
        message = self.to_pb(self.tools, self.text)
        shown = run("protoc", f"--proto_path={self.folder / 'proto'}", "--decode=journey.v1.Session",
                    "journey/v1/session.proto", stdin=message).decode()
        for line in (r'new_text: "\303\251"', "new_number: -5", "new_double: 0.25", "new_flag: false",
                     'new_texts: ""', "new_part {", "seconds: 1801627506"):
            self.assertIn(line, shown)
        self.assertEqual(self.to_json(self.tools, message), self.text)

    def test_todays_tools_keep_them(self):
        old = self.to_pb(TOOLS, self.text)
        self.assertEqual(self.to_json(TOOLS, old), compact(dict(
            [*[pair for pair in json.loads(self.text).items() if pair[0] not in VALUES],
             *sorted(VALUES.items())])))
        new = self.to_pb(self.tools, self.text)
        self.assertEqual(json.loads(self.to_json(TOOLS, new)).keys() - json.loads(self.text).keys(),
                         {"$unknownFields"})
        self.assertEqual(self.to_pb(TOOLS, self.to_json(TOOLS, new)), new)

    def test_what_todays_tools_have_stored_is_printed_in_its_new_place(self):
        old = self.to_pb(TOOLS, self.text)
        self.assertEqual(self.to_json(self.tools, old), self.text)

    def test_new_members_are_judged_by_their_types(self):
        bad = self.text.replace(b'"newNumber":-5', b'"newNumber":"5"')
        done = subprocess.run([self.tools / "session2pb"], input=bad, capture_output=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/newNumber: ", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
