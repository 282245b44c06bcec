"""What the tests of TLS share: authorities and certificates made on the fly by openssl(1), and the other
end of a connection by Python's own TLS.
"""

import atexit
import contextlib
import functools
import io
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from typing import NamedTuple

import toolcase
from exchange import ExchangeTest, Peer, connect

SKIPPED = 77
NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
ONE_DAY = {"begin": "20200101000000Z", "end": "20200102000000Z"}
FAR_AWAY = {"begin": "22000101000000Z", "end": "22000102000000Z"}
CONFIG = """
[ca]
default_ca = authority
[authority]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[server]
extendedKeyUsage = serverAuth
subjectAltName = {names}
[client]
extendedKeyUsage = clientAuth
subjectAltName = {names}
"""


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Identity(NamedTuple):
    cert: pathlib.Path
    key: pathlib.Path


class Authority:
    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        (folder / "index").touch()
        self.configure(NAMES)
        self.cert, self.key = folder / "ca.pem", folder / "ca-key.pem"
        self.make_key(self.key)
        openssl("req", "-x509", *self.config(), "-key", self.key, "-out", self.cert, "-days", "2",
                "-subj", f"/CN={folder.name}", "-extensions", "root")

    def configure(self, names):
        text = CONFIG.format(folder=self.folder, names=names)
        (self.folder / "config").write_text(text)

    def config(self):
        return "-config", self.folder / "config"

    @staticmethod
    def make_key(path):
        openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", path)
        path.chmod(0o600)

    def issue(self, name, purpose, names=NAMES, begin=None, end=None):
        """purpose: server or client"""
        key, request, cert = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        self.configure(names)
        self.make_key(key)
        openssl("req", "-new", *self.config(), "-key", key, "-out", request, "-subj", f"/CN={name}")
        time = ["-startdate", begin, "-enddate", end] if begin else ["-days", "2"]
        openssl("ca", *self.config(), "-batch", "-notext", "-cert", self.cert, "-keyfile", self.key,
                "-in", request, "-out", cert, "-extensions", purpose, *time)
        return Identity(cert, key)

    def self_signed(self, name, purpose):
        key, cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        self.make_key(key)
        openssl("req", "-x509", *self.config(), "-key", key, "-out", cert, "-days", "2",
                "-subj", f"/CN={name}", "-extensions", purpose)
        return Identity(cert, key)


class Certificates:
    """Good ones, and those that are wrong in one way each."""

    def __init__(self, folder):
        self.ours, strangers = Authority(folder / "ours"), Authority(folder / "strangers")
        self.ca = self.ours.cert
        self.strangers = strangers.cert
        self.server = self.ours.issue("server", "server")
        self.client = self.ours.issue("client", "client")
        self.elsewhere = self.ours.issue("elsewhere", "server", "DNS:example.org,IP:192.0.2.1")
        self.bad_servers = {
            "unable to get local issuer certificate": strangers.issue("their-server", "server"),
            "certificate has expired": self.ours.issue("old-server", "server", **ONE_DAY),
            "certificate is not yet valid": self.ours.issue("new-server", "server", **FAR_AWAY),
            "unsuitable certificate purpose": self.ours.issue("a-client", "client"),
            "self-signed certificate": self.ours.self_signed("own-server", "server"),
        }
        self.bad_clients = {
            "unable to get local issuer certificate": strangers.issue("their-client", "client"),
            "certificate has expired": self.ours.issue("old-client", "client", **ONE_DAY),
            "certificate is not yet valid": self.ours.issue("new-client", "client", **FAR_AWAY),
            "unsuitable certificate purpose": self.server,
            "self-signed certificate": self.ours.self_signed("own-client", "client"),
        }


