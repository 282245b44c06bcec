#!/usr/bin/env python3
"""Makes sessions, the same ones every time, in each shape that session2pb reads.

    make_sessions.py EXAMPLES SHAPE COUNT

EXAMPLES   sessions as canonical NDJSON, which the made ones are variations of
SHAPE      ndjson, pretty, array, listing, notification or event
"""

import json
import pathlib
import sys

PAGE = 200  # sessions of a listing, as many as the platform gives at most
HEARTBEAT_EVERY = 7
HEARTBEATS = (
    {"topicName": "channel.metadata", "eventBody": {"message": "WebSocket Heartbeat"}},
    {"topicName": "v2.system.socket_closing", "eventBody": {"message": "soon"}},
)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def session_id(number):
    return f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}"


def sessions(examples, count):
    """Yields sessions as Python values, their members in the definition's order."""
    templates = [json.loads(line) for line in pathlib.Path(examples).read_bytes().splitlines()]
    for number in range(count):
        made = dict(templates[number % len(templates)])
        made["id"] = session_id(number)
        made["eventCount"] = number % 1000
        if "selfUri" in made:
            made["selfUri"] = "/api/v2/journey/sessions/" + made["id"]
        yield made


def topic(session):
    contact = session.get("externalContact", {}).get("id", "none")
    return f"v2.externalcontacts.contacts.{contact}.journey.sessions"


def notification(session):
    return {
        "topicName": topic(session),
        "version": "2",
        "eventBody": session,
        "metadata": {"CorrelationId": session["id"][::-1]},
    }


def event(session):
    return {
        "version": "0",
        "id": session["id"][::-1],
        "detail-type": topic(session),
        "source": "aws.partner/genesys.com/cloud/00000000-0000-0000-0000-000000000000/sessions",
        "account": "123456789012",
        "time": "2026-04-07T11:04:05Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": notification(session),
    }


def with_heartbeats(notices):
    for number, notice in enumerate(notices):
        if number % HEARTBEAT_EVERY == 0:
            yield HEARTBEATS[number // HEARTBEAT_EVERY % len(HEARTBEATS)]
        yield notice


def lines(values):
    for value in values:
        yield compact(value) + b"\n"


def pretty(values):
    for value in values:
        yield json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def array(values):
    before = b"["
    for value in values:
        yield before + b"\n  " + compact(value)
        before = b","
    yield (before if before == b"[" else b"\n") + b"]\n"


def listing(page, first):
    """A page, with its other members before the sessions or behind them."""
    before = {"selfUri": "/api/v2/journey/sessions?pageSize=200"}
    behind = {"nextUri": "/api/v2/journey/sessions?after=x", "previousUri": None}
    members = {**before, "entities": page, **behind} if first else {"entities": page, **before}
    return compact(members) + b"\n"


def listings(values):
    page, first = [], True
    for value in values:
        page.append(value)
        if len(page) == PAGE:
            yield listing(page, first)
            page, first = [], False
    if page:
        yield listing(page, first)


SHAPES = {
    "ndjson": lines,
    "pretty": pretty,
    "array": array,
    "listing": listings,
    "notification": lambda values: lines(with_heartbeats(map(notification, values))),
    "event": lambda values: lines(map(event, values)),
}


def make(examples, shape, count):
    """Yields the text of so many sessions in a shape, piece by piece."""
    return SHAPES[shape](sessions(examples, count))


def main():
    if len(sys.argv) != 4 or sys.argv[2] not in SHAPES:
        sys.exit(__doc__)
    for piece in make(sys.argv[1], sys.argv[2], int(sys.argv[3])):
        sys.stdout.buffer.write(piece)


if __name__ == "__main__":
    main()
