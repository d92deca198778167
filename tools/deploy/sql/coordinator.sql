-- What the coordinator runs: psql -1 -v ON_ERROR_STOP=1 -f coordinator.sql, once on its primary, and again after an upgrade. Then
-- SELECT zoo.set_shards(ARRAY['host=... dbname=... user=... target_session_attrs=read-write', ...]).
--
-- The coordinator keeps what indexes there are, gives numbers to items, and decides what becomes of transactions.
-- Reads go through it: PL/Proxy asks all shards at once, or the one that keeps a picture.

CREATE EXTENSION IF NOT EXISTS plproxy;
CREATE SCHEMA IF NOT EXISTS plproxy;
CREATE SCHEMA IF NOT EXISTS zoo;

-- ---------------------------------------------------------------------------------------------------------------------
-- Indexes and transactions

CREATE SEQUENCE IF NOT EXISTS zoo.index_numbers AS int;
CREATE TABLE IF NOT EXISTS zoo.indexes (
  number int PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  settings jsonb NOT NULL,
  -- The highest number that an item has been given.
  last_item bigint NOT NULL DEFAULT 0);

CREATE TABLE IF NOT EXISTS zoo.versions (
  index int REFERENCES zoo.indexes ON DELETE CASCADE, version bigint, bits int NOT NULL, PRIMARY KEY (index, version));

-- Transactions that are to be committed. What is prepared on a shard and not in here is to be rolled back.
CREATE SEQUENCE IF NOT EXISTS zoo.transaction_numbers;
CREATE TABLE IF NOT EXISTS zoo.transactions (
  number bigint PRIMARY KEY, index int NOT NULL, decided timestamptz NOT NULL DEFAULT now(),
  -- All shards have committed.
  finished boolean NOT NULL DEFAULT false);
CREATE INDEX IF NOT EXISTS transactions_unfinished ON zoo.transactions (index) WHERE NOT finished;
CREATE INDEX IF NOT EXISTS transactions_decided ON zoo.transactions (decided) WHERE finished;

-- Two advisory locks an index. A client that writes holds `writing` from before its transaction until its last shard has
-- committed. It holds `committing` alone while shards commit, and whoever reads holds it shared: nobody sees a batch on
-- one shard and not yet on another.
CREATE OR REPLACE FUNCTION zoo.writing() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2053073525';
CREATE OR REPLACE FUNCTION zoo.committing() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2053073526';

-- Waits until nobody else writes to the index; the session holds the lock until zoo.end_writing. settings is NULL where the
-- index is not there.
CREATE OR REPLACE FUNCTION zoo.begin_writing(p_index int) RETURNS TABLE (
  transaction bigint, in_doubt boolean, shards text[], settings jsonb, last_item bigint, versions bigint[], bits int[])
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_lock(zoo.writing(), p_index);
  RETURN QUERY
    SELECT nextval('zoo.transaction_numbers'),
      EXISTS (SELECT FROM zoo.transactions AS t WHERE t.index = p_index AND NOT t.finished), l.shards,
      i.settings, i.last_item,
      ARRAY(SELECT v.version FROM zoo.versions AS v WHERE v.index = p_index ORDER BY 1),
      ARRAY(SELECT v.bits FROM zoo.versions AS v WHERE v.index = p_index ORDER BY v.version)
    FROM zoo.layout AS l LEFT JOIN zoo.indexes AS i ON i.number = p_index;
END $$;

-- Waits until nobody reads the index; from now on nobody does until zoo.end_writing.
CREATE OR REPLACE FUNCTION zoo.begin_committing(p_index int) RETURNS void LANGUAGE sql AS
  'SELECT pg_advisory_lock(zoo.committing(), p_index)';