@functools.cache
def certificates():
    """Made once."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Certificates(pathlib.Path(folder.name))


class TlsSocket:
    """As much of a socket as Peer uses, over a connected one. One end may half-close."""

    def __init__(self, connection, context, host=None):
        self.raw = connection
        self.family = connection.family
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=host is None,
                                    server_hostname=host)
        self.getsockname = connection.getsockname
        self.setsockopt = connection.setsockopt
        self.settimeout = connection.settimeout

    def flush(self):
        if self.outgoing.pending:
            self.raw.sendall(self.outgoing.read())

    def do(self, step, *arguments):
        while True:
            try:
                result = step(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self.flush()  # the alert
                raise
            if piece := self.raw.recv(2**16):
                self.incoming.write(piece)
            else:
                self.incoming.write_eof()

    def shake_hands(self):
        self.do(self.tls.do_handshake)

    def sendall(self, data):
        for at in range(0, len(data), 2**20):
            self.do(self.tls.write, data[at:at + 2**20])

    def recv(self, count):
        try:
            return self.do(self.tls.read, count)
        except ssl.SSLZeroReturnError:
            return b""

    def makefile(self, _mode):
        return io.BufferedReader(Reader(self))

    def shutdown(self, how):
        if how != socket.SHUT_WR:
            self.raw.shutdown(how)
            return
        with contextlib.suppress(ssl.SSLWantReadError):  # the other end goes on
            self.tls.unwrap()
        self.flush()

    def cut(self):
        """End what is sent as TLS does not end it."""
        self.raw.shutdown(socket.SHUT_WR)

    def close(self):
        self.raw.close()


class Reader(io.RawIOBase):
    def __init__(self, connection):
        super().__init__()
        self.connection = connection

    def readable(self):
        return True

    def readinto(self, space):
        piece = self.connection.recv(len(space))
        space[:len(piece)] = piece
        return len(piece)


def options(ca, identity=None):
    """What the tools are to be given."""
    own = [f"--tls-cert={identity.cert}", f"--tls-key={identity.key}"] if identity else []
    return [f"--tls-ca={ca}", *own]


class TlsTest(ExchangeTest):
    """A certificate and the listener that a test has in common with others."""

    @classmethod
    def setUpClass(cls):
        cls.pki = certificates()

    def serving(self, identity=None, ca=None):
        return options(ca or self.pki.ca, identity or self.pki.server)

    def calling(self, identity=None, ca=None):
        return options(ca or self.pki.ca, identity or self.pki.client)

    def listen(self, *arguments, at=None, identity=None, **popen):
        return super().listen(*self.serving(identity), *arguments, at=at or [self.tcp], **popen)

    def sender(self, endpoint, *arguments, **popen):
        return super().sender(endpoint, *self.calling(), *arguments, **popen)

    def send(self, endpoint, text, *arguments, tls=None, **popen):
        given = self.calling() if tls is None else tls
        return super().send(endpoint, text, *given, *arguments, **popen)

    def client_context(self, identity=None):
        context = ssl.create_default_context(cafile=self.pki.ca)
        context.load_cert_chain(*(identity or self.pki.client))
        return context

    def server_context(self, identity=None):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.pki.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(*(identity or self.pki.server))
        return context

    def wrapped(self, raw, context, host=None):
        tls = TlsSocket(raw, context, host)
        peer = Peer(tls)
        self.addCleanup(peer.close)
        tls.shake_hands()
        return peer

    def connect(self, listener, context=None):
        with_tls = context or self.client_context()
        return self.wrapped(self.raw(listener), with_tls, "127.0.0.1")

    def raw(self, listener):
        """A connection without TLS."""
        peer = connect(listener.endpoint)
        peer.input.close()
        return peer.socket

    def receive(self, endpoint=None):
        listening = super().receive(endpoint or self.tcp)
        self.at = "tcp:127.0.0.1:%d" % listening.getsockname()[1]
        return listening

    def accept(self, listening, context=None):
        return self.wrapped(listening.accept()[0], context or self.server_context())

    def scripted(self, text, *arguments, **popen):
        listening = self.receive()
        sender = self.sender(self.at, *arguments, self.file("in", text), **popen)
        return sender, self.accept(listening)


def why_impossible():
    """What is missing here for these tests, or None."""
    if not shutil.which("openssl") or not ssl.HAS_TLSv1_3:
        return "no openssl, or a Python without TLS 1.3"
    if len(sys.argv) > 2:
        toolcase.TOOLS = pathlib.Path(sys.argv[1])
        if b"OpenSSL" not in toolcase.run("session2pb", "--version").stdout:
            return "sessionpb was built without TLS"
    return None


def main(doc):
    """As toolcase.main(), where TLS is possible."""
    missing = why_impossible()
    if missing:
        print(f"skipped: {missing}")
        sys.exit(SKIPPED)
    toolcase.main(doc)
