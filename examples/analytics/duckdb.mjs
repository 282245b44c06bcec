// Loads sessions into DuckDB, and prints each row that three queries find as a line of JSON.
//
//     npm install
//     pb2session FILE... | node duckdb.mjs [DATABASE]
//
// Without DATABASE, a file, the sessions are forgotten at the end.
import { DuckDBInstance } from "@duckdb/node-api";

const members = Object.entries({
  id: "VARCHAR",
  type: "VARCHAR",
  createdDate: "TIMESTAMP", // in UTC
  durationInSeconds: "INTEGER",
  searchTerms: "VARCHAR[]",
  outcomeAchievements: "STRUCT(outcome STRUCT(id VARCHAR), achievedDate TIMESTAMP)[]",
  attributes: "MAP(VARCHAR, STRUCT(dataType VARCHAR, value VARCHAR))",
});
const columns = members.map(([name, type]) => `${name} ${type}`);
const json = members.map(([name, type]) => `${name}: '${type}'`);

const database = await (await DuckDBInstance.create(process.argv[2])).connect();
await database.run(`CREATE TABLE IF NOT EXISTS records (${columns})`);
await database.run(`INSERT INTO records
  FROM read_json('/dev/stdin', format = 'newline_delimited', columns = {${json}})`);
// A session may come again, as it was or grown: the last record with its id counts.
await database.run(`CREATE OR REPLACE VIEW sessions AS
  FROM records QUALIFY row_number() OVER (PARTITION BY id ORDER BY rowid DESC) = 1`);

for (const query of [
  `SELECT createdDate::DATE AS day, type, count(*)::INTEGER AS sessions,
   avg(durationInSeconds) AS seconds FROM sessions GROUP BY day, type ORDER BY day, type`,
  `SELECT term, count(*)::INTEGER AS times FROM sessions, unnest(searchTerms) AS _(term)
   GROUP BY term ORDER BY times DESC, term LIMIT 10`,
  `SELECT achieved.outcome.id AS outcome, count(*)::INTEGER AS times
   FROM sessions, unnest(outcomeAchievements) AS _(achieved)
   GROUP BY ALL ORDER BY times DESC, outcome LIMIT 10`,
])
  for (const row of (await database.runAndReadAll(query)).getRowObjectsJson())
    console.log(JSON.stringify(row));
