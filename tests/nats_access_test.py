"""Who is let in by a NATS server: users, tokens, permissions, TLS and credentials files.

    nats_access_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools, EXAMPLES has sessions. Certificates and signatures are made by openssl. Without it,
without nats-server or without NATS in the tools, nothing runs.
"""

import base64
import binascii
import hashlib
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile

from nats_server import Server, installed
from tlscase import Certificates, certificates
from toolcase import NDJSON, ToolTest, main

SKIPPED = 77
REFUSED = "cannot connect: the server refuses the credentials"


class AccessTest(ToolTest):
    config, login = "", {}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.home = pathlib.Path(folder.name)
        cls.server = Server(cls.home, cls.configure())
        cls.addClassCleanup(cls.server.stop)
        cls.create()

    @classmethod
    def configure(cls):
        return cls.config

    @classmethod
    def create(cls):
        with cls.server.client(**cls.login) as client:
            client.create_stream("S", ["s"])

    def both_work(self, *arguments, user=""):
        at = self.server.endpoint("s", user)
        self.good("session2pb", f"--connect={at}", *arguments, stdin=NDJSON)
        durable = f"{at}?stream=S&durable={self.id().rpartition('.')[2]}"
        self.assertEqual(self.good("pb2session", f"--connect={durable}", "--limit=3", *arguments),
                         NDJSON)

    def none_is_let_in(self, reason, *arguments, user="", status=3):
        at = self.server.endpoint("s", user)
        for tool in ("session2pb", "pb2session"):
            self.bad(status, rf"nats://127.0.0.1:\d+/s: {reason}", tool, f"--connect={at}",
                     *arguments, stdin=NDJSON)


class Users(AccessTest):
    """A password in an endpoint has characters that must be written in another way."""

    config = """authorization { users = [
        { user: "me", password: "p/w@1" },
        { user: "in", password: "in", permissions: { publish: ["s"] } },
        { user: "mute", password: "mute", permissions: { publish: ["other"] } } ] }"""
    login = {"user": "me", "pass": "p/w@1"}

    def test_a_user_with_a_password_is_let_in(self):
        self.both_work(user="me:p%2Fw%401@")

    def test_others_are_not_and_trying_again_is_of_no_use(self):
        for user in ("", "me:wrong@", "you:p%2Fw%401@", "token@"):
            self.none_is_let_in(REFUSED, user=user)
        self.bad(3, f".*{REFUSED}", "session2pb", f"--connect={self.server.endpoint('s')}",
                 "--retry", stdin=NDJSON)

    def test_who_may_only_publish_can_do_so(self):
        at = self.server.endpoint("s", "in:in@")
        self.good("session2pb", f"--connect={at}", stdin=NDJSON)
        self.bad(3, r".*the server says: .*Permissions Violation for Publish.*", "pb2session",
                 f"--connect={at}")

    def test_who_may_not_publish_is_told_so(self):
        at = self.server.endpoint("s", "mute:mute@")
        self.bad(3, r".*the server says: .*Permissions Violation for Publish.*; 0 of 3 .*",
                 "session2pb", f"--connect={at}", "--retry", stdin=NDJSON)


class Token(AccessTest):
    config, login = 'authorization { token: "tok" }', {"auth_token": "tok"}

    def test_a_token_is_let_in_and_no_other(self):
        self.both_work(user="tok@")
        self.none_is_let_in(REFUSED, user="kot@")


class Tls(AccessTest):
    verify, name = "true", "server"

    @classmethod
    def configure(cls):
        (cls.home / "tls").mkdir()
        cls.certificates = Certificates(cls.home / "tls")
        identity = getattr(cls.certificates, cls.name)
        return f'''tls {{ cert_file: "{identity.cert}", key_file: "{identity.key}"
            ca_file: "{cls.certificates.ca}", verify: {cls.verify} }}'''

    @classmethod
    def create(cls):
        context = ssl.create_default_context(cafile=cls.certificates.ca)
        context.load_cert_chain(*cls.certificates.client)
        context.check_hostname = False
        with cls.server.client(tls=context) as client:
            client.create_stream("S", ["s"])

    def identity(self, identity):
        return f"--tls-cert={identity.cert}", f"--tls-key={identity.key}"

    def ca(self, path):
        return f"--tls-ca={path}"


class TlsMutual(Tls):
    def test_both_ends_prove_who_they_are(self):
        ours = self.certificates
        self.both_work(self.ca(ours.ca), *self.identity(ours.client))

    def test_a_server_is_not_trusted_whose_authority_is_not_known(self):
        ours = self.certificates
        self.none_is_let_in("cannot connect: SSL handshake error: .*",
                            self.ca(ours.strangers), *self.identity(ours.client))

    def test_who_has_no_certificate_is_not_let_in(self):
        at = self.server.endpoint("s")
        for tool in ("session2pb", "pb2session"):
            self.bad(3, r"nats://\S+: .+", tool, f"--connect={at}", self.ca(self.certificates.ca),
                     stdin=NDJSON)


