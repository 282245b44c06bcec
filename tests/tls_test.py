"""What the tools promise over TLS.

    tls_test.py TOOLS EXAMPLES [unittest's arguments]
"""

import contextlib
import re
import signal
import socket
import ssl
import subprocess
import threading

import toolcase
from exchange import DEMAND, ExchangeTest, Receipt, by_sender, filled, lines, read_receipt, report
from tlscase import Identity, TlsSocket, TlsTest, main, options
from toolcase import A, B, DEADLINE_S, NDJSON, run, wait_until

SENDERS = 16
RECORD = 10000  # bytes of one of TLS: what is received at a time ends inside of some


class Sessions(TlsTest):
    """They arrive, whole and in order, and the sender knows."""

    def test_all_are_there_and_confirmed(self):
        listener = self.listen()
        port = listener.endpoint.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost"):
            self.send_well(f"tcp:{host}:{port}", NDJSON)
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON * 2)

    def test_16_senders_at_once_arrive_whole_each_in_order(self):
        listener = self.listen()
        texts = {f"s{n}": lines(f"s{n}", 1000) for n in range(SENDERS)}
        senders = [self.sender(listener.endpoint, self.file(name, b"".join(texts[name])))
                   for name in texts]
        self.assertEqual([(sender.wait(), sender.said) for sender in senders],
                         [(0, b"")] * SENDERS)
        self.stop_well(listener)
        self.assertEqual(by_sender(self.written()), texts)

    def test_a_slow_input_arrives_at_once(self):
        listener = self.listen()
        sender = self.sender(listener.endpoint, stdin=subprocess.PIPE)
        for text, expected in ((A + b"\n", A + b"\n"), (B + b"\n", A + b"\n" + B + b"\n")):
            sender.process.stdin.write(text)
            self.wait_for_output(expected)
        sender.process.stdin.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_long_sessions_and_many_receipts(self):
        listener = self.listen("--unknown=drop")
        text = b"".join(filled(f"long-{n}", 2**21) for n in range(4)) + b"".join(lines("s", 2000))
        done = self.send(listener.endpoint, text, "--unknown=drop", "--receipt-every=1")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.stop_well(listener)
        self.assertEqual(self.written().count(b"\n"), 2004)

    def test_what_arrived_before_it_was_received_needs_no_further_byte(self):
        listener = self.listen()
        peer = self.connect(listener)
        self.assertEqual(peer.ask(), Receipt())
        stream = self.pb(b"".join(lines("s", 4000))) + DEMAND
        listener.process.send_signal(signal.SIGSTOP)
        for at in range(0, len(stream), RECORD):
            peer.send(stream[at:at + RECORD])
        listener.process.send_signal(signal.SIGCONT)
        self.assertEqual(peer.receipt(), Receipt(4000))

    def test_why_a_receipt_cannot_be_sent_is_told(self):
        """The sender has ended its stream and is gone: the first of two receipts resets the connection."""
        listener = self.listen()
        peer = self.connect(listener)
        stream = DEMAND + self.pb(filled("long-0", 72000))
        listener.process.send_signal(signal.SIGSTOP)
        for at in range(0, len(stream), RECORD):
            peer.send(stream[at:at + RECORD])
        peer.finish()
        peer.close()
        listener.process.send_signal(signal.SIGCONT)
        listener.says(rb"no receipt for its sessions: the connection to the sender failed: .+\n")

    def test_every_piece_of_one_byte_counts(self):
        peer = self.connect(self.listen())
        peer.send_in_bytes(self.pb(NDJSON))
        self.assertEqual(peer.ask(), Receipt(3))

    def test_a_receipt_comes_behind_the_end_of_what_was_sent(self):
        for text, expected in ((b"", 0), (NDJSON, 3)):
            peer = self.connect(self.listen())
            peer.send(self.pb(text))
            peer.finish()
            self.assertEqual(peer.receipts(), [Receipt(expected)])

    def test_without_receipts_the_end_of_the_receiver_tells(self):
        sender, peer = self.scripted(NDJSON, "--no-receipt")
        self.assertEqual(peer.input.read(), self.pb(NDJSON))
        peer.finish()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_what_is_not_confirmed_is_told(self):
        sender, peer = self.scripted(b"".join(lines("s", 30)))
        self.assertEqual(len(peer.messages()), 30)
        peer.send(Receipt(10, 0, "the shop is closed").frame())
        self.assert_unconfirmed(sender, 10)
        self.assertIn(b"the shop is closed", sender.said)

    def test_a_bad_session_cuts_off_its_sender_which_hears_why(self):
        listener = self.listen()
        peer = self.connect(listener)
        peer.send(self.pb(A) + b"\2\0\0" + self.pb(B) * 10000)
        self.assert_cut_off(peer, 1)
        self.send_well(listener.endpoint, B)
        self.stop_well(listener)
        self.assertEqual(self.written(), A + b"\n" + B + b"\n")


