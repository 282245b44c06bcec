"""What session2pb and pb2session promise of NATS JetStream, one test for each promise.

    nats_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools, EXAMPLES has sessions.ndjson. Without nats-server, or without NATS in the tools,
nothing runs.
"""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import toolcase
from exchange import ExchangeTest, filled, lines
from nats_server import Refused, Server, installed
from toolcase import MEMORY_MAX, NDJSON, NO_ID, main, run, wait_until

SKIPPED = 77
MANY = 20000
ACK_WAIT_NS = 10**9  # short, to see what comes again


class NatsTest(ExchangeTest):
    """One server for all tests of a class, and a stream for each test."""

    config, jetstream = "", True

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.server = Server(pathlib.Path(folder.name), cls.config, cls.jetstream)
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        super().setUp()
        self.stream = re.sub(r"\W", "_", self.id())
        self.subject = f"{self.stream}.new"
        self.at = self.server.endpoint(self.subject)

    def create(self, **config):
        with self.server.client() as client:
            client.create_stream(self.stream, [f"{self.stream}.>"], **config)

    def create_durable(self, name="sessionpb", **config):
        config = {"filter_subject": self.subject, "ack_wait": ACK_WAIT_NS} | config
        with self.server.client() as client:
            client.create_durable(self.stream, name, **config)

    def state(self):
        with self.server.client() as client:
            return client.stream(self.stream)

    def durable(self, name="sessionpb"):
        with self.server.client() as client:
            return client.durable(self.stream, name)

    def wait_for(self, member, condition):
        """Wait until what the server says of the durable is so; it may not have been made yet."""
        def so():
            try:
                return condition(self.durable()[member])
            except Refused:
                return False
        wait_until(so, f"{member} of the durable")

    def publish(self, text, *arguments, at=None):
        self.send_well(at or self.at, text, *arguments)

    def consumer(self, *arguments, at=None, out=None, **popen):
        """A consumer that runs, and writes to the file `out`."""
        if out is None:
            return self.tool("pb2session", f"--connect={at or self.at}", *arguments, **popen)
        with out.open("ab") as output:
            return self.consumer(*arguments, at=at, stdout=output, **popen)

    def fetch(self, *arguments, at=None):
        """A whole run of a consumer."""
        return self.good("pb2session", f"--connect={at or self.at}", "--idle-exit=1", *arguments)

    def refuses(self, status, line, tool, *arguments, at=None, stdin=NDJSON):
        self.bad(status, line, tool, f"--connect={at or self.at}", *arguments, stdin=stdin)

    def messages_stored(self):
        with self.server.client() as client:
            count = client.stream(self.stream)["last_seq"]
            found = [client.stored(self.stream, number + 1) for number in range(count)]
        return [{name: part if name == "subject" else base64.b64decode(part)
                 for name, part in message.items()} for message in found]


