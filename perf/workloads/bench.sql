-- perf/workloads/bench.sql: insert, index, join, aggregate; @N rows.
-- SPDX-License-Identifier: 0BSD
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @N)
  INSERT INTO t SELECT i, (i * 7919) % 1009, 'row ' || (i * 104729 % 65537) FROM n;
CREATE INDEX ta ON t (a);
CREATE INDEX tb ON t (b);
SELECT count(*), sum(x.id) FROM t x JOIN t y ON x.a = y.a AND x.id < y.id;
SELECT a % 10, count(*), max(b), sum(length(b)) FROM t GROUP BY a % 10 ORDER BY 1;
UPDATE t SET b = upper(b) WHERE a < 200;
DELETE FROM t WHERE b LIKE '%77%';
SELECT count(*), min(b) FROM t;