class Breaks(TlsTest):
    def test_a_cut_connection_is_made_once_more(self):
        listening = self.receive()
        sender = self.sender(self.at, "-q", "--retry", stdin=subprocess.PIPE)
        sender.process.stdin.write(A + b"\n" + B + b"\n")
        peer = self.accept(listening)
        first = peer.sessions(2)
        peer.send(Receipt(1).frame())
        peer.socket.cut()
        peer.close()
        again = self.accept(listening)
        self.assertEqual(again.sessions(1), first[1:])
        sender.process.stdin.close()
        while again.message() is not None:
            continue
        again.send(Receipt(1).frame())
        again.finish()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_a_receiver_that_comes_back_gets_all_of_it(self):
        listener = self.listen()
        sender = self.sender(listener.endpoint, "-q", "--retry", stdin=subprocess.PIPE)
        sender.process.stdin.write(A + b"\n")
        self.wait_for_output(A + b"\n")
        listener.process.kill()
        listener.wait()
        self.out.unlink()
        listener = self.listen(at=[listener.endpoint])
        sender.process.stdin.write(B + b"\n")
        sender.process.stdin.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))
        self.stop_well(listener)
        self.assertEqual(self.written(), A + b"\n" + B + b"\n")

    def test_a_stream_that_is_cut_is_no_good_end_to_a_listener(self):
        listener = self.listen()
        peer = self.connect(listener)
        peer.send(self.pb(NDJSON))
        peer.socket.cut()
        listener.says(rb"sender 1 \(.*\): the connection was cut: .*\n")
        with self.assertRaises(ssl.SSLError):
            peer.messages()
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)

    def test_a_receiver_that_cuts_the_connection_has_confirmed_nothing(self):
        for arguments in ((), ("--no-receipt",)):
            sender, peer = self.scripted(NDJSON, *arguments)
            peer.messages()
            peer.socket.cut()
            self.assertEqual(sender.wait(), 3)
            self.assertIn(b"the connection was cut", sender.said)
            if not arguments:
                self.assertEqual(report(sender.said), (0, 3, 0))


class Signals(TlsTest):
    def test_a_signal_ends_it_with_receipts_for_what_has_arrived_whole(self):
        listener = self.listen()
        half, idle = self.connect(listener), self.connect(listener)
        self.assertEqual((half.ask(), idle.ask()), (Receipt(), Receipt()))
        greeting = self.raw(listener)
        self.addCleanup(greeting.close)
        listener.process.send_signal(signal.SIGSTOP)
        stream = self.pb(b"".join(lines("s", 4000))) + self.pb(A)[:30]
        for at in range(0, len(stream), RECORD):
            half.send(stream[at:at + RECORD])
        listener.process.terminate()
        listener.process.send_signal(signal.SIGCONT)
        self.assert_cut_off(half, 4000)
        self.assert_cut_off(idle, 0)
        self.assertEqual(listener.wait(), 0)
        self.assertEqual(self.written(), b"".join(lines("s", 4000)))

    def test_a_sender_is_told_that_the_receiver_stops(self):
        listener = self.listen()
        sender = self.sender(listener.endpoint, stdin=subprocess.PIPE)
        sender.process.stdin.write(NDJSON)
        self.wait_for_output(NDJSON)
        self.stop_well(listener)
        self.assert_unconfirmed(sender, 3)
        self.assertIn(b"the receiver is stopping", sender.said)


