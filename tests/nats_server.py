"""A NATS server of the tests' own, and the little of its protocol that they speak themselves."""

import json
import shutil
import signal
import socket
import subprocess
import time

DEADLINE_S = 20
SERVER = "nats-server"


def installed():
    return shutil.which(SERVER) is not None


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Refused(Exception):
    """What JetStream answers when it does not do what it is asked for."""


class Client:
    """One connection: requests to JetStream, and nothing else."""

    def __init__(self, port, tls=None, sign=None, **login):
        """tls    the context of a connection with TLS
        sign   what to log in with, from the server's nonce
        """
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        self.input = self.socket.makefile("rb")
        self.info = json.loads(self.line().removeprefix(b"INFO "))
        if tls:
            self.socket = tls.wrap_socket(self.socket)
            self.input = self.socket.makefile("rb")
        login |= sign(self.info["nonce"]) if sign else {}
        wishes = {"verbose": False, "headers": True, "no_responders": True} | login
        self.send(b"CONNECT %s\r\nSUB answers.* 1\r\nPING\r\n" % json.dumps(wishes).encode())
        self.requests = 0
        if (answer := self.line()) != b"PONG":
            raise Refused(answer.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.socket.close()

    def line(self):
        line = self.input.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the server has closed the connection")
        return line[:-2]

    def send(self, data):
        self.socket.sendall(data)

    def message(self):
        """The headers and the payload of the next message; a server's PING is answered."""
        while True:
            verb, *words = self.line().split()
            if verb == b"PING":
                self.send(b"PONG\r\n")
            elif verb in (b"MSG", b"HMSG"):
                head, size = int(words[-2]) if verb == b"HMSG" else 0, int(words[-1])
                data = self.input.read(size + 2)[:-2]
                return data[:head], data[head:]
            elif verb == b"-ERR":
                raise Refused(b" ".join(words).decode())

    def request(self, subject, payload=b""):
        self.requests += 1
        self.send(b"PUB %s answers.%d %d\r\n%s\r\n"
                  % (subject.encode(), self.requests, len(payload), payload))
        head, answer = self.message()
        if b" 503" in head:
            raise Refused(f"nobody answers {subject}")
        return answer

    def ask(self, subject, **question):
        """A request to JetStream's interface."""
        answer = json.loads(self.request(f"$JS.API.{subject}", json.dumps(question).encode()))
        if "error" in answer:
            raise Refused(answer["error"]["description"])
        return answer

    def create_stream(self, name, subjects, **config):
        config = {"storage": "file", "retention": "limits", "discard": "old"} | config
        return self.ask(f"STREAM.CREATE.{name}", name=name, subjects=subjects, **config)

    def create_durable(self, stream, name, **config):
        config = {"durable_name": name, "ack_policy": "explicit"} | config
        return self.ask(f"CONSUMER.DURABLE.CREATE.{stream}.{name}", stream_name=stream,
                        config=config)

    def stream(self, name):
        return self.ask(f"STREAM.INFO.{name}")["state"]

    def durable(self, stream, name="sessionpb"):
        return self.ask(f"CONSUMER.INFO.{stream}.{name}")

    def stored(self, stream, sequence):
        """The headers and the payload of a message in a stream."""
        self.requests += 1
        answer = self.ask(f"STREAM.MSG.GET.{stream}", seq=sequence)["message"]
        return {part: answer.get(part, "") for part in ("subject", "hdrs", "data")}


class Server:
    """nats-server with JetStream, which keeps its files over restarts."""

    def __init__(self, folder, config="", jetstream=True, host="127.0.0.1"):
        self.folder, self.port, self.process = folder, free_port(), None
        store = f'jetstream {{ store_dir: "{folder}/jetstream" }}\n' if jetstream else ""
        self.config = folder / "nats.conf"
        self.config.write_text(f'listen: "{host}:{self.port}"\n{store}{config}\n')
        self.start()

    def start(self):
        log = self.folder / "nats.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen([SERVER, "-c", self.config], stdout=output,
                                            stderr=output, stdin=subprocess.DEVNULL)
        self.await_port(log)

    def await_port(self, log):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ends: {log.read_text()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), DEADLINE_S).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise AssertionError("the server does not listen")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(DEADLINE_S)

    def kill(self):
        self.stop(signal.SIGKILL)

    def client(self, **login):
        return Client(self.port, **login)

    def endpoint(self, rest, user=""):
        return f"nats://{user}127.0.0.1:{self.port}/{rest}"
