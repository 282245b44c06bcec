"""The same sessions, in every shape that they come in, give the same bytes.

usage: shapes_test.py TOOLS_DIR EXAMPLES_DIR
"""

import json
import pathlib
import subprocess
import sys
import unittest

TOOLS, EXAMPLES = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
LINES = (EXAMPLES / "sessions.ndjson").read_text(encoding="utf-8").splitlines() * 40
SESSIONS = [json.loads(line) for line in LINES]
PAGE = 30


def text(value, **style):
    return json.dumps(value, ensure_ascii=False, **style)


def convert(stream):
    """The messages of a stream, and what was said of it."""
    done = subprocess.run([TOOLS / "session2pb"], input=stream.encode(), capture_output=True, check=False)
    return done.stdout, done.stderr.decode()


def notification(session):
    return {"topicName": "v2.x", "version": "2", "eventBody": session, "metadata": {"CorrelationId": "c"}}


def event(session):
    return {"version": "0", "id": "i", "detail-type": "v2.x", "resources": [], "detail": notification(session)}


def pages(**more):
    parts = [SESSIONS[i : i + PAGE] for i in range(0, len(SESSIONS), PAGE)]
    return [{**more, "entities": part, "nextUri": "/n", "x": [1, {"y": 2.5}]} for part in parts]


HEARTBEAT = text({"topicName": "channel.metadata", "eventBody": {"message": "WebSocket Heartbeat"}})
CLOSING = text({"eventBody": {"message": "bye"}, "topicName": "v2.system.socket_closing"})

SHAPES = {
    "one behind another": "".join(LINES),
    "pretty": "\n".join(text(session, indent=2) for session in SESSIONS),
    "array": text(SESSIONS),
    "pretty array": text(SESSIONS, indent=2),
    "listings": "".join(text(page) for page in pages()),
    "listings with entities last": "".join(text(page) for page in pages(selfUri="/s", pageSize=25)),
    "array of listings": text(pages(), indent=1),
    "notifications": "\n".join(HEARTBEAT + text(notification(s)) for s in SESSIONS) + CLOSING,
    "events": "\n".join(text(event(session)) for session in SESSIONS),
    "array of events": text([event(session) for session in SESSIONS]),
    "byte order mark": "\ufeff" + "\r\n".join(LINES),
    "mixture": text(SESSIONS[:10])
    + text({"entities": SESSIONS[10:20]})
    + "".join(text(notification(session)) for session in SESSIONS[20:30])
    + text([event(session) for session in SESSIONS[30:40]])
    + "\n".join(LINES[40:]),
}


class Shapes(unittest.TestCase):
    def test_each_shape_gives_the_same_bytes(self):
        expected, said = convert("\n".join(LINES))
        self.assertEqual(said, "")
        for name, stream in SHAPES.items():
            with self.subTest(shape=name):
                self.assertEqual(convert(stream), (expected, ""))

    def test_a_shape_that_is_cut_short_is_refused(self):
        for stream in ("[", "[" + LINES[0], "[" + LINES[0] + ",", '{"entities":[' + LINES[0] + "]"):
            self.assertIn("the text ends inside of an array or a listing", convert(stream)[1])

    def test_what_stands_between_records_is_judged(self):
        for stream, reason in (
            ("[" + LINES[0] + LINES[1] + "]", "expected ',' or ']'"),
            ("[" + LINES[0] + ",]", "expected an object"),
            ('{"entities":[],"x":tru}', "expected true, false or null"),
            ('{"entities":[],}', "expected a member's name in quotes"),
            ('{"topicName":"v2.x"}', 'the notification has not one object "eventBody"'),
            ('{"detail-type":"x","detail":5}', 'the event has not one object "detail"'),
        ):
            with self.subTest(stream=stream[-40:]):
                self.assertIn(reason, convert(stream)[1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
