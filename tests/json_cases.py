"""Our own JSON cases, as data: values that session2pb must take and values that it must refuse.

VALUES   values of an additional member: refused, or kept as they are but for white space
MEMBERS  values of defined members: refused, or what the canonical text has in their place
"""

from typing import NamedTuple

from json_inputs import REFUSED

DEPTH_MAX = 64
ABSENT = "absent"


def nested(depth, opening=b"[", closing=b"]", inside=b""):
    return opening * depth + inside + closing * depth


VALUES_KEPT = {
    "numbers": (
        b"0",
        b"-0",
        b"1",
        b"-1",
        b"0.0",
        b"-0.0",
        b"0.10",
        b"1E5",
        b"1e+05",
        b"1e-05",
        b"0e0",
        b"0E+00",
        b"1.000000000000000000000000000000000001",
        b"9007199254740993",
        b"18446744073709551616",
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"1e99999999999999999999",
        b"9" * 5000,
        b"0." + b"3" * 5000,
    ),
    "strings": (
        b'""',
        b'"a"',
        b'"  a  b  "',
        b'"\x7f"',
        '"é\u0800\uffff\U00010000\U0010ffff"'.encode(),
        '"\u2028\u2029\ufeff"'.encode(),
        b'"//* no comment */"',
        b'"{\\"a\\":[1,2]}"',
        b'"' + b"x" * 70000 + b'"',
    ),
    "escapes": (
        b'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
        b'"\\u0041\\u00e9\\u00E9"',
        b'"\\u0000"',
        b'"\\uffff\\uFFFE"',
        b'"\\ud83d\\ude00\\uD83D\\uDE00"',
        b'"\\udbff\\udfff"',
        b'"\\ud7ff\\ue000"',
        b'"\\\\u0041\\\\ud800"',
    ),
    "structure": (
        b"null",
        b"true",
        b"false",
        b"{}",
        b"[]",
        b" [ ] ",
        b"\t{\r\n}\n",
        b'{ "a" : 1 , "a" : 2 , "\\u0061" : null }',
        b'{"b":1,"a":2}',
        b'{"":""}',
        b"[[],{},[{}],null,[null]]",
        b'[1 ,2\n,3\t,"4 , 5" ]',
        b'{"id":1,"x":{"x":{}}}',
        nested(DEPTH_MAX),
        nested(DEPTH_MAX, b'{"a":', b"}", b"1"),
        nested(DEPTH_MAX // 2, b'[{"a":', b"}]", b"1"),
        b"[" + b",".join([b"[[]]"] * 5000) + b"]",
    ),
}

VALUES_REFUSED = {
    "numbers": (
        b"+1",
        b"01",
        b"-01",
        b"00",
        b"-",
        b"1.",
        b".5",
        b"-.5",
        b"1e",
        b"1e+",
        b"1.e1",
        b"1e1.0",
        b"1e1e1",
        b"0x10",
        b"1_000",
        b"1,5",
        b"1 2",
        b"1a",
        b"NaN",
        b"-Infinity",
        b"--1",
        "\uff11".encode(),
        b"1\x00",
    ),
    "strings": (
        b"'a'",
        b"a",
        b'"a',
        b'a"',
        b'"a" "b"',
        b'"a\nb"',
        b'"a\tb"',
        b'"\x00"',
        b'"\x1f"',
        b'"\r"',
    ),
    "escapes": (
        b'"\\a"',
        b'"\\x41"',
        b'"\\U00000041"',
        b"\"\\'\"",
        b'"\\u"',
        b'"\\u004"',
        b'"\\u004g"',
        b'"\\u 041"',
        b'"\\u+041"',
        b'"\\ud800"',
        b'"\\udc00"',
        b'"\\ud800\\u0041"',
        b'"\\ud800\\ud800"',
        b'"\\ud800a"',
        b'"\\ud800\\n"',
        b'"\\ude00\\ud83d"',
        b'"\\ud83d\\u"',
        b'{"\\ud800":1}',
        b'{"\\q":1}',
        b'"\\\x00"',
        b'"\\',
    ),
    "structure": (
        b"",
        b" ",
        b"[",
        b"]",
        b"{",
        b"[1,]",
        b"[,1]",
        b"[,]",
        b"[1,,2]",
        b"[1 2]",
        b"[1}",
        b"{]",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b'{,"a":1}',
        b'{"a":1 "b":2}',
        b'{"a":1;"b":2}',
        b"{a:1}",
        b"{1:1}",
        b"{null:1}",
        b'{"a"::1}',
        b'{"a":1}}',
        b"[1]]",
        b"nul",
        b"nulll",
        b"NULL",
        b"True",
        b"tru",
        b"undefined",
        b"/* */1",
        b"1//",
        b"1#",
        b"[1,/* */2]",
        b"\x0c1",
        b"\x0b1",
        "\u00a01".encode(),
        nested(DEPTH_MAX + 1),
        nested(DEPTH_MAX + 1, b'{"a":', b"}", b"1"),
        nested(10000),
        nested(100000, b"[", b""),
        nested(100000, b'{"":', b""),
    ),
    "encodings": (
        b"\xef\xbb\xbf1",
        b"1\xef\xbb\xbf",
        b'"\x80"',
        b'"\xbf"',
        b'"\xc0\x80"',
        b'"\xc1\xbf"',
        b'"\xc3"',
        b'"\xc3("',
        b'"\xe0\x80\x80"',
        b'"\xe0\x9f\xbf"',
        b'"\xe2\x82"',
        b'"\xed\xa0\x80"',
        b'"\xed\xbf\xbf"',
        b'"\xed\xa0\xbd\xed\xb8\x80"',
        b'"\xf0\x80\x80\x80"',
        b'"\xf0\x8f\xbf\xbf"',
        b'"\xf0\x9f\x98"',
        b'"\xf4\x90\x80\x80"',
        b'"\xf5\x80\x80\x80"',
        b'"\xf8\x88\x80\x80\x80"',
        b'"\xfc\x84\x80\x80\x80\x80"',
        b'"\xfe"',
        b'"\xff"',
        b'"caf\xe9"',
        b'{"\xff":1}',
        b'{"\xc3":1}',
        '"é"'.encode("utf-16-le"),
        '"é"'.encode("utf-16-be"),
        '"é"'.encode("utf-16"),
        '"é"'.encode("utf-32-le"),
    ),
}


class MemberCase(NamedTuple):
    """A member of Session and its text; `canonical` is its canonical text, or ABSENT or REFUSED."""

    group: str
    name: str
    text: bytes
    canonical: object


def member_cases(group, name, accepted, refused, frame=b"@"):
    """Cases of one member; `frame` is what stands around the text, at the @."""
    for text, canonical in accepted.items():
        printed = ABSENT if canonical is ABSENT else frame.replace(b"@", canonical)
        yield MemberCase(group, name, frame.replace(b"@", text), printed)
    for text in refused:
        yield MemberCase(group, name, frame.replace(b"@", text), REFUSED)


INT32_ACCEPTED = {
    b"null": ABSENT,
    b"0": b"0",
    b"-0": b"0",
    b"7": b"7",
    b"1.0": b"1",
    b"1e2": b"100",
    b"1E+2": b"100",
    b"100e-2": b"1",
    b"1.50e1": b"15",
    b"12345678.9e1": b"123456789",
    b"2147483647": b"2147483647",
    b"2147483647.000": b"2147483647",
    b"-2147483648": b"-2147483648",
    b"-2.147483648e9": b"-2147483648",
    b"0.0e999999999999999999999": b"0",
    b"-0e-99999999999": b"0",
    b"0." + b"0" * 28 + b"1e29": b"1",
    b"1" + b"0" * 400 + b"e-400": b"1",
    b"5" + b"." + b"0" * 5000: b"5",
}
INT32_REFUSED = (
    b"2147483648",
    b"-2147483649",
    b"2147483647.5",
    b"4294967296",
    b"18446744073709551617",
    b"1.5",
    b"0.5",
    b"-0.1",
    b"1e-1",
    b"1e10",
    b"1e999999999999999999999",
    b"1e-999999999999999999999",
    b"1e4294967296",
    b"1." + b"0" * 5000 + b"1",
    b'"5"',
    b"true",
    b"[1]",
    b"{}",
    b"01",
    b"+1",
    b"1.",
    b"1e",
    b"1.0.0",
)
DOUBLE_ACCEPTED = {
    b"0": b"0",
    b"-0": b"0",
    b"-0.0": b"0",
    b"-0e5": b"0",
    b"1": b"1",
    b"1.0": b"1",
    b"-37.8159": b"-37.8159",
    b"1.5e300": b"1.5e+300",
    b"1e20": b"100000000000000000000",
    b"1e21": b"1e+21",
    b"123456789012345680000": b"123456789012345680000",
    b"0.000001": b"0.000001",
    b"0.0000001": b"1e-7",
    b"1E-7": b"1e-7",
    b"0.1e1": b"1",
    b"0.30000000000000004": b"0.30000000000000004",
    b"0.1000000000000000055511151231257827021181583404541015625": b"0.1",
    b"9007199254740993": b"9007199254740992",
    b"9007199254740993.00000000000000000000000000000000001": b"9007199254740994",
    b"1e23": b"1e+23",
    b"8.41e21": b"8.41e+21",
    b"5e-324": b"5e-324",
    b"2.4703282292062328e-324": b"5e-324",
    b"2.4703282292062327e-324": b"0",
    b"1e-400": b"0",
    b"-1e-400": b"0",
    b"2.2250738585072011e-308": b"2.225073858507201e-308",
    b"1.7976931348623157e308": b"1.7976931348623157e+308",
    b"1.797693134862315807e308": b"1.7976931348623157e+308",
    b"0e99999999999999999999": b"0",
    b"1" + b"0" * 308: b"1e+308",
    b"0." + b"0" * 400 + b"1e401": b"1",
    b"1" + b"0" * 5000 + b"e-5000": b"1",
}
DOUBLE_REFUSED = (
    b"1e400",
    b"-1e400",
    b"1.7976931348623159e308",
    b"1" + b"0" * 400,
    b"1e99999999999999999999",
    b'"1"',
    b'"NaN"',
    b"NaN",
    b"Infinity",
    b"true",
    b"[1]",
    b"01",
    b".5",
    b"5.",
    b"1e",
    b"0x1p3",
    b"1.0f",
)
DATES_ACCEPTED = {
    b"2024-01-02T03:04:05Z": b"2024-01-02T03:04:05.000Z",
    b"2024-01-02t03:04:05z": b"2024-01-02T03:04:05.000Z",
    b"2024-01-02T03:04:05.6Z": b"2024-01-02T03:04:05.600Z",
    b"2024-01-02T03:04:05.678Z": b"2024-01-02T03:04:05.678Z",
    b"2024-01-02T03:04:05.6789Z": b"2024-01-02T03:04:05.678900Z",
    b"2024-01-02T03:04:05.678901Z": b"2024-01-02T03:04:05.678901Z",
    b"2024-01-02T03:04:05.6789012Z": b"2024-01-02T03:04:05.678901200Z",
    b"2024-01-02T03:04:05.000000001Z": b"2024-01-02T03:04:05.000000001Z",
    b"2024-01-02T03:04:05.100000000Z": b"2024-01-02T03:04:05.100Z",
    b"2024-01-02T03:04:05.000000Z": b"2024-01-02T03:04:05.000Z",
    b"2024-01-02T03:04:05+00:00": b"2024-01-02T03:04:05.000Z",
    b"2024-01-02T03:04:05-00:00": b"2024-01-02T03:04:05.000Z",
    b"2024-01-02T03:04:05.678+05:30": b"2024-01-01T21:34:05.678Z",
    b"2024-01-01T00:00:00+23:59": b"2023-12-31T00:01:00.000Z",
    b"2023-12-31T23:59:59-23:59": b"2024-01-01T23:58:59.000Z",
    b"2024-02-29T00:00:00Z": b"2024-02-29T00:00:00.000Z",
    b"2000-02-29T23:59:59Z": b"2000-02-29T23:59:59.000Z",
    b"2024-02-29T23:30:00-01:00": b"2024-03-01T00:30:00.000Z",
    b"1900-02-28T23:59:59.5-00:01": b"1900-03-01T00:00:59.500Z",
    b"1970-01-01T00:00:00Z": b"1970-01-01T00:00:00.000Z",
    b"1969-12-31T23:59:59.999999999Z": b"1969-12-31T23:59:59.999999999Z",
    b"0001-01-01T00:00:00Z": b"0001-01-01T00:00:00.000Z",
    b"0001-01-01T00:00:00-00:01": b"0001-01-01T00:01:00.000Z",
    b"9999-12-31T23:59:59.999999999Z": b"9999-12-31T23:59:59.999999999Z",
    b"9999-12-31T23:59:59.999999999+00:01": b"9999-12-31T23:58:59.999999999Z",
    b"\\u0032024-01-02\\u005403:04:05\\u005a": b"2024-01-02T03:04:05.000Z",
}
DATES_REFUSED = (
    b"",
    b"2024",
    b"2024-01-02",
    b"2024-01-02T03:04:05",
    b"2024-01-02T03:04Z",
    b"2024-01-02T03Z",
    b"2024-1-2T3:4:5Z",
    b"2024-00-02T03:04:05Z",
    b"2024-13-02T03:04:05Z",
    b"2024-01-00T03:04:05Z",
    b"2024-01-32T03:04:05Z",
    b"2024-04-31T03:04:05Z",
    b"2023-02-29T03:04:05Z",
    b"1900-02-29T03:04:05Z",
    b"2024-01-02T24:00:00Z",
    b"2024-01-02T03:60:05Z",
    b"2024-01-02T03:04:60Z",
    b"2016-12-31T23:59:60Z",
    b"2024-01-02T03:04:05.Z",
    b"2024-01-02T03:04:05,6Z",
    b"2024-01-02T03:04:05.6789012345Z",
    b"2024-01-02T03:04:05.6",
    b"2024-01-02T03:04:05+24:00",
    b"2024-01-02T03:04:05+00:60",
    b"2024-01-02T03:04:05+0100",
    b"2024-01-02T03:04:05+01",
    b"2024-01-02T03:04:05+1:00",
    b"2024-01-02T03:04:05Z+01:00",
    b"2024-01-02T03:04:05ZZ",
    b"2024-01-02T03:04:05Z ",
    b" 2024-01-02T03:04:05Z",
    b"2024-01-02T03:04:05Z\\u0000",
    b"2024-01-02X03:04:05Z",
    b"2024/01/02T03:04:05Z",
    b"+2024-01-02T03:04:05Z",
    b"-2024-01-02T03:04:05Z",
    b"0000-12-31T23:59:59Z",
    b"10000-01-01T00:00:00Z",
    b"0001-01-01T00:00:00+00:01",
    b"9999-12-31T23:59:59-00:01",
    b"20240102T030405Z",
    "２024-01-02T03:04:05Z".encode(),
)
STRINGS_ACCEPTED = {
    b'""': b'""',
    b'"\\/"': b'"/"',
    b'"/"': b'"/"',
    b'"\\u0041\\u00e9\\u20AC"': '"Aé€"'.encode(),
    b'"\\ud83d\\uDE00"': '"\U0001f600"'.encode(),
    b'"\\u0000\\u0001\\u001F"': b'"\\u0000\\u0001\\u001f"',
    b'"\\u0008\\u0009\\u000A\\u000c\\u000D"': b'"\\b\\t\\n\\f\\r"',
    b'"\\u000b\\u000E\\u007f"': b'"\\u000b\\u000e\x7f"',
    b'"\\u0022\\u005c\\u002f"': b'"\\"\\\\/"',
    b'"\\u2028\\ufeff\\uffff"': '"\u2028\ufeff\uffff"'.encode(),
    '"\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"'.encode(): (
        '"\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"'.encode()
    ),
    b'"\\\\u0041"': b'"\\\\u0041"',
}
STRINGS_REFUSED = (b"5", b"true", b"[]", b"{}", b'["a"]', b'"a"b', b'"a""b"')
CONNECTIVITY = b'{"bluetoothEnabled":@,"cellularEnabled":true,"wifiEnabled":false}'
BOOLEANS_ACCEPTED = {b"true": b"true", b"false": b"false", b" true ": b"true"}
BOOLEANS_REFUSED = (b"null", b"1", b"0", b'"true"', b'"false"', b"[]", b"{}")
BOOLEANS_REFUSED += (b"True", b"TRUE", b"tru", b"truee", b"false1")
LISTS_ACCEPTED = {
    b"null": ABSENT,
    b"[]": ABSENT,
    b" [ ] ": ABSENT,
    b'[ "b" ,"a", "a"]': b'["b","a","a"]',
    b'[""]': b'[""]',
}
LISTS_REFUSED = (b"[null]", b'["a",null]', b"[1]", b'[["a"]]', b"[{}]", b'"a"', b"{}", b"1")
LISTS_REFUSED += (b'["a",]', b'[,"a"]', b'["a"')
OBJECTS_ACCEPTED = {
    b"null": ABSENT,
    b"{}": b"{}",
    b" { } ": b"{}",
    b'{"selfUri":"/s","id":"a"}': b'{"id":"a","selfUri":"/s"}',
    b'{"id":null}': b"{}",
    b'{"selfUri":null,"id":null}': b"{}",
    b'{"x":null,"id":"a"}': b'{"id":"a","x":null}',
}
OBJECTS_REFUSED = (b"[]", b"[{}]", b'""', b"1", b"false", b'{"id":1}', b'{"id":"a"', b'{"id":"a",}')
OBJECTS_REFUSED += (b'{"id"}', b'{"id":"a","id":"b"}', b'{"id":null,"\\u0069d":"a"}')
OBJECTS_REFUSED += (b'{"x":1,"x":1}', b'{"x":1,"\\u0078":2}')


def with_attributes(text):
    """A map's text, with an attribute at each @."""
    return text.replace("@", '{"dataType":"string","value":"v"}').encode()


MAPS_ACCEPTED = {
    b"null": ABSENT,
    b"{}": ABSENT,
    b"{ }": ABSENT,
    with_attributes('{"":@}'): with_attributes('{"":@}'),
    with_attributes('{"b":@,"a":{"value":"v","dataType":"string"}}'): (
        with_attributes('{"a":@,"b":@}')
    ),
    with_attributes('{"\\ud800\\udc00":@,"\\uffff":@}'): (
        with_attributes('{"\uffff":@,"\U00010000":@}')
    ),
    with_attributes('{"a\\u0000":@,"a":@}'): with_attributes('{"a":@,"a\\u0000":@}'),
}
MAPS_REFUSED = (
    b'{"a":null}',
    b'{"a":{}}',
    b'{"a":"v"}',
    b'{"a":[]}',
    b'{"a":{"dataType":"string"}}',
    b'{"a":{"dataType":"string","value":null}}',
    b'{"a":{"dataType":"string","value":1}}',
    with_attributes('{"a":@,"a":@}'),
    with_attributes('{"b":@,"a":@,"\\u0062":@}'),
    with_attributes('{"a":@,}'),
    with_attributes("[@]"),
    b'"a"',
    b"1",
)
ELEMENTS_ACCEPTED = {
    b'[{"platform":"p","type":"Call"}]': b'[{"type":"Call","platform":"p"}]',
    b'[{"type":"Call"},{"type":"\\u0043all"}]': b'[{"type":"Call"},{"type":"Call"}]',
}
ELEMENTS_REFUSED = (b"[null]", b"[{}]", b'[{"type":null}]', b'[{"type":"Call"},{}]', b'["Call"]')
ELEMENTS_REFUSED += (b"{}", b'{"type":"Call"}')

MEMBERS = [
    *member_cases("int32", "durationInSeconds", INT32_ACCEPTED, INT32_REFUSED),
    *member_cases("double", "geolocation", DOUBLE_ACCEPTED, DOUBLE_REFUSED, b'{"latitude":@}'),
    *member_cases("date", "endedDate", DATES_ACCEPTED, DATES_REFUSED, b'"@"'),
    *member_cases("date", "endedDate", {b"null": ABSENT}, (b"1704164645", b"true", b"[]", b"{}")),
    *member_cases("string", "customerId", STRINGS_ACCEPTED, STRINGS_REFUSED),
    *member_cases("string", "customerId", {}, VALUES_REFUSED["strings"]),
    *member_cases("string", "customerId", {}, VALUES_REFUSED["escapes"]),
    *member_cases("string", "customerId", {}, VALUES_REFUSED["encodings"]),
    *member_cases(
        "boolean", "networkConnectivity", BOOLEANS_ACCEPTED, BOOLEANS_REFUSED, CONNECTIVITY
    ),
    *member_cases("array", "searchTerms", LISTS_ACCEPTED, LISTS_REFUSED),
    *member_cases("object", "externalContact", OBJECTS_ACCEPTED, OBJECTS_REFUSED),
    *member_cases("map", "attributes", MAPS_ACCEPTED, MAPS_REFUSED),
    *member_cases("array of objects", "conversationChannels", ELEMENTS_ACCEPTED, ELEMENTS_REFUSED),
]
