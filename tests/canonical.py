"""Canonical Session JSON, written from the specification alone: a second opinion on the tools.

A session is a Python value:
  object of a definition   dict, its defined and additional members by their names
  map, array               dict, list
  string, boolean          str, bool
  int32, double            int, float
  date-time                Date
  additional member        Raw: the JSON text of its value, without white space
An empty array or map in it means the same as an absent one.
"""

import datetime
import re
from typing import NamedTuple


class Date(NamedTuple):
    """An instant: seconds since 1970 in UTC, and nanoseconds after that second."""

    seconds: int
    nanos: int


class Raw(str):
    """The JSON text of an additional member's value, without white space outside of strings."""


class Member(NamedTuple):
    """A member of a definition. `of` is what an object, array or map leads to, else None."""

    definition: str
    ordinal: int
    name: str
    kind: str
    of: str | None
    required: bool

    @property
    def is_plural(self):
        return self.kind in ("array", "map")

    @property
    def is_demanded(self):
        """Whether it must be in the text: an empty array is an absent one, so those need not be."""
        return self.required and not self.is_plural


KINDS = {
    ("string", "-"): "string",
    ("string", "uri"): "string",
    ("string", "date-time"): "date",
    ("integer", "int32"): "int32",
    ("number", "double"): "double",
    ("boolean", "-"): "boolean",
    ("ref", "-"): "object",
    ("array", "-"): "array",
    ("map", "-"): "map",
}


def load_schema(path):
    """The facts as {definition: {member name: Member}}, both in the definition's order."""
    schema = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            definition, ordinal, name, kind, form, of, required = line.rstrip("\n").split("\t")
            of = None if of == "-" else of
            kind = KINDS[kind, form]
            member = Member(definition, int(ordinal), name, kind, of, required == "1")
            schema.setdefault(definition, {})[name] = member
    return schema


def date_text(date):
    """Three fraction digits, six or nine only where the instant needs them."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=date.seconds)
    if date.nanos % 1_000_000 == 0:
        fraction = f"{date.nanos // 1_000_000:03}"
    elif date.nanos % 1_000 == 0:
        fraction = f"{date.nanos // 1_000:06}"
    else:
        fraction = f"{date.nanos:09}"
    return (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        f"T{moment.hour:02}:{moment.minute:02}:{moment.second:02}.{fraction}Z"
    )


def shortest_digits(number):
    """The shortest digits that read back as this finite number, and where the point is in them."""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    return digits.rstrip("0"), point


def number_text(number):
    """Number::toString of ECMAScript, section 6.1.6.1.20; the names are k, n and e there."""
    if number == 0:
        return "0"
    digits, point = shortest_digits(number)
    sign = "-" if number < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"


SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}
MUST_ESCAPE = re.compile(r'["\\\x00-\x1f]')


def escape(match):
    return SHORT_ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


def string_text(string):
    """The escapes of RFC 8785 and no others."""
    return '"' + MUST_ESCAPE.sub(escape, string) + '"'


SCALARS = {
    "string": string_text,
    "int32": str,
    "double": number_text,
    "boolean": lambda value: "true" if value else "false",
    "date": lambda value: string_text(date_text(value)),
}


def in_byte_order(names):
    return sorted(names, key=lambda name: name.encode())


def is_absent(value):
    return value is None or (isinstance(value, (list, dict)) and not value)


def split_members(schema, definition, value):
    """An object's defined members, in order: [(Member, value)]; and {name: Raw} of the others."""
    members = schema[definition]
    defined = [(member, value[name]) for name, member in members.items() if name in value]
    additional = {name: value[name] for name in in_byte_order(value.keys() - members.keys())}
    return defined, additional


def rebuilt(schema, definition, value, keep, scalar=lambda kind, content: content):
    """A copy of an object, with the members that keep(Member or None, content) is true for."""
    members = schema[definition]

    def item(kind, content):
        if kind in schema:
            return rebuilt(schema, kind, content, keep, scalar)
        return scalar(kind, content)

    def copy(member, content):
        if member is None:
            return content
        if member.kind == "array":
            return [item(member.of, element) for element in content]
        if member.kind == "map":
            return {key: item(member.of, entry) for key, entry in content.items()}
        return item(member.of or member.kind, content)

    kept = ((name, members.get(name), content) for name, content in value.items())
    return {name: copy(member, content) for name, member, content in kept if keep(member, content)}


def without_empty(schema, session):
    """A session without its empty arrays and maps, which mean absent."""

    def keep(member, content):
        return member is None or not member.is_plural or len(content) > 0

    return rebuilt(schema, "Session", session, keep)


def without_additional(schema, session):
    """A session without its additional members."""
    return rebuilt(schema, "Session", session, lambda member, content: member is not None)


class Canonical:
    """Prints canonical text; see design section 4."""

    def __init__(self, schema):
        self.schema = schema

    def object(self, definition, value):
        defined, additional = split_members(self.schema, definition, value)
        parts = [
            string_text(member.name) + ":" + self.member(member, content)
            for member, content in defined
            if not (member.is_plural and is_absent(content))
        ]
        parts += additional_parts(additional)
        return "{" + ",".join(parts) + "}"

    def member(self, member, value):
        if member.kind == "array":
            return "[" + ",".join(self.item(member.of, element) for element in value) + "]"
        if member.kind == "map":
            keys = in_byte_order(value)
            entries = (string_text(key) + ":" + self.item(member.of, value[key]) for key in keys)
            return "{" + ",".join(entries) + "}"
        return self.item(member.of or member.kind, value)

    def item(self, kind, value):
        return SCALARS[kind](value) if kind in SCALARS else self.object(kind, value)


def additional_parts(additional):
    return [string_text(name) + ":" + text for name, text in additional.items()]


def additional_text(additional):
    """What stands in additional_properties on the wire, of {name: Raw} in byte order."""
    return "{" + ",".join(additional_parts(additional)) + "}"


def canonical(schema, session):
    """The canonical text of a session."""
    return Canonical(schema).object("Session", session)


# A JSON text's tokens: strings, structure, and everything else that is not white space.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def tokens(text):
    return TOKEN.findall(text)
