"""The same session, written otherwise: what json_to_pb must reduce to the canonical form."""

from decimal import Decimal

from canonical import Date, date_text, is_absent, number_text, split_members, string_text, tokens

WHITE = (" ", "\n", "\t", "\r", "\r\n", "  ", " \n\t ")
SECONDS_MIN = -62135596800  # 0001-01-01T00:00:00Z
SECONDS_MAX = 253402300799  # 9999-12-31T23:59:59Z
OFFSET_MAX = 23 * 60 + 59  # minutes
SHORT_INPUT = {
    '"': '\\"',
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}


def fraction_digits(nanos, digits):
    return f".{nanos:09}"[: digits + 1] if digits else ""


def fewest_digits(nanos):
    return len(f"{nanos:09}".rstrip("0")) if nanos else 0


def date_variant(date, rng):
    """An RFC 3339 spelling of the same instant: any offset, any number of digits that suffices."""
    digits = rng.randint(fewest_digits(date.nanos), 9)
    anywhere = rng.randint(-OFFSET_MAX, OFFSET_MAX)
    minutes = rng.choice((0, 0, 330, 60 * rng.randint(-12, 14), anywhere))
    local = date.seconds + 60 * minutes
    if not SECONDS_MIN <= local <= SECONDS_MAX:
        minutes, local = 0, date.seconds  # the year itself would leave 0001 to 9999
    if minutes == 0:
        zone = rng.choice(("Z", "z", "+00:00", "-00:00"))
    else:
        zone = f"{'+' if minutes > 0 else '-'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    whole = date_text(Date(local, 0))[:19]
    text = whole + fraction_digits(date.nanos, digits) + zone
    return string_variant(text.replace("T", rng.choice("TTt")), rng)


def integer_variant(number, rng):
    """The digits with a point moved anywhere and an exponent that moves it back."""
    if rng.random() < 0.4:
        return str(number)
    if number == 0:
        return rng.choice(("-0", "0.0", "0e9", "-0.00E-7", "0.000e+0", "0E99999"))
    digits = str(abs(number)) + "0" * rng.randint(0, 4)
    exponent = len(str(abs(number))) - len(digits)
    point = rng.randint(1, len(digits))
    exponent += len(digits) - point
    fraction = "." + digits[point:] if point < len(digits) else ""
    if exponent == 0:
        suffix = rng.choice(("", "e0", "E+00", "e-0") if fraction else ("e0", "E-0", ".0"))
    else:
        suffix = rng.choice("eE") + rng.choice(("", "+")) * (exponent > 0) + str(exponent)
    return ("-" if number < 0 else "") + digits[:point] + fraction + suffix


def double_variant(number, rng):
    """Other digits that read as the same double, among them all of its exact value's."""
    if number == 0:
        return integer_variant(0, rng)
    return rng.choice(
        (
            number_text(number),
            repr(number),
            f"{number:.16e}",
            f"{number:.16E}",
            f"{number:.24e}",
            str(Decimal(number)),
            f"{Decimal(number):f}",
            f"{Decimal(number):f}" + ("000" if "." in f"{Decimal(number):f}" else ".000"),
        )
    )


def unit_escape(unit, rng):
    return "\\u" + (f"{unit:04x}" if rng.random() < 0.5 else f"{unit:04X}")


def char_escape(char, rng):
    """A character as \\u escapes: one, or the surrogate pair."""
    code = ord(char)
    if code < 0x10000:
        return unit_escape(code, rng)
    code -= 0x10000
    return unit_escape(0xD800 + (code >> 10), rng) + unit_escape(0xDC00 + (code & 0x3FF), rng)


def string_variant(string, rng, share=None):
    """The string with about `share` of its characters as escapes that need not be."""
    share = rng.choice((0, 0, 0.1, 1)) if share is None else share
    if len(string) > 2000:
        share = min(share, 0.05)
    if share == 0 and "/" not in string:
        return string_text(string)
    parts = []
    for char in string:
        if rng.random() < share:
            parts.append(char_escape(char, rng))
        elif char in SHORT_INPUT and (char in '"\\' or rng.random() < 0.5):
            parts.append(SHORT_INPUT[char])
        elif char < " ":
            parts.append(char_escape(char, rng))
        else:
            parts.append(char)
    return '"' + "".join(parts) + '"'


SCALARS = {
    "string": string_variant,
    "int32": integer_variant,
    "double": double_variant,
    "boolean": lambda value, rng: "true" if value else "false",
    "date": date_variant,
}


def shuffled(items, rng):
    items = list(items)
    rng.shuffle(items)
    return items


class Variant:
    """Makes the tokens of one variant; the white space between them comes later."""

    def __init__(self, schema, rng):
        self.schema = schema
        self.rng = rng
        self.nulls = rng.choice((0, 0.1, 0.9))  # how many absent members are written
        self.shuffles = rng.random() < 0.8
        self.share = rng.choice((None, 0, 0.02))

    def order(self, items):
        return shuffled(items, self.rng) if self.shuffles else list(items)

    def string(self, string):
        return string_variant(string, self.rng, self.share)

    def object(self, definition, value):
        defined, additional = split_members(self.schema, definition, value)
        members = [(member.name, self.member(member, content)) for member, content in defined]
        members += [(name, tokens(text)) for name, text in additional.items()]
        members += [
            (name, self.absence(member))
            for name, member in self.schema[definition].items()
            if name not in value and self.rng.random() < self.nulls
        ]
        return self.braces(members)

    def absence(self, member):
        others = {"array": ("[]",), "map": ("{}",)}.get(member.kind, ())
        return tokens(self.rng.choice(("null",) + others))

    def braces(self, members):
        parts = ["{"]
        for name, content in self.order(members):
            parts += [self.string(name), ":", *content, ","]
        return parts[:-1] + ["}"] if members else ["{", "}"]

    def member(self, member, value):
        if member.is_plural and is_absent(value):
            return self.absence(member)
        if member.kind == "array":
            parts = ["["]
            for element in value:
                parts += [*self.item(member.of, element), ","]
            return parts[:-1] + ["]"]
        if member.kind == "map":
            return self.braces([(key, self.item(member.of, entry)) for key, entry in value.items()])
        return self.item(member.of or member.kind, value)

    def item(self, kind, value):
        return [SCALARS[kind](value, self.rng)] if kind in SCALARS else self.object(kind, value)


def pretty_layout(parts):
    """Two spaces for each level, as printers do."""
    depth, out = 0, []
    for part in parts:
        if part in "]}":
            depth -= 1
            out.append("\n" + "  " * depth)
        out.append(part + " " if part == ":" else part)
        if part in "[{":
            depth += 1
        if part in "[{,":
            out.append("\n" + "  " * depth)
    return "".join(out)


def odd_layout(parts, rng):
    """White space of every kind wherever it is allowed."""
    out = []
    for part in parts:
        if rng.random() < 0.2:
            out.append(rng.choice(WHITE))
        out.append(part)
    return rng.choice(("", *WHITE)) + "".join(out) + rng.choice(("", *WHITE))


def variant(schema, session, rng):
    """A text that means the same session and is, nearly always, not canonical."""
    parts = Variant(schema, rng).object("Session", session)
    layout = rng.randrange(4)
    if layout == 0:
        return "".join(parts)
    return pretty_layout(parts) if layout == 1 else odd_layout(parts, rng)
