"""What passes over a TCP network that delays, loses, doubles and reorders packets is all there.

    netem_test.py TOOLS EXAMPLES [unittest's arguments]

The network is a tunnel device in a network namespace of its own. What is sent to THERE comes back
as if it came from there, after a while and not always, so both tools run in the one namespace.
Where that is not permitted, the exit status is 77.
"""

import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import threading
import time

import million_test
import toolcase
from exchange import ExchangeTest, lines, report
from toolcase import main, wait_until

SKIPPED = 77
INSIDE = "SPB_NETEM_INSIDE"
HERE, THERE, NETWORK = "10.83.66.1", "10.83.66.2", "10.83.66.1/24"
MTU = 9000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
DELAY_S, JITTER_S = 0.02, 0.001  # jitter reorders
LOSS, TWICE = 0.02, 0.01
SESSIONS, SENDERS = 20000, 4
OUTAGE_S = 1.0


class Network(threading.Thread):
    """The tunnel, and what becomes of the packets in it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        name = b"spb0"
        fcntl.ioctl(self.device, TUNSETIFF, struct.pack("16sH22x", name, IFF_TUN | IFF_NO_PI))
        for words in (f"addr add {NETWORK} dev spb0", f"link set spb0 mtu {MTU} up"):
            subprocess.run(["ip", *words.split()], check=True)
        self.random = random.Random(5)
        self.waiting = []
        self.loss = LOSS
        self.lost = self.passed = 0

    def run(self):
        while True:
            now = time.monotonic()
            while self.waiting and self.waiting[0][0] <= now:
                os.write(self.device, heapq.heappop(self.waiting)[1])
                self.passed += 1
            patience = self.waiting[0][0] - now if self.waiting else None
            if select.select([self.device], [], [], patience)[0]:
                self.take(os.read(self.device, 2**16))

    def take(self, packet):
        if packet[0] >> 4 != 4:
            return
        if self.random.random() < self.loss:
            self.lost += 1
            return
        mirrored = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        for _ in range(1 + (self.random.random() < TWICE)):
            due = time.monotonic() + DELAY_S + self.random.uniform(0, JITTER_S)
            heapq.heappush(self.waiting, (due, mirrored))


class Lossy(ExchangeTest):
    def listen_remote(self, *arguments):
        listener = self.listen("--insecure-remote", *arguments, at=[f"tcp:{HERE}:0"])
        return listener, there(listener.endpoint)

    def test_20000_sessions_are_all_there(self):
        crowd = million_test.Crowd(self.folder, toolcase.EXAMPLES, SESSIONS, SENDERS)
        lost = network.lost
        million_test.exchange(crowd, self.out, f"tcp:{HERE}:0", "--insecure-remote", way=there)
        self.assertGreater(network.lost, lost)

    def test_nothing_is_lost_when_the_network_is_away_for_a_while(self):
        text = b"".join(lines("s", 20000))
        listener, endpoint = self.listen_remote()
        sender = self.sender(endpoint, "--receipt-every=1000", self.file("in", text))
        wait_until(self.written, "output")
        network.loss = 1
        time.sleep(OUTAGE_S)
        network.loss = LOSS
        self.assertEqual((sender.wait(60), sender.said), (0, b""))
        self.stop_well(listener)
        self.assertTrue(self.written() == text)

    def test_a_network_that_stays_away_ends_both_in_time(self):
        text = b"".join(lines("s", 20000))
        network.loss = 0  # what is lost now and then could take a second to be sent again
        listener, endpoint = self.listen_remote("--frame-timeout=1", "--idle-timeout=1")
        sender = self.sender(endpoint, "--timeout=1", "--receipt-every=10", self.file("in", text))
        wait_until(self.written, "output")
        network.loss = 1
        try:
            self.assertEqual(sender.wait(), 3, sender.said)
            listener.says(rb"pb2session: .*sender 1 .*: .+\n")
        finally:
            network.loss = LOSS
        whole, torn = self.whole_lines()
        self.assertEqual((whole, torn), (lines("s", len(whole)), b""))
        self.assertLessEqual(report(sender.said)[0], len(whole))
        self.stop_well(listener)


def there(endpoint):
    return endpoint.replace(HERE, THERE)


def permitted(namespace):
    """Whether such a namespace, and a network in it, can be made."""
    probe = [*namespace, sys.executable, __file__]
    return subprocess.run(probe, env=dict(os.environ, **{INSIDE: "probe"}), check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    inside = os.environ.get(INSIDE)
    if inside:
        network = Network()
        if inside == "test":
            network.start()
            main(__doc__)
        sys.exit()
    if all(map(shutil.which, ("unshare", "ip"))):
        for words in (["unshare", "-n"], ["unshare", "-rn"]):
            if permitted(words):
                os.environ[INSIDE] = "test"
                os.execvp(words[0], [*words, sys.executable, *sys.argv])
    print("skipped: no network namespace with a tunnel device can be made here")
    sys.exit(SKIPPED)
