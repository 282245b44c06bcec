#!/usr/bin/env python3
"""Sessions through the tools and through Google's protobuf runtime: both must see the same.

interop_test.py TOOLS-DIRECTORY SESSION.DESC FACTS.TSV [COUNT [SEED]]

Exit status 0 when all holds, 1 when something does not, 77 without google.protobuf.
"""

import base64
import json
import sys
import unittest

sys.dont_write_bytecode = True

try:
    from google.protobuf import json_format
except ImportError:
    print("skipped: this Python has no google.protobuf")
    sys.exit(77)

import wire_cases
from canonical import Raw, load_schema, rebuilt, without_additional, without_empty
from corpus import UNKNOWN_FIELDS, Corpus, all_members, base64_member, coverage, visit_objects
from googlepb import Google, differences
from runtools import Refused, Tools
from wirebytes import Scrambler, UnknownFields, delimited, in_number_order

MEMBERS = 141  # of the 22 definitions
SHOWN_MAX = 3  # failures of one test that are spelled out
SEPARATORS = (b"\n", b"", b" ", b"\r\n", b"\n\n\t")


class Setting:
    """What the command line gave, and what every test needs of it."""

    def __init__(self, directory, descriptors, facts, count="2000", seed="1"):
        self.tools = Tools(directory)
        self.schema = load_schema(facts)
        self.google = Google(descriptors, self.schema)
        self.corpus = Corpus(self.schema, int(seed))
        self.sessions = [self.corpus.session(number) for number in range(int(count))]
        self.texts = [self.corpus.canonical(session).encode() for session in self.sessions]
        self.converted = None

    def messages(self):
        """The canonical texts after session2pb; converted once, for all tests."""
        if self.converted is None:
            self.converted = self.tools.to_pb(self.texts)
        return self.converted


setting = None


