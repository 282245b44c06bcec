"""A corpus of sessions that is the same everywhere: one seed, one sequence of Python values.

See canonical.py for what a session is as a Python value. Session 0 has every member; the others
have each with a probability of their own.
"""

import base64
import random
import struct
import sys

from canonical import Date, Raw, canonical
from variant import SECONDS_MAX, SECONDS_MIN, string_variant, variant

UNKNOWN_FIELDS = "$unknownFields"
WORDS = (
    "web app Chrome Safari desktop Inbound Unknown en-GB Melbourne cookie social google "
    "https://www.example.com/shop/cart?item=42&ref=mail#top /labpage.html Takeover 106.0.5249.61 "
    "d23f0824-128b-4f33-8c5c-7fd0a6a3a450 203.0.113.220 null true 12 -0 {} [] \\u0041"
).split()
CONTROLS = [chr(code) for code in range(0x20)]
AWKWARD = "\"\\/'<&\x7f\x80\u07ff\u0800\u0301\u2028\u202e\ud7ff\ue000\ufeff\ufffe\uffff"
AWKWARD += "\U00010000\U0010ffff"

# Where the varint of a length grows, and far beyond.
BOUNDARY_LENGTHS = (0, 1, 127, 128, 16383, 16384, 100000)
LONG_EVERY = 7  # one session of so many has a string of such a length

ADDITIONAL_NAMES = (
    "",
    " ",
    "!",
    "$",
    "$unknownfields",
    "\0",
    "ID",
    "Id",
    "additionalProperties",
    "additional_properties",
    "caseAssociations",
    "caseEntity",
    "caseReference",
    "caseStatus",
    "created_date",
    "externalContact ",
    "external_contact",
    "i",
    "idd",
    'quo"te',
    "sol/idus",
    "~",
    "é",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
)
INTEGERS = (0, 1, -1, 9, 10, 127, 128, -128, 1920, 16383, 16384, 2**21 - 1, 2**21)
INTEGERS += (2**31 - 1, -(2**31))
EDGE_SECONDS = (
    SECONDS_MIN,
    SECONDS_MAX,
    0,
    -1,
    951782400,  # 2000-02-29T00:00:00Z
    951868799,  # 2000-02-29T23:59:59Z
    4107542400,  # 2100-03-01T00:00:00Z
    -2203891200,  # 1900-03-01T00:00:00Z
)
DOUBLES = (
    0.0,
    1.0,
    -1.0,
    -37.8159,
    144.9669,
    0.1,
    0.30000000000000004,
    5e-324,
    -5e-324,
    2.225073858507201e-308,
    2.2250738585072014e-308,
    sys.float_info.max,
    -sys.float_info.max,
    1e-6,
    1e-7,
    9.999999999999999e-7,
    1e20,
    1e21,
    -1e21,
    999999999999999900000.0,
    123456789012345680000.0,
    9007199254740991.0,
    9007199254740992.0,
    9007199254740994.0,
    4.35,
    9.5367431640625e-07,
    1e23,
    8.41e21,
)
RAW_SCALARS = r"""
null true false
0 -0 1 -1 1.0 0.10 1E5 1e+05 -0.0e-00 1e400 -1e400 1e-400 9007199254740993
123456789012345678901234567890.12345678901234567890
"" "\u0041\/\n" "\ud83d\ude00\uD83D\uDE00" "\u0000" "\"" "\\" "é😀"
[] {} [[]] {"":{}} {"id":null} {"x":[]} {"a":1,"a":2}
""".split() + ['"a  b"', '{" ":" "}']


def base64_member(data):
    """The value of "$unknownFields" that holds these bytes."""
    return Raw('"' + base64.b64encode(data).decode() + '"')


