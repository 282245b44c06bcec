"""What DuckDB and ClickHouse find in sessions, loaded as docs/analytics.md shows, is what Python finds
in the JSON that the sessions were before.

    analytics_test.py TOOLS EXAMPLES DuckDB|ClickHouse [unittest's arguments]

Exit status 77 where that database is not installed.
"""

import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import clickhouse
import make_sessions
import toolcase
from toolcase import ToolTest, main

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "examples" / "analytics"
PAGE = (ROOT / "docs" / "analytics.md").read_text(encoding="utf-8")
NODE = shutil.which("node") or shutil.which("nodejs")
COUNT, GROWN = 2000, 300
SHOWN = 10  # terms and outcomes, at most
TERMS = ("tea", "Kaffee", "größe m", "lenkertasche 🚲", "it's", 'the "best"', "a\\b\tc", "", "茶",
         "0", "null", "kaffee")
WORDS = ("Unknown", "Abandon", "Answered", "FlowOut")
DATABASE_S = 120


def created(number):
    """An instant, now and then on another day in UTC than it is where it was written."""
    offset = ("Z", "+02:00", "-11:30")[number % 3]
    return f"2026-04-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:59.123{offset}"


def outcome(number):
    return {"outcome": {"id": f"outcome-{number % 13}"}, "achievedDate": created(number)}


