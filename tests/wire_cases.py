"""Our own protobuf cases, as data: odd spellings with a meaning, and bytes that must be refused.

SPELLINGS   fields beside those of a minimal message; what they mean is for Google's parser to say
MESSAGES    whole messages, likewise
MISTYPED    fields of a defined number and another wire type
REFUSED     fields that make a minimal message bad
STREAMS     delimited streams that must be refused
"""

import struct

from wirebytes import END, FIXED32, FIXED64, LENGTH, START, VARINT
from wirebytes import delimited, fields, length_field, tag, varint, varint_field

# The numbers of the fields that the cases use.
CUSTOMER_ID, ATTRIBUTES, GEOLOCATION, LAST_PAGE, CONNECTIVITY = 3, 11, 15, 18, 23
SEARCH_TERMS, DURATION, EVENT_COUNT, LAST_EVENT, CHANNELS, ENDED_DATE = 24, 26, 27, 30, 35, 45
LATITUDE, WIFI_ENABLED, BREADCRUMB, ADDITIONAL, UNKNOWN = 3, 4, 10, 1000, 111
DEPTH_MAX = 64

REQUIRED = {
    1: length_field(1, b"i"),
    5: length_field(5, b"web"),
    EVENT_COUNT: varint_field(EVENT_COUNT, 1),
    LAST_EVENT: length_field(
        LAST_EVENT,
        length_field(1, b"e")
        + length_field(2, b"n")
        + length_field(3, varint_field(1, 1704164645)),
    ),
    40: varint_field(40, 0),
    44: length_field(44, varint_field(1, 1704164645) + varint_field(2, 678000000)),
}
MINIMAL = b"".join(REQUIRED.values())
PAGE = b"".join(length_field(number, b"p") for number in (1, 3, 5, 8))
FIRST_ATTRIBUTE = length_field(1, b"string") + length_field(2, b"first")
ATTRIBUTE = length_field(1, b"string") + length_field(2, b"last")
FLAGS = varint_field(2, 1) + varint_field(3, 0)


def long_field(number, payload, tag_spare=0, length_spare=0):
    """A length-delimited field whose tag and length may be longer than they need be."""
    return varint(number << 3 | LENGTH, tag_spare) + varint(len(payload), length_spare) + payload


def long_varint_field(number, value, tag_spare=0, value_spare=0):
    return varint(number << 3 | VARINT, tag_spare) + varint(value, value_spare)


def key(payload):
    return length_field(1, payload)


def value(payload):
    return length_field(2, payload)


def entry(*parts):
    return length_field(ATTRIBUTES, b"".join(parts))


def page(*parts):
    return length_field(LAST_PAGE, b"".join(parts))


def latitude(*numbers):
    encoded = (tag(LATITUDE, FIXED64) + struct.pack("<d", number) for number in numbers)
    return length_field(GEOLOCATION, b"".join(encoded))


def date(*parts):
    return length_field(ENDED_DATE, b"".join(parts))


def additional(text):
    return length_field(ADDITIONAL, text)


def nested_groups(depth):
    return (tag(UNKNOWN, START) * depth) + (tag(UNKNOWN, END) * depth)


CRUMBS = [length_field(BREADCRUMB, name) for name in (b"a", b"b", b"c")]
LONG_CRUMBS = [long_field(BREADCRUMB, name, 1) for name in (b"a", b"b", b"c")]

