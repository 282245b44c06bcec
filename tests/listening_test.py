"""Where pb2session --listen listens and session2pb --connect goes, who may, what comes out, and how
it ends: one test for each promise.

    listening_test.py TOOLS EXAMPLES [unittest's arguments]

TOOLS has both tools.
"""

import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest

import toolcase
from exchange import DEMAND, ExchangeTest, Receipt, by_sender, connect, lines, listens, report
from toolcase import A, B, C, DEADLINE_S, NDJSON, frame, main, run, session, wait_until
from wirebytes import fields, undelimited

NOBODY, NOGROUP, SOMEBODY = 65534, 65533, 12345
MANY = 64  # connections, or open files
NOT_ROOT = os.geteuid() != 0

# Becomes what its arguments say, with a socket in systemd's place.
SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid() + int(sys.argv[2])))
os.execv(sys.argv[3], sys.argv[3:])
"""


def has_ipv6():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


class Endpoints(ExchangeTest):
    def pass_through(self, listener, endpoint=None):
        """Sessions pass, and the listener ends well."""
        self.send_well(endpoint or listener.endpoint, NDJSON)
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)
        self.out.unlink()

    def test_unix_tcp_and_names(self):
        for endpoint in (self.unix, self.tcp, "tcp:localhost:0"):
            with self.subTest(endpoint):
                self.pass_through(self.listen(at=[endpoint]))
        listener = self.listen(at=[self.tcp])
        self.assertRegex(listener.endpoint, r"\Atcp:127\.0\.0\.1:[1-9]\d*\Z")
        port = listener.endpoint.rpartition(":")[2]
        self.pass_through(listener, f"tcp:localhost:{port}")

    @unittest.skipUnless(has_ipv6(), "no IPv6")
    def test_ipv6(self):
        listener = self.listen(at=["tcp:[::1]:0"])
        self.assertRegex(listener.endpoint, r"\Atcp:\[::1\]:[1-9]\d*\Z")
        self.pass_through(listener)

    def listening(self):
        """A listening socket to be inherited, and where it listens."""
        inherited = self.receive("tcp:127.0.0.1:0")
        return inherited, "tcp:127.0.0.1:%d" % inherited.getsockname()[1]

    def test_a_listening_socket_is_inherited(self):
        inherited, endpoint = self.listening()
        number = inherited.fileno()
        listener = self.listen(at=[f"fd:{number}"], pass_fds=[number])
        inherited.close()
        self.pass_through(listener, endpoint)

    def test_a_connection_is_inherited(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            number = theirs.fileno()
            sender = self.sender(f"fd:{number}", self.file("in", NDJSON), pass_fds=[number])
            theirs.close()
            with ours.makefile("rb") as stream:
                self.assertEqual(stream.read(), self.pb(NDJSON))
            ours.sendall(Receipt(3).frame())
        self.assertEqual((sender.wait(), sender.said), (0, b""))

    def test_a_number_that_is_no_socket_is_refused(self):
        for name, option in (("pb2session", "--listen=fd:"), ("session2pb", "--connect=fd:")):
            with self.file("plain", b"").open() as plain:
                for number in (plain.fileno(), 999):
                    done = run(name, f"{option}{number}", pass_fds=[plain.fileno()])
                    self.assertIn(done.returncode, (2, 3))
                    self.assertRegex(done.stderr, rb"\A%s: .+\n" % name.encode())

    def systemd(self, wrong):
        """What starts a listener on an inherited socket, and where it listens."""
        inherited, endpoint = self.listening()
        number = inherited.fileno()
        words = ("-c", SYSTEMD, str(number), str(wrong), toolcase.TOOLS / "pb2session")
        return words, number, endpoint

    def test_systemd_passes_a_socket(self):
        words, number, endpoint = self.systemd(0)
        with self.out.open("ab") as out:
            listener = self.tool(sys.executable, *words, "--listen=systemd:", stdout=out,
                                 pass_fds=[number])
        listener.says(rb"pb2session: listening on .*\n")
        self.pass_through(listener, endpoint)

    def test_what_systemd_passes_to_another_process_is_not_taken(self):
        words, number, _ = self.systemd(1)
        done = run(sys.executable, *words, "--listen=systemd:", pass_fds=[number])
        self.assertIn(done.returncode, (2, 3))
        done = run("pb2session", "--listen=systemd:")
        self.assertIn(done.returncode, (2, 3))

    def test_several_endpoints_at_once(self):
        second = f"unix:{self.folder}/second"
        listener = self.listen(at=[self.unix, second, self.tcp])
        self.assertEqual(listener.endpoints[:2], [self.unix, second])
        texts = {}
        for n, endpoint in enumerate(listener.endpoints):
            texts[f"s{n}"] = lines(f"s{n}", 5)
            self.send_well(endpoint, b"".join(texts[f"s{n}"]))
        self.stop_well(listener)
        self.assertEqual(by_sender(self.written()), texts)
        self.assertEqual(self.files(), ["out"] + [f for f in self.files() if "lock" in f])

    def test_other_addresses_than_loopback_must_be_asked_for(self):
        for remote in ("tcp:0.0.0.0:0", "tcp:[::]:0"):
            done = run("pb2session", f"--listen={self.unix}", f"--listen={remote}")
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"--insecure-remote", done.stderr)
            self.assertEqual(self.files(), [])
        listener = self.listen("--insecure-remote", at=["tcp:0.0.0.0:0"])
        self.pass_through(listener, listener.endpoint.replace("0.0.0.0", "127.0.0.1"))

    def test_what_is_no_endpoint_is_wrong_usage(self):
        for endpoint in ("", "x", "unix:", "tcp:", "tcp:1", "tcp:localhost", "tcp:127.0.0.1:99999",
                         "fd:", "fd:x", "fd:-1", "http://localhost:80"):
            for name, option in (("pb2session", "--listen="), ("session2pb", "--connect=")):
                done = run(name, option + endpoint)
                self.assertEqual(done.returncode, 2, option + endpoint)

    def test_what_cannot_be_reached_or_listened_on_is_told(self):
        endpoints = (f"unix:{self.folder}/no/such", "unix:/" + "x" * 200, "tcp:no-such.invalid:1")
        for endpoint in endpoints:
            for name, option in (("pb2session", "--listen="), ("session2pb", "--connect=")):
                done = run(name, option + endpoint)
                self.assertIn(done.returncode, (2, 3), option + endpoint)
                self.assertRegex(done.stderr, rb"\A%s: .+\n" % name.encode())
        listener = self.listen(at=[self.tcp])
        line = f".*{re.escape(listener.endpoint)}.* in use.*"
        self.bad(3, line, "pb2session", f"--listen={listener.endpoint}")


class SocketFiles(ExchangeTest):
    def test_a_left_over_socket_is_replaced(self):
        listener = self.listen()
        listener.process.kill()
        listener.wait()
        self.assertIn("socket", self.files())
        listener = self.listen()
        self.send_well(self.unix, A)
        self.stop_well(listener)
        self.assertNotIn("socket", self.files())

    def test_a_socket_in_use_is_not_replaced(self):
        listener = self.listen()
        self.bad(3, ".*in use.*", "pb2session", f"--listen={self.unix}")
        self.send_well(self.unix, A)
        self.stop_well(listener)
        self.assertEqual(self.written(), A + b"\n")

    def test_another_file_is_not_replaced(self):
        file = self.file("socket", b"precious")
        self.bad(3, ".*socket.*", "pb2session", f"--listen={self.unix}")
        self.assertEqual(file.read_bytes(), b"precious")
        file.unlink()
        target = self.file("target", b"precious")
        file.symlink_to(target)
        self.assertEqual(run("pb2session", f"--listen={self.unix}").returncode, 3)
        self.assertEqual((file.is_symlink(), target.read_bytes()), (True, b"precious"))

    def mode(self):
        return stat.S_IMODE(os.stat(self.unix.removeprefix("unix:")).st_mode)

    def test_a_socket_is_for_its_owner_unless_others_are_named(self):
        listener = self.listen(umask=0)
        self.assertEqual(self.mode(), 0o600)
        self.stop_well(listener)
        for option in ("--allow-uid=12345", "--allow-gid=12345"):
            listener = self.listen(option, umask=0o077)
            self.assertEqual(self.mode(), 0o666)
            self.send_well(self.unix, A)
            self.stop_well(listener)


@unittest.skipIf(NOT_ROOT, "not root")
class Access(ExchangeTest):
    OTHER = {"user": NOBODY, "group": NOGROUP, "extra_groups": []}

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o711)

    def test_others_cannot_connect(self):
        self.listen()
        done = self.send(self.unix, A, **self.OTHER)
        self.assertEqual((done.returncode, report(done.stderr)[0]), (3, 0))

    def test_users_and_groups_that_are_named_may_connect(self):
        for option in (f"--allow-uid={NOBODY}", f"--allow-gid={NOGROUP}"):
            listener = self.listen(option, f"--allow-uid={SOMEBODY}", f"--allow-gid={SOMEBODY}")
            self.send_well(self.unix, A, **self.OTHER)
            self.send_well(self.unix, B)
            self.stop_well(listener)
            self.assertEqual(self.written(), A + b"\n" + B + b"\n")
            self.out.unlink()

    def test_others_than_those_are_closed_and_logged(self):
        listener = self.listen(f"--allow-uid={SOMEBODY}", f"--allow-gid={SOMEBODY}")
        done = self.send(self.unix, A, **self.OTHER)
        self.assertEqual((done.returncode, report(done.stderr)[0]), (3, 0))
        listener.says(rb"pb2session: .*uid %d.*\n" % NOBODY)
        self.send_well(self.unix, B)
        self.stop_well(listener)
        self.assertEqual(self.written(), B + b"\n")


class Output(ExchangeTest):
    def test_a_file_is_appended_to(self):
        self.out.write_bytes(A + b"\n")
        for text in (B, C):
            listener = self.listen("-o", self.out)
            self.send_well(self.unix, text)
            self.stop_well(listener)
            self.assertEqual(listener.said, b"pb2session: listening on %s\n" % self.unix.encode())
        self.assertEqual(self.written(), NDJSON)

    def test_a_torn_last_line_is_cut_off_and_told(self):
        long = session("long", more='"customerId":"%s",' % ("x" * 200000))
        for whole in (b"", A + b"\n"):
            for torn in (B[:1], B[:40], B[:-1], long[:-1]):
                self.out.write_bytes(whole + torn)
                listener = self.listen("-o", self.out)
                self.send_well(self.unix, B)
                self.stop_well(listener)
                self.assertEqual(self.written(), whole + B + b"\n")
                self.assertIn(b"'%s' ended in a torn line; its %d bytes were cut off"
                              % (os.fsencode(self.out), len(torn)), listener.said)

    def test_a_last_line_that_is_whole_is_kept_and_ended(self):
        self.out.write_bytes(A + b"\n" + B)
        listener = self.listen("-o", self.out)
        self.send_well(self.unix, C)
        self.stop_well(listener)
        self.assertEqual(self.written(), NDJSON)

    def test_nothing_is_appended_to_a_file_of_another_kind(self):
        archive = self.pb(NDJSON, "--zstd")
        for arguments, content in (((), b"text\n"), ((), archive), ((), A + B), ((), A + b"\n\x80"),
                                   (("--zstd",), NDJSON), (("--zstd",), b"\x28")):
            self.out.write_bytes(content)
            done = run("pb2session", "-q", f"--listen={self.unix}", "-o", self.out, *arguments)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(b"nothing is appended to it", done.stderr)
            self.assertEqual(self.written(), content)
            self.assertEqual(self.files(), [self.out.name])

    def test_an_archive_is_written_and_appended_to(self):
        for size, text in ((), A + b"\n" + B), (("--frame-size=4096",), C * 100):
            listener = self.listen("--zstd=5", *size, "-o", self.out)
            self.send_well(self.unix, text)
            self.stop_well(listener)
            if shutil.which("zstd"):
                subprocess.run(["zstd", "-tq", "--no-progress", self.out], check=True)
        done = self.good("pb2session", self.out)
        self.assertEqual(done, A + b"\n" + B + b"\n" + (C + b"\n") * 100)
        self.good("pb2session", "--check", self.out)

    @unittest.skipUnless(shutil.which("zstd"), "no zstd")
    def test_an_archive_has_the_messages_as_they_came(self):
        listener = self.listen("--zstd")
        usual = self.messages(A)[0]
        unusual = b"".join(sorted((field.raw for field in fields(usual)), reverse=True))
        self.assertNotEqual(unusual, usual)
        peer = self.connect(listener)
        peer.send(frame(usual) + frame(unusual))
        peer.finish()
        self.assertEqual(peer.receipts(), [Receipt(2)])
        self.stop_well(listener)
        self.assertEqual(self.good("pb2session", self.out), (A + b"\n") * 2)
        done = subprocess.run(["zstd", "-dcq", self.out], stdout=subprocess.PIPE, check=True)
        self.assertEqual(undelimited(done.stdout), [usual, unusual])

    @unittest.skipUnless(shutil.which("zstd"), "no zstd")
    def test_what_is_confirmed_of_an_archive_outlives_a_kill(self):
        listener = self.listen("--zstd", "-o", self.out)
        peer = self.connect(listener)
        for n in range(1, 4):
            peer.send(self.pb(A) * 10)
            self.assertEqual(peer.ask(), Receipt(10 * n))
        listener.process.kill()
        listener.wait()
        done = subprocess.run(["zstd", "-dcq", self.out], stdout=subprocess.PIPE, check=True)
        self.assertEqual(undelimited(done.stdout), self.messages(A) * 30)

    def test_the_limit_ends_the_listener(self):
        for limit, sent in ((3, 5), (3, 3), (1, 1)):
            text = b"".join(lines("s", sent))
            listener = self.listen(f"--limit={limit}", "-o", self.out)
            done = self.send(self.unix, text)
            self.assertEqual(listener.wait(), 0)
            self.assertEqual(self.written(), b"".join(lines("s", limit)))
            if sent == limit:
                self.assertEqual(done.returncode, 0, done.stderr)
            else:
                self.assertEqual((done.returncode, report(done.stderr)), (3, (3, 5, 3)))
            self.assertNotIn("socket", self.files())
            self.out.unlink()

    def test_the_limit_is_of_all_senders(self):
        listener = self.listen("--limit=2000")
        senders = [self.sender(self.unix, self.file(f"s{n}", b"".join(lines(f"s{n}", 900))))
                   for n in range(4)]
        confirmed = 0
        for sender in senders:
            status = sender.wait()
            confirmed += report(sender.said)[0] if status else 900
        self.assertEqual((listener.wait(), confirmed), (0, 2000))
        self.assertEqual(self.written().count(b"\n"), 2000)

    def test_stats_are_told_at_the_end(self):
        listener = self.listen("--stats", "-q")
        wait_until(lambda: listens(self.unix), "the listener")
        done = self.send(self.unix, NDJSON, "--stats")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, rb"\Asession2pb: 3 records, 0 rejected, .*\n\Z")
        self.stop_well(listener)
        self.assertRegex(listener.said, rb"pb2session: 3 records, 0 rejected, .*\n\Z")


class Signals(ExchangeTest):
    def test_a_signal_ends_it_with_receipts_for_what_has_arrived_whole(self):
        for endpoint in (self.unix, self.tcp):
            for number in (signal.SIGTERM, signal.SIGINT):
                listener = self.listen(at=[endpoint])
                half, idle = self.connect(listener), self.connect(listener)
                self.assertEqual((half.ask(), idle.ask()), (Receipt(), Receipt()))
                half.send(self.pb(NDJSON) + self.pb(A)[:30])
                self.wait_for_output(NDJSON)
                listener.process.send_signal(number)
                self.assert_cut_off(half, 3)
                self.assert_cut_off(idle, 0)
                self.assertEqual(listener.wait(), 0)
                self.assertEqual(self.written(), NDJSON)
                self.assertNotIn("socket", self.files())
                self.out.unlink()

    def test_what_arrived_before_the_signal_is_taken(self):
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            peers = [self.connect(listener) for _ in range(3)]
            self.assertEqual([peer.ask() for peer in peers], [Receipt()] * 3)
            listener.process.send_signal(signal.SIGSTOP)
            for peer in peers:
                peer.send(self.pb(NDJSON) * 5 + self.pb(A)[:20])
            listener.process.terminate()
            listener.process.send_signal(signal.SIGCONT)
            for peer in peers:
                self.assert_cut_off(peer, 15)
            self.assertEqual(listener.wait(), 0)
            self.assertEqual(self.written(), NDJSON * 15)
            self.out.unlink()

    def test_senders_that_go_on_do_not_hold_up_the_end(self):
        stream = self.pb(b"".join(lines("s", 1000)))
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            peers = [self.connect(listener) for _ in range(3)]
            senders = [threading.Thread(target=peer.flood, args=(stream,)) for peer in peers]
            for sender in senders:
                sender.start()
            wait_until(lambda: len(self.written()) > 10 * len(stream), "output")
            self.stop_well(listener)
            last = [peer.receipts()[-1] for peer in peers]
            for sender in senders:
                sender.join()
            self.assertTrue(all(receipt.reason for receipt in last))
            self.assertEqual(sum(receipt.sessions for receipt in last),
                             self.written().count(b"\n"))
            self.out.unlink()

    def test_a_sender_is_told_that_the_receiver_stops(self):
        listener = self.listen()
        sender = self.sender(self.unix, stdin=subprocess.PIPE)
        sender.process.stdin.write(NDJSON)
        self.wait_for_output(NDJSON)
        self.stop_well(listener)
        self.assert_unconfirmed(sender, 3)
        self.assertRegex(sender.said, rb"stop")

    def test_a_user_signal_asks_for_a_line_of_statistics(self):
        listener = self.listen()
        self.send_well(self.unix, NDJSON)
        for count in (1, 2):
            listener.process.send_signal(signal.SIGUSR1)
            listener.says(rb"(?:pb2session: (?:.*\n)*.*\b3 records.*\n){%d}" % count)
        self.send_well(self.unix, A)
        self.stop_well(listener)


class Usage(ExchangeTest):
    def wrong(self, tool, *arguments):
        done = run(tool, *arguments, cwd=self.folder)
        self.assertEqual(done.returncode, 2, arguments)
        self.assertRegex(done.stderr, rb"\A%s: .+\n" % tool.encode())
        self.assertEqual(self.files(), [], arguments)

    def test_options_that_contradict_listening(self):
        for words in ("--pretty", "--array", "--id=x", "--list", "--check", "--salvage", "--skip=1",
                      "--rejects=r", "FILE", "--framing=raw", "--on-error=skip --rejects=r"):
            self.wrong("pb2session", f"--listen={self.unix}", *words.split())
        for option in ("--allow-uid=0", "--allow-gid=0"):
            self.wrong("pb2session", f"--listen={self.unix}", "--listen=tcp:127.0.0.1:0", option)
        self.wrong("pb2session", "--zstd")
        self.wrong("pb2session", f"--listen={self.unix}", "--frame-size=4096")

    def test_options_that_contradict_connecting(self):
        for words in ("-o out", "--zstd", "--zstd --frame-size=4096", "--check", "--framing=raw"):
            self.wrong("session2pb", f"--connect={self.unix}", *words.split())

    def test_values_that_are_none(self):
        for option in ("--max-connections=x", "--message-max=x", "--idle-timeout=-1",
                       "--frame-timeout=x", "--allow-uid=root", "--limit=x", "--zstd=99"):
            self.wrong("pb2session", f"--listen={self.unix}", option)
        for option in ("--receipt-every=x", "--retry=x", "--timeout=x", "--no-receipt=1"):
            self.wrong("session2pb", f"--connect={self.unix}", option)

    def test_help_tells_the_options(self):
        text = self.good("pb2session", "--help-network").decode()
        for option in ("fsync", "max-connections", "message-max", "idle-timeout",
                       "frame-timeout", "allow-uid", "allow-gid", "insecure-remote"):
            self.assertIn(f"--{option}", text)
        text = self.good("session2pb", "--help-network").decode()
        for option in ("receipt-every", "no-receipt", "retry", "timeout"):
            self.assertIn(f"--{option}", text)


class Connections(ExchangeTest):
    def test_more_than_the_most_connections_wait(self):
        listener = self.listen("--max-connections=2")
        first, second, third = (self.connect(listener) for _ in range(3))
        self.assertEqual((first.ask(), second.ask()), (Receipt(), Receipt()))
        third.send(self.pb(A) + DEMAND)
        third.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            third.socket.recv(1)
        third.socket.settimeout(DEADLINE_S)
        first.close()
        self.assertTrue(third.socket.recv(1))

    def test_too_many_open_files_are_told_once_and_the_others_wait(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (MANY, MANY))
        listener = self.listen(preexec_fn=few)
        peers = [self.connect(listener) for _ in range(MANY)]
        listener.says(rb"Too many open files; trying again\n")
        time.sleep(2.5)  # it has tried again
        self.assertEqual(listener.said.count(b"trying again"), 1, listener.said)
        for peer in peers:
            peer.close()
        self.send_well(self.unix, A)
        self.stop_well(listener)

    def test_who_connects_and_leaves_without_a_session_is_not_worth_a_line(self):
        for endpoint in (self.unix, self.tcp):
            listener = self.listen(at=[endpoint])
            for _ in range(MANY):
                with connect(listener.endpoint):
                    pass
            self.send_well(listener.endpoint, A)
            self.stop_well(listener)
            self.assertEqual(listener.said.count(b"\n"), 1, listener.said)

    def test_a_connection_that_is_closed_leaves_nothing_open(self):
        listener = self.listen()
        idle = self.idle_files(listener)
        for _ in range(50):
            with connect(listener.endpoint) as peer:
                peer.send(self.pb(A))
                peer.finish()
                self.assertEqual(peer.receipts(), [Receipt(1)])
        wait_until(lambda: listener.open_files() == idle, "closed connections")


if __name__ == "__main__":
    main(__doc__)
