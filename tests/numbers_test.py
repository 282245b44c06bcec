"""Doubles are printed as RFC 8785 prints them, and read back to the last bit, by the tools.

    numbers_test.py TOOLS [COUNT]

COUNT is one of the checkpoints of es6_numbers.py.
"""

import hashlib
import re
import sys
import unittest

sys.dont_write_bytecode = True

import es6_numbers
from edges import double_messages
from runtools import Tools
from wirebytes import delimited

PRINTED = re.compile(rb'\{"geolocation":\{"latitude":([^,]+),"longitude":([^,]+)\}\}')


class NumbersTest(unittest.TestCase):
    def setUp(self):
        self.numbers = es6_numbers.numbers(count)
        self.messages = list(double_messages(self.numbers))
        self.lines = tools.to_json(self.messages, "--lenient")

    def test_printed_text_has_the_published_checksums(self):
        texts = [text.decode() for line in self.lines for text in PRINTED.fullmatch(line).groups()]
        checksum, computed = hashlib.sha256(), {}
        for at, (number, text) in enumerate(zip(self.numbers, texts, strict=True), 1):
            checksum.update(es6_numbers.line(number, text))
            if at in es6_numbers.CHECKPOINTS:
                computed[at] = checksum.hexdigest()
        passed = {at: sum_ for at, sum_ in es6_numbers.CHECKPOINTS.items() if at <= count}
        self.assertEqual(passed, computed)
        self.assertIn(count, computed)

    def test_printed_text_reads_back_to_the_same_bits(self):
        expected = list(double_messages([number + 0.0 for number in self.numbers]))  # no -0
        self.assertNotEqual(self.messages[0], expected[0])
        read = tools.run(tools.session2pb, ["--lenient"], b"\n".join(self.lines))
        self.assertEqual((0, ""), (read.status, read.error))
        self.assertTrue(read.out == delimited(expected))


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        print(__doc__)
        sys.exit(2)
    tools = Tools(sys.argv[1])
    count = int((sys.argv[2:] or ["100000"])[0])
    print(f"{count} numbers", flush=True)
    unittest.main(argv=sys.argv[:1])
