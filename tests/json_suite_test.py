#!/usr/bin/env python3
"""JSON text, good and bad: JSONTestSuite and our own cases, decided by session2pb.

json_suite_test.py TOOLS-DIRECTORY [SUITE-FOLDER]

Each case of the suite stands as the value of an additional member of a session, in a file of its
own, at every place where additional members may be. Exit status 0 when all holds, 1 when not.
"""

import json
import os
import pathlib
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True

from canonical import TOKEN
from json_cases import ABSENT, MEMBERS, VALUES_KEPT, VALUES_REFUSED
from json_inputs import REFUSED, RICH, SESSION, WHOLE
from runtools import Refused, Tools

ACCEPT, REFUSE = 0, 1  # exit statuses of session2pb

# Where additional members are put: a member of Session, with the case at the @.
PLACES = {
    "session": ("x", b"@"),
    "nested object": ("externalContact", b'{"id":"c","x":@}'),
    "browser": (
        "browser",
        b'{"family":"f","version":"v","featuresFlash":false,"featuresJava":false,'
        b'"featuresPdf":true,"featuresWebrtc":true,"x":@}',
    ),
    "array element": ("conversationChannels", b'[{"type":"Call"},{"type":"Email","x":@}]'),
    "map value": ("attributes", b'{"k":{"dataType":"d","value":"v","x":@}}'),
}

# Members of the test's sessions in the definition's order; the others are additional.
ORDER = (
    "id externalContact customerId type attributes browser geolocation networkConnectivity "
    "searchTerms durationInSeconds eventCount lastEvent conversationChannels authenticated "
    "createdDate endedDate x"
).split()

KEPT_NUMBER = "a number of an additional member is kept as text, so no size is too much for it"
LONE = "a lone surrogate is no character, so no UTF-8 can hold it"
NOT_UTF8 = "text is UTF-8"
TOO_DEEP = "values of additional members nest 64 deep at most"
DECISIONS = {
    "i_number_double_huge_neg_exp.json": (ACCEPT, KEPT_NUMBER),
    "i_number_huge_exp.json": (ACCEPT, KEPT_NUMBER),
    "i_number_neg_int_huge_exp.json": (ACCEPT, KEPT_NUMBER),
    "i_number_pos_double_huge_exp.json": (ACCEPT, KEPT_NUMBER),
    "i_number_real_neg_overflow.json": (ACCEPT, KEPT_NUMBER),
    "i_number_real_pos_overflow.json": (ACCEPT, KEPT_NUMBER),
    "i_number_real_underflow.json": (ACCEPT, KEPT_NUMBER),
    "i_number_too_big_neg_int.json": (ACCEPT, KEPT_NUMBER),
    "i_number_too_big_pos_int.json": (ACCEPT, KEPT_NUMBER),
    "i_number_very_big_negative_int.json": (ACCEPT, KEPT_NUMBER),
    "i_object_key_lone_2nd_surrogate.json": (REFUSE, LONE),
    "i_string_1st_surrogate_but_2nd_missing.json": (REFUSE, LONE),
    "i_string_1st_valid_surrogate_2nd_invalid.json": (REFUSE, LONE),
    "i_string_incomplete_surrogate_and_escape_valid.json": (REFUSE, LONE),
    "i_string_incomplete_surrogate_pair.json": (REFUSE, LONE),
    "i_string_incomplete_surrogates_escape_valid.json": (REFUSE, LONE),
    "i_string_invalid_lonely_surrogate.json": (REFUSE, LONE),
    "i_string_invalid_surrogate.json": (REFUSE, LONE),
    "i_string_inverted_surrogates_U+1D11E.json": (REFUSE, LONE),
    "i_string_lone_second_surrogate.json": (REFUSE, LONE),
    "i_string_UTF-8_invalid_sequence.json": (REFUSE, NOT_UTF8),
    "i_string_UTF8_surrogate_U+D800.json": (REFUSE, NOT_UTF8),
    "i_string_invalid_utf-8.json": (REFUSE, NOT_UTF8),
    "i_string_iso_latin_1.json": (REFUSE, NOT_UTF8),
    "i_string_lone_utf8_continuation_byte.json": (REFUSE, NOT_UTF8),
    "i_string_not_in_unicode_range.json": (REFUSE, NOT_UTF8),
    "i_string_overlong_sequence_2_bytes.json": (REFUSE, NOT_UTF8),
    "i_string_overlong_sequence_6_bytes.json": (REFUSE, NOT_UTF8),
    "i_string_overlong_sequence_6_bytes_null.json": (REFUSE, NOT_UTF8),
    "i_string_truncated-utf-8.json": (REFUSE, NOT_UTF8),
    "i_string_UTF-16LE_with_BOM.json": (REFUSE, NOT_UTF8),
    "i_string_utf16BE_no_BOM.json": (REFUSE, NOT_UTF8),
    "i_string_utf16LE_no_BOM.json": (REFUSE, NOT_UTF8),
    "i_structure_500_nested_arrays.json": (REFUSE, TOO_DEEP),
    "i_structure_UTF-8_BOM_empty_object.json": (REFUSE, "a byte order mark is not white space"),
}

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/json-test-suite.md"

