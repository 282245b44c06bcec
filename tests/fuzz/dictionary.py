#!/usr/bin/env python3
"""dictionary.py FACTS OUTPUT: what a fuzzer is to try, as libFuzzer reads it.

The names of all members and the tags of all fields come from the facts of the schema; tokens of JSON and of
the wire are below.
"""
import sys

WIRE_TYPES = {"integer": 0, "boolean": 0, "number": 1}
LENGTH_DELIMITED = 2
ADDITIONAL = 1000

JSON_TOKENS = [
    b"null", b"true", b"false", b"{}", b"[]", b"{\"", b"\":", b"},{", b"\",\"", b"[{", b"}]",
    b"1.5", b"-0", b"1e2", b"1e400", b"2147483648", b"9007199254740993", b"0.1",
    b"\"\\u0000\"", b"\"\\ud800\\udc00\"", b"\"\\ud800\"", b"\"\\n\"", b"\xc3\xa9", b"\xef\xbb\xbf",
    b"\"2026-01-31T09:05:00.123Z\"", b"\"2026-01-31T09:05:00.123456789+01:00\"",
    b"\"0001-01-01T00:00:00+23:59\"", b"\"$unknownFields\":\"uD4B\"", b"\"x\":[1,{\"y\":null}],",
]
ENVELOPES = [
    b"{\"entities\":[", b"{\"topicName\":\"a\",\"eventBody\":{", b"{\"detail\":{\"eventBody\":{",
    b"\"topicName\":\"channel.metadata\"", b"\"v2.system.socket_closing\"", b"\"detail-type\":",
]
WIRE_TOKENS = [
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x81\x80\x80\x80\x00", b"\x0b\x0c",
    b"\xc3\x3e\xc4\x3e", b"\x8a\x00", b"\xff\xff\xff\xff\x07", b"\x80\x80\x80\x80\x10",
]
OPTIONS = [b"--", b"\n", b"=", b"-o", b"--zstd=3", b"--limit=1", b"--help", b"--skip=1", b"--listen=a",
           b"--connect=a", b"--framing=raw", b"--framing=list", b"--on-error=stop", b"--rejects=a",
           b"--retry", b"--salvage", b"--check", b"--list", b"--timeout=1", b"--id=a"]
ARCHIVES = [b"\x28\xb5\x2f\xfd", b"\x5b\x2a\x4d\x18", b"\x5e\x2a\x4d\x18", b"\xb1\xea\x92\x8f",
            b"SPB\x01"]


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number % 0x80 | 0x80)
        number //= 0x80
    out.append(number)
    return bytes(out)


def schema_tokens(lines):
    yield varint(ADDITIONAL << 3 | LENGTH_DELIMITED) + b"\x07{\"x\":1}"
    for line in lines:
        if line.startswith("#"):
            continue
        _, number, name, kind = line.split("\t")[:4]
        yield b"\"%s\":" % name.encode()
        yield varint(int(number) << 3 | WIRE_TYPES.get(kind, LENGTH_DELIMITED))


def quote(token):
    return "\"%s\"\n" % "".join("\\x%02x" % byte for byte in token)


def main():
    facts, output = sys.argv[1:]
    with open(facts, encoding="utf-8") as lines:
        tokens = list(schema_tokens(lines))
    tokens += JSON_TOKENS + ENVELOPES + WIRE_TOKENS + OPTIONS + ARCHIVES
    with open(output, "w", encoding="ascii") as out:
        out.writelines(quote(token) for token in sorted(set(tokens)))


if __name__ == "__main__":
    main()
