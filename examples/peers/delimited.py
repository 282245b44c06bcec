"""Messages one after another, each behind its length as a varint.

From 5.29 on, google.protobuf.proto has parse_length_prefixed() and serialize_length_prefixed().
"""

MESSAGE_MAX = 64 * 2**20


def write(peer, message):
    data = message.SerializeToString()
    length, rest = b"", len(data)
    while rest > 0x7F:
        length += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    peer.sendall(length + bytes([rest]) + data)


def read(stream):
    """The bytes of the next message, or None at the end."""
    length = shift = 0
    while byte := stream.read(1):
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if length > MESSAGE_MAX:
            raise ValueError(f"a message of {length} bytes")
        if byte[0] <= 0x7F:
            return stream.read(length)
    return None
