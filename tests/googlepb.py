"""Sessions in Google's protobuf runtime: from Python values to messages and back."""

import base64
import json
import struct

from canonical import Date, Raw, additional_text, split_members, tokens
from corpus import UNKNOWN_FIELDS
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from wirebytes import ADDITIONAL_PROPERTIES, START, is_map, is_repeated

PACKAGE = "journey.v1."
MESSAGES = {"date": "google.protobuf.Timestamp"}
FIELD_TYPES = {"string": "STRING", "int32": "INT32", "double": "DOUBLE", "boolean": "BOOL"}


def message_class(descriptor, pool):
    """The class of a message, as old and new runtimes give it."""
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def unknown_fields(message):
    """The fields that a message kept without knowing them, as old and new runtimes give them."""
    try:
        from google.protobuf.unknown_fields import UnknownFieldSet
    except ImportError:
        return message.UnknownFields()
    return UnknownFieldSet(message)


def unknown_tuples(found):
    """Fields as (number, wire type, content); a group's content is such a list."""
    tuples = []
    for field in found:
        content = unknown_tuples(field.data) if field.wire_type == START else field.data
        tuples.append((field.field_number, field.wire_type, content))
    return tuples


def members_of_text(text):
    """The members of a JSON object text, as {name: Raw}."""
    json.loads(text)  # judges the text; what follows only cuts it
    members, depth, start, name = {}, 0, 0, None
    parts = tokens(text)
    for at, part in enumerate(parts):
        if depth == 1 and part == ":" and name is None:
            name, start = json.loads(parts[at - 1]), at + 1
        elif name is not None and ((depth == 1 and part == ",") or (depth == 1 and part == "}")):
            members[name], name = Raw("".join(parts[start:at])), None
        depth += (part in "[{") - (part in "]}")
    return members


class Google:
    """Google's runtime with the schema of a FileDescriptorSet."""

    def __init__(self, path, schema):
        self.schema = schema
        self.pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet()
        with open(path, "rb") as stream:
            files.ParseFromString(stream.read())
        for file in files.file:
            self.pool.Add(file)
        self.session = self.pool.FindMessageTypeByName(PACKAGE + "Session")
        self.message = message_class(self.session, self.pool)
        self.names = {}
        for definition in schema:
            fields = self.descriptor(definition).fields
            self.names[definition] = {field.json_name: field.name for field in fields}

    def descriptor(self, definition):
        return self.pool.FindMessageTypeByName(PACKAGE + definition)

    def schema_differences(self):
        """What the descriptors and the facts do not agree on."""
        for definition, members in self.schema.items():
            descriptor = self.descriptor(definition)
            numbers = {member.ordinal for member in members.values()} | {ADDITIONAL_PROPERTIES}
            if set(descriptor.fields_by_number.keys()) != numbers:
                yield f"{definition}: fields {sorted(descriptor.fields_by_number)}"
            for member in members.values():
                shape = self.shape(descriptor.fields_by_number[member.ordinal])
                expected = self.expected_shape(member)
                if shape != expected:
                    yield f"{definition}.{member.name}: is {shape}, expected {expected}"

    def shape(self, field):
        of = field.message_type
        if is_map(field):
            of = of.fields_by_number[2].message_type
        return field.json_name, field.type, is_repeated(field), is_map(field), of and of.full_name

    def expected_shape(self, member):
        kind = member.of or member.kind
        of = PACKAGE + kind if kind in self.schema else MESSAGES.get(kind)
        field_type = getattr(self.session.fields[0], "TYPE_" + FIELD_TYPES.get(kind, "MESSAGE"))
        return member.name, field_type, member.is_plural, member.kind == "map", of

    def parse(self, data):
        message = self.message()
        message.ParseFromString(data)
        return message

    def build(self, session):
        """The message of a session; "$unknownFields" become fields that Google does not know."""
        message = self.message()
        self.fill(message, "Session", session)
        return message

    def fill(self, message, definition, value):
        defined, additional = split_members(self.schema, definition, value)
        if UNKNOWN_FIELDS in additional:
            message.MergeFromString(base64.b64decode(json.loads(additional.pop(UNKNOWN_FIELDS))))
        names = self.names[definition]
        for member, content in defined:
            self.fill_member(message, names[member.name], member, content)
        if additional:
            message.additional_properties = additional_text(additional)

    def fill_member(self, message, name, member, value):
        if member.kind == "map":
            for key, entry in value.items():
                self.fill(getattr(message, name).get_or_create(key), member.of, entry)
        elif member.kind == "array" and member.of in self.schema:
            for element in value:
                self.fill(getattr(message, name).add(), member.of, element)
        elif member.kind == "array":
            getattr(message, name).extend(value)
        elif member.kind == "object":
            getattr(message, name).SetInParent()
            self.fill(getattr(message, name), member.of, value)
        elif member.kind == "date":
            getattr(message, name).SetInParent()
            getattr(message, name).seconds, getattr(message, name).nanos = value
        else:
            setattr(message, name, value)

    def read(self, message, definition="Session"):
        """The session that a message holds; what it does not know is not in it."""
        value = {}
        for name, member in self.schema[definition].items():
            field = self.names[definition][name]
            if getattr(message, field) if member.is_plural else message.HasField(field):
                value[name] = self.read_member(member, getattr(message, field))
        if message.HasField("additional_properties"):
            value.update(members_of_text(message.additional_properties))
        return value

    def read_member(self, member, content):
        if member.kind == "map":
            return {key: self.read(content[key], member.of) for key in content}
        if member.kind == "array" and member.of in self.schema:
            return [self.read(element, member.of) for element in content]
        if member.kind == "array":
            return list(content)
        if member.kind == "object":
            return self.read(content, member.of)
        return Date(content.seconds, content.nanos) if member.kind == "date" else content

    def unknown(self, message, definition="Session", path=""):
        """{path: fields} of all that the message and those below it do not know, by number."""
        found = {}
        own = unknown_tuples(unknown_fields(message))
        if own:
            found[path] = sorted(own, key=lambda field: field[0])
        for name, member in self.schema[definition].items():
            if (member.of or member.kind) not in self.schema:
                continue
            content = getattr(message, self.names[definition][name])
            if member.kind == "object":
                if message.HasField(self.names[definition][name]):
                    found.update(self.unknown(content, member.of, f"{path}/{name}"))
                continue
            for key in sorted(content) if member.kind == "map" else range(len(content)):
                found.update(self.unknown(content[key], member.of, f"{path}/{name}/{key}"))
        return found


def differences(expected, got, path=""):
    """Where two sessions differ, as text; doubles by their bits."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in expected.keys() | got.keys():
            if name not in got:
                yield f"{path}/{name}: missing, expected {expected[name]!r:.200}"
            elif name not in expected:
                yield f"{path}/{name}: unexpected {got[name]!r:.200}"
            else:
                yield from differences(expected[name], got[name], f"{path}/{name}")
    elif isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            yield f"{path}: {len(got)} elements, expected {len(expected)}"
        for at, pair in enumerate(zip(expected, got)):
            yield from differences(*pair, f"{path}/{at}")
    elif not same_scalar(expected, got):
        yield f"{path}: {got!r:.200}, expected {expected!r:.200}"


def same_scalar(expected, got):
    if isinstance(expected, float) and isinstance(got, float):
        return struct.pack("<d", expected) == struct.pack("<d", got)
    return isinstance(got, type(expected)) == isinstance(expected, type(got)) and expected == got
