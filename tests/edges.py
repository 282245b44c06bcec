"""Sessions at the edges of what their types can say, as Python values (see canonical.py)."""

import datetime
import struct

from canonical import Date, Raw, additional_text, split_members, string_text
from corpus import UNKNOWN_FIELDS, base64_member, visit_objects
from variant import SECONDS_MAX, SECONDS_MIN
from wirebytes import FIXED64, length_field, tag

GEOLOCATION, LATITUDE, LONGITUDE = 15, 3, 4

EMPTY = {
    "string": "",
    "int32": 0,
    "double": 0.0,
    "boolean": False,
    "date": Date(0, 0),
}
WRAPPED = {"array": lambda item: [item], "map": lambda item: {"": item}}
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
NANOS_MAX = 999_999_999
SURROGATES = range(0xD800, 0xE000)
UNICODE_LEN = 0x110000
CHUNK_LEN = 4096

# What objects of JavaScript have by birth, order in their own way or cannot hold; what JSON and
# protobuf give a meaning elsewhere; what is sorted in another order as UTF-16.
KEYS = """
__proto__ constructor prototype toString hasOwnProperty valueOf length then $type @type key value
additionalProperties additional_properties $unknownFields $unknowns null true false NaN Infinity
0 1 2 10 -1 01 1.5 1e3 4294967294 4294967295 9007199254740993 a A é e\u0301 \u00df \uffff
\U00010000 \U0010ffff
""".split() + ["", " ", "\0", "\n", '"', "\\", "/", "\u2028", "\ufeff", "x" * 70000]


def in_groups(values, members):
    """Sessions that hold the values, several in each, in the members of these names."""
    for at in range(0, len(values), len(members)):
        yield dict(zip(members, values[at : at + len(members)]))


def int32s():
    powers = [2**power for power in range(31)] + [10**power for power in range(10)]
    around = {power + step for power in powers for step in (-1, 0, 1)} | {INT32_MAX}
    numbers = sorted(around | {-number for number in around} | {INT32_MIN})
    members = ("durationInSeconds", "eventCount", "pageviewCount", "screenviewCount")
    return list(in_groups(numbers, members))


def doubles(numbers):
    return [{"geolocation": place} for place in in_groups(numbers, ("latitude", "longitude"))]


def double_messages(numbers):
    """The bytes of the same sessions, by hand: from text there is no negative zero."""
    packed = [struct.pack("<d", number) for number in numbers]
    for latitude, longitude in zip(packed[::2], packed[1::2], strict=True):
        place = tag(LATITUDE, FIXED64) + latitude + tag(LONGITUDE, FIXED64) + longitude
        yield length_field(GEOLOCATION, place)


def seconds_at(year, month, day, *time):
    moment = datetime.datetime(year, month, day, *time) - datetime.datetime(1970, 1, 1)
    return moment // datetime.timedelta(seconds=1)


def dates(step):
    """The first and the last nanosecond of every year, or of every so many; and all fractions."""
    instants = [Date(SECONDS_MIN, 0), Date(SECONDS_MAX, NANOS_MAX)]
    instants += [Date(seconds, nanos) for seconds in (-1, 0, 1) for nanos in (0, 1, NANOS_MAX)]
    for year in range(1, 10000, step):
        instants.append(Date(seconds_at(year, 1, 1), 0))
        instants.append(Date(seconds_at(year, 12, 31, 23, 59, 59), NANOS_MAX))
        instants.append(Date(seconds_at(year, 3, 1) - 1, 10 ** (year % 10) - 1))
    members = ("createdDate", "endedDate", "awayDate", "idleDate")
    return list(in_groups(instants, members))


def strings():
    """Every character of Unicode; and those with an escape, each alone."""
    chunks = []
    for start in range(0, UNICODE_LEN, CHUNK_LEN):
        codes = range(start, start + CHUNK_LEN)
        chunks.append("".join(chr(code) for code in codes if code not in SURROGATES))
    alone = [chr(code) for code in range(0x20)] + ['"', "\\", "/", "\x7f", "\u2028", "\u2029"]
    alone += ["\\u0041", "\\n", "\ufeff", "\ud7ff\ue000", "\ufffd", "\U0001f600"]
    texts = [chunk for chunk in chunks if chunk] + alone
    return [{"userAgentString": text, "searchTerms": [text, "", text[:1]]} for text in texts]


def keys():
    """Each key alone; all of them."""
    sessions = [map_session([key]) for key in KEYS]
    ordinary = [key for key in KEYS if key != "__proto__"]
    return [*sessions, map_session(ordinary)]


def map_session(names):
    attributes = {name: {"dataType": "string", "value": name[:9]} for name in names}
    return {"attributes": attributes, "attributeLists": {name: {"values": ["v"]} for name in names}}


def empties(schema):
    """For each member of each definition, a session that has nothing but an empty one of it."""
    shortest = {"Session": []}
    for definition in breadth_first(schema, shortest):
        for member in schema[definition].values():
            yield nested(schema, [*shortest[definition], member])


def breadth_first(schema, paths):
    """The definitions; `paths` gets the members that lead to each."""
    queue = ["Session"]
    for definition in queue:
        yield definition
        for member in schema[definition].values():
            if member.of in schema and member.of not in paths:
                paths[member.of] = [*paths[definition], member]
                queue.append(member.of)


def nested(schema, members):
    """The session in which the last of the members is empty."""
    last = members[-1]
    value = {} if (last.of in schema) else EMPTY[last.of or last.kind]
    for member in reversed(members):
        value = {member.name: WRAPPED.get(member.kind, lambda content: content)(value)}
    return value


def with_unknown_fields(schema, session, make):
    """Adds to every object of a session the unknown fields that make() gives."""
    for _, value in visit_objects(schema, "Session", session):
        value[UNKNOWN_FIELDS] = base64_member(make())
    return session


def as_peers_see(schema, session):
    """Changes a session into what others see: additional members are the text in one field."""
    for definition, value in visit_objects(schema, "Session", session):
        additional = split_members(schema, definition, value)[1]
        for name in additional:
            del value[name]
        if additional:
            value["additionalProperties"] = Raw(string_text(additional_text(additional)))
    return session
