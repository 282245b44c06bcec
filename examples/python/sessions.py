"""Reads a delimited stream of sessions with Google's Python runtime, and prints a line for each:
id, type, date of creation, number of events, names of additional members, with tabs between them.
"""

import json
import sys

from journey.v1.session_pb2 import Session

MESSAGE_MAX = 64 * 2**20


def read(stream, length):
    data = stream.read(min(length, MESSAGE_MAX))
    if len(data) < length:
        sys.exit("sessions.py: the stream is torn, or it is no stream of sessions")
    return data


def messages(stream):
    """The bytes of each message, which stand behind their length as a varint.

    From 5.29 on, google.protobuf.proto.parse_length_prefixed(Session, stream) does this.
    """
    while byte := stream.read(1):
        length, shift = byte[0] & 0x7F, 0
        while byte[0] > 0x7F and length <= MESSAGE_MAX:
            byte, shift = read(stream, 1), shift + 7
            length |= (byte[0] & 0x7F) << shift
        yield read(stream, length)


for message in messages(sys.stdin.buffer):
    session = Session.FromString(message)
    # Text of one JSON object: what the platform sends and the schema does not define.
    additional = json.loads(session.additional_properties or "{}")
    created = session.created_date.ToJsonString() if session.HasField("created_date") else "-"
    events = session.event_count if session.HasField("event_count") else "-"
    print(session.id, session.type, created, events, ",".join(additional), sep="\t")