class TlsElsewhere(Tls):
    verify, name = "false", "elsewhere"

    def test_a_certificate_is_for_the_host_that_was_asked_for(self):
        self.none_is_let_in("cannot connect: SSL handshake error: .*mismatch.*",
                            self.ca(self.certificates.ca))


class Plain(AccessTest):
    def test_a_server_without_tls_is_refused_where_tls_is_wanted(self):
        folder = self.folder / "tls"
        folder.mkdir()
        ca = Certificates(folder).ca
        self.none_is_let_in("cannot connect: the server does not speak TLS", f"--tls-ca={ca}")

    def test_a_key_that_is_encrypted_is_refused_and_nothing_is_asked(self):
        ours = certificates()
        key = self.folder / "encrypted"
        subprocess.run(["openssl", "pkey", "-in", ours.client.key, "-aes128", "-passout", "pass:x",
                        "-out", key], check=True, capture_output=True)
        for tool in ("session2pb", "pb2session"):
            self.bad(3, f"cannot use '{key}': the private key is encrypted", tool,
                     f"--connect={self.server.endpoint('s')}", f"--tls-ca={ours.ca}",
                     f"--tls-cert={ours.client.cert}", f"--tls-key={key}", stdin=b"")

    def test_files_that_cannot_be_read_are_named(self):
        for option in ("tls-ca", "credentials"):
            for tool in ("session2pb", "pb2session"):
                self.bad(3, "cannot open '/none': No such file or directory", tool,
                         f"--connect={self.server.endpoint('s')}", f"--{option}=/none", stdin=b"")


class Key:
    """An Ed25519 key in the form that NATS has for it: a prefix for its role, and a checksum."""

    ROLES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
    SEED = 18 << 3
    DER = bytes.fromhex("302e020100300506032b657004220420")  # of a private key, before its bytes

    def __init__(self, folder, role, name=""):
        self.role, self.path = role, folder / f"{role}{name}.der"
        raw = hashlib.sha256(f"{role}{name}".encode()).digest()
        self.path.write_bytes(self.DER + raw)
        public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", self.path, "-pubout",
                                 "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
        prefix = self.ROLES[role]
        self.public = self.encode(bytes([prefix]) + public)
        self.seed = self.encode(bytes([self.SEED | prefix >> 5, (prefix & 31) << 3]) + raw)

    @staticmethod
    def encode(data):
        check = binascii.crc_hqx(data, 0).to_bytes(2, "little")
        return base64.b32encode(data + check).decode().rstrip("=")

    def sign(self, text):
        message = self.path.with_suffix(".text")
        message.write_bytes(text)
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey",
                               self.path, "-in", message], check=True, capture_output=True).stdout

    def token(self, subject, nats):
        """A JWT about the subject."""
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        claims = {"jti": "x", "iat": 1, "iss": self.public, "name": subject.role,
                  "sub": subject.public, "nats": nats | {"type": subject.role, "version": 2}}
        text = b".".join(part(json.dumps(said).encode())
                         for said in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
        return (text + b"." + part(self.sign(text))).decode()


def marked(kind, text):
    return f"-----BEGIN {kind}-----\n{text}\n------END {kind}------\n\n"


class Credentials(AccessTest):
    @classmethod
    def configure(cls):
        operator, account, cls.user = (Key(cls.home, role) for role in Key.ROLES)
        limits = dict.fromkeys(("subs", "conn", "leaf", "imports", "exports", "data", "payload",
                                "mem_storage", "disk_storage", "streams", "consumer"), -1)
        cls.token = account.token(cls.user, {"subs": -1, "data": -1, "payload": -1})
        system = Key(cls.home, "account", "-of-system")
        return f'''operator: {operator.token(operator, {})}
            system_account: {system.public}
            resolver: MEMORY
            resolver_preload: {{
                {system.public}: {operator.token(system, {})}
                {account.public}: {operator.token(account, {"limits": limits})} }}'''

    @classmethod
    def create(cls):
        def login(nonce):
            signed = base64.urlsafe_b64encode(cls.user.sign(nonce.encode())).rstrip(b"=")
            return {"jwt": cls.token, "sig": signed.decode()}
        with cls.server.client(sign=login) as client:
            client.create_stream("S", ["s"])

    def credentials(self, seed):
        text = marked("NATS USER JWT", self.token) + marked("USER NKEY SEED", seed)
        return f"--credentials={self.file('user.creds', text.encode())}"

    def test_a_file_of_credentials_lets_in(self):
        self.both_work(self.credentials(self.user.seed))

    def test_another_seed_does_not(self):
        another = Key.encode(bytes([Key.SEED | 5, 0]) + bytes(32))
        self.none_is_let_in(REFUSED, self.credentials(another))
        self.none_is_let_in(REFUSED)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    version = subprocess.run([pathlib.Path(sys.argv[1], "session2pb"), "--version"],
                             capture_output=True, check=True).stdout
    if b"NATS" not in version or not installed() or not shutil.which("openssl"):
        print("skipped: no NATS in the tools, no nats-server or no openssl")
        sys.exit(SKIPPED)
    main(__doc__)