class Publishing(NatsTest):
    def test_each_session_is_one_bare_message_with_headers(self):
        self.create()
        self.publish(NDJSON)
        stored = self.messages_stored()
        self.assertEqual([message["data"] for message in stored], self.messages(NDJSON))
        for message in stored:
            first, *headers = message["hdrs"].split(b"\r\n")
            self.assertEqual((first, message["subject"]), (b"NATS/1.0", self.subject))
            self.assertEqual(sorted(filter(None, headers)), [
                b"Content-Type: application/x-protobuf",
                b"Nats-Msg-Id: " + hashlib.sha256(message["data"]).hexdigest().encode(),
                b"Schema: journey.v1.Session"])

    def test_what_the_stream_has_already_is_dropped(self):
        self.create()
        self.publish(NDJSON)
        self.publish(NDJSON + NDJSON)
        self.assertEqual(self.state()["messages"], 3)

    def test_a_stream_that_is_named_is_the_one(self):
        self.create()
        self.publish(NDJSON, at=f"{self.at}?stream={self.stream}")
        self.refuses(3, r".*: expected stream does not match; 0 of 3 .*--skip=0", "session2pb",
                     "--retry", at=f"{self.at}?stream=other")

    def test_a_session_above_the_maximum_is_told_and_those_before_it_are_safe(self):
        self.create()
        large = NDJSON + filled("large", 1 << 20) + NDJSON
        self.refuses(3, r"nats://.*: record 4: the server takes messages of 1048576 bytes at most; "
                     r"this one has 10\d{5}, and headers; 3 of 4 sessions confirmed, go on with "
                     r"--skip=3", "session2pb", stdin=large)
        self.assertEqual(self.state()["messages"], 3)

    def test_a_session_above_the_maximum_of_the_stream_is_told(self):
        self.create(max_msg_size=1000)
        large = NDJSON + filled("large", 2000) + NDJSON
        for retry in (), ("--retry",):
            self.refuses(3, r"nats://.*: record 4: the server refuses it: message size exceeds "
                         r"maximum allowed; 3 of \d sessions confirmed, go on with --skip=3",
                         "session2pb", *retry, stdin=large)
        self.refuses(3, r"nats://.*: record 4: .*; 0 of \d sessions confirmed, go on with --skip=3",
                     "session2pb", "--skip=3", stdin=large)

    def test_a_full_stream_is_told_with_what_is_in_it(self):
        self.create(max_msgs=2, discard="new")
        self.refuses(3, r".*maximum messages exceeded; 2 of 3 sessions confirmed, go on with "
                     r"--skip=2", "session2pb")

    def test_with_retry_it_waits_until_a_full_stream_has_room(self):
        self.create(max_msgs=2, discard="new", retention="workqueue")
        sender = self.sender(self.at, "--retry=20", self.file("in", NDJSON))
        sender.says(rb"maximum messages exceeded; trying again\n")
        self.assertEqual(self.fetch("--limit=3"), NDJSON)
        self.assertEqual(sender.wait(), 0, sender.said)

    def test_no_more_than_the_window_is_without_an_acknowledgement(self):
        """A server that acknowledges nothing is sent so many messages, and no more."""
        for window in (1, 5):
            with self.subTest(window), FakeServer() as fake:
                text = b"".join(lines("w", 20))
                sender = self.sender(fake.endpoint, f"--window={window}", "--timeout=1",
                                     self.file("in", text))
                self.assertEqual(sender.wait(), 3)
                self.assertRegex(sender.said, rb"the server acknowledges nothing any more; 0 of "
                                 rb"%d sessions confirmed, go on with --skip=0\n" % (window + 1))
                self.assertEqual(fake.published(), window)

    def test_a_slow_input_is_published_at_once(self):
        self.create()
        sender = self.sender(self.at, stdin=subprocess.PIPE)
        for count, line in enumerate(NDJSON.splitlines(keepends=True), 1):
            sender.process.stdin.write(line)
            wait_until(lambda: self.state()["messages"] == count, "a message")
        sender.process.stdin.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_memory_is_bounded_while_the_server_acknowledges(self):
        self.create()
        text = self.file("in", b"".join(filled(f"m-{n}", 100_000) for n in range(1000)))
        sender = self.sender(self.at, "--retry", text)
        peak = addresses = 0
        while not sender.ended():
            numbers = toolcase.proc_status(sender.pid, "VmHWM", "VmPeak")
            peak, addresses = map(max, zip((peak, addresses), numbers or (0, 0)))
            time.sleep(0.005)
        self.assertEqual((sender.wait(), sender.said), (0, b""))
        if addresses < toolcase.ADDRESSES_MAX:  # else a sanitizer reserves addresses
            self.assertLess(peak, 2 * MEMORY_MAX)
        self.assertEqual(self.state()["messages"], 1000)


