-- What a shard runs: psql -1 -v ON_ERROR_STOP=1 -f shard.sql, once on every shard's primary, and again after an upgrade.
--
-- Each index has a schema of its own, zoo_NUMBER. The coordinator numbers indexes, items and transactions; an item
-- lies where its picture lies, and a picture where its content hash says, so that everything about a picture is on one
-- shard. Functions that write are called inside a transaction that the client prepares (PREPARE TRANSACTION).
--
-- Errors that a client can act on have SQLSTATEs of their own: ZOO01 the request is at fault, ZOO02 not found,
-- ZOO03 not in a state for it, ZOO05 an earlier transaction is in doubt.

CREATE SCHEMA IF NOT EXISTS zoo;

-- What earlier versions of these functions were called with or returned.
DROP FUNCTION IF EXISTS zoo.put_pictures(int, bytea[], jsonb[], bytea[]);
DROP FUNCTION IF EXISTS zoo.put_codes(int, bigint, bytea[], varbit[]);
DROP FUNCTION IF EXISTS zoo.put_items(int, text[], int[], bigint[], text[], jsonb[], text[], bytea[]);
DROP FUNCTION IF EXISTS zoo.items_by_id(int, text[]);
DROP FUNCTION IF EXISTS zoo.items_by_number(int, bigint[]);
DROP FUNCTION IF EXISTS zoo.items_after(int, bigint, bigint);
DROP FUNCTION IF EXISTS zoo.picture(int, bytea);

-- Partitions of a code table, by hash of the category.
CREATE OR REPLACE FUNCTION zoo.partition_count() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 4';

-- Codes of up to so many bits get b-trees on their 16-bit substrings, once a shard has so many items: scanning fewer is
-- faster.
CREATE OR REPLACE FUNCTION zoo.widest_indexed() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 128';
CREATE OR REPLACE FUNCTION zoo.fewest_indexed() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 10000';

-- What 16-bit values are XORed with to reach all others within a distance, up to 3.
CREATE TABLE IF NOT EXISTS zoo.masks (mask int PRIMARY KEY, ones int NOT NULL);
INSERT INTO zoo.masks
  SELECT mask, bit_count(mask::bit(16)) FROM generate_series(0, 65535) AS mask WHERE bit_count(mask::bit(16)) <= 3
  ON CONFLICT DO NOTHING;

-- ---------------------------------------------------------------------------------------------------------------------
-- An index