tools = None
suite = None


def rows_of_page():
    """The decisions as docs/json-test-suite.md has them, those of one reason in a row."""
    rows = {}
    for name, decision in DECISIONS.items():
        rows.setdefault(decision, []).append(f"`{name.removesuffix('.json')}`")
    words = {ACCEPT: "accepted", REFUSE: "refused"}
    return [f"| {words[status]} | {why} | {', '.join(names)} |" for (status, why), names in rows.items()]



def split_session():
    """The minimal session's members as {name: text}."""
    last_event = SESSION[SESSION.index(b'"lastEvent"') : SESSION.index(b',"authenticated"')]
    others = SESSION.replace(last_event + b",", b"")[1:-1].split(b",")
    members = [member.split(b":", 1) for member in [*others, last_event]]
    return {name.decode().strip('"'): text for name, text in members}


def session_with(name, text, canonical=False):
    """The minimal session with one more member: at its end, or where canonical text has it."""
    members = split_session() | ({} if text is ABSENT else {name: text})
    names = sorted(members, key=ORDER.index) if canonical else members
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), members[name]) for name in names) + b"}"


def stripped(value):
    """A valid JSON value without the white space outside of its strings."""
    return "".join(TOKEN.findall(value.decode())).encode()


def python_accepts(text):
    """Whether Python's own parser, without its extensions, takes a document."""

    def refuse(name):
        raise ValueError(name)

    try:
        json.loads(text.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def shown(text):
    return repr(text if len(text) <= 300 else text[:150] + b" ... " + text[-150:])


class Case:
    """An input, what session2pb must decide, and the canonical lines that it must become."""

    def __init__(self, name, text, status, lines=()):
        self.name = name
        self.text = text
        self.status = status
        self.lines = list(lines)


def spliced(name, value, status):
    """A value as cases, one for each place."""
    for place, (member, frame) in PLACES.items():
        text = session_with(member, frame.replace(b"@", value))
        lines = []
        if status == ACCEPT:
            lines = [session_with(member, frame.replace(b"@", stripped(value)), canonical=True)]
        yield Case(f"{name} in {place}", text, status, lines)


class CasesTest(unittest.TestCase):
    def decide(self, cases):
        """Judges each case in a process of its own, then converts the accepted ones and back."""
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
            paths = [os.path.join(folder, f"{number}.json") for number in range(len(cases))]
            results = list(pool.map(self.check, cases, paths))
            wrong = [difference for difference in map(self.verdict, cases, results) if difference]
            accepted = [
                (case, path)
                for case, path, result in zip(cases, paths, results)
                if case.status == result.status == ACCEPT
            ]
            wrong += self.round_trip(accepted) if accepted else []
        if wrong:
            self.fail(f"{len(wrong)} of {len(cases)} cases:\n" + "\n".join(wrong[:40]))

    def check(self, case, path):
        with open(path, "wb") as file:
            file.write(case.text)
        return tools.run(tools.session2pb, ["--check", path], b"")

    def verdict(self, case, result):
        if result.status != case.status:
            said = f"exit status {result.status}, expected {case.status}"
            return f"{case.name}: {said} ({result.error or 'no message'}): {shown(case.text)}"
        if result.status == REFUSE and not result.error:
            return f"{case.name}: refused without a message"
        return f"{case.name}: --check wrote {shown(result.out)}" if result.out else None

    def round_trip(self, accepted):
        """All (case, file) in one run; a session's line must be the canonical text."""
        packed = tools.run(tools.session2pb, [path for _, path in accepted], b"")
        if packed.status != 0:
            return [f"session2pb refuses what --check accepts: {packed.error}"]
        printed = tools.run(tools.pb2session, [], packed.out)
        if printed.status != 0:
            return [f"pb2session refuses what session2pb wrote: {printed.error}"]
        expected = [(case, line) for case, _ in accepted for line in case.lines]
        got = printed.out.split(b"\n")
        if len(got) != len(expected) + 1:
            return [f"{len(got) - 1} sessions came back, expected {len(expected)}"]
        return [
            f"{case.name}: expected {shown(line)}, got {shown(came)}"
            for (case, line), came in zip(expected, got)
            if line != came
        ]


class SuiteTest(CasesTest):
    """JSONTestSuite. Its names say what a parser must do: y_ accept, n_ refuse, i_ decide."""

    def setUp(self):
        if suite is None:
            self.skipTest("no suite")

    def suite_cases(self):
        for name in sorted(os.listdir(suite)):
            with open(os.path.join(suite, name), "rb") as file:
                yield name, file.read()

    def expected_status(self, name):
        return {"y": ACCEPT, "n": REFUSE}[name[0]] if name[0] != "i" else DECISIONS[name][0]

    def test_every_case_at_every_place(self):
        cases = []
        for name, value in self.suite_cases():
            cases += spliced(name, value, self.expected_status(name))
        self.assertGreaterEqual(len(cases), 318 * len(PLACES))
        self.decide(cases)

    def test_splicing_makes_no_case_good_or_bad(self):
        """A second opinion: the session's text does not mend what is wrong with an n_ case.

        Where a case leaves a bracket or a quote open, the session's own end closes it, and then
        the session lacks one. So there are no exceptions to the names of the suite.
        """
        for name, value in self.suite_cases():
            for case in spliced(name, value, self.expected_status(name)):
                if name[0] != "i":
                    self.assertEqual(case.status == ACCEPT, python_accepts(case.text), case.name)

    def test_every_decision_is_about_a_case(self):
        self.assertEqual(set(), DECISIONS.keys() - set(os.listdir(suite)))


class PageTest(unittest.TestCase):
    def test_the_page_tells_every_decision(self):
        lines = PAGE.read_text(encoding="utf-8").splitlines()
        head = lines.index("|---|---|---|")
        self.assertEqual(rows_of_page(), lines[head + 1 : lines.index("", head)])


class OwnTest(CasesTest):
    """Our own cases."""

    def test_values_of_additional_members_that_are_kept(self):
        self.decide_values(VALUES_KEPT, ACCEPT)

    def test_values_of_additional_members_that_are_refused(self):
        self.decide_values(VALUES_REFUSED, REFUSE)

    def decide_values(self, groups, status):
        cases = []
        for group, values in groups.items():
            for value in values:
                cases += spliced(f"{group} {shown(value)}", value, status)
        self.decide(cases)

    def test_members_of_the_schema(self):
        cases = []
        for case in MEMBERS:
            status = REFUSE if case.canonical is REFUSED else ACCEPT
            lines = []
            if status == ACCEPT:
                lines = [session_with(case.name, case.canonical, canonical=True)]
            name = f"{case.group} {case.name} {shown(case.text)}"
            cases.append(Case(name, session_with(case.name, case.text), status, lines))
        self.decide(cases)

    def test_whole_inputs(self):
        cases = []
        for text, count in WHOLE.items():
            if count is REFUSED:
                cases.append(Case(f"input {shown(text)}", text, REFUSE))
            else:
                cases.append(Case(f"input {shown(text)}", text, ACCEPT, [SESSION] * count))
        self.decide(cases)

    def test_text_in_two_pieces(self):
        """A document whose second part comes later: no token is judged before its end is there."""
        cuts = [cut for cut in range(1, len(RICH)) if RICH[cut - 3 : cut + 3] != b"000000"]
        wrong = tools.cuts_that_matter(tools.session2pb, RICH, cuts)
        if wrong:
            self.fail("\n".join(f"cut after {RICH[:cut][-40:]}: {said}" for cut, said in wrong))

    def test_a_long_stream(self):
        """A stream of all accepted values at once, longer than any reading buffer."""
        values = [value for group in VALUES_KEPT.values() for value in group]
        cases = [case for value in values for case in spliced(shown(value), value, ACCEPT)] * 3
        try:
            messages = tools.to_pb([case.text for case in cases], separator=b" ")
            lines = tools.to_json(messages)
        except Refused as refused:
            self.fail(str(refused))
        wrong = [case.name for case, line in zip(cases, lines) if case.lines != [line]]
        self.assertEqual([], wrong[:10])


def main():
    global tools, suite
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        sys.exit(2)
    tools = Tools(sys.argv[1])
    if len(sys.argv) == 3 and os.path.isdir(sys.argv[2]):
        suite = sys.argv[2]
    else:
        print("JSONTestSuite is not there: only the project's own cases are run", flush=True)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
