"""Sends sessions, a line of JSON each, over a Unix socket, and waits for the receipt.

    protoc -I ../../proto --python_out=. journey/v1/session.proto journey/v1/receipt.proto
    python3 send.py /tmp/sessions.sock < ../sessions/sessions.ndjson

For TCP the connection is socket.create_connection((host, port)).
"""

import socket
import sys

from delimited import read, write
from google.protobuf.json_format import Parse
from journey.v1 import receipt_pb2, session_pb2

peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
for line in sys.stdin:
    write(peer, Parse(line, session_pb2.Session()))
peer.shutdown(socket.SHUT_WR)
receipt = receipt_pb2.Receipt.FromString(read(peer.makefile("rb")))
print(receipt.sessions, "sessions confirmed")
sys.exit(receipt.reason or 0)
