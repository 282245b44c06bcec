"""What session2pb and pb2session promise of Kafka, one test for each promise.

    kafka_test.py TOOLS EXAMPLES MOCK [unittest's arguments]

MOCK is kafka_mock. Where it is missing, or the tools have no Kafka, the exit status is 77.
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time
import unittest
from collections import Counter
from typing import NamedTuple

import toolcase
from exchange import ExchangeTest, lines, report
from toolcase import A, B, NDJSON, run, session, wait_until
from wirebytes import fields

SKIPPED = 77
MOCK = None
WORKERS = 12
GROUP = "readers"
QUICK = ("-X", "session.timeout.ms=3500", "-X", "heartbeat.interval.ms=100")
UNKNOWN_TOPIC, NOT_LEADER, REQUEST_TIMED_OUT, TOO_LARGE, FORBIDDEN = 3, 6, 7, 10, 29
GROUP_FORBIDDEN, NOT_COORDINATOR = 30, 16


class Message(NamedTuple):
    partition: int
    key: bytes
    value: bytes


class Cluster:
    """Mock brokers in a process of their own."""

    def __init__(self, brokers=1):
        self.process = subprocess.Popen([MOCK, str(brokers)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.brokers = self.process.stdout.readline().strip()
        self.topics = {}

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()

    def do(self, *words):
        """The lines of a command's answer."""
        print(*words, file=self.process.stdin)
        answer = iter(self.process.stdout.readline, "ok\n")
        found = []
        for line in answer:
            if line in ("", "failed\n"):
                raise AssertionError(f"{words}: {line}")
            found.append(line.split())
        return found

    def topic(self, partitions=1):
        name = f"topic-{len(self.topics)}"
        self.topics[name] = partitions
        self.do("topic", name, partitions)
        return name

    def endpoint(self, topic):
        return f"kafka://{self.brokers}/{topic}"

    def messages(self, topic):
        """All messages of a topic, each partition's in order."""
        return [Message(partition, *(bytes.fromhex(part.strip("-")) for part in line[1:]))
                for partition in range(self.topics[topic])
                for line in self.do("get", topic, partition)]

    def committed(self, topic, partition=0):
        """The offset that the group of the tests goes on with."""
        return int(self.do("committed", GROUP, topic, partition)[0][0])

    def put(self, topic, value, partition=0):
        self.do("put", topic, partition, "key", "-" if value is None else value.hex())


def each(suite):
    for test in suite:
        yield from each(test) if isinstance(test, unittest.TestSuite) else [test]


class Concurrent(unittest.TestSuite):
    """Tests at the same time: they mostly wait, as a mock cluster lets nobody into an empty group for
    3 seconds."""

    def run(self, result, debug=False):
        def run_alone(test):
            own = unittest.TestResult()
            test.run(own)
            return own
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for own in pool.map(run_alone, each(self)):
                result.testsRun += own.testsRun
                result.failures += own.failures
                result.errors += own.errors
                result.skipped += own.skipped
        return result


def load_tests(_loader, tests, _pattern):
    return Concurrent(tests)


def id_of(message):
    return next(field.payload for field in fields(message) if field.number == 1)


def without_repeats(values):
    return list(dict.fromkeys(values))


