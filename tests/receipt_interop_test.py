#!/usr/bin/env python3
"""Receipts as Google's protobuf runtime reads and writes them.

receipt_interop_test.py RECEIPTS SESSION.DESC

Exit status 0 when all holds, 1 when something does not, 77 without google.protobuf.
"""

import random
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True

try:
    from google.protobuf import descriptor_pb2, descriptor_pool
except ImportError:
    print("skipped: this Python has no google.protobuf")
    sys.exit(77)

from googlepb import message_class
from wirebytes import (
    FIXED32,
    FIXED64,
    UnknownFields,
    delimited,
    group_field,
    length_field,
    tag,
    undelimited,
    varint_field,
)

REASON_LEN_MAX = 191
NUMBERS = [0, 1, 127, 128, 2**14 - 1, 2**14, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
REASONS = ["", "the disk is full", "für 5 € 😀", "x" * REASON_LEN_MAX]
COUNT = 2000

# Known numbers with other wire types than theirs.
MISTYPED = [
    varint_field(3, 5),
    *(length_field(number, b"\x05") for number in (1, 2)),
    *(group_field(number, varint_field(1, 5)) for number in (1, 2, 3)),
    *(tag(number, FIXED32) + bytes(4) for number in (1, 2, 3)),
    *(tag(number, FIXED64) + bytes(8) for number in (1, 2, 3)),
]

program, descriptors = None, None


def receipt_class():
    pool = descriptor_pool.DescriptorPool()
    with open(descriptors, "rb") as stream:
        files = descriptor_pb2.FileDescriptorSet.FromString(stream.read())
    for file in files.file:
        pool.Add(file)
    return message_class(pool.FindMessageTypeByName("journey.v1.Receipt"), pool)


def run(mode, data):
    completed = subprocess.run(
        [program, mode], input=data, capture_output=True, timeout=60, check=True
    )
    return completed.stdout


def line(receipt):
    return f"{receipt.sessions} {receipt.rejected} {receipt.reason}\n"


class ReceiptTest(unittest.TestCase):
    def setUp(self):
        self.receipt = receipt_class()
        self.random = random.Random(1)
        self.receipts = [
            self.receipt(sessions=sessions, rejected=rejected, reason=self.random.choice(REASONS))
            for sessions in NUMBERS
            for rejected in NUMBERS
        ]

    def test_is_read_as_google_writes_it(self):
        stream = delimited(receipt.SerializeToString() for receipt in self.receipts)
        self.assertEqual("".join(map(line, self.receipts)), run("read", stream).decode())

    def test_absent_fields_have_googles_defaults(self):
        stream = delimited([b"", self.receipt(rejected=5).SerializeToString()])
        self.assertEqual("0 0 \n0 5 \n", run("read", stream).decode())

    def test_google_reads_what_is_written(self):
        stream = run("write", "".join(map(line, self.receipts)).encode())
        for expected, message in zip(self.receipts, undelimited(stream), strict=True):
            seen = self.receipt.FromString(message)
            self.assertEqual(line(expected), line(seen))
            self.assertTrue(seen.HasField("sessions") and seen.HasField("rejected"))
            self.assertEqual(bool(expected.reason), seen.HasField("reason"))
            self.assertEqual(message, seen.SerializeToString(deterministic=True))

    def test_unknown_fields_are_passed_over(self):
        unknown = UnknownFields(self.random)
        messages = []
        for _ in range(COUNT):
            receipt = self.random.choice(self.receipts).SerializeToString()
            parts = [receipt, unknown.fields(self.receipt.DESCRIPTOR)]
            parts += self.random.sample(MISTYPED, self.random.randint(0, 3))
            self.random.shuffle(parts)
            messages.append(b"".join(parts))
        expected = "".join(line(self.receipt.FromString(message)) for message in messages)
        self.assertEqual(expected, run("read", delimited(messages)).decode())


def main():
    global program, descriptors
    if len(sys.argv) != 3:
        print(__doc__)
        sys.exit(2)
    program, descriptors = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
