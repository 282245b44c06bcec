SELECT toDate(createdDate) AS day, type, count() AS sessions, avg(durationInSeconds) AS seconds
FROM sessions FINAL GROUP BY day, type ORDER BY day, type;

SELECT arrayJoin(searchTerms) AS term, count() AS times
FROM sessions FINAL GROUP BY term ORDER BY times DESC, term LIMIT 10;

SELECT lastAcdOutcome AS outcome, count() AS times
FROM sessions FINAL WHERE outcome IS NOT NULL GROUP BY outcome ORDER BY times DESC, outcome LIMIT 10;
