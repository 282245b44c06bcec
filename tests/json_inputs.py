"""Whole inputs of session2pb, as data: a minimal session, and what to take and refuse around it."""

SESSION = (
    b'{"id":"i","type":"web","eventCount":1,"lastEvent":{"id":"e","eventName":"n",'
    b'"createdDate":"2024-01-02T03:04:07.890Z"},"authenticated":false,'
    b'"createdDate":"2024-01-02T03:04:05.678Z"}'
)
REFUSED = None


def without(member):
    """The session without the text of one of its members."""
    assert SESSION.count(member) == 1
    shorter = SESSION.replace(member, b"")
    return shorter.replace(b"{,", b"{").replace(b",,", b",").replace(b",}", b"}")


REQUIRED = (
    b'"id":"i"',
    b'"type":"web"',
    b'"eventCount":1',
    SESSION[SESSION.index(b'"lastEvent"') : SESSION.index(b',"authenticated"')],
    b'"authenticated":false',
    SESSION[SESSION.rindex(b'"createdDate"') : -1],
    b'"id":"e"',
    b'"eventName":"n"',
)

# Every kind of token, each of which is another one, or none, when it is cut short.
RICH = SESSION.replace(b'"eventCount":1', b'"eventCount":214748364700e-2')[:-1] + (
    b',"durationInSeconds":1.5e1,"browser":null,"searchTerms":["a","b"]'
    + b',"geolocation":{"latitude":1'
    + b"0" * 309
    + b'e-309},"customerId":"\\u00e9\\ud83d\\ude00'
    + "\U0001f600".encode()
    + b'","x":[1,-0.5e+10,"\\ud83d\\ude00\\\\",true,false,null,{}]}'
)

# Whole inputs and the number of sessions in them, or REFUSED.
WHOLE = {
    b"": 0,
    b" \n\t\r": 0,
    SESSION: 1,
    SESSION + b"\n": 1,
    b" \n\t\r" + SESSION + b"\r\n\r\n": 1,
    SESSION + SESSION: 2,
    SESSION + b"\n" + SESSION + b"\n" + SESSION: 3,
    SESSION.replace(b",", b" ,\n").replace(b":{", b"\r\n:\t{"): 1,
    SESSION[:-1] + b',"browser":null,"attributes":{},"searchTerms":[],"customerId":null}': 1,
    b"\xef\xbb\xbf" + SESSION: 1,  # a byte order mark is passed over at the start
    SESSION + b"\xef\xbb\xbf": REFUSED,
    SESSION.decode().encode("utf-16"): REFUSED,
    SESSION.decode().encode("utf-16-le"): REFUSED,
    SESSION.decode().encode("utf-16-be"): REFUSED,
    b"\0" + SESSION: REFUSED,
    SESSION + b"\0": REFUSED,
    SESSION + b"\x0c": REFUSED,
    b"\x0b" + SESSION: REFUSED,
    "\u00a0".encode() + SESSION: REFUSED,
    SESSION + b"}": REFUSED,
    SESSION + b"]": REFUSED,
    SESSION + b",": REFUSED,
    SESSION + b"," + SESSION: REFUSED,
    SESSION + b";" + SESSION: REFUSED,
    SESSION + b"x": REFUSED,
    SESSION + b"//": REFUSED,
    SESSION + SESSION[:-1]: REFUSED,
    SESSION[1:]: REFUSED,
    b"{" + SESSION: REFUSED,
    b"{}": REFUSED,
    b"null": REFUSED,
    b"true": REFUSED,
    b"1": REFUSED,
    b'"session"': REFUSED,
    b"session": REFUSED,
    SESSION[:-1] + b',"id":"i"}': REFUSED,
    SESSION[:-1] + b',"x":1,"y":2,"x":1}': REFUSED,
    SESSION[:-1] + b',"\\u0069d":"i"}': REFUSED,
    SESSION.replace(b'"eventCount":1', b'"eventCount":null'): REFUSED,
    SESSION.replace(b'"authenticated":false', b'"authenticated":null'): REFUSED,
    SESSION.replace(b'"authenticated":false', b'"authenticated":0'): REFUSED,
    SESSION.replace(b'"web"', b'["web"]'): REFUSED,
    **{without(member): REFUSED for member in REQUIRED},
    **{SESSION[:length]: REFUSED for length in range(1, len(SESSION))},
}
