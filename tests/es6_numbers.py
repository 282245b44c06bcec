"""The numbers with which printers of JSON numbers are tested: doubles without end, always the same.

They are those that RFC 8785 (appendix B) refers to, published with the SHA-256 of what a right
printer makes of them at https://github.com/cyberphone/json-canonicalization/tree/master/testdata.
First come some that are hard, then 2000 from the least normal double upwards, then the finite ones
of a chain of SHA-256 digests, each of which is four doubles and the input of the next.
"""

import hashlib
import itertools
import math
import struct
import sys

# A third, times the powers of ten from 22 down to -27; some of them are a bit or more beside the
# nearest double, as they were published.
THIRDS = """
3.3333333333333335e+21 3.333333333333333e+20 3.3333333333333336e+19 3.333333333333334e+18
3.333333333333334e+17 3.333333333333334e+16 3333333333333334.0 333333333333333.4
33333333333333.344 3333333333333.334 333333333333.33344 33333333333.33334 3333333333.333334
333333333.3333334 33333333.333333336 3333333.3333333335 333333.3333333333 33333.333333333336
3333.333333333333 333.3333333333333 33.333333333333336 3.3333333333333335 0.3333333333333333
0.03333333333333333 0.0033333333333333335 0.0003333333333333333 3.3333333333333335e-05
3.3333333333333333e-06 3.3333333333333335e-07 3.3333333333333334e-08 3.3333333333333334e-09
3.333333333333333e-10 3.3333333333333335e-11 3.333333333333333e-12 3.3333333333333334e-13
3.3333333333333334e-14 3.3333333333333332e-15 3.333333333333333e-16 3.3333333333333335e-17
3.3333333333333333e-18 3.3333333333333334e-19 3.333333333333333e-20 3.3333333333333333e-21
3.333333333333333e-22 3.3333333333333333e-23 3.3333333333333334e-24 3.3333333333333335e-25
3.333333333333333e-26 3.333333333333333e-27 3.3333333333333338e-28
""".split()
FIVES = ["10", "5", "0.5", "0.05", "0.005", "0.0005", *(f"5e-{places}" for places in range(5, 10))]
NEARLY_FIVES = ["5." + "0" * places + "6e-6" for places in range(1, 15)]
AROUND_ONE = """
5.000000000000000e-6 1 -1 -0.9999999999999993 -0.9999999999999994 0.9999999999999993
0.9999999999999994 0.9999999999999996 0.9999999999999998 -0.9999999999999999 -0.9999999999999999
0.9999999999999999 0.9999999999999999 0.29999999999999993 0.3 0.30000000000000004
""".split()
LIMITS = """
2.2250738585072014e-308 2.2250738585072e-308 2.225073858507201e-308 1.7976931348623157e308
-1.7976931348623157e308 9007199254740992 -9007199254740992 2.9514790517935283e20
9.999999999999997e22 1e23 1.0000000000000001e23 9.999999999999997e20 9.999999999999999e20 1e21
9.999999999999997e-7 1e-6 333333333.3333332 333333333.33333325 333333333.3333333 333333333.3333334
333333333.33333343 -3.3333333333333333e-6 1424953923781206.2
""".split()
HARD = ["0", "-0", "5e-324", "-5e-324", *("-" + third for third in THIRDS), *THIRDS]
HARD += [*FIVES, *NEARLY_FIVES, *AROUND_ONE, *LIMITS]

SERIAL_COUNT = 2000

# The SHA-256 of the first so many lines, each of them the bits in hexadecimal digits, a comma and
# the number's text.
CHECKPOINTS = {
    1_000: "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687",
    10_000: "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892",
    100_000: "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7",
    1_000_000: "49415fee2c56c77864931bd3624faad425c3c577d6d74e89a83bc725506dad16",
}


def serial():
    least = struct.unpack("<q", struct.pack("<d", sys.float_info.min))[0]
    for bits in range(least, least + SERIAL_COUNT):
        yield struct.unpack("<d", struct.pack("<q", bits))[0]


def chained():
    block = bytes(32)
    while True:
        block = hashlib.sha256(block).digest()
        yield from (number for number in struct.unpack("<4d", block) if usable(number))


def usable(number):
    return number != 0 and math.isfinite(number)


def numbers(count):
    """The first so many of the numbers."""
    return list(itertools.islice(itertools.chain(map(float, HARD), serial(), chained()), count))


def line(number, text):
    """One line of what the checkpoints are computed from."""
    bits = struct.unpack("<Q", struct.pack("<d", number))[0]
    return f"{bits:x},{text}\n".encode()