class Trust(TlsTest):
    def refused(self, listener, given, told, logged, text=A):
        """The sender is not let in, it tells why, and so does the listener; others are let in."""
        done = self.send(listener.endpoint, text, tls=given)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertRegex(done.stderr.decode(),
                         rf"\Asession2pb: {listener.endpoint}: .*{told}.*\n\Z")
        listener.says(rf"pb2session: {listener.endpoint}: sender \d+ \(.*\): {logged}\n".encode())
        self.assertEqual(self.written(), b"")

    def test_senders_without_a_good_certificate_are_refused_and_told(self):
        many = b"".join(lines("s", 20000))
        for reason, identity in self.pki.bad_clients.items():
            for text in (A, many):
                with self.subTest(reason):
                    listener = self.listen()
                    self.refused(listener, self.calling(identity), "refuses TLS with this end: .+",
                                 f"the certificate of the sender is refused: {reason}", text)
                    self.stop_well(listener)

    def test_senders_without_any_certificate_are_refused_and_told(self):
        listener = self.listen()
        self.refused(listener, options(self.pki.ca), "certificate required",
                     "the sender shows no certificate")
        self.send_well(listener.endpoint, A)
        self.stop_well(listener)
        self.assertEqual(self.written(), A + b"\n")

    def test_who_is_refused_hears_why_whatever_it_has_sent_by_then(self):
        listener = self.listen()
        peer = TlsSocket(self.raw(listener), ssl.create_default_context(cafile=self.pki.ca),
                         "127.0.0.1")
        self.addCleanup(peer.close)
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.tls.do_handshake()
                break
            peer.flush()
            peer.incoming.write(peer.raw.recv(2**16))
        peer.tls.write(bytes(RECORD))
        listener.process.send_signal(signal.SIGSTOP)
        peer.flush()
        listener.process.send_signal(signal.SIGCONT)
        listener.says(rb"the sender shows no certificate\n")
        with self.assertRaisesRegex(ssl.SSLError, "CERTIFICATE_REQUIRED"):
            peer.recv(1)

    def test_receivers_without_a_good_certificate_get_nothing(self):
        for reason, identity in self.pki.bad_servers.items():
            with self.subTest(reason):
                listener = self.listen(identity=identity)
                self.refused(listener, None,
                             f"the certificate of the other end is refused: {reason}",
                             "the sender refuses TLS with this end: .+")
                self.stop_well(listener)

    def test_receivers_of_another_name_get_nothing(self):
        listener = self.listen(identity=self.pki.elsewhere)
        port = listener.endpoint.rpartition(":")[2]
        for host, reason in (("127.0.0.1", "IP address mismatch"), ("localhost", "hostname mismatch")):
            done = self.send(f"tcp:{host}:{port}", A)
            self.assertEqual(done.returncode, 3)
            self.assertIn(f"tcp:{host}:{port}: the certificate of the other end is refused: "
                          f"{reason}", done.stderr.decode())
        self.stop_well(listener)
        self.assertEqual(self.written(), b"")

    def test_a_name_is_not_looked_for_in_the_subject(self):
        listener = self.listen(identity=self.pki.ours.issue("localhost", "server", "IP:192.0.2.1"))
        done = self.send("tcp:localhost:" + listener.endpoint.rpartition(":")[2], A)
        self.assertIn(b"hostname mismatch", done.stderr)

    def test_older_versions_of_tls_are_refused(self):
        listener = self.listen()
        context = self.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises(ssl.SSLError):
            self.connect(listener, context)
        listener.says(rb"TLS with the sender failed: unsupported protocol\n")

    def test_there_are_no_tickets_to_come_back_with(self):
        listener = self.listen()
        peer = self.connect(listener)
        self.assertEqual(peer.ask(), Receipt())
        self.assertEqual(peer.socket.tls.version(), "TLSv1.3")
        self.assertFalse(peer.socket.tls.session and peer.socket.tls.session.has_ticket)


