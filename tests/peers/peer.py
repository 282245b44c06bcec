"""Sessions from one form into another, by Google's Python runtime: peer.py DESC FROM TO

See CMakeLists.txt for the forms. With --version instead it says what it is.
"""

import platform
import sys

import google.protobuf
from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.internal import api_implementation
from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf.internal.encoder import _VarintBytes


def classes(desc):
    files = descriptor_pb2.FileDescriptorSet()
    with open(desc, "rb") as file:
        files.ParseFromString(file.read())
    return message_factory.GetMessages(files.file)


def read_delimited(data):
    at = 0
    while at < len(data):
        length, at = _DecodeVarint32(data, at)
        yield SESSION.FromString(data[at : at + length])
        at += length


def write_delimited(sessions):
    messages = (session.SerializeToString(deterministic=True) for session in sessions)
    return b"".join(_VarintBytes(len(message)) + message for message in messages)


def write_list(sessions):
    return LISTING(entities=sessions).SerializeToString(deterministic=True)


def write_json(sessions):
    return json_format.MessageToJson(LISTING(entities=sessions), indent=None).encode()


def read_json(data):
    return json_format.Parse(data, LISTING()).entities


if sys.argv[1] == "--version":
    runtime = f"{google.protobuf.__version__} ({api_implementation.Type()})"
    print(f"Python {platform.python_version()}, google.protobuf {runtime}")
    sys.exit()
desc, source, target = sys.argv[1:]
CLASSES = classes(desc)
SESSION, LISTING = CLASSES["journey.v1.Session"], CLASSES["journey.v1.SessionListing"]
READ = {
    "delimited": read_delimited,
    "list": lambda data: LISTING.FromString(data).entities,
    "json": read_json,
}
WRITE = {"delimited": write_delimited, "list": write_list, "json": write_json}
sys.stdout.buffer.write(WRITE[target](READ[source](sys.stdin.buffer.read())))
