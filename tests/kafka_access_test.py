"""Who proves what to whom between the tools and a broker of Kafka with TLS.

    kafka_access_test.py TOOLS EXAMPLES [unittest's arguments]

The mock cluster knows no TLS, so the other end is a server that shakes hands and says no more. Certificates are
made by openssl. Without it, or without Kafka in the tools, nothing runs.
"""

import pathlib
import socket
import ssl
import subprocess
import sys
import threading

import tlscase
from toolcase import A, ToolTest, main

SKIPPED = 77


class Broker:
    """It asks for a certificate, and notes what came of each handshake: True, or what was wrong."""

    def __init__(self, certificates, identity):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_cert_chain(*identity)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "kafka://127.0.0.1:%d/t" % self.listening.getsockname()[1]
        self.seen = []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection = self.listening.accept()[0]
            except OSError:  # closed
                return
            try:
                with self.context.wrap_socket(connection, server_side=True) as tls:
                    self.seen.append(True)
                    tls.recv(1)
            except OSError as error:
                self.seen.append(str(error))

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()


class Tls(ToolTest):
    def setUp(self):
        super().setUp()
        self.pki = tlscase.certificates()

    def fails(self, line, ca, *identity, server=None):
        """What the broker has seen of a sender that fails."""
        broker = Broker(self.pki, server or self.pki.server)
        self.addCleanup(broker.close)
        given = tlscase.options(ca, *identity)
        self.bad(3, f"{broker.endpoint}: {line}", "session2pb", f"--connect={broker.endpoint}",
                 "--timeout=1", *given, stdin=A)
        return broker.seen

    def test_both_ends_prove_who_they_are(self):
        seen = self.fails("no broker has answered for 1 s: .*", self.pki.ca, self.pki.client)
        self.assertIn(True, seen)

    def test_a_broker_is_not_trusted_that_is_not_the_one(self):
        refused = ".*certificate verify failed.*"
        for ca, server in ((self.pki.strangers, self.pki.server), (self.pki.ca, self.pki.elsewhere)):
            self.assertNotIn(True, self.fails(refused, ca, self.pki.client, server=server))

    def test_files_that_are_not_there(self):
        self.bad(3, "cannot open '/no/ca': No such file or directory", "session2pb",
                 "--connect=kafka://127.0.0.1:1/t", "--tls-ca=/no/ca", stdin=A)

    def test_a_sender_without_a_certificate_hears_why(self):
        seen = self.fails("no broker has answered for 1 s: .*certificate required.*", self.pki.ca)
        self.assertNotIn(True, seen)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    version = subprocess.run([pathlib.Path(sys.argv[1], "session2pb"), "--version"],
                             capture_output=True, check=True).stdout
    missing = tlscase.why_impossible()
    if missing is None and b"librdkafka" not in version:
        missing = "no Kafka in the tools"
    if missing:
        print(f"skipped: {missing}")
        sys.exit(SKIPPED)
    main(__doc__)