class Strangers(TlsTest):
    """Who does not speak TLS, or does not speak."""

    def test_a_plain_sender_is_told(self):
        listener = self.listen()
        done = self.send(listener.endpoint, A * 10000, tls=())
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"the sender does not speak TLS; 0 of", done.stderr)
        listener.says(rb"sender 1 .*: the sender does not speak TLS\n")
        self.send_well(listener.endpoint, A)

    def test_other_words_than_those_of_tls(self):
        listener = self.listen()
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"\0", b"\x16" * 100, b"\x15\3\3\0\2\2\x28"):
            raw = self.raw(listener)
            raw.sendall(words)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                continue
            raw.close()
        listener.says(rb"(?:pb2session: .*: sender \d .*\n){4}")
        self.send_well(listener.endpoint, A)

    def test_a_receiver_without_tls_is_told_of(self):
        listener = ExchangeTest.listen(self, at=[self.tcp])
        done = self.send(listener.endpoint, A)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"the other end does not speak TLS", done.stderr)

    def test_a_connection_that_is_closed_at_once_is_told_of(self):
        listener = self.listen()
        self.raw(listener).close()
        listener.says(rb"the sender has closed the connection during the TLS handshake\n")
        listening = self.receive()
        sender = self.sender(self.at, self.file("in", A))
        listening.accept()[0].close()
        self.assertEqual(sender.wait(), 3)
        self.assertIn(b"closed the connection during the TLS handshake", sender.said)

    def test_who_is_silent_holds_nobody_up_and_not_for_long(self):
        listener = self.listen("--frame-timeout=1")
        silent = [self.raw(listener) for _ in range(5)]
        silent[0].sendall(b"\x16\3\1")
        self.send_well(listener.endpoint, A)
        listener.says(rb"(?:.*the TLS handshake did not end in time\n){5}")
        for raw in silent:
            self.assertEqual(raw.recv(1), b"")
            raw.close()

    def test_a_silent_receiver_is_not_waited_for_for_long(self):
        listening = self.receive()
        sender = self.sender(self.at, "--timeout=1", self.file("in", A))
        connection = listening.accept()[0]
        self.addCleanup(connection.close)
        self.assertEqual(sender.wait(), 3)
        self.assertIn(b"the TLS handshake did not end within 1 seconds", sender.said)


class Fetching(TlsTest):
    """pb2session --connect"""

    def fetch(self, *arguments, identity=None):
        listening = self.receive()
        tool = self.tool("pb2session", f"--connect={self.at}", *self.calling(), "-o", self.out,
                         *arguments)
        return tool, listening

    def test_a_whole_stream(self):
        tool, listening = self.fetch()
        peer = self.accept(listening)
        stream = self.pb(b"".join(lines("s", 4000)))
        for at in range(0, len(stream), RECORD):
            peer.send(stream[at:at + RECORD])
        self.wait_for_output(b"".join(lines("s", 4000)))
        peer.finish()
        self.assertEqual(peer.messages(), [])
        self.assertEqual((tool.wait(), tool.said), (0, b""))

    def test_a_stream_that_is_cut_is_an_error_and_loses_nothing_that_was_whole(self):
        for arguments in ((), ("--zstd",)):
            tool, listening = self.fetch(*arguments)
            peer = self.accept(listening)
            tool.process.send_signal(signal.SIGSTOP)
            peer.send(self.pb(NDJSON) + self.pb(A)[:20])
            peer.socket.cut()
            tool.process.send_signal(signal.SIGCONT)
            self.assertEqual(tool.wait(), 3)
            self.assertRegex(tool.said, rb"\Apb2session: tcp:.*: the connection was cut: .*\n\Z")
            self.assertEqual(self.good("pb2session", self.out) if arguments else self.written(),
                             NDJSON)
            self.out.unlink()

    def test_who_serves_is_checked(self):
        for reason, identity in self.pki.bad_servers.items():
            tool, listening = self.fetch()
            with self.assertRaises(ssl.SSLError):
                peer = self.accept(listening, self.server_context(identity))
                peer.message()
            self.assertEqual(tool.wait(), 3)
            self.assertRegex(tool.said.decode(), rf"\Apb2session: {self.at}: the certificate of the "
                             rf"other end is refused: {reason}\n\Z")
            self.assertFalse(self.out.exists())

    def test_a_signal_ends_a_handshake(self):
        tool, listening = self.fetch()
        connection = listening.accept()[0]
        self.addCleanup(connection.close)
        self.assertTrue(connection.recv(1))
        self.assertEqual((tool.stop(), tool.said), (0, b""))


