-- perf/disco/database/make.sql: a shop's customers, orders and items, made up; @N orders, four items each. For sqlite3.
-- SPDX-License-Identifier: Apache-2.0
PRAGMA journal_mode = off;
PRAGMA synchronous = off;
CREATE TABLE customer (id INTEGER PRIMARY KEY, nation INTEGER, segment TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, day INTEGER, priority INTEGER);
CREATE TABLE item (ord INTEGER, line INTEGER, part INTEGER, quantity INTEGER, price REAL, discount REAL, shipped INTEGER,
  comment TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @N / 10)
  INSERT INTO customer SELECT i, i * 7919 % 25, 'segment ' || i * 104729 % 5 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @N)
  INSERT INTO orders SELECT i, 1 + i * 15485863 % (@N / 10), i * 32452843 % 2400, i * 7 % 5 FROM n;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4 * @N - 1)
  INSERT INTO item SELECT 1 + i / 4, i % 4, i * 179424673 % 2000, 1 + i * 31 % 50, 900 + i * 49979687 % 100000 / 100.0,
    i % 11 / 100.0, (1 + i / 4) * 32452843 % 2400 + i * 17 % 120, 'carefully packed, number ' || i * 86028121 % 1000003 FROM n;
COMMIT;
CREATE INDEX orders_customer ON orders (customer);
CREATE INDEX item_ord ON item (ord);
