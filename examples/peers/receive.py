"""Takes sessions from a Unix socket, prints each as a line of JSON, and confirms them.

    protoc -I ../../proto --python_out=. journey/v1/session.proto journey/v1/receipt.proto
    python3 receive.py /tmp/sessions.sock

It takes one sender and ends with it. For TCP the socket is socket.create_server((host, port)).
"""

import socket
import sys

from delimited import read, write
from google.protobuf.json_format import MessageToJson
from journey.v1 import receipt_pb2, session_pb2

peer, _ = socket.create_server(sys.argv[1], family=socket.AF_UNIX).accept()
stream, receipt = peer.makefile("rb"), receipt_pb2.Receipt(sessions=0)
while (message := read(stream)) is not None:
    if message:
        print(MessageToJson(session_pb2.Session.FromString(message), indent=None), flush=True)
        receipt.sessions += 1
    else:  # no session: it asks for a receipt
        write(peer, receipt)
write(peer, receipt)