class Interop(TlsTest):
    def test_a_plain_python_program_sends(self):
        listener = self.listen()
        host, port = self.raw_address(listener)
        with socket.create_connection((host, port)) as raw, \
                self.client_context().wrap_socket(raw, server_hostname=host) as tls:
            tls.settimeout(DEADLINE_S)
            tls.sendall(self.pb(NDJSON) + DEMAND)
            self.assertEqual(read_receipt(tls.recv(100)[1:]), Receipt(3))
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)

    @staticmethod
    def raw_address(listener):
        host, _, port = listener.endpoint.removeprefix("tcp:").rpartition(":")
        return host, int(port)

    def test_a_plain_python_program_serves(self):
        listening = self.receive()
        stream = self.pb(NDJSON)

        def serve():
            with self.server_context().wrap_socket(listening.accept()[0], server_side=True) as tls:
                tls.sendall(stream)
                tls.unwrap().close()
        thread = threading.Thread(target=serve)
        thread.start()
        text = self.good("pb2session", f"--connect={self.at}", *self.calling())
        thread.join()
        self.assertEqual(text, NDJSON)

    def test_openssl_s_client_sends(self):
        listener = self.listen()
        host, port = self.raw_address(listener)
        client = self.pki.client
        subprocess.run(["openssl", "s_client", "-quiet", "-no_ign_eof", "-verify_return_error",
                        "-connect", f"{host}:{port}", "-CAfile", self.pki.ca, "-cert", client.cert,
                        "-key", client.key], input=self.pb(NDJSON), check=True,
                       capture_output=True, timeout=DEADLINE_S)
        self.wait_for_output(NDJSON)
        self.stop_well(listener)
        self.assertNotIn(b"sender 1", listener.said)


