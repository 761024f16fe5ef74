"""Statements of people who mean no good, by what they are after. {secret} is a file with a secret, {folder} an empty folder that anybody may
write to, {port} that of a server that waits to be called, {results} the results file."""

FILES = """
SELECT * FROM read_text('{secret}')
SELECT * FROM read_blob('{secret}')
SELECT * FROM read_csv('{secret}')
SELECT * FROM read_csv_auto('{secret}')
SELECT * FROM sniff_csv('{secret}')
SELECT * FROM read_json('{secret}')
SELECT * FROM read_ndjson_objects('{secret}')
SELECT * FROM read_parquet('{secret}')
SELECT * FROM parquet_metadata('{secret}')
SELECT * FROM read_duckdb('{results}')
SELECT * FROM '{secret}'
SELECT * FROM '{folder}/../*.csv'
SELECT * FROM glob('{folder}/../*')
SELECT * FROM glob('/etc/*')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_text('/proc/self/environ')
SELECT * FROM read_text(['{secret}', '/etc/hostname'])
SELECT (SELECT content FROM read_text('{secret}')) AS content
WITH stolen AS MATERIALIZED (SELECT * FROM read_text('{secret}')) SELECT * FROM stolen
SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')
SELECT * FROM query_table('{secret}')
SELECT * FROM meta WHERE value IN (SELECT content FROM read_text('{secret}'))
SELECT * FROM (VALUES ('{secret}')) t(f), LATERAL read_text(f)
SELECT getvariable('x'), * FROM read_csv('{secret}', header = false)
SELECT * FROM read_csv('{secret}', rejects_table = 'r', store_rejects = true)
SUMMARIZE (SELECT * FROM read_text('{secret}'))
DESCRIBE SELECT * FROM '{secret}'
SELECT * FROM st_read('{secret}')
SELECT * FROM read_xlsx('{secret}')
SELECT * FROM sqlite_scan('{secret}', 't')
SELECT getenv('HOME')
SELECT getenv('PATH')
SELECT * FROM system
SELECT * FROM os
SELECT * FROM connection
SELECT * FROM limits
SELECT * FROM pandas_scan(94000000000000)
SELECT * FROM arrow_scan(94000000000000, 94000000000000, 94000000000000)
SELECT * FROM arrow_scan_dumb(1, 2, 3)
SELECT * FROM python_map_function(1)
"""

NETWORK = """
SELECT * FROM read_csv('http://127.0.0.1:{port}/x.csv')
SELECT * FROM 'http://127.0.0.1:{port}/x.parquet'
SELECT * FROM read_text('https://127.0.0.1:{port}/x')
SELECT * FROM read_parquet('s3://bucket/x.parquet')
SELECT * FROM read_json_auto('hf://datasets/a/b.json')
SELECT * FROM postgres_scan('host=127.0.0.1 port={port}', 'public', 't')
SELECT * FROM mysql_scan('host=127.0.0.1 port={port}', 'a', 't')
SELECT http_get('http://127.0.0.1:{port}/')
ATTACH 'http://127.0.0.1:{port}/x.duckdb' AS far
ATTACH 'host=127.0.0.1 port={port}' AS far (TYPE postgres)
"""

OTHER_KINDS = """
ATTACH '{results}' AS again
ATTACH '{folder}/new.duckdb' AS new
ATTACH ':memory:' AS m
DETACH results
USE memory
COPY runs TO '{folder}/runs.csv'
COPY (SELECT 1) TO '{folder}/one.parquet' (FORMAT parquet)
COPY (SELECT 1) TO '/dev/stdout'
COPY FROM DATABASE results TO memory
EXPORT DATABASE '{folder}'
IMPORT DATABASE '{folder}'
INSTALL httpfs
INSTALL 'http://127.0.0.1:{port}/x.duckdb_extension'
FORCE INSTALL spatial FROM community
LOAD httpfs
LOAD '{secret}'
SET enable_external_access = true
SET lock_configuration = false
SET memory_limit = '100GB'
SET threads = 64
SET temp_directory = '{folder}'
SET home_directory = '{folder}'
RESET ALL
SET VARIABLE x = 1
PRAGMA database_list
PRAGMA enable_profiling
PRAGMA profiling_output = '{folder}/profile.json'
PRAGMA log_query_path = '{folder}/log'
CALL enable_logging(storage = 'file', storage_path = '{folder}')
CREATE TABLE memory.main.mine AS SELECT 1
CREATE TEMP TABLE mine AS SELECT 1
CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
CREATE MACRO f() AS 1
INSERT INTO meta VALUES ('a', 'b')
UPDATE runs SET seed = 0
DELETE FROM runs
DROP TABLE runs
ALTER TABLE runs ADD COLUMN mine INTEGER
TRUNCATE runs
VACUUM
CHECKPOINT
BEGIN TRANSACTION
EXPLAIN ANALYZE SELECT * FROM runs
PREPARE p AS SELECT 1
EXECUTE p
SELECT 1; SELECT 2
SELECT 1; DROP TABLE runs
SELECT 1; ATTACH '{results}' AS again
COMMENT ON TABLE runs IS 'mine'
"""

DISGUISED = """
WITH gone AS (DELETE FROM runs RETURNING *) SELECT * FROM gone
WITH mine AS (INSERT INTO meta VALUES ('a', 'b') RETURNING *) SELECT * FROM mine
SELECT * FROM query('DROP TABLE runs')
SELECT * FROM query('COPY runs TO ''{folder}/runs.csv''')
SELECT * FROM enable_logging(storage = 'file', storage_path = '{folder}')
SELECT * FROM enable_profiling(save_location = '{folder}/profile.json')
SELECT * FROM force_checkpoint('results')
SELECT set_config('threads', '64', false)
SELECT nextval('a')
SELECT load_extension('httpfs')
FROM runs SELECT FROM FROM
SELECT '''; DROP TABLE runs; --
SELECT 1 /* never closed
"""

GREEDY_FOR_MEMORY = (
    "SELECT repeat('x', 3000000000) AS a",
    "SELECT list(range) FROM range(1000000000)",
    "SELECT string_agg(repeat('y', 1000), '') FROM range(3000000)",
    "SELECT range(500000000) AS a",
    "SELECT count(*) FROM (SELECT DISTINCT hash(range), range FROM range(200000000))",
    "SELECT array_agg(a.range ORDER BY hash(a.range)) FROM range(100000000) a",
)

GREEDY_FOR_TIME = (
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
    "SELECT max(hash(a.test_correct, b.test_correct, c.epoch)) FROM curves a, curves b, curves c",
    "SELECT count(*) FROM range(100000000000) WHERE sqrt(range) < 0",
)


def refused_at_once(**places: object) -> list[str]:
    """The statements that must get no rows, their places filled in."""
    lines = f"{FILES}{NETWORK}{OTHER_KINDS}{DISGUISED}".splitlines()
    deep = [
        f"SELECT {'(' * 5000}1{')' * 5000}",
        f"SELECT {'(SELECT ' * 900}1{')' * 900}",
        "",
        ";",
        "-- nothing",
        "\0",
        "SELECT \0",
    ]
    return [line.format(**places) for line in lines if line.strip()] + deep