SPELLINGS = {
    "nothing": b"",
    "string with a long tag": long_field(CUSTOMER_ID, b"c", 1),
    "string with the longest tag": long_field(CUSTOMER_ID, b"c", 4),
    "string with a long length": long_field(CUSTOMER_ID, b"c", 0, 1),
    "string with the longest length": long_field(CUSTOMER_ID, b"c", 0, 4),
    "string twice": length_field(CUSTOMER_ID, b"first") + length_field(CUSTOMER_ID, b"last"),
    "string emptied": length_field(CUSTOMER_ID, b"first") + length_field(CUSTOMER_ID, b""),
    "int32 with a long tag": long_varint_field(DURATION, 5, 1),
    "int32 with a long value": long_varint_field(DURATION, 5, 0, 3),
    "int32 with the longest value": long_varint_field(DURATION, 5, 0, 9),
    "int32 -1 in ten bytes": varint_field(DURATION, -1),
    "int32 -1 in five bytes": varint_field(DURATION, 2**32 - 1),
    "int32 above 32 bits": varint_field(DURATION, 2**32 + 7),
    "int32 twice": varint_field(DURATION, 5) + varint_field(DURATION, 0),
    "boolean 2": length_field(CONNECTIVITY, FLAGS + varint_field(WIFI_ENABLED, 2)),
    "boolean 2^32": length_field(CONNECTIVITY, FLAGS + varint_field(WIFI_ENABLED, 2**32)),
    "boolean long 1": length_field(CONNECTIVITY, FLAGS + long_varint_field(WIFI_ENABLED, 1, 0, 4)),
    "boolean long 0": length_field(CONNECTIVITY, FLAGS + long_varint_field(WIFI_ENABLED, 0, 0, 9)),
    "double -0": latitude(-0.0),
    "double twice": latitude(1.5, -2.5),
    "double twice, first no number": latitude(float("nan"), 1.5),
    "date split": date(varint_field(1, 5)) + date(varint_field(2, 1000000)),
    "date with nanoseconds first": date(varint_field(2, 1000000), varint_field(1, 5)),
    "date with zeros": date(varint_field(1, 0), varint_field(2, 0)),
    "date empty": date(),
    "date with seconds twice": date(varint_field(1, 2**60), varint_field(1, 5)),
    "date with long seconds": date(long_varint_field(1, 5, 1, 4)),
    "message with a long tag": long_field(LAST_PAGE, PAGE, 1),
    "message with a long length": long_field(LAST_PAGE, PAGE, 0, 2),
    "message split": page(PAGE[:3]) + page(PAGE[3:6]) + page(PAGE[6:]),
    "message split, then empty": page(PAGE) + page(),
    "message with repeated fields split": page(CRUMBS[0]) + page(PAGE, CRUMBS[1]) + page(CRUMBS[2]),
    "message out of order": page(CRUMBS[0], CRUMBS[1], PAGE, CRUMBS[2]),
    "repeated strings with long tags": page(PAGE, *LONG_CRUMBS),
    "repeated strings, second tag long": page(PAGE, CRUMBS[0], LONG_CRUMBS[1], CRUMBS[2]),
    "repeated strings, third tag long": page(PAGE, CRUMBS[0], CRUMBS[1], LONG_CRUMBS[2]),
    "repeated strings, tags long, out of order": page(LONG_CRUMBS[0], PAGE, *LONG_CRUMBS[1:]),
    "repeated strings at the top, tags long": (
        length_field(SEARCH_TERMS, b"a")
        + long_field(SEARCH_TERMS, b"b", 1)
        + long_field(SEARCH_TERMS, b"c", 2)
    ),
    "repeated messages with long tags": (
        long_field(CHANNELS, length_field(1, b"Call"), 1)
        + long_field(CHANNELS, length_field(1, b"Email"), 1)
    ),
    "map entry with value first": entry(value(ATTRIBUTE), key(b"a")),
    "map entry without key": entry(value(ATTRIBUTE)),
    "map entry with key twice": entry(key(b"x"), key(b"a"), value(ATTRIBUTE)),
    "map entry with key twice, apart": entry(key(b"x"), value(ATTRIBUTE), key(b"a")),
    "map entry with value twice": entry(key(b"a"), value(FIRST_ATTRIBUTE), value(ATTRIBUTE)),
    "map entry with value split": entry(key(b"a"), value(ATTRIBUTE[:8]), value(ATTRIBUTE[8:])),
    "map entry with a long tag": long_field(ATTRIBUTES, key(b"a") + value(ATTRIBUTE), 1),
    "map entry with a long length": long_field(ATTRIBUTES, key(b"a") + value(ATTRIBUTE), 0, 1),
    "map entry, key's tag long": entry(long_field(1, b"a", 1), value(ATTRIBUTE)),
    "map entry, key's length long": entry(long_field(1, b"a", 0, 1), value(ATTRIBUTE)),
    "map entry, value's tag long": entry(key(b"a"), long_field(2, ATTRIBUTE, 1)),
    "map key twice": (
        entry(key(b"a"), value(FIRST_ATTRIBUTE)) + entry(key(b"a"), value(ATTRIBUTE))
    ),
    "map key twice, first incomplete": (
        entry(key(b"a"), value(b"")) + entry(key(b"a"), value(ATTRIBUTE))
    ),
    "map key twice, first without value": entry(key(b"a")) + entry(value(ATTRIBUTE), key(b"a")),
    "map keys in descending order": (
        entry(key(b"b"), value(ATTRIBUTE)) + entry(key(b"a"), value(ATTRIBUTE))
    ),
    "additional properties empty": additional(b"{}"),
    "additional properties twice": additional(b'{"a":1,"b":2}') + additional(b'{"c":3}'),
    "additional properties twice, first bad": additional(b"{") + additional(b'{"c":3}'),
    "additional properties with space": additional(b' { "b" : [ 1 ] ,\n"a" : "  " } '),
    "additional properties with escapes": additional(b'{"\\u0062":"\\u0041","a\\/":1}'),
}