class Files(TlsTest):
    def both(self, line, given_listener, given_sender, status=3):
        self.bad(status, line, "pb2session", f"--listen={self.tcp}", *given_listener)
        for tool in ("session2pb", "pb2session"):
            self.bad(status, line, tool, "--connect=tcp:127.0.0.1:1", *given_sender)

    def test_files_that_cannot_be_used_are_named(self):
        good, folder = self.pki.client, self.folder
        rubbish, empty = self.file("rubbish", b"\0rubbish\n" * 99), self.file("empty", b"")
        encrypted = folder / "encrypted"
        subprocess.run(["openssl", "pkey", "-in", good.key, "-aes128", "-passout", "pass:secret",
                        "-out", encrypted], check=True, capture_output=True)
        for name, pattern in ((folder / "no", "cannot read '{}': No such file .*"),
                              (folder, "cannot .* '{}': .*"),
                              (rubbish, "cannot use '{}': there is no {} in it, in PEM"),
                              (empty, "cannot use '{}': there is no {} in it, in PEM")):
            for at, what in enumerate(("certificate", "certificate", "private key")):
                files = [self.pki.ca, good.cert, good.key]
                files[at] = name
                given = options(files[0], Identity(*files[1:]))
                with self.subTest(name=name, what=what):
                    self.both(pattern.format(re.escape(str(name)), what), given, given)
        for key, pattern in ((self.pki.server.key, "the private key '{}' is not that of .*"),
                             (encrypted, "cannot use '{}': the private key is encrypted"),
                             (good.cert, "cannot use '{}': there is no private key in it, in PEM")):
            given = options(self.pki.ca, Identity(good.cert, key))
            self.both(pattern.format(re.escape(str(key))), given, given)

    def test_a_key_that_everybody_can_read_is_warned_of(self):
        open_key = self.file("open", self.pki.server.key.read_bytes())
        open_key.chmod(0o644)
        identity = Identity(self.pki.server.cert, open_key)
        listener = self.listen(identity=identity)
        self.assertIn(b"every user of this system can read or write the private key '%s'"
                      % bytes(open_key), listener.said)
        self.send_well(listener.endpoint, A)
        self.stop_well(listener)
        self.assertEqual(self.listen().said.count(b"\n"), 1)

    def test_options_that_do_not_suffice_or_mean_nothing(self):
        ca, *rest = self.calling()
        for given in ((ca,), rest):
            self.bad(2, "TLS over tcp: needs .*", "pb2session", f"--listen={self.tcp}", *given)
        for tool in ("session2pb", "pb2session"):
            self.bad(2, "TLS over tcp: needs '--tls-ca'", tool, "--connect=tcp:127.0.0.1:1", *rest)
            for endpoint in (self.unix, "fd:0"):
                self.bad(2, "an option of TLS means nothing for .*", tool, f"--connect={endpoint}",
                         ca)
        for endpoint in (self.unix, "fd:0", "systemd:"):
            self.bad(2, "an option of TLS means nothing for .*", "pb2session",
                     f"--listen={self.tcp}", f"--listen={endpoint}", *self.serving())

    def test_with_tls_and_only_with_it_other_machines_are_let_in(self):
        self.bad(2, ".*--tls-ca.*", "pb2session", "--listen=tcp:0.0.0.0:0")
        listener = self.listen(at=["tcp:0.0.0.0:0"])
        self.send_well("tcp:127.0.0.1:" + listener.endpoint.rpartition(":")[2], A)
        self.stop_well(listener)


class Manuals(TlsTest):
    def test_three_commands_make_an_authority_and_a_certificate_for_each_end(self):
        for page in ("session2pb", "pb2session"):
            text = (toolcase.EXAMPLES.parents[1] / "docs" / f"{page}.1").read_text()
            block = re.search(r"\.Ss TLS\n(?s:.*?)\.Bd -literal.*\n((?s:.*?))\.Ed\n", text)[1]
            script = re.sub(r"^\$ ", "", block.replace(r"\-", "-").replace(r"\e", "\\"), flags=re.M)
            subprocess.run(["sh", "-ec", script], cwd=self.folder, check=True, capture_output=True)
            made = {name: Identity(self.folder / f"{name}.pem", self.folder / f"{name}.key")
                    for name in ("ca", "receiver", "sender")}
            listener = ExchangeTest.listen(self, *options(made["ca"].cert, made["receiver"]),
                                           at=[self.tcp])
            self.send_well(listener.endpoint, A, tls=options(made["ca"].cert, made["sender"]))
            done = self.send(listener.endpoint, A, tls=options(made["ca"].cert, made["receiver"]))
            self.assertEqual(done.returncode, 3, "it may not send")
            self.stop_well(listener)


class Load(TlsTest):
    def test_connections_leave_nothing_open(self):
        listener = self.listen()
        peer = self.connect(listener)
        self.assertEqual(peer.ask(), Receipt())
        idle = listener.open_files()
        for n in range(20):
            self.send_well(listener.endpoint, A)
            raw = self.raw(listener)
            raw.sendall(b"\x16" * n)
            raw.close()
        wait_until(lambda: listener.open_files() == idle, "closed connections")


if __name__ == "__main__":
    main(__doc__)
