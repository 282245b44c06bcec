"""Sessions exchanged with other runtimes: columns of sessions, ways of exchange, what differs.

A peer is a program as tests/peers/CMakeLists.txt describes it. What it says is judged by its
meaning: the session is right when pb2session prints its canonical text.
"""

import json
import random
import re
import subprocess
from base64 import b64decode
from typing import NamedTuple

import edges
import es6_numbers
from canonical import canonical, load_schema, string_text, tokens
from corpus import Corpus
from runtools import Tools
from wirebytes import START, UnknownFields, delimited, fields, length_field, undelimited

TIMEOUT_S = 300
ENTITIES = 1  # of a SessionListing
ADDITIONAL_NAME = '"additionalProperties"'
UNKNOWN_MEMBER = re.compile(r'(?<="\$unknownFields":")[^"]*')
REORDERED = "all unknown fields are there, in another order"
BLAMED_MAX = 60  # sessions that are looked for one by one when not all of them pass at once


class Peer(NamedTuple):
    name: str
    program: str
    takes: str  # what it needs to be there

    @property
    def is_there(self):
        return bool(self.program)

    def run(self, *arguments, data=b""):
        completed = subprocess.run(
            [*self.program.split(" "), *arguments],
            input=data,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if completed.returncode != 0:
            lines = completed.stderr.decode(errors="replace").strip().splitlines()
            raise Failed(lines[0] if lines else f"exit status {completed.returncode}")
        return completed.stdout

    def version(self):
        return self.run("--version").decode().strip()


def load_peers(path):
    with open(path, encoding="utf-8") as lines:
        return [Peer(*line.rstrip("\n").split("\t")) for line in lines]


class Failed(Exception):
    """A program did not convert what it was given."""


class Case(NamedTuple):
    text: str  # canonical
    message: bytes
    seen: str  # the text as peers see it, with additional members as the text in one field


class Column(NamedTuple):
    name: str
    sessions: list
    cases: list
    arguments: tuple


class Outcome(NamedTuple):
    total: int
    same_bytes: int
    wrong: dict  # {number: what differs}


def listing_bytes(messages):
    return b"".join(length_field(ENTITIES, message) for message in messages)


def listing_messages(data):
    return [field.payload for field in fields(data) if field.number == ENTITIES]


def listing_text(texts):
    return ('{"entities":[' + ",".join(texts) + "]}").encode()


def respelt(text):
    """The text with our spelling of additional_properties, which the peer may spell its own way.

    To session2pb it is an additional member, whose value it keeps as it is. (A map's key of that
    name has an object behind it.)
    """
    if ADDITIONAL_NAME not in text:
        return text
    parts = tokens(text)
    for at in range(2, len(parts)):
        if parts[at - 2 : at] == [ADDITIONAL_NAME, ":"] and parts[at].startswith('"'):
            parts[at] = string_text(json.loads(parts[at]))
    return "".join(parts)


def in_any_order(data):
    """The fields of a message of unknown ones as a sorted list, and so those inside its groups."""
    return sorted(
        (field.number, field.wire_type, in_any_order(field.payload))
        if field.wire_type == START
        else (field.number, field.wire_type, field.payload)
        for field in fields(data)
    )


def unknown_fields(text):
    return [in_any_order(b64decode(member)) for member in UNKNOWN_MEMBER.findall(text)]


def difference(expected, got):
    """How two canonical texts differ; None when they do not."""
    if expected == got:
        return None
    if UNKNOWN_MEMBER.sub("", expected) == UNKNOWN_MEMBER.sub("", got):
        if unknown_fields(expected) == unknown_fields(got):
            return REORDERED
    return part(expected, got)


def part(expected, got):
    """Where two texts part, shortly."""
    at = next((at for at, pair in enumerate(zip(expected, got)) if pair[0] != pair[1]), None)
    at = min(len(expected), len(got)) if at is None else at
    start = max(0, at - 20)
    return f"{expected[start : at + 20]!r} is {got[start : at + 20]!r}"


class Matrix:
    """The tools and the schema, with the ways of exchange as methods: WAYS."""

    def __init__(self, directory, descriptors, facts):
        self.tools = Tools(directory)
        self.descriptors = descriptors
        self.schema = load_schema(facts)

    # ---- What is exchanged.

    def columns(self, is_quick):
        count, number_count, years = (100, 1000, 111) if is_quick else (2000, 10000, 1)
        corpus = Corpus(self.schema, 1)
        numbers = es6_numbers.numbers(number_count)
        by_hand = edges.double_messages(numbers)
        yield self.column("corpus", map(corpus.session, range(count)), ())
        yield self.column("int32", edges.int32s())
        yield self.column("double", edges.doubles(numbers), messages=by_hand)
        yield self.column("date", edges.dates(years))
        yield self.column("string", edges.strings())
        yield self.column("map key", edges.keys())
        yield self.column("empty", edges.empties(self.schema))

    def unknown_columns(self):
        """Session 0, which has every member, with unknown fields in every object."""
        kinds = ("varint", "fixed64", "length", "group", "fixed32")
        for name, wire_type in zip(kinds, UnknownFields.WIRE_TYPES, strict=True):
            made = UnknownFields(random.Random(name))
            yield self.unknown_column(name, lambda: made.field(None, wire_type)[1])
        made = UnknownFields(random.Random("several"))
        yield self.unknown_column("several", lambda: made.fields(None))

    def unknown_column(self, name, make):
        full = Corpus(self.schema, 1).session(0)
        return self.column(name, [edges.with_unknown_fields(self.schema, full, make)], ())

    def column(self, name, sessions, arguments=("--lenient",), messages=None):
        sessions = list(sessions)
        texts = [canonical(self.schema, session) for session in sessions]
        if messages is None:
            messages = self.tools.to_pb([text.encode() for text in texts], *arguments)
        seen = (edges.as_peers_see(self.schema, session) for session in sessions)
        seen = [canonical(self.schema, session) for session in seen]
        cases = [Case(*case) for case in zip(texts, messages, seen, strict=True)]
        return Column(name, sessions, cases, arguments)

    # ---- The ways. Each takes the peer, cases and our arguments, and gives texts and bytes.

    def through(self, peer, cases, arguments):
        """Our bytes, which the peer reads and writes again."""
        data = listing_bytes(case.message for case in cases)
        return self.printed(peer.run(self.descriptors, "list", "list", data=data), arguments)

    def parsed(self, peer, cases, arguments):
        """Our text, which the peer reads as JSON and writes as bytes."""
        data = listing_text(case.seen for case in cases)
        return self.printed(peer.run(self.descriptors, "json", "list", data=data), arguments)

    def printed(self, data, arguments):
        messages = listing_messages(data)
        return self.texts(delimited(messages), arguments), messages

    def to_json(self, peer, cases, arguments):
        """Our bytes, which the peer prints as JSON, which session2pb reads."""
        data = listing_bytes(case.message for case in cases)
        text = peer.run(self.descriptors, "list", "json", data=data)
        stream = self.ours(self.tools.session2pb, arguments, text)
        return [respelt(text) for text in self.texts(stream, arguments)], undelimited(stream)

    def texts(self, stream, arguments):
        return self.ours(self.tools.pb2session, arguments, stream).decode().split("\n")[:-1]

    def ours(self, tool, arguments, data):
        result = self.tools.run(tool, arguments, data)
        if result.status != 0:
            raise Failed(result.error.splitlines()[0])
        return result.out

    def outcome(self, peer, way, column):
        return Judge(self, peer, way, column).outcome()


class Judge:
    """One exchange of one column; when not all cases pass at once, looks for those that fail."""

    def __init__(self, matrix, peer, way, column):
        self.exchange = getattr(matrix, way.method)
        self.peer, self.way, self.column = peer, way, column
        self.wrong, self.same_bytes, self.looks = {}, 0, BLAMED_MAX

    def outcome(self):
        self.judge(0, len(self.column.cases))
        return Outcome(len(self.column.cases), self.same_bytes, self.wrong)

    def judge(self, start, end):
        cases = self.column.cases[start:end]
        try:
            texts, messages = self.exchange(self.peer, cases, self.column.arguments)
            if not len(texts) == len(messages) == len(cases):
                raise Failed(f"{len(texts)} sessions came back of {len(cases)}")
        except Failed as failed:
            self.look_closer(start, end, str(failed))
            return
        for number, case, text, message in zip(range(start, end), cases, texts, messages):
            self.same_bytes += message == case.message
            if differs := difference(self.way.expected(case), text):
                self.wrong[number] = differs

    def look_closer(self, start, end, reason):
        self.looks -= 1
        if end - start == 1 or self.looks < 0:
            self.wrong.update(dict.fromkeys(range(start, end), reason))
            return
        middle = (start + end) // 2
        self.judge(start, middle)
        self.judge(middle, end)


class Way(NamedTuple):
    method: str
    title: str
    expected: object  # what text is right for a case


WAYS = (
    Way("through", "our bytes, read and written again by the peer", lambda case: case.text),
    Way("to_json", "our bytes, printed as JSON by the peer", lambda case: case.seen),
    Way("parsed", "our JSON, read and written as bytes by the peer", lambda case: case.text),
)

# Where a peer is known to do otherwise, and what then differs: nothing else may, and this must.
KNOWN = {
    ("Java", "through", "group"): REORDERED,
    ("Java", "through", "several"): REORDERED,
}


def unexpected(peer, way, column, outcome):
    """What an outcome has that is not known, or lacks that is, as text; None when it is right."""
    known = KNOWN.get((peer.name, way.method, column.name))
    reasons = set(outcome.wrong.values())
    if reasons == ({known} if known else set()):
        return None
    number, reason = next(iter(outcome.wrong.items()), (None, "nothing"))
    return (
        f"{peer.name}, {way.title}, {column.name}: {len(outcome.wrong)} of {outcome.total} "
        f"differ, first {number}: {reason}; expected: {known or 'no difference'}"
    )
