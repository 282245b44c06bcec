"""What other runtimes make of our sessions, and we of theirs: the same sessions, by every way.

    matrix_test.py TOOLS SESSION.DESC FACTS.TSV PEERS.TSV

This is the quick part, with the peers that are there; `./dev interop` installs the others and takes
more sessions. Exit status 0 when all holds, 1 when something does not, 77 without any peer.
"""

import sys
import unittest

sys.dont_write_bytecode = True

from corpus import all_members, coverage
from matrix import WAYS, Column, Matrix, load_peers, unexpected


def merged(columns):
    """All in one, since each exchange starts three programs."""
    columns = list(columns)
    sessions = [session for column in columns for session in column.sessions]
    cases = [case for column in columns for case in column.cases]
    return Column("all", sessions, cases, ("--lenient",))


class MatrixTest(unittest.TestCase):
    def assert_as_known(self, ways, columns):
        for column in columns:
            for peer in PEERS:
                for way in ways:
                    with self.subTest(peer=peer.name, way=way.method, column=column.name):
                        outcome = MATRIX.outcome(peer, way, column)
                        self.assertGreater(outcome.total, 0)
                        self.assertIsNone(unexpected(peer, way, column, outcome))

    def test_sessions_mean_the_same_to_every_peer(self):
        self.assert_as_known(WAYS, [merged(MATRIX.columns(is_quick=True))])

    def test_peers_keep_unknown_fields_of_every_wire_type(self):
        self.assert_as_known(WAYS[:1], MATRIX.unknown_columns())

    def test_what_is_exchanged_has_every_member_also_empty(self):
        columns = {column.name: column for column in MATRIX.columns(is_quick=True)}
        for name in ("corpus", "empty"):
            members, _ = coverage(MATRIX.schema, columns[name].sessions)
            self.assertEqual(set(), all_members(MATRIX.schema) - members, name)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        print(__doc__)
        sys.exit(2)
    MATRIX = Matrix(*sys.argv[1:4])
    PEERS = load_peers(sys.argv[4])
    for absent in [peer for peer in PEERS if not peer.is_there]:
        print(f"{absent.name} is absent: it takes {absent.takes}", flush=True)
    PEERS = [peer for peer in PEERS if peer.is_there]
    if not PEERS:
        print("skipped: no peer is there")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