# Fields that have a defined number but not its wire type: every runtime takes them for unknown.
MISTYPED = {
    "string as a varint": varint_field(CUSTOMER_ID, 5),
    "int32 with a length": length_field(DURATION, b"\x05"),
    "int32 as a fixed32": tag(DURATION, FIXED32) + b"1234",
    "message as a group": tag(LAST_PAGE, START) + PAGE + tag(LAST_PAGE, END),
    "map entry as a varint": varint_field(ATTRIBUTES, 1),
    "date as a fixed64": tag(ENDED_DATE, FIXED64) + b"12345678",
    "additional properties as a varint": varint_field(ADDITIONAL, 1),
}


def split_required(number, cut):
    """The minimal message with one required sub-message in two parts, which follow each other."""
    payload = next(fields(REQUIRED[number])).payload
    parts = length_field(number, payload[:cut]) + length_field(number, payload[cut:])
    return b"".join({**REQUIRED, number: parts}.values())


MESSAGES = {
    "fields in descending order": b"".join(reversed(REQUIRED.values())),
    "message twice": MINIMAL + MINIMAL,
    "required sub-message split": split_required(LAST_EVENT, 3),
    "required sub-message split later": split_required(LAST_EVENT, 6),
    "required sub-message after an empty one": split_required(LAST_EVENT, 0),
    "required date split": split_required(44, 6),
    "required sub-message split far apart": (
        length_field(LAST_EVENT, length_field(1, b"e"))
        + b"".join(field for number, field in REQUIRED.items() if number != LAST_EVENT)
        + length_field(LAST_EVENT, length_field(3, varint_field(1, 1)) + length_field(2, b"n"))
    ),
}