-- From here to the end of the transaction, names without a schema are the index's.
CREATE OR REPLACE FUNCTION zoo.enter(p_index int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF to_regnamespace('zoo_' || p_index) IS NULL THEN
    RAISE EXCEPTION 'index number % is gone: open it again by name', p_index USING ERRCODE = 'ZOO02';
  END IF;
  PERFORM set_config('search_path', 'zoo_' || p_index, true);
END $$;

-- As enter, before anything is written. One client writes to an index at a time, so whatever is prepared has lost its
-- client and has to be finished first.
CREATE OR REPLACE FUNCTION zoo.enter_writing(p_index int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  IF EXISTS (SELECT FROM zoo.in_doubt() AS doubt WHERE doubt.index = p_index) THEN
    RAISE EXCEPTION 'an earlier transaction on index number % is in doubt', p_index USING ERRCODE = 'ZOO05';
  END IF;
END $$;

-- Prepared transactions of this shard. A gid is zoo:INDEX:TRANSACTION:SHARD.
CREATE OR REPLACE FUNCTION zoo.in_doubt() RETURNS TABLE (index int, transaction bigint, gid text)
LANGUAGE sql AS $$
  SELECT split_part(gid, ':', 2)::int, split_part(gid, ':', 3)::bigint, gid
  FROM pg_prepared_xacts WHERE database = current_database() AND gid ~ '^zoo:[0-9]{1,9}:[0-9]{1,18}:[0-9]{1,9}$'
$$;

CREATE OR REPLACE FUNCTION zoo.create_index(p_index int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE SCHEMA %I', 'zoo_' || p_index);
  PERFORM set_config('search_path', 'zoo_' || p_index, true);

  -- has_substrings: there are b-trees on the substrings of its codes.
  CREATE TABLE versions (version bigint PRIMARY KEY, bits int NOT NULL, has_substrings boolean NOT NULL DEFAULT false);

  -- items: how many there are of it.
  CREATE TABLE categories (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, items bigint NOT NULL DEFAULT 0);

  CREATE TABLE pictures (hash bytea PRIMARY KEY, data bytea);
  -- Pictures are compressed as they are.
  ALTER TABLE pictures ALTER data SET STORAGE EXTERNAL;

  -- What a version made of a picture. prediction: {"category": text, "attributes": {name: text}}; NULL where nobody knows.
  CREATE TABLE picture_codes (
    version bigint, picture bytea, code varbit NOT NULL, prediction jsonb, PRIMARY KEY (version, picture));

  -- predicted: what goes by predictions, {"category": boolean, "attributes": [name]}; NULL where nothing does, or nobody knows.
  CREATE TABLE items (
    number bigint PRIMARY KEY, id text NOT NULL UNIQUE, category int NOT NULL, attributes jsonb NOT NULL,
    link text NOT NULL, picture bytea NOT NULL, predicted jsonb);
  CREATE INDEX items_picture ON items (picture, number);
END $$;

CREATE OR REPLACE FUNCTION zoo.drop_index(p_index int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter_writing(p_index);
  EXECUTE format('DROP SCHEMA %I CASCADE', 'zoo_' || p_index);
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Versions of the hasher

-- 16-bit substrings of a code; the last one has 8 bits where the code has an odd number of bytes.
CREATE OR REPLACE FUNCTION zoo.substrings(p_bits int) RETURNS int LANGUAGE sql IMMUTABLE AS
  'SELECT (p_bits + 15) / 16';

-- Substring `p_place`, counted from 0, of a column `code`, as it is indexed and asked for.
CREATE OR REPLACE FUNCTION zoo.substring_expression(p_place int, p_bits int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('substring(code from %s for %s)::int', 16 * p_place + 1, least(16, p_bits - 16 * p_place))
$$;

-- Makes the table that a version is searched in: category, number and code of each item, partitioned by category.
CREATE OR REPLACE FUNCTION zoo.create_code_table(p_version bigint, p_bits int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name CONSTANT text := 'codes_' || p_version;
BEGIN
  EXECUTE format(
    'CREATE TABLE %I (category int, number bigint, code bit(%s) NOT NULL, PRIMARY KEY (category, number))
       PARTITION BY HASH (category)', name, p_bits);
  FOR part IN 0 .. zoo.partition_count() - 1 LOOP
    EXECUTE format(
      'CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)', name || '_' || part, name,
      zoo.partition_count(), part);
  END LOOP;
END $$;

-- Makes b-trees on the substrings of codes where there are enough of them by now.
CREATE OR REPLACE FUNCTION zoo.index_substrings() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v record;
BEGIN
  FOR v IN
    SELECT * FROM versions WHERE NOT has_substrings AND bits <= zoo.widest_indexed()
      AND (SELECT sum(items) FROM categories) >= zoo.fewest_indexed()
  LOOP
    FOR place IN 0 .. zoo.substrings(v.bits) - 1 LOOP
      EXECUTE format(
        'CREATE INDEX ON %I ((%s), category)', 'codes_' || v.version, zoo.substring_expression(place, v.bits));
    END LOOP;
    UPDATE versions SET has_substrings = true WHERE version = v.version;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION zoo.add_version(p_index int, p_version bigint, p_bits int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter_writing(p_index);
  INSERT INTO versions (version, bits) VALUES (p_version, p_bits);
  PERFORM zoo.create_code_table(p_version, p_bits);
  PERFORM zoo.index_substrings();
END $$;

CREATE OR REPLACE FUNCTION zoo.remove_version(p_index int, p_version bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter_writing(p_index);
  DELETE FROM versions WHERE version = p_version;
  DELETE FROM picture_codes WHERE version = p_version;
  EXECUTE format('DROP TABLE %I', 'codes_' || p_version);
END $$;

-- Makes the code tables anew from the pictures' codes, ordered by category, and counts the categories.
CREATE OR REPLACE FUNCTION zoo.rebuild(p_index int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v record;
BEGIN
  PERFORM zoo.enter_writing(p_index);
  UPDATE categories AS c SET items = (SELECT count(*) FROM items AS i WHERE i.category = c.number);
  DELETE FROM categories AS c WHERE c.items = 0;
  UPDATE versions SET has_substrings = false;
  FOR v IN SELECT * FROM versions LOOP
    EXECUTE format('DROP TABLE %I', 'codes_' || v.version);
    PERFORM zoo.create_code_table(v.version, v.bits);
    EXECUTE format(
      'INSERT INTO %I SELECT i.category, i.number, c.code FROM items AS i JOIN picture_codes AS c USING (picture)
         WHERE c.version = $1 ORDER BY i.category, i.number', 'codes_' || v.version) USING v.version;
  END LOOP;
  PERFORM zoo.index_substrings();
  FOR v IN SELECT * FROM versions LOOP
    EXECUTE format('ANALYZE %I', 'codes_' || v.version);
  END LOOP;
  ANALYZE items, pictures, picture_codes, categories;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Writing

-- Pictures, before their codes and the items that show them. One that is there keeps its data.
CREATE OR REPLACE FUNCTION zoo.put_pictures(p_index int, p_hashes bytea[], p_data bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter_writing(p_index);
  INSERT INTO pictures AS old SELECT * FROM unnest(p_hashes, p_data)
    ON CONFLICT (hash) DO UPDATE SET data = excluded.data WHERE old.data IS NULL AND excluded.data IS NOT NULL;
END $$;

-- Adds the codes and predictions that pictures do not have yet, and has every item that shows a picture which gains a code
-- found by it.
CREATE OR REPLACE FUNCTION zoo.put_codes(
  p_index int, p_version bigint, p_pictures bytea[], p_codes varbit[], p_predictions jsonb[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  gained bytea[];
BEGIN
  PERFORM zoo.enter_writing(p_index);
  UPDATE picture_codes AS c SET prediction = new.prediction
    FROM unnest(p_pictures, p_predictions) AS new (picture, prediction)
    WHERE c.version = p_version AND c.picture = new.picture AND c.prediction IS NULL AND new.prediction IS NOT NULL;
  WITH added AS (
    INSERT INTO picture_codes
      SELECT p_version, new.* FROM unnest(p_pictures, p_codes, p_predictions) AS new (picture, code, prediction)
      ON CONFLICT DO NOTHING
      RETURNING picture)
  SELECT array_agg(added.picture) INTO gained FROM added;
  EXECUTE format(
    'INSERT INTO %I SELECT i.category, i.number, c.code FROM items AS i JOIN picture_codes AS c USING (picture)
       WHERE c.version = $1 AND i.picture = ANY ($2)', 'codes_' || p_version) USING p_version, gained;
END $$;

-- Codes and predictions for pictures that are there, in place of those that they have.
CREATE OR REPLACE FUNCTION zoo.set_codes(
  p_index int, p_version bigint, p_pictures bytea[], p_codes varbit[], p_predictions jsonb[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter_writing(p_index);
  INSERT INTO picture_codes
    SELECT p_version, new.* FROM unnest(p_pictures, p_codes, p_predictions) AS new (picture, code, prediction)
    WHERE EXISTS (SELECT FROM pictures WHERE hash = new.picture)
    ON CONFLICT (version, picture) DO UPDATE SET code = excluded.code, prediction = excluded.prediction;
  EXECUTE format(
    'INSERT INTO %I SELECT i.category, i.number, c.code FROM items AS i JOIN picture_codes AS c USING (picture)
       WHERE c.version = $1 AND i.picture = ANY ($2)
     ON CONFLICT (category, number) DO UPDATE SET code = excluded.code', 'codes_' || p_version)
    USING p_version, p_pictures;
END $$;

-- Gives the items that go by predictions those of a version, where their pictures have one, and has them found in the
-- categories that they have then. The client makes the version the active one in the same transaction.
CREATE OR REPLACE FUNCTION zoo.apply_predictions(p_index int, p_version bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v bigint;
  moved record;
BEGIN
  PERFORM zoo.enter_writing(p_index);
  INSERT INTO categories (name)
    SELECT DISTINCT c.prediction ->> 'category'
    FROM items AS i JOIN picture_codes AS c ON c.version = p_version AND c.picture = i.picture
    WHERE (i.predicted ->> 'category')::boolean AND c.prediction ->> 'category' <> ''
    ON CONFLICT DO NOTHING;
  -- An attribute that goes by predictions and is not among them goes.
  WITH said AS (
    SELECT i.number, i.category AS before, coalesce(g.number, i.category) AS category,
      (i.attributes - ARRAY(SELECT jsonb_array_elements_text(i.predicted -> 'attributes'))) || coalesce((
        SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(c.prediction -> 'attributes') AS a
        WHERE (i.predicted -> 'attributes') ? a.key), '{}') AS attributes
    FROM items AS i JOIN picture_codes AS c ON c.version = p_version AND c.picture = i.picture
    LEFT JOIN categories AS g ON (i.predicted ->> 'category')::boolean AND g.name = c.prediction ->> 'category'
    WHERE i.predicted IS NOT NULL AND c.prediction IS NOT NULL
  ), changed AS (
    UPDATE items AS i SET category = said.category, attributes = said.attributes FROM said
      WHERE i.number = said.number AND (i.category <> said.category OR i.attributes <> said.attributes)
      RETURNING i.number, said.before, i.category)
  SELECT array_agg(c.number) AS numbers, array_agg(c.before) AS before, array_agg(c.category) AS categories INTO moved
    FROM changed AS c WHERE c.before <> c.category;
  IF moved.numbers IS NULL THEN RETURN; END IF;
  UPDATE categories AS c SET items = c.items + d.change
    FROM (
      SELECT m.category, sum(m.change) AS change
      FROM (SELECT unnest(moved.categories), 1 UNION ALL SELECT unnest(moved.before), -1) AS m (category, change)
      GROUP BY 1) AS d
    WHERE c.number = d.category;
  FOR v IN SELECT version FROM versions LOOP
    EXECUTE format(
      'UPDATE %I AS c SET category = m.category FROM unnest($1, $2, $3) AS m (number, before, category)
         WHERE c.category = m.before AND c.number = m.number', 'codes_' || v)
      USING moved.numbers, moved.before, moved.categories;
  END LOOP;
END $$;

-- Takes items out of the tables. Their pictures are left for zoo.sweep.
CREATE OR REPLACE FUNCTION zoo.take_items(p_ids text[]) RETURNS TABLE (id text, picture bytea) LANGUAGE plpgsql AS $$
DECLARE
  v bigint;
  gone record;
BEGIN
  WITH deleted AS (DELETE FROM items AS i WHERE i.id = ANY (p_ids) RETURNING i.*)
  SELECT array_agg(d.id) AS ids, array_agg(d.picture) AS pictures, array_agg(d.number) AS numbers,
    array_agg(d.category) AS categories INTO gone FROM deleted AS d;
  IF gone.ids IS NULL THEN RETURN; END IF;
  FOR v IN SELECT version FROM versions LOOP
    EXECUTE format(
      'DELETE FROM %I AS c USING unnest($1, $2) AS g (category, number)
         WHERE c.category = g.category AND c.number = g.number', 'codes_' || v) USING gone.categories, gone.numbers;
  END LOOP;
  UPDATE categories AS c SET items = c.items - g.count
    FROM (SELECT category, count(*) FROM unnest(gone.categories) AS category GROUP BY 1) AS g
    WHERE c.number = g.category;
  RETURN QUERY SELECT g.* FROM unnest(gone.ids, gone.pictures) AS g;
END $$;

-- Removes items. Every shard is asked for all of them.
CREATE OR REPLACE FUNCTION zoo.remove_items(p_index int, p_ids text[]) RETURNS TABLE (id text, picture bytea)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter_writing(p_index);
  RETURN QUERY SELECT t.* FROM zoo.take_items(p_ids) AS t;
END $$;

-- Puts items whose pictures are there already. Every shard is told the ids of all items of a batch, which are distinct,
-- so that it lets go of those that move to another shard; the other arrays have what this shard keeps, and p_places
-- where each of them stands in p_ids, counted from 1.
--
-- Returns a row for each item that it lets go of (replaced, and the picture that it showed), and one for each that it keeps
-- whose picture an older item shows (duplicate_of), as if the items had been put one after the other.
CREATE OR REPLACE FUNCTION zoo.put_items(
  p_index int, p_ids text[], p_places int[], p_numbers bigint[], p_categories text[], p_attributes jsonb[],
  p_links text[], p_pictures bytea[], p_predicted jsonb[]
) RETURNS TABLE (place int, replaced boolean, showed bytea, duplicate_of text) LANGUAGE plpgsql AS $$
DECLARE
  v bigint;
BEGIN
  PERFORM zoo.enter_writing(p_index);

  -- An older item that is put again counts until its own turn comes.
  RETURN QUERY
    SELECT new.place, false, NULL::bytea, older.id
    FROM unnest(p_places, p_pictures) AS new (place, picture)
    CROSS JOIN LATERAL (
      SELECT i.id FROM items AS i
      WHERE i.picture = new.picture AND coalesce(array_position(p_ids, i.id) > new.place, true)
      ORDER BY i.number LIMIT 1) AS older;

  RETURN QUERY SELECT array_position(p_ids, t.id), true, t.picture, NULL::text FROM zoo.take_items(p_ids) AS t;

  IF cardinality(p_places) = 0 THEN RETURN; END IF;
  INSERT INTO categories AS c (name, items) SELECT new.name, count(*) FROM unnest(p_categories) AS new (name) GROUP BY 1
    ON CONFLICT (name) DO UPDATE SET items = c.items + excluded.items;
  INSERT INTO items
    SELECT new.number, p_ids[new.place], c.number, new.attributes, new.link, new.picture, new.predicted
    FROM unnest(p_places, p_numbers, p_categories, p_attributes, p_links, p_pictures, p_predicted)
      AS new (place, number, category, attributes, link, picture, predicted)
    JOIN categories AS c ON c.name = new.category;
  FOR v IN SELECT version FROM versions LOOP
    EXECUTE format(
      'INSERT INTO %I SELECT i.category, i.number, c.code FROM items AS i JOIN picture_codes AS c USING (picture)
         WHERE c.version = $1 AND i.number = ANY ($2)', 'codes_' || v) USING v, p_numbers;
  END LOOP;
  PERFORM zoo.index_substrings();
END $$;

-- Lets go of those of the pictures that no item shows, and returns those that are shown and have neither data nor a code.
CREATE OR REPLACE FUNCTION zoo.sweep(p_index int, p_pictures bytea[]) RETURNS TABLE (incomplete bytea)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zoo.enter_writing(p_index);
  WITH gone AS (
    DELETE FROM pictures AS p WHERE p.hash = ANY (p_pictures)
      AND NOT EXISTS (SELECT FROM items AS i WHERE i.picture = p.hash)
    RETURNING p.hash)
  DELETE FROM picture_codes AS c USING gone, versions AS v WHERE c.picture = gone.hash AND c.version = v.version;
  RETURN QUERY
    SELECT p.hash FROM pictures AS p WHERE p.hash = ANY (p_pictures) AND p.data IS NULL
      AND NOT EXISTS (
        SELECT FROM picture_codes AS c JOIN versions AS v ON v.version = c.version WHERE c.picture = p.hash);
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Reading

CREATE OR REPLACE FUNCTION zoo.items_by_id(p_index int, p_ids text[])
RETURNS TABLE (
  number bigint, id text, category text, attributes jsonb, link text, picture bytea, predicted jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  RETURN QUERY
    SELECT i.number, i.id, c.name, i.attributes, i.link, i.picture, i.predicted
    FROM items AS i JOIN categories AS c ON c.number = i.category WHERE i.id = ANY (p_ids);
END $$;

CREATE OR REPLACE FUNCTION zoo.items_by_number(p_index int, p_numbers bigint[])
RETURNS TABLE (
  number bigint, id text, category text, attributes jsonb, link text, picture bytea, predicted jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  RETURN QUERY
    SELECT i.number, i.id, c.name, i.attributes, i.link, i.picture, i.predicted
    FROM items AS i JOIN categories AS c ON c.number = i.category WHERE i.number = ANY (p_numbers);
END $$;

CREATE OR REPLACE FUNCTION zoo.items_after(p_index int, p_number bigint, p_limit bigint)
RETURNS TABLE (
  number bigint, id text, category text, attributes jsonb, link text, picture bytea, predicted jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  RETURN QUERY
    SELECT i.number, i.id, c.name, i.attributes, i.link, i.picture, i.predicted
    FROM items AS i JOIN categories AS c ON c.number = i.category
    WHERE i.number > p_number ORDER BY i.number LIMIT p_limit;
END $$;

CREATE OR REPLACE FUNCTION zoo.picture(p_index int, p_hash bytea)
RETURNS TABLE (has_data boolean, versions bigint[], codes varbit[], predictions jsonb) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  RETURN QUERY
    SELECT p.data IS NOT NULL, array_agg(c.version), array_agg(c.code),
      coalesce(jsonb_object_agg(c.version, c.prediction) FILTER (WHERE c.prediction IS NOT NULL), '{}')
    FROM pictures AS p
    LEFT JOIN (versions AS v JOIN picture_codes AS c ON c.version = v.version AND c.picture = p_hash) ON true
    WHERE p.hash = p_hash GROUP BY p.hash;
END $$;

CREATE OR REPLACE FUNCTION zoo.picture_data(p_index int, p_hash bytea) RETURNS TABLE (data bytea)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  RETURN QUERY SELECT p.data FROM pictures AS p WHERE p.hash = p_hash;
END $$;

CREATE OR REPLACE FUNCTION zoo.pictures_without_code(p_index int, p_version bigint, p_after bytea, p_limit bigint)
RETURNS TABLE (hash bytea) LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  RETURN QUERY
    SELECT p.hash FROM pictures AS p
    WHERE p.data IS NOT NULL AND p.hash > p_after
      AND NOT EXISTS (SELECT FROM picture_codes AS c WHERE c.version = p_version AND c.picture = p.hash)
    ORDER BY p.hash LIMIT p_limit;
END $$;

-- codes: pictures by version. Sizes in bytes: of the code tables, of what else a search reads, of all.
CREATE OR REPLACE FUNCTION zoo.statistics(p_index int)
RETURNS TABLE (
  items bigint, pictures bigint, categories jsonb, codes jsonb, code_bytes bigint, other_bytes bigint, disk_bytes bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM zoo.enter(p_index);
  RETURN QUERY
    SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM pictures),
      (SELECT coalesce(jsonb_object_agg(c.name, c.items), '{}') FROM categories AS c WHERE c.items > 0),
      (SELECT coalesce(jsonb_object_agg(v.version, (
         SELECT count(*) FROM picture_codes AS c WHERE c.version = v.version)), '{}') FROM versions AS v),
      s.code_bytes, s.other_bytes, s.disk_bytes
    FROM (
      SELECT
        coalesce(sum(pg_relation_size(t.oid)) FILTER (WHERE t.relname LIKE 'codes%'), 0)::bigint AS code_bytes,
        sum(CASE WHEN t.relname LIKE 'codes%' THEN pg_indexes_size(t.oid)
          WHEN t.relname = 'items' THEN pg_relation_size(t.oid) + pg_indexes_size(t.oid) ELSE 0 END)::bigint
          AS other_bytes,
        sum(pg_total_relation_size(t.oid))::bigint AS disk_bytes
      FROM pg_class AS t WHERE t.relnamespace = to_regnamespace('zoo_' || p_index) AND t.relkind = 'r') AS s;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Nearest neighbours

-- The values of a substring of `p_width` bits that differ from one in at most `p_radius` bits, 0 to 3.
CREATE OR REPLACE FUNCTION zoo.probes(p_value int, p_radius int, p_width int) RETURNS int[] LANGUAGE sql STABLE AS
  'SELECT array_agg(p_value # mask) FROM zoo.masks WHERE ones <= p_radius AND mask < 1 << p_width';

-- Codes of so many bits and more are compared by pgvector, where it is: fewer take as long either way.
CREATE OR REPLACE FUNCTION zoo.fewest_for_pgvector() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 512';

-- pgvector's Hamming distance of two bit strings, which it has from version 0.7 on, as an operator; NULL without it, and
-- where this role may not use it.
CREATE OR REPLACE FUNCTION zoo.pgvector_distance() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('OPERATOR(%I.<~>)', n.nspname)
  FROM pg_operator AS o JOIN pg_namespace AS n ON n.oid = o.oprnamespace
  WHERE o.oprname = '<~>' AND o.oprleft = 'bit'::regtype AND o.oprright = 'bit'::regtype
    AND o.oprresult = 'float8'::regtype AND has_schema_privilege(n.oid, 'USAGE')
    AND has_function_privilege(o.oprcode, 'EXECUTE')
  ORDER BY o.oid LIMIT 1
$$;

-- This shard's p_k nearest items, exactly, by distance and then number, among those of the categories (NULL for all) that
-- pass the filters: attribute p_attributes[i] has one of the values in p_values -> i - 1.
--
-- One row has no number: it says how they were found (plan), and in `distance` how many codes there were. No row where
-- the index does not take such codes.
--
-- Codes of up to 128 bits in many items are found by multi-index hashing (Norouzi, Punjani and Fleet: Fast Search in
-- Hamming Space with Multi-Index Hashing, CVPR 2012): where two codes of m substrings differ in less than m · (r + 1)
-- bits, some substring differs in at most r. So the k nearest of those items that have such a substring are the nearest of
-- all if they are that near. r grows while looking up costs less than reading every code, which is done otherwise.
CREATE OR REPLACE FUNCTION zoo.nearest(
  p_index int, p_version bigint, p_code varbit, p_k int, p_categories text[], p_attributes text[], p_values jsonb
) RETURNS TABLE (number bigint, distance int, category text, attributes jsonb, plan text) LANGUAGE plpgsql AS $$
DECLARE
  has_substrings boolean;
  scope int[];
  size float;
  bits int := length(p_code);
  places int := zoo.substrings(bits);
  probe_counts CONSTANT int[] := '{1, 17, 137, 697}';
  radius int := 0;
  probed int;
  read float;
  source text;
  filter text := '';
  nearby text;
  passes text[];
  numbers bigint[];
  distances int[];
  candidates bigint := 0;
  pgvector text;
  -- Microseconds on one core of an AMD EPYC: a code in a scan, a value looked up, a code that was looked up.
  scan_cost CONSTANT float := 0.14;
  probe_cost CONSTANT float := 2.5;
  read_cost CONSTANT float := 1.5;
  pass_cost CONSTANT float := 300;
BEGIN
  PERFORM zoo.enter(p_index);
  SELECT v.has_substrings INTO has_substrings FROM versions AS v WHERE v.version = p_version AND v.bits = length(p_code);
  IF NOT FOUND THEN RETURN; END IF;
  SELECT array_agg(c.number), coalesce(sum(c.items), 0) INTO scope, size FROM categories AS c
    WHERE c.items > 0 AND (p_categories IS NULL OR c.name = ANY (p_categories));
  IF scope IS NULL THEN
    RETURN QUERY SELECT NULL::bigint, 0, NULL::text, NULL::jsonb, 'scan';
    RETURN;
  END IF;

  source := format('%I AS c', 'codes_' || p_version);
  IF cardinality(p_attributes) > 0 THEN
    source := source || ' JOIN items AS i ON i.number = c.number';
    FOR place IN 1 .. cardinality(p_attributes) LOOP
      filter := filter || format(
        ' AND i.attributes ->> ($3)[%s] = ANY (ARRAY(SELECT jsonb_array_elements_text($4 -> %s)))', place, place - 1);
    END LOOP;
  END IF;

  -- Looking up costs at most a quarter of a scan, as it may be in vain.
  WHILE has_substrings AND size > p_k AND radius <= 3 LOOP
    probed := probe_counts[radius + 1] * places * (
      CASE WHEN p_categories IS NULL THEN zoo.partition_count() ELSE cardinality(scope) END);
    -- As many as so far for each value, and at least as many as evenly distributed codes have.
    read := greatest(
      size * places / 65536, candidates::float / probe_counts[greatest(radius, 1)]) * probe_counts[radius + 1];
    EXIT WHEN pass_cost + probed * probe_cost + read * read_cost > size * scan_cost / 4;

    SELECT string_agg(
        format('%s = ANY (%L::int[])', zoo.substring_expression(place, bits), zoo.probes(
          substring(p_code FROM 16 * place + 1 FOR least(16, bits - 16 * place))::bit(16)::int, radius,
          least(16, bits - 16 * place))), ' OR ')
      INTO nearby FROM generate_series(0, places - 1) AS place;
    SELECT array_agg(format(
        'SELECT c.number, bit_count(c.code # $1)::int AS distance FROM %s WHERE (%s)%s%s', source, nearby,
        ' AND c.category = ' || one, filter))
      INTO passes FROM unnest(CASE WHEN p_categories IS NULL THEN ARRAY[NULL]::int[] ELSE scope END) AS one;
    -- The planner guesses at how often a substring occurs; it has been counted here.
    PERFORM set_config('enable_seqscan', 'off', true);
    EXECUTE format(
      'SELECT array_agg(n.number), array_agg(n.distance), coalesce(max(n.candidates), 0) FROM (
         SELECT f.*, count(*) OVER () AS candidates FROM (%s) AS f ORDER BY distance, number LIMIT $2) AS n',
      array_to_string(passes, ' UNION ALL ')) INTO numbers, distances, candidates
      USING p_code, p_k, p_attributes, p_values;
    PERFORM set_config('enable_seqscan', 'on', true);

    IF distances[p_k] < places * (radius + 1) THEN
      RETURN QUERY SELECT NULL::bigint, size::int, NULL::text, NULL::jsonb, 'multi-index hashing, ' || radius || CASE radius WHEN 1 THEN ' bit' ELSE ' bits' END || ' a substring,';
      RETURN QUERY
        SELECT i.number, n.distance, g.name, i.attributes, NULL::text
        FROM unnest(numbers, distances) AS n (number, distance)
        JOIN items AS i ON i.number = n.number JOIN categories AS g ON g.number = i.category
        ORDER BY 2, 1;
      RETURN;
    END IF;
    radius := greatest(radius + 1, distances[p_k] / places);
  END LOOP;

  IF bits >= zoo.fewest_for_pgvector() THEN
    pgvector := zoo.pgvector_distance();
  END IF;
  LOOP
    BEGIN
      RETURN QUERY EXECUTE format(
        'SELECT i.number, n.distance::int, g.name, i.attributes, NULL::text
         FROM (SELECT c.number, %s AS distance FROM %s WHERE %s%s ORDER BY 2, 1 LIMIT $2) AS n
         JOIN items AS i ON i.number = n.number JOIN categories AS g ON g.number = i.category
         ORDER BY 2, 1',
        CASE WHEN pgvector IS NULL THEN 'bit_count(c.code # $1)' ELSE format('(c.code %s $1)', pgvector) END,
        source, CASE WHEN p_categories IS NULL THEN 'true' ELSE 'c.category = ANY ($5)' END, filter)
        USING p_code, p_k, p_attributes, p_values, scope;
      RETURN QUERY SELECT NULL::bigint, size::int, NULL::text, NULL::jsonb,
        CASE WHEN pgvector IS NULL THEN 'scan' ELSE 'scan by pgvector' END;
      RETURN;
    EXCEPTION WHEN undefined_file OR undefined_function THEN
      -- A standby that became the primary may be on a machine without the extension's library, or with one before 0.7.
      IF pgvector IS NULL THEN RAISE; END IF;
      pgvector := NULL;
    END;
  END LOOP;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Indexes of interface 1

-- What of an item was predicted is not known of those that are there, and not which version predicted what of a picture.
DO $$
DECLARE
  name text;
BEGIN
  -- What is prepared and unfinished keeps its locks: a server of the version that began it finishes it.
  PERFORM set_config('lock_timeout', '30s', true);
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^zoo_[0-9]+$' LOOP
    EXECUTE format('ALTER TABLE %I.items ADD COLUMN IF NOT EXISTS predicted jsonb', name);
    EXECUTE format('ALTER TABLE %I.picture_codes ADD COLUMN IF NOT EXISTS prediction jsonb', name);
    EXECUTE format('ALTER TABLE %I.pictures DROP COLUMN IF EXISTS prediction', name);
  END LOOP;
END $$;

-- Changes when a client of another version could not use these functions; last, so that it says what is.
CREATE OR REPLACE FUNCTION zoo.shard_interface() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