class Consuming(NatsTest):
    def setUp(self):
        super().setUp()
        self.create()

    def test_all_of_it_arrives_byte_for_byte(self):
        text = (toolcase.EXAMPLES / "sessions.ndjson").read_bytes() + b"".join(lines("s", MANY))
        self.publish(text)
        self.assertEqual(self.fetch(), text)
        self.assertEqual(self.durable()["num_ack_pending"], 0)
        self.assertEqual(self.fetch(), b"")

    def test_the_stream_may_be_named_and_so_may_the_durable(self):
        self.publish(NDJSON)
        for name in ("one", "two"):
            at = f"{self.at}?stream={self.stream}&durable={name}"
            self.assertEqual(self.fetch(at=at), NDJSON)
            self.assertEqual(self.durable(name)["ack_floor"]["stream_seq"], 3)

    def test_a_subject_with_a_wildcard_is_consumed(self):
        self.publish(NDJSON)
        self.assertEqual(self.fetch(at=self.server.endpoint(f"{self.stream}.*")), NDJSON)

    def test_a_limit_ends_it_and_the_rest_comes_at_once_to_another(self):
        self.publish(NDJSON)
        first, rest = NDJSON.splitlines(keepends=True)[0], NDJSON.splitlines(keepends=True)[1:]
        self.assertEqual(self.fetch("--limit=1"), first)
        self.assertEqual(self.durable()["ack_floor"]["stream_seq"], 1)
        begin = time.monotonic()
        self.assertEqual(self.fetch("--limit=2"), b"".join(rest))
        self.assertLess(time.monotonic() - begin, 10)  # the server itself would wait for 30 s

    def test_nothing_is_acknowledged_that_is_not_written(self):
        """The reader of the output takes nothing; then the consumer is killed."""
        self.create_durable()
        text = b"".join(filled(f"w-{n}", 10_000) for n in range(100))
        self.publish(text)
        consumer = self.consumer(stdout=subprocess.PIPE)
        self.wait_for("num_ack_pending", lambda count: count > 0)
        time.sleep(0.5)
        acknowledged = self.durable()["ack_floor"]["stream_seq"]
        consumer.process.kill()
        printed = consumer.process.stdout.read()
        self.assertLess(acknowledged, 100)
        self.assertLessEqual(acknowledged, printed.count(b"\n"))
        rest = self.fetch()
        self.assertEqual(sorted(set((printed[:printed.rfind(b"\n") + 1] + rest).splitlines())),
                         sorted(text.splitlines()))

    @unittest.skipUnless(shutil.which("strace") and os.geteuid() == 0, "no strace, or not root")
    def test_with_fsync_it_is_on_disk_before_it_is_acknowledged(self):
        for option, first in ((), "+ACK"), (("--fsync",), "fdatasync"):
            trace, out = self.folder / f"trace{len(option)}", self.folder / f"out{len(option)}"
            consumer = self.tool("pb2session", f"--connect={self.at}", "-o", out, *option)
            self.wait_for("num_waiting", lambda count: count > 0)
            strace = self.tool(shutil.which("strace"), "-f", "-p", str(consumer.pid), "-o", trace,
                               "-s", "1000", "-e", "trace=fdatasync,sendto")
            strace.says(rb"attached")
            self.publish(b"".join(lines(f"s{first}", 3)))
            self.wait_for("ack_floor", lambda floor: floor["stream_seq"] == 3 + 3 * len(option))
            consumer.stop()
            strace.wait()
            self.assertEqual(re.findall(r"fdatasync|\+ACK", trace.read_text())[0], first)

    def test_what_is_acknowledged_does_not_come_again_after_a_kill(self):
        self.create_durable()
        self.publish(NDJSON)
        out = self.folder / "out"
        consumer = self.consumer(out=out)
        self.wait_for("ack_floor", lambda floor: floor["stream_seq"] == 3)
        consumer.stop(signal.SIGKILL)
        self.assertEqual(out.read_bytes(), NDJSON)
        self.assertEqual(self.fetch("--idle-exit=2"), b"")

    def test_a_slow_output_keeps_what_it_has(self):
        """While the output is stuck for longer than the server would wait, no other gets it."""
        self.create_durable()
        text = b"".join(filled(f"w-{n}", 10_000) for n in range(100))
        self.publish(text)
        consumer = self.consumer("--idle-exit=1", stdout=subprocess.PIPE)
        self.wait_for("num_ack_pending", lambda count: count > 1)
        time.sleep(2 * ACK_WAIT_NS / 1e9)
        rest = self.fetch("--idle-exit=3")
        printed = consumer.process.stdout.read()
        self.assertEqual(consumer.wait(), 0, consumer.said)
        self.assertTrue(printed and rest)
        self.assertEqual(sorted((printed + rest).splitlines()), sorted(text.splitlines()))

    def test_several_consumers_share_the_work(self):
        outs = [self.folder / f"out-{n}" for n in range(3)]
        consumers = [self.consumer("--idle-exit=2", out=out) for out in outs]
        self.wait_for("num_waiting", lambda count: count > 0)
        text = b"".join(lines("s", MANY))
        self.publish(text)
        self.assertEqual([(one.wait(), one.said) for one in consumers], [(0, b"")] * 3)
        parts = [out.read_bytes() for out in outs]
        self.assertEqual(sorted(b"".join(parts).splitlines()), sorted(text.splitlines()))
        self.assertGreater(sum(part != b"" for part in parts), 1)

    def test_an_archive_is_written(self):
        self.publish(NDJSON)
        archive = self.folder / "a.zst"
        self.fetch("--zstd", "-o", archive)
        self.assertEqual(self.good("pb2session", archive), NDJSON)
        self.assertEqual(self.durable()["ack_floor"]["stream_seq"], 3)

    def test_signals_end_it_with_all_acknowledged(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.publish(b"".join(lines(number.name, 3)))
            out = self.folder / number.name
            consumer = self.consumer(out=out)
            wait_until(lambda: out.read_bytes().count(b"\n") == 3, "output")
            self.assertEqual(consumer.stop(number), 0, consumer.said)
            self.assertEqual(self.durable()["num_ack_pending"], 0)

    def test_statistics_are_told_while_it_runs(self):
        self.publish(NDJSON)
        out = self.folder / "out"
        consumer = self.consumer(out=out)
        wait_until(lambda: out.read_bytes() == NDJSON, "output")
        consumer.process.send_signal(signal.SIGUSR1)
        consumer.says(rb"3 records")
        self.assertEqual(consumer.stop(), 0)

    def test_a_bad_message_stops_it_and_stays(self):
        self.publish(NDJSON.splitlines()[0] + NO_ID, "--lenient")
        line = r"nats://\S+: sequence 2: byte \d+: .*"
        for _ in range(2):
            self.refuses(1, line, "pb2session", "--idle-exit=5")
        self.assertEqual(self.durable()["ack_floor"]["stream_seq"], 1)

    def test_a_bad_message_is_passed_over_and_acknowledged(self):
        self.publish(NO_ID + NDJSON, "--lenient")
        done = run("pb2session", f"--connect={self.at}", "--idle-exit=1", "--on-error=skip", "-q")
        self.assertEqual((done.returncode, done.stdout), (1, NDJSON), done.stderr)
        self.assertEqual(self.durable()["ack_floor"]["stream_seq"], 4)

    def test_a_message_above_the_maximum_is_told(self):
        self.publish(NDJSON)
        self.refuses(1, r"nats://\S+: sequence 1: a message of \d+ bytes; '--message-max' is 9",
                     "pb2session", "--message-max=9")
        self.assertEqual(self.durable()["num_pending"] + self.durable()["num_ack_pending"], 3)


class Errors(NatsTest):
    def test_nobody_listens(self):
        self.refuses(3, r"nats://127.0.0.1:1/x: cannot connect: no server can be reached there",
                     "session2pb", at="nats://127.0.0.1:1/x")
        self.refuses(3, r"nats://127.0.0.1:1/x: cannot connect: no server can be reached there",
                     "pb2session", at="nats://127.0.0.1:1/x")

    def test_no_stream_takes_the_subject(self):
        self.refuses(3, r"nats://\S+: no stream takes the subject, or JetStream is not enabled; "
                     r"0 of 3 .*", "session2pb")
        self.refuses(3, r"nats://\S+: no stream takes the subject", "pb2session")

    def test_no_such_stream(self):
        self.refuses(3, r"nats://\S+: stream 'other': stream not found", "pb2session",
                     at=f"{self.at}?stream=other")

    def test_a_durable_for_something_else(self):
        self.create()
        for name, config in (("subject", {"filter_subject": f"{self.stream}.old"}),
                             ("push", {"deliver_subject": "elsewhere"})):
            self.create_durable(name, **config)
            self.refuses(3, r"nats://\S+: the durable consumer is .*", "pb2session",
                         at=f"{self.at}?durable={name}")

    def test_a_stream_or_durable_that_is_deleted_meanwhile(self):
        for subject in ("STREAM.DELETE.{0}", "CONSUMER.DELETE.{0}.sessionpb"):
            self.create()
            consumer = self.consumer("--idle-exit=10")
            self.wait_for("num_waiting", lambda count: count > 0)
            with self.server.client() as client:
                client.ask(subject.format(self.stream))
            self.assertEqual(consumer.wait(), 3)
            self.assertRegex(consumer.said, rb"\Apb2session: nats://\S+: the stream or its durable "
                             rb"consumer is gone\n\Z")

    def test_a_server_that_is_gone_is_not_one_that_has_no_more(self):
        self.create()
        consumer = self.consumer("--idle-exit=2", "-q")
        self.wait_for("num_waiting", lambda count: count > 0)
        self.server.kill()
        self.addCleanup(self.server.start)
        self.assertEqual(consumer.wait(), 3)
        self.assertRegex(consumer.said, rb"\Apb2session: nats://\S+: the connection is broken\n\Z")

    def test_bad_endpoints_are_wrong_usage(self):
        for end in ("", "/", "/a..b", "/a b", "/a.", "/a?stream=", "/a?stream=b.c", "/a?x=y", "/%zz"):
            for tool in ("session2pb", "pb2session"):
                with self.subTest(end, tool=tool):
                    self.refuses(2, "nats://.*", tool, at=f"nats://127.0.0.1:1{end}")
        for at in ("nats://:1/x", "nats://h:/x", "nats://h:65536/x", "nats://[::1/x"):
            self.refuses(2, "nats://.*", "session2pb", at=at)
        self.refuses(2, "nats://.*", "session2pb", at="nats://127.0.0.1:1/a.*")
        self.refuses(2, "nats://.*", "session2pb", at="nats://127.0.0.1:1/a?durable=d")

    def test_credentials_are_never_printed(self):
        for end in ("127.0.0.1:1/x", "127.0.0.1:1/a..b", "127.0.0.1:x/y", "127.0.0.1:1", "/a",
                    "/b@127.0.0.1:1/x"):
            for arguments in ((), ("--framing=list",), ("--schema-id=1",), ("-X", "a=b")):
                done = run("session2pb", f"--connect=nats://me:secret{end and '@'}{end}", *arguments,
                           stdin=NDJSON)
                self.assertIn(done.returncode, (2, 3))
                self.assertNotIn(b"secret", done.stderr)


class WithoutJetStream(NatsTest):
    jetstream = False

    def test_it_is_told(self):
        self.refuses(3, r"nats://\S+: no stream takes .* or JetStream is not enabled; .*",
                     "session2pb")
        self.refuses(3, r"nats://\S+: JetStream is not enabled there", "pb2session")


class FakeServer:
    """It takes every message, and acknowledges none."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__, "--fake"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.endpoint = f"nats://127.0.0.1:{self.process.stdout.readline().strip()}/x"

    def __enter__(self):
        return self

    def published(self):
        """How many messages it was sent, up to the connection's end."""
        return int(self.process.stdout.readline())

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def fake():
    import socket
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        connection = listening.accept()[0]
    published = 0
    connection.sendall(b'INFO {"server_id":"x","version":"2.9.10","proto":1,"headers":true,'
                       b'"max_payload":1048576}\r\n')
    data = connection.makefile("rb")
    while line := data.readline():
        if line.startswith(b"PING"):
            connection.sendall(b"PONG\r\n")
        if line.startswith(b"HPUB"):
            data.read(int(line.split()[-1]) + 2)
            published += 1
    print(published, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--fake"]:
        fake()
        sys.exit()
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    version = subprocess.run([pathlib.Path(sys.argv[1], "session2pb"), "--version"],
                             capture_output=True, check=True).stdout
    if b"NATS" not in version or not installed():
        print("skipped: no NATS in the tools, or no nats-server")
        sys.exit(SKIPPED)
    main(__doc__)
