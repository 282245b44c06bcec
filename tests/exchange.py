"""What the tests of sending and receiving over sockets share: the tools while they run, and peers
of theirs that do what a test says, right or wrong.
"""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading
from typing import NamedTuple

from toolcase import (
    DEADLINE_S,
    ToolTest,
    has_own_memory,
    proc_status,
    run,
    session,
    start,
    wait_until,
)
from wirebytes import VARINT, fields, length_field, read_varint, undelimited, varint, varint_field

DEMAND = b"\0"  # an empty message asks for a receipt
REPORT = re.compile(rb"session2pb: .*; (\d+) of (\d+) sessions confirmed, go on with "
                    rb"--skip=(\d+)\n")
RESET = struct.pack("ii", 1, 0)


def lines(name, count, first=0):
    """Canonical sessions of one sender, a line each."""
    return [session(f"{name}-{number}") + b"\n" for number in range(first, first + count)]


def filled(name, count):
    """A canonical session that is so many bytes longer, with a line end."""
    return session(name)[:-1] + b',"zzz":"' + b"z" * count + b'"}\n'


def by_sender(text):
    """The lines of each sender, in order."""
    found = {}
    for line in text.splitlines(keepends=True):
        found.setdefault(re.match(rb'{"id":"(.+)-\d+"', line)[1].decode(), []).append(line)
    return found


def report(said):
    """What a sender says when not all is confirmed: how many are, of how many, and --skip. One that
    could never connect need not say it."""
    found = REPORT.search(said)
    if not found and b"session2pb: cannot connect" in said:
        return 0, 0, 0
    if not found:
        raise AssertionError(f"no report of what is confirmed: {said}")
    return tuple(map(int, found.groups()))


class Receipt(NamedTuple):
    sessions: int = 0
    rejected: int = 0
    reason: str = ""

    def frame(self):
        message = varint_field(1, self.sessions)
        if self.rejected:
            message += varint_field(2, self.rejected)
        if self.reason:
            message += length_field(3, self.reason.encode())
        return varint(len(message)) + message


def read_receipt(message):
    found = {1: 0, 2: 0, 3: b""}
    for field in fields(message):
        number = field.wire_type == VARINT
        found[field.number] = read_varint(field.payload, 0)[0] if number else field.payload
    return Receipt(found[1], found[2], found[3].decode())


def address(endpoint):
    """The family and the address of unix:PATH or tcp:HOST:PORT."""
    kind, _, rest = endpoint.partition(":")
    if kind == "unix":
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    return family, (host.strip("[]"), int(port))


def listens(endpoint):
    """Whether somebody listens there, as the kernel's tables tell, without connecting."""
    where = endpoint.rpartition(":")[2]
    if where.isdigit():
        return f":{int(where):04X} 00000000:0000 0A " in pathlib.Path("/proc/net/tcp").read_text()
    table = pathlib.Path("/proc/net/unix").read_text()
    return re.search(rf" 00010000 0001 01 +\d+ {re.escape(where)}$", table, re.M) is not None


class Peer:
    """The end of a connection that is not the tool's."""

    def __init__(self, connection):
        connection.settimeout(DEADLINE_S)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.input = connection.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.input.close()
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_in_bytes(self, data):
        for byte in data:
            self.socket.sendall(bytes([byte]))

    def push(self, data):
        """Send as much as can be sent."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def flood(self, data):
        """Send it again and again, until nothing can be sent."""
        with contextlib.suppress(OSError):
            while True:
                self.socket.sendall(data)

    def leave(self):
        """End what goes on over the connection in any thread."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def finish(self):
        """Half-close: this end has sent everything."""
        self.socket.shutdown(socket.SHUT_WR)

    def message(self):
        """The next message, or None at the stream's end."""
        try:
            head = self.input.read(1)
        except ConnectionResetError:
            return None
        if not head:
            return None
        while head[-1] & 0x80:
            head += self.input.read(1)
        length = read_varint(head, 0)[0]
        message = self.input.read(length)
        if len(message) < length:
            raise EOFError(f"a message of {length} bytes is cut short")
        return message

    def messages(self):
        """The messages until the stream's end."""
        return list(iter(self.message, None))

    def sessions(self, count):
        """The next messages that are sessions and no demands."""
        taken = []
        while len(taken) < count:
            message = self.message()
            if message is None:
                raise EOFError(f"{len(taken)} sessions instead of {count}")
            taken += [message] if message else []
        return taken

    def receipt(self):
        return read_receipt(self.message())

    def receipts(self):
        return [read_receipt(message) for message in self.messages()]

    def ask(self):
        """Demand a receipt, and wait for it."""
        self.send(DEMAND)
        return self.receipt()


def connect(endpoint):
    family, where = address(endpoint)
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(DEADLINE_S)
    try:
        connection.connect(where)
    except OSError:
        connection.close()
        raise
    return Peer(connection)


