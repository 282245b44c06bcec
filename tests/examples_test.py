"""What users learn from works: the programs in examples exchange sessions with the tools and with
each other, and the units of systemd are right.

    examples_test.py TOOLS EXAMPLES BIN DESC PROTOC

BIN has server and client, DESC is the FileDescriptorSet. What the peers and systemd need may be
missing.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import exchange
import make_sessions
import toolcase
from exchange import Peer, Receipt, by_sender, lines, listens
from toolcase import DEADLINE_S, frame, main, session, wait_until

BIN, DESC, PROTOC = sys.argv[3:6]
del sys.argv[3:6]
ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS, UNITS = ROOT / "examples/peers", ROOT / "examples/systemd"
NODE = shutil.which("node") or shutil.which("nodejs")
NODE_MODULES = ROOT / "tests/peers/node_modules"
COUNT = 500
SENDERS = 8
C_LINES, PEER_LINES = 149, 15
EXPOSURE_MAX = 1.0  # of 10, as systemd-analyze judges


class Examples(exchange.ExchangeTest):
    def setUp(self):
        super().setUp()
        self.endpoints = (self.unix, self.tcp)
        made = make_sessions.make(toolcase.EXAMPLES / "sessions.ndjson", "ndjson", COUNT)
        self.sessions = b"".join(made)

    def serve(self, at, **popen):
        """server.c, from when it listens on; what it prints goes into the file `out`."""
        with self.out.open("ab") as out:
            server = self.tool(f"{BIN}/server", at, **({"stdout": out} | popen))
        server.endpoint = server.says(rb"listening on (.*)\n")[0].decode()
        return server

    def run_client(self, endpoint, text):
        return subprocess.run(
            [f"{BIN}/client", endpoint],
            input=text,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def send_by_client(self, endpoint, text):
        done = self.run_client(endpoint, text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def take_output(self):
        written = self.written()
        os.truncate(self.out, 0)
        return written


class Server(Examples):
    def test_it_takes_sessions_from_session2pb(self):
        for at in self.endpoints:
            for options in ((), ("--receipt-every=1",), ("--retry",), ("--no-receipt",)):
                with self.subTest(at=at, options=options):
                    server = self.serve(at)
                    self.send_well(server.endpoint, self.sessions, *options)
                    server.clean_up()
                    self.assertEqual(self.take_output(), self.sessions)

    def test_it_takes_sessions_of_many_senders_at_once(self):
        server = self.serve(self.unix)
        sent = {f"s{i}": lines(f"s{i}", COUNT) for i in range(SENDERS)}
        senders = []
        for name, text in sent.items():
            with self.file(name, b"".join(text)).open("rb") as file:
                senders.append(self.tool(f"{BIN}/client", server.endpoint, stdin=file))
        for sender in senders:
            self.assertEqual((sender.wait(), sender.said), (0, b""))
        self.assertEqual(by_sender(self.written()), sent)

    def test_a_receipt_tells_what_is_printed(self):
        with self.connect(self.serve(self.unix)) as peer:
            for number in range(1, 4):
                peer.send(frame(self.messages(session("a"))[0]))
                self.assertEqual(peer.ask(), Receipt(number))
                self.assertEqual(self.written(), (session("a") + b"\n") * number)
            peer.finish()
            self.assertEqual(peer.receipts(), [Receipt(3)])

    def test_a_bad_sender_is_cut_off_and_told_why_and_others_go_on(self):
        good, bad = self.pb(session("good")), frame(b"\x0a\x05a")
        for at in self.endpoints:
            with self.subTest(at=at):
                server = self.serve(at)
                with self.connect(server) as other, self.connect(server) as peer:
                    self.assertEqual(other.ask(), Receipt(0))
                    peer.push(good + bad + good * 10000)
                    self.assert_cut_off(peer, 1)
                    other.send(good)
                    self.assertEqual(other.ask(), Receipt(1))
                server.clean_up()

    def test_a_torn_stream_and_a_length_without_measure_are_told(self):
        server = self.serve(self.unix)
        for stream in (self.pb(session("a"))[:-1], b"\xff\xff\xff\xff\x0f", b"\xff" * 11):
            with self.subTest(stream=stream), self.connect(server) as peer:
                peer.push(stream)
                peer.finish()
                self.assert_cut_off(peer, 0)

    def test_it_confirms_nothing_that_it_cannot_write(self):
        with open("/dev/full", "wb") as full:
            server = self.serve(self.unix, stdout=full)
        with self.connect(server) as peer:
            peer.send(self.pb(session("a")))
            peer.finish()
            self.assertEqual(peer.receipts(), [])
        self.assertEqual(server.wait(), 1)
        self.assertIn(b"cannot write", server.said)
        self.assertFalse(pathlib.Path(self.folder, "socket").exists())

    def test_it_says_why_it_cannot_listen(self):
        for arguments in ((), ("nowhere",), (f"unix:{self.folder}/none/socket",)):
            with self.subTest(arguments=arguments):
                server = self.tool(f"{BIN}/server", *arguments)
                self.assertEqual(server.wait(), 1)
                self.assertRegex(server.said, rb"\Aserver: .+\n\Z")


class Client(Examples):
    def test_it_sends_sessions_to_pb2session(self):
        for at in self.endpoints:
            with self.subTest(at=at):
                listener = self.listen(at=[at])
                self.send_by_client(listener.endpoint, self.sessions)
                self.stop_well(listener)
                self.assertEqual(self.take_output(), self.sessions)

    def test_it_sends_sessions_to_the_server(self):
        for at in self.endpoints:
            with self.subTest(at=at):
                server = self.serve(at)
                self.send_by_client(server.endpoint, self.sessions)
                server.clean_up()
                self.assertEqual(self.take_output(), self.sessions)

    def test_it_takes_nothing_and_says_so(self):
        self.send_by_client(self.serve(self.unix).endpoint, b"")
        self.assertEqual(self.written(), b"")

    def test_it_sends_those_before_a_bad_session(self):
        for tail in (b'{"id":"x"}\n', b'{"id":'):
            with self.subTest(tail=tail):
                listener = self.listen()
                done = self.run_client(listener.endpoint, session("a") + b"\n" + tail)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, rb"\Aclient: line 2, column \d+: .+\n\Z")
                self.stop_well(listener)
                self.assertEqual(self.take_output(), session("a") + b"\n")

    def test_it_does_not_hold_back_what_it_has(self):
        listener = self.listen()
        client = self.tool(f"{BIN}/client", listener.endpoint, stdin=subprocess.PIPE)
        client.process.stdin.write(session("a") + b"\n")
        self.wait_for_output(session("a") + b"\n")
        client.process.stdin.close()
        self.assertEqual((client.wait(), client.said), (0, b""))

    def answered(self, *frames):
        """A client of three sessions that gets these frames as an answer."""
        listening = self.receive()
        file = self.file("in", toolcase.NDJSON)
        with file.open("rb") as stdin:
            client = self.tool(f"{BIN}/client", self.unix, stdin=stdin)
        peer = Peer(listening.accept()[0])
        listening.close()
        os.unlink(self.unix.removeprefix("unix:"))
        with peer:
            self.assertEqual(len(peer.messages()), 3)
            peer.push(b"".join(frames))
        return client.wait(), client.said

    def test_only_a_receipt_for_everything_is_success(self):
        whole, part = Receipt(3).frame(), Receipt(2).frame()
        self.assertEqual(self.answered(part, whole), (0, b""))
        rejected = Receipt(3, 1).frame()
        for frames in ((), (part,), (rejected,), (whole, b"\x05a"), (whole, b"\xff" * 9)):
            with self.subTest(frames=frames):
                self.assertEqual(self.answered(*frames)[0], 1)
        status, said = self.answered(Receipt(1, 0, "the disk is full").frame())
        self.assertEqual(status, 1)
        self.assertEqual(
            said,
            b"client: the disk is full\nclient: 1 of 3 sessions confirmed, 0 rejected\n",
        )

    def test_it_says_when_nobody_is_there(self):
        done = self.run_client(self.unix, b"")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb"\Aclient: .+\n\Z")


class Peers(Examples):
    """Programs in other languages, beside what they need, in a folder of their own."""

    def setUp(self):
        super().setUp()
        self.where = self.folder / "peers"
        shutil.copytree(PEERS, self.where, ignore=shutil.ignore_patterns("node_modules"))

    def python(self):
        if not has_protobuf():
            self.skipTest("this Python 3 has no google.protobuf")
        protos = ("journey/v1/session.proto", "journey/v1/receipt.proto")
        folders = (f"-I{ROOT}/proto", f"--python_out={self.where}")
        subprocess.run([PROTOC, *folders, *protos], check=True)
        return lambda name, where: [sys.executable, self.where / f"{name}.py", where]

    def node(self):
        if not NODE or not NODE_MODULES.exists():
            self.skipTest("no Node, or no tests/peers/node_modules")
        (self.where / "node_modules").symlink_to(NODE_MODULES)
        return lambda name, where: [NODE, self.where / f"{name}.mjs", DESC, where]

    def send_from(self, command, endpoint):
        listener = self.listen(at=[endpoint])
        where = re.split(":", listener.endpoint)[-1]
        sender = subprocess.run(
            command("send", where),
            input=self.sessions,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        self.assertEqual((sender.returncode, sender.stderr), (0, b""))
        self.assertEqual(sender.stdout.strip(), b"%d sessions confirmed" % COUNT)
        self.stop_well(listener)
        self.assertEqual(self.take_output(), self.sessions)

    def refused(self, command):
        """What send.py and send.mjs say to a receiver that is full."""
        listening = self.receive()
        stdin = self.file("in", session("a") + b"\n").open("rb")
        sender = self.tool(*command("send", self.unix.removeprefix("unix:")), stdin=stdin)
        stdin.close()
        with self.accept(listening) as peer:
            self.assertEqual(len(peer.messages()), 1)
            peer.send(Receipt(0, 0, "the disk is full").frame())
        self.assertEqual(sender.wait(), 1)

    def start_receiver(self, command, endpoint):
        where = endpoint.rpartition(":")[2]
        with self.out.open("wb") as out:
            receiver = self.tool(*command("receive", where), stdout=out)
        wait_until(lambda: receiver.ended() or listens(endpoint), f"{endpoint}: {receiver.said}")
        return receiver

    def receive_by(self, command, endpoint, *options):
        receiver = self.start_receiver(command, endpoint)
        self.send_well(endpoint, self.sessions, *options)
        return receiver

    def assert_received(self):
        """The same sessions, as another runtime spells them in JSON."""
        self.assertEqual(self.text(self.pb(self.take_output())), self.sessions)

    def test_python_sends(self):
        command = self.python()
        self.send_from(command, self.unix)
        self.refused(command)

    def test_python_receives(self):
        command = self.python()
        for options in ((), ("--receipt-every=1",), ("--no-receipt",)):
            with self.subTest(options=options):
                receiver = self.receive_by(command, self.unix, *options)
                self.assertEqual((receiver.wait(), receiver.said), (0, b""))
                os.unlink(self.unix.removeprefix("unix:"))
                self.assert_received()

    def test_node_sends(self):
        command = self.node()
        for endpoint in self.endpoints:
            self.send_from(command, endpoint)
        self.refused(command)

    def test_node_receives(self):
        command = self.node()
        for endpoint in (self.unix, f"tcp:127.0.0.1:{free_port()}"):
            for options in ((), ("--receipt-every=1",), ("--no-receipt",)):
                with self.subTest(endpoint=endpoint, options=options):
                    receiver = self.receive_by(command, endpoint, *options)
                    receiver.stop()
                    self.assertEqual(receiver.said, b"")
                    self.assert_received()
                    pathlib.Path(self.folder, "socket").unlink(missing_ok=True)


def has_protobuf():
    try:
        return importlib.util.find_spec("google.protobuf") is not None
    except ModuleNotFoundError:
        return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Systemd(Examples):
    def test_the_service_takes_the_socket_and_appends(self):
        (self.folder / "sessionpb").mkdir()
        path = self.unix.removeprefix("unix:")
        for times in (1, 2):
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(path)
                listening.listen()
                service = self.activate(listening)
            self.send_well(self.unix, self.sessions)
            self.stop_well(service)
            self.assertTrue(os.path.exists(path), "the socket is systemd's")
            os.unlink(path)
            written = (self.folder / "sessionpb/sessions.ndjson").read_bytes()
            self.assertEqual(written, self.sessions * times)

    def activate(self, listening):
        """The command of the service, started as systemd does: with the socket as descriptor 3."""
        text = (UNITS / "sessionpb.service").read_text().replace("\\\n", " ")
        command = re.search("^ExecStart=(.*)$", text, re.M)[1].replace("%S", str(self.folder))
        program, *arguments = command.split()
        number = listening.fileno()
        shell = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{number}'
        tool = toolcase.TOOLS / pathlib.Path(program).name
        service = self.tool("/bin/sh", "-c", shell, "sh", tool, *arguments, pass_fds=[number])
        service.says(rb"pb2session: listening on systemd:\n")
        return service

    def units(self):
        """Copies of the units, with the tool where it is."""
        text = (UNITS / "sessionpb.service").read_text()
        tool = str(toolcase.TOOLS / "pb2session")
        self.assertIn("/usr/local/bin/pb2session", text)
        text = text.replace("/usr/local/bin/pb2session", tool)
        service = self.file("sessionpb.service", text.encode())
        return self.file("sessionpb.socket", (UNITS / "sessionpb.socket").read_bytes()), service

    def analyze(self, *arguments):
        program = shutil.which("systemd-analyze")
        if not program:
            self.skipTest("no systemd-analyze")
        done = subprocess.run([program, *arguments], capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_the_units_are_right(self):
        self.assertEqual(self.analyze("verify", "--man=no", *self.units()), (0, "", ""))

    def test_the_service_can_do_little(self):
        _, service = self.units()
        status, table, said = self.analyze("security", "--offline=true", "--no-pager", service)
        self.assertEqual((status, said), (0, ""))
        exposure = float(re.search(r"exposure level for sessionpb.service: ([\d.]+)", table)[1])
        self.assertLessEqual(exposure, EXPOSURE_MAX, table)


class Sizes(toolcase.unittest.TestCase):
    def test_the_c_examples_are_read_in_one_sitting(self):
        for name in ("server.c", "client.c"):
            count = len((ROOT / "examples" / name).read_text().splitlines())
            self.assertLessEqual(count, C_LINES, name)

    def test_the_peers_have_some_ten_lines(self):
        for name in ("send.py", "receive.py", "send.mjs", "receive.mjs"):
            text = (PEERS / name).read_text()
            text = re.sub(r'\A""".*?"""\n', "", text, flags=re.S)
            code = [line for line in text.splitlines() if not re.match(r"\s*(#|//|$)", line)]
            self.assertLessEqual(len(code), PEER_LINES, name)


if __name__ == "__main__":
    main(__doc__)