class Sessions:
    """Makes the parts of one session."""

    def __init__(self, schema, rng, number):
        self.schema = schema
        self.rng = rng
        self.is_full = number == 0
        self.density = 1 if self.is_full else rng.choice((0, 0.05, 0.2, 0.5, 0.8, 1))
        self.additional = 1 if self.is_full else rng.choice((0, 0, 0.1, 0.5, 1))
        self.crowd = rng.choice((2, 2, 3, 5, 50))  # the most elements of one array or map
        self.crowds = 0  # how many large ones there are already

    def session(self):
        return self.object("Session")

    def object(self, definition):
        members = self.schema[definition]
        value = {
            name: self.member(member)
            for name, member in members.items()
            if member.is_demanded or self.rng.random() < self.density
        }
        for _ in range(self.additional_count()):
            name = self.additional_name(members)
            value[name] = Raw(self.raw(0))
        items = list(value.items())
        self.rng.shuffle(items)
        return dict(items)

    def additional_count(self):
        return self.rng.choice((1, 1, 2, 4)) if self.rng.random() < self.additional else 0

    def additional_name(self, members):
        while True:
            name = self.rng.choice((*ADDITIONAL_NAMES, self.short_string(), self.short_string()))
            if name not in members and name != UNKNOWN_FIELDS:
                return name

    def member(self, member):
        if member.kind == "array":
            return [self.item(member.of) for _ in range(self.count())]
        if member.kind == "map":
            return {self.key(): self.item(member.of) for _ in range(self.count())}
        return self.item(member.of or member.kind)

    def item(self, kind):
        scalar = {
            "string": self.string,
            "int32": self.int32,
            "double": self.double,
            "boolean": lambda: self.rng.random() < 0.5,
            "date": self.date,
        }.get(kind)
        return scalar() if scalar else self.object(kind)

    def count(self):
        least = 1 if self.is_full else 0
        count = self.rng.randint(least, self.crowd)
        if count > 5:
            self.crowds += 1
            if self.crowds > 2:
                return 5
        return count

    def key(self):
        if self.rng.random() < 0.3:
            return self.rng.choice(("", "a", "Attribute", "\uffff", "\U00010000"))
        return self.short_string()

    def short_string(self):
        return "".join(self.char() for _ in range(self.rng.randint(0, 8)))

    def char(self):
        style = self.rng.random()
        if style < 0.6:
            return chr(self.rng.randint(0x20, 0x7E))
        if style < 0.7:
            return self.rng.choice(CONTROLS)
        if style < 0.8:
            return self.rng.choice(AWKWARD)
        return self.plane_char(self.rng.randint(0, 16))

    def plane_char(self, plane):
        while True:
            code = 0x10000 * plane + self.rng.randint(0, 0xFFFF)
            if not 0xD800 <= code <= 0xDFFF:
                return chr(code)

    def string(self):
        style = self.rng.random()
        if style < 0.1:
            return ""
        if style < 0.6:
            return " ".join(self.rng.choices(WORDS, k=self.rng.randint(1, 4)))
        if style < 0.9:
            return self.short_string()
        return "".join(self.char() for _ in range(self.rng.randint(8, 200)))

    def string_of(self, length):
        """A string of so many bytes of UTF-8, plain or mixed."""
        if self.rng.random() < 0.5:
            return (" ".join(WORDS) * (length // 100 + 1)).encode()[:length].decode()
        pattern = "".join(self.char() for _ in range(50)).encode()
        text = (pattern * (length // len(pattern) + 1))[:length].decode(errors="ignore")
        return text + "." * (length - len(text.encode()))

    def int32(self):
        if self.rng.random() < 0.4:
            return self.rng.choice(INTEGERS)
        if self.rng.random() < 0.5:
            return self.rng.randint(0, 10000)
        return self.rng.randint(-(2**31), 2**31 - 1)

    def double(self):
        style = self.rng.randrange(6)
        if style == 0:
            return self.rng.choice(DOUBLES)
        if style == 1:
            return self.rng.uniform(-180, 180)
        if style == 2:
            return round(self.rng.uniform(-180, 180), self.rng.randint(0, 6)) + 0.0
        if style == 3:
            return struct.unpack("<d", struct.pack("<Q", self.rng.getrandbits(52)))[0]  # subnormal
        if style == 4:
            return float(self.rng.randint(-(2**63), 2**63))
        return self.any_double()

    def any_double(self):
        while True:
            bits = self.rng.getrandbits(64)
            if bits >> 52 & 0x7FF != 0x7FF:
                return struct.unpack("<d", struct.pack("<Q", bits))[0]

    def date(self):
        seconds = self.rng.choice(
            (
                self.rng.randint(1_500_000_000, 1_800_000_000),
                self.rng.randint(SECONDS_MIN, SECONDS_MAX),
                self.rng.randint(-100_000, 100_000),
                self.rng.choice(EDGE_SECONDS),
            )
        )
        unit = self.rng.choice((1_000_000, 1_000_000, 1_000_000, 1_000, 1))
        nanos = self.rng.choice((0, self.rng.randrange(0, 10**9, unit), 10**9 - unit, unit))
        return Date(seconds, nanos)

    def raw(self, depth):
        """JSON text as someone else may have written it, without white space."""
        style = self.rng.random()
        if style < 0.5 or depth > 6:
            return self.rng.choice(RAW_SCALARS)
        if style < 0.6:
            return raw_string(self.string(), self.rng)
        if style < 0.7:
            return str(self.rng.randint(-(10**40), 10**40))
        if style < 0.85:
            return "[" + ",".join(self.raw(depth + 1) for _ in range(self.rng.randint(0, 4))) + "]"
        names = (raw_string(self.short_string(), self.rng) for _ in range(self.rng.randint(0, 4)))
        return "{" + ",".join(name + ":" + self.raw(depth + 1) for name in names) + "}"


def raw_string(string, rng):
    """A JSON string with needless escapes, which an additional member's value must keep."""
    return string_variant(string, rng)


def put_long_string(makers, session, number):
    """Give the session one string of a length that is hard for varints and buffers."""
    length = BOUNDARY_LENGTHS[number // LONG_EVERY % len(BOUNDARY_LENGTHS)]
    string = makers.string_of(length)
    place = number // LONG_EVERY // len(BOUNDARY_LENGTHS) % 4
    if place == 0:
        session["userAgentString"] = string
    elif place == 1:
        session["searchTerms"] = ["", string, "last"]
    elif place == 2:
        session["attributes"] = {string: {"dataType": "string", "value": "of a long key"}}
    else:
        session["long"] = Raw('["' + "x" * length + '"]')


class Corpus:
    """Sessions by number: schema from the facts, everything else from the seed."""

    def __init__(self, schema, seed):
        self.schema = schema
        self.seed = seed

    def rng(self, number, purpose="session"):
        return random.Random(f"{self.seed}/{number}/{purpose}")

    def session(self, number):
        makers = Sessions(self.schema, self.rng(number), number)
        session = makers.session()
        if number % LONG_EVERY == LONG_EVERY - 1:
            put_long_string(makers, session, number)
        return session

    def canonical(self, session):
        return canonical(self.schema, session)

    def variant(self, session, number):
        return variant(self.schema, session, self.rng(number, "variant"))


def visit_objects(schema, definition, value):
    """Every object of a definition in a value, itself first, as (definition, object)."""
    yield definition, value
    for name, member in schema[definition].items():
        if name not in value or (member.kind != "object" and member.of not in schema):
            continue
        content = value[name]
        elements = [content] if member.kind == "object" else content
        for element in elements.values() if member.kind == "map" else elements:
            yield from visit_objects(schema, member.of, element)


def coverage(schema, sessions):
    """The (definition, member) pairs that occur, and the definitions with an additional member."""
    members, extended = set(), set()
    for session in sessions:
        for definition, value in visit_objects(schema, "Session", session):
            for name, content in value.items():
                if name not in schema[definition]:
                    extended.add(definition)
                elif not (schema[definition][name].is_plural and not content):
                    members.add((definition, name))
    return members, extended


def all_members(schema):
    return {(definition, name) for definition, members in schema.items() for name in members}
