"""Other runtimes read the streams that session2pb writes, and write the same bytes.

    peers_test.py TOOLS EXAMPLES DESC PEER...

DESC is the FileDescriptorSet. PEER is a program with its leading arguments, as one word; called with
DESC FROM TO it takes sessions from one framing into the other.
"""

import subprocess
import sys

import make_sessions
import toolcase
from toolcase import ToolTest, main

COUNT = 500
FRAMINGS = ("delimited", "list")
DESC, *PEERS = sys.argv[3:]
del sys.argv[3:]


class Peers(ToolTest):
    def setUp(self):
        super().setUp()
        text = b"".join(make_sessions.make(toolcase.EXAMPLES / "sessions.ndjson", "ndjson", COUNT))
        text += (toolcase.EXAMPLES / "next-year.json").read_bytes()
        self.streams = {framing: self.pb(text, f"--framing={framing}") for framing in FRAMINGS}

    def test_each_peer_reads_each_framing_and_writes_the_same_bytes(self):
        for peer in PEERS:
            for source in FRAMINGS:
                for target in FRAMINGS:
                    with self.subTest(peer=peer, source=source, target=target):
                        done = subprocess.run(
                            [*peer.split(), DESC, source, target],
                            input=self.streams[source],
                            capture_output=True,
                            timeout=toolcase.DEADLINE_S,
                            check=False,
                        )
                        self.assertEqual((done.returncode, done.stderr), (0, b""))
                        self.assertTrue(done.stdout == self.streams[target])


if __name__ == "__main__":
    main(__doc__)