-- Notes that all shards have committed. Decisions are kept for an hour, for a client that lost its connection and asks.
CREATE OR REPLACE FUNCTION zoo.finish(p_transactions bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- To finish once more after a crash does no harm.
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE zoo.transactions SET finished = true WHERE number = ANY (p_transactions) AND NOT finished;
  DELETE FROM zoo.transactions WHERE finished AND decided < now() - interval '1 hour';
END $$;

CREATE OR REPLACE FUNCTION zoo.end_writing() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_unlock_all()';

-- Before every reading, in the same transaction. No row where the index is not there.
CREATE OR REPLACE FUNCTION zoo.begin_reading(p_index int) RETURNS TABLE (
  settings jsonb, last_item bigint, versions bigint[], bits int[]) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(zoo.committing(), p_index);
  IF EXISTS (SELECT FROM zoo.transactions AS t WHERE t.index = p_index AND NOT t.finished) THEN
    RAISE EXCEPTION 'an earlier transaction on index number % is in doubt', p_index USING ERRCODE = 'ZOO05';
  END IF;
  RETURN QUERY
    SELECT i.settings, i.last_item,
      ARRAY(SELECT v.version FROM zoo.versions AS v WHERE v.index = p_index ORDER BY 1),
      ARRAY(SELECT v.bits FROM zoo.versions AS v WHERE v.index = p_index ORDER BY v.version)
    FROM zoo.indexes AS i WHERE i.number = p_index;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Shards

-- One row: connection strings in the order of the shards, and a number that changes with them.
CREATE TABLE IF NOT EXISTS zoo.layout (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL, shards text[] NOT NULL);
INSERT INTO zoo.layout VALUES (true, 0, '{}') ON CONFLICT DO NOTHING;

-- Names the shards, or where they are reached from now on. Where there are indexes their number stays.
CREATE OR REPLACE FUNCTION zoo.set_shards(p_shards text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  before int;
BEGIN
  SELECT cardinality(shards) INTO before FROM zoo.layout FOR UPDATE;
  IF cardinality(p_shards) = 0 THEN
    RAISE EXCEPTION 'no shards are named: name at least one';
  END IF;
  IF before <> cardinality(p_shards) AND EXISTS (SELECT FROM zoo.indexes) THEN
    RAISE EXCEPTION '% shards are named where the indexes lie on %: drop the indexes first', cardinality(p_shards), before;
  END IF;
  UPDATE zoo.layout SET version = version + 1, shards = p_shards;
END $$;

CREATE OR REPLACE FUNCTION plproxy.get_cluster_version(cluster_name text) RETURNS int LANGUAGE sql AS
  'SELECT version FROM zoo.layout';
CREATE OR REPLACE FUNCTION plproxy.get_cluster_partitions(cluster_name text) RETURNS SETOF text LANGUAGE sql AS
  'SELECT unnest(shards) FROM zoo.layout';
CREATE OR REPLACE FUNCTION plproxy.get_cluster_config(IN cluster_name text, OUT key text, OUT val text)
RETURNS SETOF record LANGUAGE sql AS $$ VALUES ('modular_mapping', '1') $$;

-- Which shard keeps a picture and its items, modulo the number of shards: the first four bytes of its hash without the
-- highest bit.
CREATE OR REPLACE FUNCTION zoo.picture_place(p_hash bytea) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT ((get_byte(p_hash, 0) & 127) << 24) | (get_byte(p_hash, 1) << 16) | (get_byte(p_hash, 2) << 8)
    | get_byte(p_hash, 3)
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Reading on the shards: what these functions do is in shard.sql

-- What earlier versions of these functions returned.
DROP FUNCTION IF EXISTS zoo.items_by_id(int, text[]);
DROP FUNCTION IF EXISTS zoo.items_by_number(int, bigint[]);
DROP FUNCTION IF EXISTS zoo.items_after(int, bigint, bigint);
DROP FUNCTION IF EXISTS zoo.picture(int, bytea);

CREATE OR REPLACE FUNCTION zoo.items_by_id(p_index int, p_ids text[])
RETURNS TABLE (
  number bigint, id text, category text, attributes jsonb, link text, picture bytea, predicted jsonb)
LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON ALL; $$;

CREATE OR REPLACE FUNCTION zoo.items_by_number(p_index int, p_numbers bigint[])
RETURNS TABLE (
  number bigint, id text, category text, attributes jsonb, link text, picture bytea, predicted jsonb)
LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON ALL; $$;

CREATE OR REPLACE FUNCTION zoo.items_after(p_index int, p_number bigint, p_limit bigint)
RETURNS TABLE (
  number bigint, id text, category text, attributes jsonb, link text, picture bytea, predicted jsonb)
LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON ALL; $$;

CREATE OR REPLACE FUNCTION zoo.picture(p_index int, p_hash bytea)
RETURNS TABLE (has_data boolean, versions bigint[], codes varbit[], predictions jsonb)
LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON zoo.picture_place(p_hash); $$;

CREATE OR REPLACE FUNCTION zoo.picture_data(p_index int, p_hash bytea) RETURNS TABLE (data bytea)
LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON zoo.picture_place(p_hash); $$;

CREATE OR REPLACE FUNCTION zoo.pictures_without_code(p_index int, p_version bigint, p_after bytea, p_limit bigint)
RETURNS TABLE (hash bytea) LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON ALL; $$;

CREATE OR REPLACE FUNCTION zoo.statistics(p_index int) RETURNS TABLE (
  items bigint, pictures bigint, categories jsonb, codes jsonb, code_bytes bigint, other_bytes bigint, disk_bytes bigint)
LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON ALL; $$;

CREATE OR REPLACE FUNCTION zoo.nearest(
  p_index int, p_version bigint, p_code varbit, p_k int, p_categories text[], p_attributes text[], p_values jsonb
) RETURNS TABLE (number bigint, distance int, category text, attributes jsonb, plan text)
LANGUAGE plproxy AS $$ CLUSTER 'zoo'; RUN ON ALL; $$;

-- Changes when a client of another version could not use these functions; last, so that it says what is.
CREATE OR REPLACE FUNCTION zoo.coordinator_interface() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