def vary(session, number):
    """The session with a value, or none, of each member that is asked for."""
    session["createdDate"] = created(number)
    members = {
        "durationInSeconds": [None, 0, number * 7919 % 100000][number % 3],
        "searchTerms": [TERMS[(number // 4 + 5 * step) % len(TERMS)] for step in range(number % 4)],
        "outcomeAchievements": [outcome(number + step) for step in range(number % 5 % 3)],
        "lastAcdOutcome": WORDS[number % 7] if number % 7 < len(WORDS) else None,
    }
    return session | {name: value for name, value in members.items() if value is not None}


def records(examples):
    """Sessions, the first of which come again at the end, longer than they were."""
    made = [vary(session, number)
            for number, session in enumerate(make_sessions.sessions(examples, COUNT))]
    grown = [session | {"durationInSeconds": 1000000 + number, "searchTerms": ["grown"]}
             for number, session in enumerate(made[:GROWN])]
    return made + grown


def day(session):
    instant = datetime.datetime.fromisoformat(session["createdDate"].replace("Z", "+00:00"))
    return instant.astimezone(datetime.timezone.utc).date().isoformat()


def daily(sessions):
    groups = collections.defaultdict(list)
    for session in sessions:
        groups[day(session), session["type"]].append(session.get("durationInSeconds"))
    rows = []
    for (date, kind), durations in sorted(groups.items()):
        known = [duration for duration in durations if duration is not None]
        seconds = sum(known) / len(known) if known else None
        rows.append({"day": date, "type": kind, "sessions": len(durations), "seconds": seconds})
    return rows


def top(name, values):
    ranked = sorted(collections.Counter(values).items(), key=lambda item: (-item[1], item[0]))
    return [{name: value, "times": times} for value, times in ranked[:SHOWN]]


class Analytics(ToolTest):
    def setUp(self):
        super().setUp()
        self.records = records(toolcase.EXAMPLES / "sessions.ndjson")
        last = {session["id"]: session for session in self.records}
        self.assertEqual(len(last), COUNT)
        self.sessions = list(last.values())
        self.daily = daily(self.sessions)
        self.terms = top("term", [term for session in self.sessions
                                  for term in session.get("searchTerms", ())])
        self.assertEqual(len(self.terms), SHOWN)

    def archive(self, sessions=None):
        """Of two runs of session2pb, one behind the other."""
        sessions = self.records if sessions is None else sessions
        halves = sessions[: len(sessions) // 2], sessions[len(sessions) // 2 :]
        return b"".join(self.pb(b"".join(make_sessions.lines(half)), "--zstd") for half in halves)

    def done(self, *command, text=b"", **keywords):
        done = subprocess.run(command, input=text, capture_output=True, timeout=DATABASE_S, check=False,
                              **keywords)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return [json.loads(line) for line in done.stdout.splitlines()]


class DuckDB(Analytics):
    def setUp(self):
        super().setUp()
        achieved = [achievement["outcome"]["id"] for session in self.sessions
                    for achievement in session.get("outcomeAchievements", ())]
        self.expected = self.daily + self.terms + top("outcome", achieved)

    def found(self, pb, *arguments):
        return self.done(NODE, PROGRAMS / "duckdb.mjs", *arguments, text=self.text(pb))

    def test_an_archive_gives_the_numbers_of_its_json(self):
        self.assertEqual(self.found(self.archive()), self.expected)

    def test_a_stream_gives_the_numbers_of_its_json(self):
        pb = self.pb(b"".join(make_sessions.lines(self.records)))
        self.assertEqual(self.found(pb), self.expected)

    def test_a_database_grows_by_each_archive(self):
        database = self.folder / "sessions.duckdb"
        middle = COUNT // 2
        self.found(self.archive(self.records[:middle]), database)
        self.assertEqual(self.found(self.archive(self.records[middle:]), database), self.expected)

    def test_the_program_has_at_most_forty_lines(self):
        text = (PROGRAMS / "duckdb.mjs").read_text(encoding="utf-8")
        self.assertLessEqual(len(text.splitlines()), 40)

    def test_the_page_names_the_version_that_is_run(self):
        package = json.loads((PROGRAMS / "package.json").read_text(encoding="utf-8"))
        version = package["dependencies"]["@duckdb/node-api"].partition("-")[0]
        self.assertIn(f"| {version}, by `@duckdb/node-api`", PAGE)


class ClickHouse(Analytics):
    def setUp(self):
        super().setUp()
        server = clickhouse.running(self.folder)
        self.environment = dict(os.environ, **server.__enter__())
        self.addCleanup(server.__exit__, None, None, None)

    def load(self, pb):
        self.done(PROGRAMS / "clickhouse-load.sh", text=self.text(pb), env=self.environment)

    def found(self):
        # JSON has no integers of 64 bits, so ClickHouse quotes them unless it is told otherwise.
        options = ("--multiquery", "--format=JSONEachRow", "--output_format_json_quote_64bit_integers=0")
        queries = (PROGRAMS / "clickhouse-queries.sql").read_bytes()
        return self.done("clickhouse-client", *options, text=queries, env=self.environment)

    def expected(self):
        outcomes = [session["lastAcdOutcome"] for session in self.sessions if "lastAcdOutcome" in session]
        return self.daily + self.terms + top("outcome", outcomes)

    def test_an_archive_gives_the_numbers_of_its_json(self):
        self.load(self.archive())
        self.assertEqual(self.found(), self.expected())

    def test_a_table_grows_by_each_archive(self):
        middle = COUNT // 2
        self.load(self.archive(self.records[:middle]))
        self.load(self.archive(self.records[middle:]))
        self.assertEqual(self.found(), self.expected())

    def test_the_view_of_the_page_fills_the_table_from_the_columns_of_messages(self):
        sql = re.search(r"^```sql\n(.*?)^```$", PAGE, re.M | re.S)[1]
        sql = re.sub(r"^ENGINE = Kafka\nSETTINGS .*?;", "ENGINE = Memory;", sql, flags=re.M | re.S)
        message = "('new', 'page', 4102444799, NULL, ['x', 'x'], 'Abandon')"
        self.load(self.archive())
        for statement in (sql, f"INSERT INTO sessions_topic VALUES {message}"):
            self.done("clickhouse-client", "--multiquery", text=statement.encode(), env=self.environment)
        self.sessions.append({"id": "new", "type": "page", "createdDate": "2099-12-31T23:59:59Z",
                              "lastAcdOutcome": "Abandon"})
        self.daily = daily(self.sessions)
        self.assertEqual(self.found()[: len(self.daily)], self.daily)


THERE = {
    "DuckDB": NODE is not None and (PROGRAMS / "node_modules").is_dir(),
    "ClickHouse": clickhouse.THERE,
}

if __name__ == "__main__":
    database = sys.argv[3]
    if not THERE[database]:
        print(f"skipped: {database} is not installed")
        sys.exit(SKIPPED)
    # Databases write more than a broken tool may.
    toolcase.FILE_MAX = 2**40
    main(__doc__)
