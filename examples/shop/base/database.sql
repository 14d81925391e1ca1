-- Run once by psql, as superuser, at the first start.
\getenv shop_password SHOP_PASSWORD
CREATE ROLE shop LOGIN PASSWORD :'shop_password';
CREATE DATABASE shop OWNER shop;

\connect shop
SET ROLE shop;
CREATE TABLE articles (id int PRIMARY KEY, name text NOT NULL, cents int NOT NULL);
CREATE TABLE cart_lines (id bigserial PRIMARY KEY, customer int NOT NULL, article int NOT NULL, pieces int NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL, ordered_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE order_lines (order_id bigint NOT NULL REFERENCES orders, article int NOT NULL, pieces int NOT NULL);

INSERT INTO articles SELECT id, 'sock no. ' || id, 100 + id FROM generate_series(1, 500) AS id;
INSERT INTO cart_lines (customer, article, pieces)
SELECT customer, 1 + (customer * 7 + line * 83) % 500, line FROM generate_series(1, 1000) AS customer, generate_series(1, 3) AS line;
INSERT INTO orders (customer, ordered_at)
SELECT 1 + number % 1000, '2026-01-01Z'::timestamptz + number * interval '10 min' FROM generate_series(1, 20000) AS number;
INSERT INTO order_lines SELECT id, 1 + (id * 13 + line * 101) % 500, 1 + line % 4 FROM orders, generate_series(1, 30) AS line;

CREATE INDEX ON cart_lines (customer);
CREATE INDEX ON orders (customer, id);
CREATE INDEX ON order_lines (order_id);
RESET ROLE;
VACUUM ANALYZE;

-- The golden copy that each load begins from, and the mark without which nothing is reset.
\connect postgres
CREATE DATABASE shop_golden TEMPLATE shop;
ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS false;
COMMENT ON DATABASE shop IS 'devperfops.io/may-be-reset';
