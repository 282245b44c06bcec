"""What the exchange promises over TLS when a call to the system fails: see exchange_failing_calls_test.py.

    tls_failing_calls_test.py TOOLS EXAMPLES LIBRARY [unittest's arguments]
"""

import os
import socket

import exchange_failing_calls_test as plain
from faultcase import MEMORY
from tlscase import TlsTest, main

PORTS = range(20000, 32768)  # which the system gives to nobody
# OpenSSL has other words for memory that is short. Flags and options of a socket can be done without
# elsewhere, not here. A connect() that is interrupted goes on, and this one never began.
OTHERS = (*MEMORY, "fcntl", "setsockopt", "connect")
OF_SOCKETS = ("read", "write")  # as well as of files: OpenSSL calls nothing else


def free_port():
    for port in PORTS[os.getpid() % len(PORTS):]:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no port is free")


class OverTls(TlsTest):
    def setUp(self):
        super().setUp()
        self.at = f"tcp:127.0.0.1:{free_port()}"

    def possible(self, counted):
        return [fault for fault in super().possible(counted)
                if fault.call not in OTHERS and not (fault.on and fault.call in OF_SOCKETS)]

    def loses(self, fault):
        return fault.loses and fault.call not in OF_SOCKETS


class OfTheSender(OverTls, plain.OfTheSender):
    pass


class OfTheListener(OverTls, plain.OfTheListener):
    def start(self, arguments, fault):
        return super().start((*self.serving(), *arguments), fault)

    test_that_skips_bad_sessions = test_that_goes_on_behind_a_torn_line = None


if __name__ == "__main__":
    main(__doc__)