class KafkaTest(ExchangeTest):
    def cluster(self, brokers=1):
        cluster = Cluster(brokers)
        self.addCleanup(cluster.close)
        return cluster

    def produce(self, cluster, topic, text, *arguments):
        self.send_well(cluster.endpoint(topic), text, *arguments)

    def consumer(self, endpoint, *arguments, out=None):
        with (out or self.out).open("ab") as file:
            return self.tool("pb2session", f"--connect={endpoint}", *QUICK, *arguments, stdout=file)

    def grouped(self, cluster, topic):
        return f"{cluster.endpoint(topic)}?group={GROUP}"

    def drain(self, endpoint, *arguments):
        """What is left for the group."""
        done = run("pb2session", f"--connect={endpoint}", *QUICK, "--idle-exit=3", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def assert_same_lines(self, got, *texts):
        self.assertEqual(Counter(got.splitlines()), Counter(b"".join(texts).splitlines()))

    def assert_in_order(self, messages, sent):
        """All that was sent is there, and that of each key in order; some of it maybe twice."""
        by_key = {}
        for message in messages:
            by_key.setdefault(message.key, []).append(message.value)
        expected = {}
        for value in sent:
            expected.setdefault(id_of(value), []).append(value)
        self.assertEqual({key: without_repeats(values) for key, values in by_key.items()}, expected)


class Publisher(KafkaTest):
    """session2pb --connect"""

    def text(self, count):
        """Some sessions of each id, which differ."""
        return b"".join(session(f"s{n % 7}", str(n)) + b"\n" for n in range(count))

    def test_all_arrive_byte_for_byte_with_their_ids_as_keys(self):
        cluster = self.cluster()
        topic = cluster.topic(3)
        text = self.text(500)
        self.produce(cluster, topic, text)
        messages = cluster.messages(topic)
        self.assertEqual(len(messages), 500)
        self.assert_in_order(messages, self.messages(text))
        places = {(message.key, message.partition) for message in messages}
        self.assertEqual(len(places), 7)

    def test_a_session_without_an_id_has_no_key(self):
        cluster = self.cluster()
        topic = cluster.topic()
        self.produce(cluster, topic, toolcase.NO_ID, "--lenient")
        self.assertEqual([message.key for message in cluster.messages(topic)], [b""])

    def test_confluents_wire_format(self):
        cluster = self.cluster()
        topic = cluster.topic()
        self.produce(cluster, topic, NDJSON, "--schema-id=66051")
        values = [message.value for message in cluster.messages(topic)]
        self.assertEqual(values, [b"\0\0\1\2\3\0" + one for one in self.messages(NDJSON)])

    def test_a_window_of_one(self):
        cluster = self.cluster()
        topic = cluster.topic(2)
        self.produce(cluster, topic, self.text(40), "--window=1")
        self.assert_in_order(cluster.messages(topic), self.messages(self.text(40)))

    def test_a_slow_input_arrives_at_once(self):
        cluster = self.cluster()
        topic = cluster.topic()
        sender = self.sender(cluster.endpoint(topic), stdin=subprocess.PIPE)
        for count, line in enumerate((A, B), 1):
            sender.process.stdin.write(line + b"\n")
            wait_until(lambda: len(cluster.messages(topic)) == count, "a message")
        sender.process.stdin.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_errors_that_pass_lose_and_reorder_nothing(self):
        cluster = self.cluster(2)
        topic = cluster.topic(2)
        text = self.text(300)
        for error in (NOT_LEADER, REQUEST_TIMED_OUT):
            cluster.do("error", "produce", 2, error)
        cluster.do("error", "metadata", 1, 5)
        self.produce(cluster, topic, text, "-X", "retry.backoff.ms=20", "--window=50")
        self.assert_in_order(cluster.messages(topic), self.messages(text))

    def test_a_time_out_with_more_on_its_way_loses_and_reorders_nothing(self):
        cluster = self.cluster()
        topic = cluster.topic()
        cluster.do("broker", "slow", 1, 100)
        sender = self.sender(cluster.endpoint(topic), "-X", "linger.ms=0", "-X",
                             "batch.num.messages=1", stdin=subprocess.PIPE)
        text = self.text(30)
        for number, line in enumerate(text.splitlines(True)):
            if number in (10, 20):
                cluster.do("error", "produce", 1, REQUEST_TIMED_OUT)
            sender.process.stdin.write(line)
            time.sleep(0.01)
        sender.process.stdin.close()
        self.assertEqual((sender.wait(), sender.said), (0, b""))
        self.assert_in_order(cluster.messages(topic), self.messages(text))

    def test_brokers_that_go_down_and_come_up(self):
        cluster = self.cluster()
        topic = cluster.topic(2)
        text = self.text(200)
        sender = self.sender(cluster.endpoint(topic), "-X", "reconnect.backoff.max.ms=100",
                             stdin=subprocess.PIPE)
        sender.process.stdin.write(text[:len(text) // 2])
        wait_until(lambda: len(cluster.messages(topic)) > 50, "messages")
        cluster.do("broker", "down", 1)
        sender.process.stdin.write(text[len(text) // 2:])
        sender.process.stdin.close()
        cluster.do("broker", "up", 1)
        self.assertEqual((sender.wait(), sender.said), (0, b""))
        self.assert_in_order(cluster.messages(topic), self.messages(text))

    def test_brokers_that_do_not_come_back(self):
        cluster = self.cluster()
        topic = cluster.topic()
        sender = self.sender(cluster.endpoint(topic), "--timeout=1", stdin=subprocess.PIPE)
        sender.process.stdin.write(NDJSON)
        wait_until(lambda: len(cluster.messages(topic)) == 3, "messages")
        wait_until(lambda: sender.process.poll() is None, "the sender")
        cluster.do("broker", "down", 1)
        sender.process.stdin.write(NDJSON + A)
        sender.process.stdin.close()
        self.assertEqual(sender.wait(), 3)
        self.assertRegex(sender.said, rb"\Asession2pb: kafka://.*: nothing was acknowledged for 1 s"
                         rb".*; 3 of 7 sessions confirmed, go on with --skip=3\n\Z")

    def test_only_those_up_to_the_first_that_is_missing_are_confirmed(self):
        cluster = self.cluster(2)
        topic = cluster.topic(2)
        for partition, broker in enumerate((1, 2)):
            cluster.do("leader", topic, partition, broker)
        self.produce(cluster, topic, self.text(7))
        places = {message.key.decode(): message.partition for message in cluster.messages(topic)}
        ids = sorted(places, key=lambda name: places[name] == 0)
        cluster.do("broker", "down", 1)
        before = [name for name in ids if places[name] == 1]
        names = [before[0], ids[-1], *before]
        done = self.send(cluster.endpoint(topic), b"".join(map(session, names)), "--timeout=2")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(report(done.stderr), (1, len(names), 1))

    def test_a_message_that_is_refused_ends_it_behind_those_before_it(self):
        cluster = self.cluster()
        topic = cluster.topic()
        text = NDJSON + session("big", more='"zzz":"%s",' % ("z" * 3000)) + b"\n" + A
        done = self.send(cluster.endpoint(topic), text, "-X", "message.max.bytes=2000")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, rb"\A.*: session 4, of 3\d\d\d bytes: .*too large "
                         rb"\(message.max.bytes is 2000 here\); 3 of 4 sessions confirmed, "
                         rb"go on with --skip=3\n\Z")
        self.assertEqual(len(cluster.messages(topic)), 3)

    def test_what_a_broker_refuses_is_told(self):
        cluster = self.cluster()
        topic = cluster.topic()
        for code, reason in ((TOO_LARGE, b"Message size too large"),
                             (FORBIDDEN, b"Topic authorization failed")):
            cluster.do("error", "produce", 1, code)
            done = self.send(cluster.endpoint(topic), A)
            self.assertEqual(done.returncode, 3)
            self.assertRegex(done.stderr, rb"\A.*: session 1\b.*" + reason +
                             rb".*; 0 of 1 sessions confirmed, go on with --skip=0\n\Z")


class Connections(KafkaTest):
    """What is wrong is told in one line."""

    def endpoint(self):
        cluster = self.cluster()
        return cluster.endpoint(cluster.topic())

    def test_unreachable_brokers(self):
        for broker, why in (("127.0.0.1:1", "Connection refused"),
                            ("no-such-host.invalid", "resolve")):
            self.bad(3, f"kafka://{broker}/t: no broker has answered for 1 s: .*{why}.*",
                     "session2pb", f"--connect=kafka://{broker}/t", "--timeout=1", stdin=A)

    def test_an_unknown_topic(self):
        cluster = self.cluster()
        cluster.do("topic-error", "unknown", UNKNOWN_TOPIC)
        for tool in ("session2pb", "pb2session"):
            self.bad(3, "kafka://.*/unknown: topic unknown: .*Unknown topic.*", tool,
                     f"--connect={cluster.endpoint('unknown')}", stdin=A)

    def test_refused_credentials(self):
        words = "security.protocol=sasl_plaintext sasl.mechanism=PLAIN sasl.username=u sasl.password=p"
        settings = [part for word in words.split() for part in ("-X", word)]
        for tool in ("session2pb", "pb2session"):
            self.bad(3, "kafka://.*: .*SASL.*", tool, f"--connect={self.endpoint()}", *settings,
                     stdin=A)

    def test_settings_that_are_wrong_or_break_a_promise(self):
        endpoint = self.endpoint()
        for setting, why in {
            "no.such.thing=1": "cannot set no.such.thing: No such configuration property.*",
            "linger.ms=soon": "cannot set linger.ms: Invalid value.*",
            "linger.ms": "'linger.ms' is no value of '-X': it takes KEY=VALUE",
            "max.in.flight=10": ".*`max.in.flight` must be.*",
        }.items():
            self.bad(2, why, "session2pb", f"--connect={endpoint}", "-X", setting, stdin=A)
        for setting in ("acks=1", "request.required.acks=0", "enable.idempotence=false",
                        "bootstrap.servers=x", "metadata.broker.list=x", "transactional.id=x",
                        "delivery.report.only.error=true", "test.mock.num.brokers=1",
                        "enable.auto.commit=true", "enable.auto.offset.store=true", "group.id=x",
                        "check.crcs=false", "enable.partition.eof=false"):
            consumes = re.search("commit|store|group|crcs|eof", setting)
            tool = "pb2session" if consumes else "session2pb"
            self.bad(2, f"'-X {re.escape(setting)}' is refused: .*", tool,
                     f"--connect={endpoint}", "-X", setting, stdin=A)

    def test_a_setting_of_the_users_is_set(self):
        cluster = self.cluster()
        topic = cluster.topic()
        done = self.send(cluster.endpoint(topic), A, "-X", "debug=msg", "-X", "acks=-1")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"session2pb: PRODUCE: ", done.stderr)

    def test_endpoints_that_are_none(self):
        for endpoint in ("kafka://", "kafka://h", "kafka://h/", "kafka://:1/t", "kafka://h:0/t",
                         "kafka://h:65536/t", "kafka://h:x/t", "kafka://h,,g/t", "kafka://h /t",
                         "kafka://[::1/t", "kafka://h/t?group=", "kafka://h/t?x=1", "kafka://h/.",
                         "kafka://h/a*", "kafka://u@h/t", "kafka://h/" + "t" * 250):
            self.bad(2, ".*is no endpoint of Kafka's.*", "pb2session", f"--connect={endpoint}")
        self.bad(2, ".*a group is for those who read", "session2pb",
                 "--connect=kafka://h/t?group=g", stdin=A)

    def test_credentials_are_never_printed(self):
        for given in (("kafka://me:secret@h/t",), ("kafka://secret@h/t",), ("kafka://m:s/secret@h/t",),
                      ("kafka://h/t", "-X", "sasl.pasword=secret")):
            for tool in ("session2pb", "pb2session"):
                done = run(tool, f"--connect={given[0]}", *given[1:], stdin=A)
                self.assertEqual(done.returncode, 2)
                self.assertNotIn(b"secret", done.stderr)


class Consumer(KafkaTest):
    """pb2session --connect"""

    def test_all_is_printed_once_and_committed(self):
        cluster = self.cluster()
        topic = cluster.topic(3)
        endpoint = self.grouped(cluster, topic)
        text = b"".join(lines("s", 200))
        self.produce(cluster, topic, text)
        self.assert_same_lines(self.drain(endpoint), text)
        self.produce(cluster, topic, A, "--schema-id=1")
        self.assertEqual(self.drain(endpoint), A + b"\n")

    def test_a_limit_leaves_the_rest(self):
        cluster = self.cluster()
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        self.produce(cluster, topic, NDJSON)
        self.assertEqual(self.drain(endpoint, "--limit=2"), b"".join(NDJSON.splitlines(True)[:2]))
        self.assertEqual(self.drain(endpoint), NDJSON.splitlines(True)[2])

    def test_a_signal_reaches_the_tool_and_ends_it_well(self):
        cluster = self.cluster()
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        self.produce(cluster, topic, NDJSON)
        consumer = self.consumer(endpoint)
        self.wait_for_output(NDJSON)
        for task in os.listdir(f"/proc/{consumer.pid}/task"):
            with open(f"/proc/{consumer.pid}/task/{task}/status", encoding="ascii") as file:
                blocked = int(re.search(r"SigBlk:\s*(\w+)", file.read())[1], 16)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
                self.assertEqual(bool(blocked >> (number - 1) & 1), int(task) != consumer.pid)
        self.stop_well(consumer)
        self.assertEqual(self.drain(endpoint), b"")

    def test_nothing_is_committed_before_it_is_written(self):
        cluster = self.cluster()
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        self.produce(cluster, topic, NDJSON)
        with open("/dev/full", "wb") as full:
            done = run("pb2session", f"--connect={endpoint}", *QUICK, stdout=full)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, rb"\Apb2session: cannot write .*\n\Z")
        self.assertEqual(self.drain(endpoint), NDJSON)

    def test_what_cannot_be_committed_comes_again(self):
        cluster = self.cluster()
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        self.produce(cluster, topic, NDJSON)
        cluster.do("error", "commit", 1, GROUP_FORBIDDEN)
        consumer = self.consumer(endpoint)
        self.assertEqual(consumer.wait(), 3)
        self.assertRegex(consumer.said, rb"\Apb2session: kafka://.*: cannot commit: .*\n\Z")
        self.assertEqual(self.written(), NDJSON)
        cluster.do("error", "commit", 1, NOT_COORDINATOR)
        self.assertEqual(self.drain(endpoint), NDJSON)
        self.assertEqual(self.drain(endpoint), b"")

    def test_a_killed_consumer_loses_nothing(self):
        cluster = self.cluster()
        topic = cluster.topic(2)
        endpoint = self.grouped(cluster, topic)
        text = b"".join(lines("s", 5000))
        self.produce(cluster, topic, text)
        consumer = self.consumer(endpoint)
        wait_until(lambda: self.written().count(b"\n") > 0, "output")
        consumer.process.kill()
        consumer.wait()
        written, _torn = self.whole_lines()
        got = {*written, *self.drain(endpoint, "--idle-exit=5").splitlines(True)}
        self.assertEqual(got, set(text.splitlines(True)))

    def test_members_of_a_group_share_the_partitions(self):
        self.share()

    def test_so_do_those_of_a_cooperative_group(self):
        self.share("-X", "partition.assignment.strategy=cooperative-sticky")

    def share(self, *arguments):
        cluster = self.cluster()
        topic = cluster.topic(4)
        endpoint = self.grouped(cluster, topic)
        outs = [self.folder / "one", self.folder / "two"]
        texts = [b"".join(lines(f"{name}-x", 100)) for name in "abc"]

        def got():
            return [out.read_bytes() for out in outs]

        def all_of(count):
            expected = set(b"".join(texts[:count]).splitlines())
            return lambda: expected <= set(b"".join(got()).splitlines())
        self.produce(cluster, topic, texts[0])
        consumers = [self.consumer(endpoint, *arguments, out=out) for out in outs]
        wait_until(all_of(1), "the first texts")
        before = got()
        self.produce(cluster, topic, texts[1])
        wait_until(all_of(2), "the second texts")
        self.stop_well(consumers.pop())
        self.produce(cluster, topic, texts[2])
        wait_until(all_of(3), "the third texts")
        wait_until(lambda: sum(cluster.committed(topic, i) for i in range(4)) == 300, "commits")
        self.stop_well(consumers.pop())
        self.assertTrue(all(after != out for after, out in zip(got(), before)), "one got nothing")
        self.assertEqual(self.drain(endpoint, *arguments), b"")

    def test_what_an_archive_holds_is_committed_before_partitions_are_given_back(self):
        cluster = self.cluster()
        topic = cluster.topic(2)
        endpoint = self.grouped(cluster, topic)
        text = b"".join(lines("s", 50))
        self.produce(cluster, topic, text)
        first = self.consumer(endpoint, "--zstd")
        wait_until(lambda: first.open_files() > 5, "the first")
        second = self.folder / "second"
        other = self.consumer(endpoint, out=second)

        def all_there():
            archive = run("pb2session", "--salvage", "-q", stdin=self.written()).stdout
            return set((archive + second.read_bytes()).splitlines()) >= set(text.splitlines())
        wait_until(all_there, "everything")
        self.stop_well(first)
        self.stop_well(other)
        self.assertEqual(self.drain(endpoint), b"")

    def test_confluents_wire_format_and_what_is_no_session(self):
        cluster = self.cluster()
        a, b, c = self.messages(NDJSON)
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        bad = {b"\0\0\0\0\1\x02\x2c" + b: "another type", b"\0\0\0\0\1\x04\0\0" + b: "another type",
               b"\0\0\0": "ends too early", b[:-1]: "byte", b'\0\0\0\0\1{"id":"a"}': "another type"}
        for value in (a, b"\0\0\0\0\7\0" + b, None, b"\0\0\0\0\7\2\0" + c, *bad):
            cluster.put(topic, value)
        out = run("pb2session", f"--connect={endpoint}", *QUICK)
        self.assertEqual((out.returncode, out.stdout), (1, NDJSON))
        place = rf"{re.escape(endpoint)}: {topic} \[0\] offset"
        self.assertRegex(out.stderr.decode(), rf"\Apb2session: {place} 2: passed over: it has no "
                         rf"value\npb2session: {place} 4: .*another type.*Session\n\Z")
        skipping = run("pb2session", f"--connect={endpoint}", *QUICK, "--idle-exit=3",
                       "--on-error=skip")
        self.assertEqual((skipping.returncode, skipping.stdout), (1, b""))
        told = skipping.stderr.decode().splitlines()
        self.assertEqual(len(told), len(bad) + 1, told)
        for line, (offset, reason) in zip(told, enumerate(bad.values(), 4)):
            self.assertRegex(line, rf"{place} {offset}: .*{reason}")
        self.assertEqual(self.drain(endpoint), b"")

    def test_a_message_above_the_maximum_ends_it(self):
        cluster = self.cluster()
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        self.produce(cluster, topic, A + filled_to(3000))
        done = run("pb2session", f"--connect={endpoint}", *QUICK, "--message-max=2000")
        self.assertEqual((done.returncode, done.stdout), (1, A + b"\n"))
        self.assertRegex(done.stderr, rb"\A.* \[0\] offset 1: 3\d+ bytes are more than "
                         rb"--message-max=2000 allows\n\Z")
        self.assertEqual(len(self.drain(endpoint).splitlines()), 1)

    def test_errors_that_pass_lose_nothing(self):
        cluster = self.cluster()
        topic = cluster.topic(3)
        text = b"".join(lines("s", 200))
        self.produce(cluster, topic, text)
        for request, error in (("fetch", NOT_LEADER), ("fetch", REQUEST_TIMED_OUT),
                               ("commit", REQUEST_TIMED_OUT), ("find", NOT_COORDINATOR)):
            cluster.do("error", request, 2, error)
        consumer = self.consumer(self.grouped(cluster, topic))
        wait_until(lambda: self.written().count(b"\n") == 200, "all of it")
        self.stop_well(consumer)
        self.assert_same_lines(self.written(), text)
        self.assertEqual(self.drain(self.grouped(cluster, topic)), b"")

    def test_a_topic_that_cannot_be_fetched_is_not_at_its_end(self):
        cluster = self.cluster()
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        self.produce(cluster, topic, NDJSON)
        cluster.do("error", "fetch", 5, REQUEST_TIMED_OUT)
        done = run("pb2session", f"--connect={endpoint}", *QUICK, "--idle-exit=1")
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        self.assertRegex(done.stderr, rb"\Apb2session: kafka://\S+: %s \[0\] is not read to its end, "
                         rb"and nothing comes\n\Z" % topic.encode())
        consumer = self.consumer(endpoint)
        self.wait_for_output(NDJSON)
        self.stop_well(consumer)

    def test_brokers_that_go_down(self):
        cluster = self.cluster()
        topic = cluster.topic()
        endpoint = self.grouped(cluster, topic)
        self.produce(cluster, topic, A)
        consumer = self.consumer(endpoint, "-X", "reconnect.backoff.max.ms=100")
        self.wait_for_output(A + b"\n")
        wait_until(lambda: cluster.committed(topic) == 1, "a commit, which has no time to fail")
        cluster.do("broker", "down", 1)
        consumer.says(rb"kafka://.*; waiting\n")
        cluster.do("broker", "up", 1)
        self.produce(cluster, topic, B)
        wait_until(lambda: B in self.written(), "what came later")
        self.stop_well(consumer)
        hasty = self.consumer(endpoint, "--idle-exit=2", "-q")
        wait_until(lambda: hasty.open_files() > 8, "a connection")
        self.produce(cluster, topic, session("last"))
        wait_until(lambda: b'"last"' in self.written(), "the last")
        wait_until(lambda: cluster.committed(topic) == 3, "its commit")
        cluster.do("broker", "down", 1)
        self.assertEqual(hasty.wait(), 3)
        self.assertRegex(hasty.said, rb"\Apb2session: kafka://.*: no broker answers: .*\n\Z")


def filled_to(count):
    return session("big", more='"zzz":"%s",' % ("z" * count))


def can_run():
    said = subprocess.run([os.path.join(sys.argv[1], "session2pb"), "--version"],
                          capture_output=True, check=False).stdout
    return b"librdkafka" in said and os.path.exists(MOCK)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    MOCK = sys.argv.pop(3)
    if not can_run():
        print("skipped: no Kafka in the tools, or no mock cluster")
        sys.exit(SKIPPED)
    toolcase.main(__doc__)