class Tool:
    """A tool while it runs, and what it has said on standard error so far."""

    def __init__(self, name, *arguments, **popen):
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL} | popen
        self.process = start(name, *arguments, **popen)
        self.pid = self.process.pid
        self.said = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while piece := self.process.stderr.read(4096):
            self.said += piece

    def ended(self):
        return self.process.poll() is not None

    def says(self, pattern):
        """Wait until the tool has said what fits the pattern, and return all that does."""
        def heard():
            return re.search(pattern, self.said) or not self.reader.is_alive()
        wait_until(heard, f"{pattern} in {self.said}")
        found = re.findall(pattern, self.said)
        if not found:
            raise AssertionError(f"it ends, and does not say {pattern}: {self.said}")
        return found

    def wait(self, deadline=DEADLINE_S):
        """The exit status."""
        status = self.process.wait(deadline)
        self.reader.join()
        return status

    def stop(self, number=signal.SIGTERM):
        """The exit status after a signal."""
        self.process.send_signal(number)
        return self.wait()

    def clean_up(self):
        self.process.kill()
        self.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def peak(self):
        """Peak resident bytes, and peak of addresses."""
        addresses, resident = proc_status(self.pid, "VmPeak", "VmHWM")
        return resident, addresses

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Listener(Tool):
    """pb2session --listen, from when it listens on."""

    def __init__(self, endpoints, *arguments, **popen):
        options = [f"--listen={endpoint}" for endpoint in endpoints]
        super().__init__("pb2session", *options, *arguments, **popen)
        if "-q" in arguments:
            self.endpoints = list(endpoints)
            return
        self.says(rb"(?:pb2session: listening on .*\n){%d}" % len(endpoints))
        found = re.findall(rb"pb2session: listening on (.*)\n", self.said)
        self.endpoints = [endpoint.decode() for endpoint in found]
        self.endpoint = self.endpoints[0]


class ExchangeTest(ToolTest):
    def setUp(self):
        super().setUp()
        self.unix = f"unix:{self.folder}/socket"
        self.tcp = "tcp:127.0.0.1:0"
        self.out = self.folder / "out"

    def tool(self, name, *arguments, **popen):
        tool = Tool(name, *arguments, **popen)
        self.addCleanup(tool.clean_up)
        return tool

    def listen(self, *arguments, at=None, **popen):
        """A listener on a Unix socket or the given endpoints, that writes to the file `out`."""
        if "stdout" in popen or "-o" in arguments:
            return self.listener(arguments, at, popen)
        with self.out.open("ab") as out:
            return self.listener(arguments, at, popen | {"stdout": out})

    def listener(self, arguments, at, popen):
        listener = Listener([self.unix] if at is None else at, *arguments, **popen)
        self.addCleanup(listener.clean_up)
        return listener

    def connect(self, listener):
        peer = connect(listener.endpoint)
        self.addCleanup(peer.close)
        return peer

    def sender(self, endpoint, *arguments, **popen):
        return self.tool("session2pb", f"--connect={endpoint}", *arguments, **popen)

    def send(self, endpoint, text, *arguments, **popen):
        """A whole run of a sender."""
        return run("session2pb", f"--connect={endpoint}", *arguments, stdin=text, **popen)

    def send_well(self, endpoint, text, *arguments, **popen):
        done = self.send(endpoint, text, *arguments, **popen)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def idle_files(self, listener):
        """How many files a listener without a connection has open."""
        with connect(listener.endpoint) as peer:
            peer.ask()
            return listener.open_files() - 1

    def stop_well(self, listener, number=signal.SIGTERM):
        self.assertEqual(listener.stop(number), 0, listener.said)

    def written(self):
        return self.out.read_bytes() if self.out.exists() else b""

    def whole_lines(self):
        """The whole lines of the output, and what of a torn one follows them."""
        *whole, torn = self.written().split(b"\n")
        return [line + b"\n" for line in whole], torn

    def wait_for_output(self, expected):
        def arrived():
            return len(self.written()) >= len(expected)
        wait_until(arrived, "output")
        self.assertEqual(self.written(), expected)

    def messages(self, text):
        return undelimited(self.pb(text))

    def receive(self, endpoint=None):
        """A listening socket of the test's own; its endpoint is `self.unix` unless told."""
        family, where = address(endpoint or self.unix)
        listening = socket.socket(family, socket.SOCK_STREAM)
        self.addCleanup(listening.close)
        listening.settimeout(DEADLINE_S)
        listening.bind(where)
        listening.listen()
        return listening

    def accept(self, listening):
        peer = Peer(listening.accept()[0])
        self.addCleanup(peer.close)
        return peer

    def scripted(self, text, *arguments, **popen):
        """A sender of the text, and the peer that it has connected to."""
        listening = self.receive()
        sender = self.sender(self.unix, *arguments, self.file("in", text), **popen)
        peer = self.accept(listening)
        listening.close()
        os.unlink(self.unix.removeprefix("unix:"))
        return sender, peer

    def assert_cut_off(self, peer, sessions):
        """The last that the peer gets is a receipt for so many sessions, with a reason."""
        last = peer.receipts()[-1]
        peer.leave()
        self.assertEqual((last.sessions, bool(last.reason)), (sessions, True), last)

    def assert_unconfirmed(self, sender, confirmed):
        """The sender gives up, and reports so many sessions confirmed."""
        self.assertEqual(sender.wait(), 3, sender.said)
        self.assertEqual(report(sender.said)[0], confirmed)

    def assert_memory(self, tool, most):
        resident, addresses = tool.peak()
        if has_own_memory("pb2session", addresses):
            self.assertLess(resident, most)
