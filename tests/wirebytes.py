"""Protobuf wire bytes by hand: taking messages apart, writing the same message in other orders."""

import struct
from typing import NamedTuple

VARINT, FIXED64, LENGTH, START, END, FIXED32 = range(6)
ADDITIONAL_PROPERTIES = 1000
FIELD_NUMBER_MAX = 2**29 - 1


class Field(NamedTuple):
    number: int
    wire_type: int
    payload: bytes  # without tag and length; of a group without its end tag
    raw: bytes  # the whole field as it stood


def varint(number, spare=0):
    """A number as a varint, with so many bytes more than it needs."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    if not spare:
        return bytes(out) + bytes([number])
    return bytes(out) + bytes([number | 0x80]) + b"\x80" * (spare - 1) + b"\0"


def read_varint(data, at):
    number, shift = 0, 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def tag(number, wire_type):
    return varint(number << 3 | wire_type)


def length_field(number, payload):
    return tag(number, LENGTH) + varint(len(payload)) + payload


def varint_field(number, value):
    return tag(number, VARINT) + varint(value & 2**64 - 1)


def group_field(number, payload):
    return tag(number, START) + payload + tag(number, END)


def end_of_field(data, at, number, wire_type):
    """Where the field's payload starts and ends, and where the next field starts."""
    if wire_type == VARINT:
        end = read_varint(data, at)[1]
        return at, end, end
    if wire_type in (FIXED64, FIXED32):
        end = at + (8 if wire_type == FIXED64 else 4)
        return at, end, end
    if wire_type == LENGTH:
        length, start = read_varint(data, at)
        return start, start + length, start + length
    end = at
    while True:
        inner, after = read_varint(data, end)
        if inner == number << 3 | END:
            return at, end, after
        end = end_of_field(data, after, inner >> 3, inner & 7)[2]


def fields(data):
    """The fields of a well-formed message."""
    at = 0
    while at < len(data):
        key, after = read_varint(data, at)
        number, wire_type = key >> 3, key & 7
        start, end, following = end_of_field(data, after, number, wire_type)
        yield Field(number, wire_type, data[start:end], data[at:following])
        at = following


def delimited(messages):
    return b"".join(varint(len(message)) + message for message in messages)


def undelimited(stream):
    """The messages of a delimited stream."""
    messages, at = [], 0
    while at < len(stream):
        length, start = read_varint(stream, at)
        messages.append(stream[start : start + length])
        at = start + length
    if at != len(stream):
        raise ValueError("the delimited stream is cut short")
    return messages


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def is_repeated(field):
    return field.label == field.LABEL_REPEATED


def in_number_order(data, descriptor):
    """The message and all below it with their fields in ascending order of their numbers."""
    parts = []
    for field in fields(data):
        known = descriptor.fields_by_number.get(field.number)
        raw = field.raw
        if known is not None and known.message_type is not None:
            raw = length_field(field.number, in_number_order(field.payload, known.message_type))
        parts.append((field.number, raw))
    return b"".join(raw for _, raw in sorted(parts, key=lambda part: part[0]))