REFUSED = {
    "field number 0": b"\x00\x00",
    "field number 0, long": b"\x80\x00\x00",
    "field number 0 with a length": b"\x82\x00\x00",
    "field number above 2^29 - 1": varint(2**29 << 3) + b"\0",
    "varint of eleven bytes": tag(DURATION, VARINT) + b"\xff" * 10 + b"\x01",
    "unknown varint of eleven bytes": tag(UNKNOWN, VARINT) + b"\x80" * 10 + b"\x01",
    "tag of eleven bytes": b"\x80" * 10 + b"\x01",
    "length of eleven bytes": tag(CUSTOMER_ID, LENGTH) + b"\x80" * 10 + b"\x01",
    "wire type 6": tag(UNKNOWN, 6) + b"\0",
    "wire type 7": tag(UNKNOWN, 7) + b"\0",
    "group without end": tag(UNKNOWN, START) + varint_field(1, 1),
    "end without group": tag(UNKNOWN, END),
    "end of another group": tag(UNKNOWN, START) + tag(UNKNOWN + 1, END),
    "groups crossed": (
        tag(UNKNOWN, START) + tag(UNKNOWN + 1, START) + tag(UNKNOWN, END) + tag(UNKNOWN + 1, END)
    ),
    "groups too deep": nested_groups(DEPTH_MAX + 1),
    "groups far too deep": nested_groups(100000),
    "groups opened only": tag(UNKNOWN, START) * 100000,
    "cut in a tag": b"\x80",
    "cut in a varint": tag(DURATION, VARINT) + b"\x80",
    "cut before a varint": tag(DURATION, VARINT),
    "cut in a double": length_field(GEOLOCATION, tag(LATITUDE, FIXED64) + b"1234567"),
    "cut in a fixed32": tag(UNKNOWN, FIXED32) + b"123",
    "cut in a fixed64": tag(UNKNOWN, FIXED64) + b"1234567",
    "cut in a string": tag(CUSTOMER_ID, LENGTH) + b"\x05abcd",
    "cut in an unknown field": tag(UNKNOWN, LENGTH) + b"\x05abcd",
    "cut in a sub-message": page(PAGE[:-1]),
    "length 2^31": tag(CUSTOMER_ID, LENGTH) + varint(2**31),
    "length 2^63": tag(CUSTOMER_ID, LENGTH) + varint(2**63),
    "length 2^64 - 1": tag(CUSTOMER_ID, LENGTH) + varint(2**64 - 1) + b"abc",
    "unknown length 2^64 - 1": tag(UNKNOWN, LENGTH) + varint(2**64 - 1) + b"abc",
    "string not UTF-8": length_field(CUSTOMER_ID, b"\xff"),
    "string with an overlong NUL": length_field(CUSTOMER_ID, b"\xc0\x80"),
    "string with a surrogate": length_field(CUSTOMER_ID, b"\xed\xa0\x80"),
    "string cut in a character": length_field(CUSTOMER_ID, b"\xf0\x9f\x98"),
    "repeated string not UTF-8": page(PAGE, CRUMBS[0], length_field(BREADCRUMB, b"caf\xe9")),
    "map key not UTF-8": entry(key(b"\xff"), value(ATTRIBUTE)),
    "map value incomplete": entry(key(b"a"), value(length_field(1, b"string"))),
    "map entry without value": entry(key(b"a")),
    "sub-message incomplete": page(PAGE[3:]),
    "repeated message incomplete": length_field(CHANNELS, b""),
    "double not a number": latitude(float("nan")),
    "double infinite": latitude(float("inf")),
    "double negative infinite": latitude(float("-inf")),
    "date in year 0": date(varint_field(1, -62135596801)),
    "date in year 10000": date(varint_field(1, 253402300800)),
    "date with the least seconds": date(varint_field(1, -(2**63))),
    "date with the most seconds": date(varint_field(1, 2**63 - 1)),
    "date with negative nanoseconds": date(varint_field(2, -1)),
    "date with a second of nanoseconds": date(varint_field(2, 10**9)),
    "additional properties not UTF-8": additional(b'{"a":"\xff"}'),
    "additional properties an array": additional(b"[]"),
    "additional properties a number": additional(b"1"),
    "additional properties cut": additional(b'{"a":1'),
    "additional properties with more": additional(b'{"a":1}}'),
    "additional properties twice in one": additional(b'{"a":1}{"b":1}'),
    "additional properties without value": additional(b'{"a":}'),
    "additional properties with a bad number": additional(b'{"a":01}'),
    "additional properties with a lone surrogate": additional(b'{"a":"\\ud800"}'),
    "additional properties with a name twice": additional(b'{"a":1,"b":2,"a":1}'),
    "additional properties with a field's name": additional(b'{"id":"other"}'),
    "additional properties with a field's name escaped": additional(b'{"\\u0069d":"other"}'),
    "additional properties too deep": additional(b'{"a":' + b"[" * 65 + b"]" * 65 + b"}"),
    "additional properties far too deep": additional(b'{"a":' + b"[" * 100000),
    "additional properties below, bad": page(PAGE, additional(b'{"url":"other"}')),
}
REFUSED |= {f"no field {number}": number for number in REQUIRED}

STREAMS = {
    "cut in a message": delimited([MINIMAL])[:-1],
    "cut in a length": delimited([MINIMAL]) + b"\x80",
    "length of eleven bytes": b"\x80" * 10 + b"\x01" + MINIMAL,
    "length above every limit": varint(2**63) + MINIMAL,
    "length of a gigabyte": varint(2**30) + MINIMAL,
    "an empty message": b"\0",
    "JSON": b'{"id":"i"}\n',
}


def message_of(case):
    """A case of REFUSED as a message: fields to add, or the number of one to leave out."""
    if isinstance(case, int):
        return b"".join(field for number, field in REQUIRED.items() if number != case)
    return MINIMAL + case


def placed(case):
    """A case of SPELLINGS behind the minimal fields, before them, and among them by number."""
    parts = [*fields(MINIMAL), *fields(case)]
    in_order = sorted(parts, key=lambda field: field.number)
    return [MINIMAL + case, case + MINIMAL, b"".join(field.raw for field in in_order)]


# Groups as deep as they may be, which JSON carries as they are.
DEEP_GROUPS = MINIMAL + nested_groups(DEPTH_MAX)