def around(data, at, width=60):
    return repr(data[max(0, at - width // 2) : at + width])


def first_difference(expected, got):
    """Where two byte strings part, with what is around it; None when they are equal."""
    if expected == got:
        return None
    shorter = min(len(expected), len(got))
    at = next((at for at in range(shorter) if expected[at] != got[at]), shorter)
    lengths = f"{len(expected)} bytes expected, {len(got)} got"
    return f"at byte {at} ({lengths}): expected {around(expected, at)}, got {around(got, at)}"


def is_defined(member, content):
    return member is not None


def as_google_prints(schema, text):
    """What Google's printer and ours agree on: no additional members, no `.000` in dates."""

    def scalar(kind, content):
        if kind == "date":
            return content.replace(".000Z", "Z")
        return float(content) if kind == "double" else content

    return rebuilt(schema, "Session", json.loads(text), is_defined, scalar)


def copied(schema, session):
    return rebuilt(schema, "Session", session, lambda member, content: True)


class SessionsTest(unittest.TestCase):
    """What the tests have in common: failures name their session, and a test shows several."""

    def setUp(self):
        self.noted = []
        self.tools = setting.tools
        self.google = setting.google
        self.schema = setting.schema
        self.corpus = setting.corpus
        self.addCleanup(self.show_noted)

    def show_noted(self):
        if self.noted:
            more = len(self.noted) - SHOWN_MAX
            tail = [f"and {more} more"] if more > 0 else []
            self.fail("\n".join([f"{len(self.noted)} failures:", *self.noted[:SHOWN_MAX], *tail]))

    def note(self, number, difference):
        """Records a failure of a session, or of a case by its name, if there is a difference."""
        if isinstance(number, int):
            number = f"seed {self.corpus.seed}, session {number}"
        if difference:
            self.noted.append(f"{number}: {difference}")

    def note_differences(self, number, expected, got):
        """Records where two sessions, as Python values, differ."""
        self.note(number, "; ".join(list(differences(expected, got))[:SHOWN_MAX]))

    def note_unequal(self, expected, got):
        for number, pair in enumerate(zip(expected, got, strict=True)):
            self.note(number, first_difference(*pair))

    def to_pb(self, texts, *arguments, **options):
        try:
            return self.tools.to_pb(texts, *arguments, **options)
        except Refused as refused:
            raise self.failureException(f"seed {self.corpus.seed}, session2pb: {refused}") from None

    def to_json(self, messages, *arguments):
        try:
            return self.tools.to_json(messages, *arguments)
        except Refused as refused:
            raise self.failureException(f"seed {self.corpus.seed}, pb2session: {refused}") from None

    def messages(self):
        try:
            return setting.messages()
        except Refused as refused:
            raise self.failureException(f"seed {self.corpus.seed}, session2pb: {refused}") from None

    def canonical_texts(self, sessions):
        return [self.corpus.canonical(session).encode() for session in sessions]

    def scrambled(self, number, message):
        scrambler = Scrambler(self.corpus.rng(number, "scramble"))
        return scrambler.message(message.SerializeToString(), self.google.session)


class CorpusTest(SessionsTest):
    """The corpus and the descriptors themselves, without the tools."""

    def test_descriptors_are_the_definitions(self):
        self.assertEqual([], list(self.google.schema_differences()))

    def test_corpus_has_every_member_and_additional_ones_everywhere(self):
        members, extended = coverage(self.schema, setting.sessions)
        self.assertEqual(MEMBERS, len(all_members(self.schema)))
        self.assertEqual(set(), all_members(self.schema) - members)
        self.assertEqual(set(), self.schema.keys() - extended)

    def test_google_parses_the_defined_members_of_canonical_text(self):
        for number, session in enumerate(setting.sessions):
            plain = without_additional(self.schema, session)
            values = json.loads(self.corpus.canonical(plain))
            parsed = json_format.ParseDict(values, self.google.message())
            expected = without_empty(self.schema, plain)
            self.note_differences(number, expected, self.google.read(parsed))


class ToProtobufTest(SessionsTest):
    """session2pb, judged by Google's parser."""

    def test_google_reads_every_member(self):
        seen = []
        for number, message in enumerate(self.messages()):
            seen.append(self.google.read(self.google.parse(message)))
            expected = without_empty(self.schema, setting.sessions[number])
            self.note_differences(number, expected, seen[-1])
        members, extended = coverage(self.schema, seen)
        self.assertEqual(set(), all_members(self.schema) - members)
        self.assertEqual(set(), self.schema.keys() - extended)

    def test_google_knows_every_field(self):
        for number, message in enumerate(self.messages()):
            self.note(number, self.google.unknown(self.google.parse(message)))

    def test_google_prints_the_same_json(self):
        for number, message in enumerate(self.messages()):
            printed = json_format.MessageToJson(self.google.parse(message))
            expected = as_google_prints(self.schema, setting.texts[number])
            self.note_differences(number, expected, as_google_prints(self.schema, printed))

    def test_bytes_are_those_of_a_deterministic_serialisation(self):
        """Protobuf promises no such thing, but both write in field order, with maps sorted."""
        built = [self.google.build(session) for session in setting.sessions]
        expected = [message.SerializeToString(deterministic=True) for message in built]
        self.note_unequal(expected, self.messages())

    def test_variants_give_the_same_bytes(self):
        expected = self.messages()
        for at, separator in enumerate(SEPARATORS):
            numbers = range(at, len(setting.sessions), len(SEPARATORS))
            variants = (self.corpus.variant(setting.sessions[at], at) for at in numbers)
            got = self.to_pb([text.encode() for text in variants], separator=separator)
            for number, message in zip(numbers, got, strict=True):
                self.note(number, first_difference(expected[number], message))

    def test_drop_leaves_out_additional_members(self):
        plain = [without_additional(self.schema, session) for session in setting.sessions]
        expected = self.to_pb(self.canonical_texts(plain))
        self.note_unequal(expected, self.to_pb(setting.texts, "--unknown=drop"))

    def test_raw_framing_is_the_bare_message(self):
        for number in range(min(5, len(setting.sessions))):
            text, message = setting.texts[number], self.messages()[number]
            packed = self.tools.run(self.tools.session2pb, ["--framing=raw"], text)
            self.note(number, packed.error or first_difference(message, packed.out))
            printed = self.tools.run(self.tools.pb2session, ["--framing=raw"], message)
            self.note(number, printed.error or first_difference(text + b"\n", printed.out))


class ToJsonTest(SessionsTest):
    """pb2session, given what Google's runtime writes and what other writers may."""

    def test_round_trip_and_fixed_point(self):
        texts = self.to_json(self.messages())
        self.note_unequal(setting.texts, texts)
        again = self.to_pb(texts)
        self.note_unequal(self.messages(), again)
        self.note_unequal(texts, self.to_json(again))

    def test_google_serialisation(self):
        built = [self.google.build(session) for session in setting.sessions]
        for deterministic in (True, False):
            messages = [message.SerializeToString(deterministic=deterministic) for message in built]
            self.note_unequal(setting.texts, self.to_json(messages))

    def test_scrambled_fields(self):
        scrambled = []
        for number, session in enumerate(setting.sessions):
            message = self.google.build(session)
            scrambled.append(self.scrambled(number, message))
            seen = self.google.read(self.google.parse(scrambled[-1]))
            wrongly = list(differences(self.google.read(message), seen))
            self.assertEqual([], wrongly, f"the test itself scrambles session {number} wrongly")
        self.note_unequal(setting.texts, self.to_json(scrambled))

    def test_concatenated_messages_are_their_merge(self):
        """Each session with the next: scalars of the second, repeated of both, the rest merged."""
        merged, expected = [], []
        for first, second in zip(setting.sessions, setting.sessions[1:] + setting.sessions[:1]):
            one, other = self.google.build(first), self.google.build(second)
            merged.append(one.SerializeToString() + other.SerializeToString())
            one.MergeFrom(other)
            union = self.google.read(one)
            parsed = self.google.read(self.google.parse(merged[-1]))
            self.assertEqual([], list(differences(union, parsed)), "Google disagrees with itself")
            expected.append(union)
        self.note_unequal(self.canonical_texts(expected), self.to_json(merged))

    def test_additional_properties_in_any_layout(self):
        """Other writers may put white space into the text, and its members in any order."""
        expected, messages = [], []
        for number, session in enumerate(setting.sessions[:200]):
            names = ["zz", "a\u00e9", "", "\uffff", "\U00010000", "Id"]
            self.corpus.rng(number, "layout").shuffle(names)
            extended = without_additional(self.schema, session)
            extended |= {name: Raw('[1,{"b":"  "}]') for name in names}
            message = self.google.build(extended)
            members = [json.dumps(name) + '\t: [ 1,\r\n{"b" :"  "} ]' for name in names]
            message.additional_properties = "\n{ " + " , ".join(members) + " } "
            messages.append(message.SerializeToString())
            expected.append(extended)
        self.note_unequal(self.canonical_texts(expected), self.to_json(messages))


class UnknownTest(SessionsTest):
    """What the schema does not define, on both sides, at every level."""

    def extended(self, number, rate):
        """A copy of a session with unknown fields in some of its objects."""
        session = copied(self.schema, setting.sessions[number])
        rng = self.corpus.rng(number, "unknown")
        for definition, value in visit_objects(self.schema, "Session", session):
            if rng.random() < rate:
                unknown = UnknownFields(rng).fields(self.google.descriptor(definition))
                value[UNKNOWN_FIELDS] = base64_member(unknown)
        return session

    def note_other_unknown_fields(self, number, built, message):
        """Whether a message has the unknown fields that were built, and each field in its place."""
        if self.google.unknown(self.google.parse(message)) != self.google.unknown(built):
            self.note(number, "Google sees other unknown fields after the round trip")
        serialised = built.SerializeToString(deterministic=True)
        expected = in_number_order(serialised, self.google.session)
        self.note(number, first_difference(expected, message))

    def test_unknown_fields_survive(self):
        numbers = range(min(len(setting.sessions), 700))
        sessions = [self.extended(number, 0.3 if number else 1) for number in numbers]
        built = [self.google.build(session) for session in sessions]
        texts = self.to_json([self.scrambled(number, built[number]) for number in numbers])
        self.note_unequal(self.canonical_texts(sessions), texts)
        for number, message in enumerate(self.to_pb(texts)):
            self.note_other_unknown_fields(number, built[number], message)

    def test_every_definition_carries_every_wire_type(self):
        for wire_type in UnknownFields.WIRE_TYPES:
            session = copied(self.schema, setting.sessions[0])
            rng = self.corpus.rng(wire_type, "wire type")
            objects = list(visit_objects(self.schema, "Session", session))
            self.assertEqual(self.schema.keys(), {definition for definition, _ in objects})
            for definition, value in objects:
                _, raw = UnknownFields(rng).field(self.google.descriptor(definition), wire_type)
                value[UNKNOWN_FIELDS] = base64_member(raw)
            built = self.google.build(session)
            texts = self.to_json([built.SerializeToString()])
            self.note_unequal(self.canonical_texts([session]), texts)
            self.note_other_unknown_fields(0, built, self.to_pb(texts)[0])

    def test_drop_and_reject_unknown_fields(self):
        plain = [without_additional(self.schema, session) for session in setting.sessions[:100]]
        extended = [session | {UNKNOWN_FIELDS: base64_member(b"\xf8\x06\x01")} for session in plain]
        unknown = [self.google.build(session).SerializeToString() for session in extended]
        known = self.to_pb(self.canonical_texts(plain))
        self.note_unequal(self.canonical_texts(plain), self.to_json(unknown, "--unknown=drop"))
        self.note_unequal(self.canonical_texts(plain), self.to_json(known, "--unknown=reject"))
        self.note_unequal(known, self.to_pb(self.canonical_texts(extended), "--unknown=drop"))
        for number, message in enumerate(unknown[:10]):
            stream = delimited([message])
            result = self.tools.run(self.tools.pb2session, ["--unknown=reject", "--check"], stream)
            self.note(number, result.status != 1 and f"reject: exit status {result.status}")

    def test_additional_members_survive_at_every_level(self):
        """One in every object of session 0, each with a value of its own."""
        session = without_additional(self.schema, setting.sessions[0])
        objects = list(visit_objects(self.schema, "Session", session))
        self.assertEqual(self.schema.keys(), {definition for definition, _ in objects})
        for at, (definition, value) in enumerate(objects):
            value["x-new"] = Raw(f'{{"{definition}":[{at},1e400,"\\u0041"]}}')
        texts = self.canonical_texts([session])
        messages = self.to_pb(texts)
        seen = self.google.read(self.google.parse(messages[0]))
        self.note_differences(0, without_empty(self.schema, session), seen)
        self.note_unequal(texts, self.to_json(messages))

    def test_reject_refuses_additional_members_at_every_level(self):
        session = without_additional(self.schema, setting.sessions[0])
        self.to_pb(self.canonical_texts([session]), "--unknown=reject")
        for definition, value in visit_objects(self.schema, "Session", session):
            value["x"] = Raw("null")
            text = self.corpus.canonical(session).encode()
            result = self.tools.run(self.tools.session2pb, ["--unknown=reject", "--check"], text)
            self.note(0, result.status != 1 and f"{definition}: exit status {result.status}")
            del value["x"]


class WireTest(SessionsTest):
    """The protobuf cases of wire_cases.py."""

    def test_odd_spellings_mean_what_google_says(self):
        cases = [
            (f"{name}, {place}", message)
            for name, case in wire_cases.SPELLINGS.items()
            for place, message in zip(("behind", "before", "in order"), wire_cases.placed(case))
        ]
        for name, message in [*cases, *wire_cases.MESSAGES.items()]:
            expected = self.corpus.canonical(self.google.read(self.google.parse(message)))
            printed = self.tools.run(self.tools.pb2session, [], delimited([message]))
            if printed.status != 0:
                self.note(name, f"{printed.error}: {message!r:.300}")
            else:
                self.note(name, first_difference(expected.encode() + b"\n", printed.out))

    def test_known_number_of_another_wire_type_is_an_unknown_field(self):
        for name, field in wire_cases.MISTYPED.items():
            message = wire_cases.MINIMAL + field
            text = self.to_json([message])[0]
            kept = base64.b64decode(json.loads(text)[UNKNOWN_FIELDS])
            self.assertEqual(field, kept, name)
            again = self.to_pb([text])[0]
            seen = [self.google.unknown(self.google.parse(data)) for data in (message, again)]
            self.assertEqual(*seen, name)

    def test_bad_messages_are_refused(self):
        for name, case in wire_cases.REFUSED.items():
            self.note_not_refused(name, delimited([wire_cases.message_of(case)]))

    def test_bad_streams_are_refused(self):
        for name, stream in wire_cases.STREAMS.items():
            self.note_not_refused(name, stream)

    def note_not_refused(self, name, stream):
        result = self.tools.run(self.tools.pb2session, ["--check"], stream)
        if result.status != 1 or not result.error:
            said = result.error or "no message"
            self.note(name, f"exit status {result.status}, expected 1 ({said}): {stream!r:.300}")

    def test_stream_in_two_pieces(self):
        """A stream whose second part comes later, with fields of every kind."""
        message = wire_cases.MINIMAL + b"".join(wire_cases.MISTYPED.values())
        stream = delimited([message, wire_cases.MINIMAL])
        wrong = self.tools.cuts_that_matter(self.tools.pb2session, stream, range(1, len(stream)))
        self.assertEqual([], wrong)

    def test_every_cut_is_refused(self):
        """A required field is missing, or cut, wherever the minimal message ends too early."""
        for length in range(len(wire_cases.MINIMAL)):
            cut = wire_cases.MINIMAL[:length]
            self.note_not_refused(f"{length} bytes of the minimal message", delimited([cut]))

    def test_groups_as_deep_as_allowed_survive(self):
        texts = self.to_json([wire_cases.DEEP_GROUPS])
        self.assertEqual([wire_cases.DEEP_GROUPS], self.to_pb(texts))


def main():
    global setting
    if not 4 <= len(sys.argv) <= 6:
        print(__doc__)
        sys.exit(2)
    setting = Setting(*sys.argv[1:])
    sizes = sorted(len(text) for text in setting.texts)
    print(
        f"{len(sizes)} sessions of seed {setting.corpus.seed}: {sum(sizes)} bytes of text, "
        f"median {sizes[len(sizes) // 2]}, largest {sizes[-1]}",
        flush=True,
    )
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