class Scrambler:
    """Writes a message in another way that means the same to every protobuf reader.

    Fields in any order, sub-messages in two parts, singular fields and map keys that an earlier
    field of other content precedes, map entries in any order with key and value swapped, varints
    longer than they need be.
    """

    def __init__(self, rng):
        self.rng = rng
        self.rate = rng.choice((0.05, 0.3, 0.8))

    def chance(self):
        return self.rng.random() < self.rate

    def varint(self, number, longest):
        room = longest - len(varint(number))
        return varint(number, self.rng.randint(1, room) if room and self.chance() else 0)

    def length_field(self, number, payload):
        return self.varint(number << 3 | LENGTH, 5) + self.varint(len(payload), 5) + payload

    def message(self, data, descriptor):
        return b"".join(self.parts(data, descriptor))

    def parts(self, data, descriptor):
        """The fields, re-written, in an order that leaves alone what must keep its order."""
        groups = {}
        for field in fields(data):
            groups.setdefault(field.number, []).append(field)
        written = []
        for number, group in groups.items():
            known = descriptor.fields_by_number.get(number)
            if known is None:
                written.append([field.raw for field in group])
            elif is_map(known):
                written.append(self.map_entries(group, known.message_type))
            elif is_repeated(known):
                written.append([self.repeated(field, known) for field in group])
            else:
                written.append(self.singular(group[0], known))
        return self.interleaved(written)

    def interleaved(self, lists):
        placed = []
        for items in lists:
            places = sorted(self.rng.random() for _ in items)
            placed += zip(places, range(len(placed), len(placed) + len(items)), items)
        return [item for _, _, item in sorted(placed, key=lambda entry: entry[:2])]

    def repeated(self, field, known):
        if known.message_type is None:
            return self.length_field(field.number, field.payload)
        return self.length_field(field.number, self.message(field.payload, known.message_type))

    def singular(self, field, known):
        if known.message_type is not None:
            parts = self.parts(field.payload, known.message_type)
            cut = self.rng.randint(0, len(parts)) if self.chance() else 0
            pieces = [parts[:cut], parts[cut:]] if cut else [parts]
            return [self.length_field(field.number, b"".join(piece)) for piece in pieces]
        decoys = [self.decoy(field, known)] if self.chance() else []
        return decoys + [self.scalar(field)]

    def scalar(self, field):
        if field.wire_type == LENGTH:
            return self.length_field(field.number, field.payload)
        key = self.varint(field.number << 3 | field.wire_type, 5)
        if field.wire_type == VARINT:
            return key + self.varint(read_varint(field.payload, 0)[0], 10)
        return key + field.payload

    def decoy(self, field, known):
        """A field of the same number and type with other content."""
        if known.type == known.TYPE_DOUBLE:
            return tag(field.number, FIXED64) + struct.pack("<d", self.rng.uniform(-9, 9))
        if field.wire_type == VARINT:
            return varint_field(field.number, self.rng.choice((0, 1)))
        text = b'{"decoy":[1]}' if field.number == ADDITIONAL_PROPERTIES else "d\u00e9coy".encode()
        return length_field(field.number, text)

    def decoy_value(self):
        """A map entry's value that a later entry overwrites, so it need not be complete."""
        complete = length_field(1, b"decoy") + length_field(2, b"decoy")
        return length_field(2, self.rng.choice((b"", complete)))

    def map_entries(self, group, entry):
        """The entries in another order, some after one with the same key and another value."""
        value_type = entry.fields_by_number[2].message_type
        out = []
        for field in self.rng.sample(group, len(group)):
            parts = {part.number: part.payload for part in fields(field.payload)}
            if self.chance():
                decoy = length_field(1, parts[1]) + self.decoy_value()
                out.append(length_field(field.number, decoy))
            key = [self.length_field(1, parts[1])] if parts[1] or self.chance() else []
            if key and self.chance():
                key.insert(0, length_field(1, b"decoy"))
            value = [self.length_field(2, self.message(parts[2], value_type))]
            out.append(self.length_field(field.number, b"".join(self.interleaved([key, value]))))
        return out


class UnknownFields:
    """Makes fields that the schema does not define, of every wire type."""

    WIRE_TYPES = (VARINT, FIXED64, LENGTH, START, FIXED32)

    def __init__(self, rng):
        self.rng = rng

    def number(self, descriptor):
        while True:
            number = self.rng.choice((48, 63, 99, 999, 1001, 2047, 2048, 19500, FIELD_NUMBER_MAX))
            number = number if self.rng.random() < 0.7 else self.rng.randint(1, FIELD_NUMBER_MAX)
            if descriptor is None or number not in descriptor.fields_by_number:
                return number

    def field(self, descriptor, wire_type=None, depth=0):
        """One field as (number, bytes)."""
        number = self.number(descriptor)
        if wire_type is None:
            wire_type = self.rng.choice(self.WIRE_TYPES)
        if wire_type == VARINT:
            numbers = (0, 1, 127, 128, 2**32, 2**63, 2**64 - 1, self.rng.getrandbits(64))
            return number, varint_field(number, self.rng.choice(numbers))
        if wire_type == LENGTH:
            noise = self.rng.randbytes(self.rng.randint(1, 300))
            payload = self.rng.choice((b"", b"text", b"\xff\xfe\x00", noise))
            return number, length_field(number, payload)
        if wire_type == START:
            count = self.rng.randint(0, 3) if depth < 4 else 0
            inside = [self.field(None, None, depth + 1)[1] for _ in range(count)]
            return number, group_field(number, b"".join(inside))
        return number, tag(number, wire_type) + self.rng.randbytes(8 if wire_type == FIXED64 else 4)

    def fields(self, descriptor):
        """Some fields, in ascending order of their numbers."""
        made = [self.field(descriptor) for _ in range(self.rng.choice((1, 1, 2, 5)))]
        return b"".join(raw for _, raw in sorted(made, key=lambda field: field[0]))
