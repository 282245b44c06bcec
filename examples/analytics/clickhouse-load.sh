#!/bin/sh
# Loads sessions into the table `sessions` of a ClickHouse server, which is made if there is none.
#
#     pb2session FILE... | ./clickhouse-load.sh [OPTION...]
#
# OPTIONs go to clickhouse-client, such as --host. A session may come again, as it was or grown: the
# last record with its id counts, for queries that say FINAL.
set -eu

clickhouse-client "$@" --multiquery <<'END'
CREATE TABLE IF NOT EXISTS sessions
(
    id String,
    type String,
    createdDate DateTime('UTC'), -- in whole seconds
    durationInSeconds Nullable(Int32),
    searchTerms Array(String),
    lastAcdOutcome Nullable(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(createdDate)
ORDER BY id;
END
exec clickhouse-client "$@" --input_format_skip_unknown_fields=1 --date_time_input_format=best_effort \
    --query='INSERT INTO sessions FORMAT JSONEachRow'
