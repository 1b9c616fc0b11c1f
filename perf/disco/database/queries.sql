-- perf/disco/database/queries.sql: questions for decision support over what make.sql has made, in the manner of TPC-D.
-- SPDX-License-Identifier: Apache-2.0
.mode list
-- what was sold, by discount and month of shipping
SELECT shipped / 600, CAST(discount * 100 AS INTEGER) % 3, sum(quantity), round(sum(price), 2),
  round(sum(price * (1 - discount)), 2), round(avg(quantity), 3), count(*)
  FROM item WHERE shipped <= 2300 GROUP BY 1, 2 ORDER BY 1, 2;
-- orders not shipped yet on a day, the dearest first
SELECT o.id, round(sum(i.price * (1 - i.discount)), 2) AS revenue, o.day FROM customer c JOIN orders o ON o.customer = c.id
  JOIN item i ON i.ord = o.id WHERE c.segment = 'segment 1' AND o.day < 1200 AND i.shipped > 1200
  GROUP BY o.id ORDER BY revenue DESC, o.id LIMIT 10;
-- revenue by nation
SELECT c.nation, round(sum(i.price * (1 - i.discount)), 2) AS revenue FROM customer c JOIN orders o ON o.customer = c.id
  JOIN item i ON i.ord = o.id WHERE o.day BETWEEN 300 AND 900 GROUP BY c.nation ORDER BY revenue DESC;
-- what a smaller discount would have brought in
SELECT round(sum(price * discount), 2) FROM item WHERE shipped BETWEEN 700 AND 1100 AND discount BETWEEN 0.04 AND 0.06
  AND quantity < 24;
-- late items by priority
SELECT o.priority, count(*) FROM orders o WHERE EXISTS (SELECT 1 FROM item i WHERE i.ord = o.id AND i.shipped > o.day + 90)
  GROUP BY o.priority ORDER BY o.priority;
-- a whole look at the text
SELECT count(*), min(comment), max(length(comment)) FROM item WHERE comment LIKE '%77%';
