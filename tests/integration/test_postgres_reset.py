"""The reset of a PostgreSQL database, by what the container runs, at a real server."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from devperfops_operator.api.data import PostgresReset
from devperfops_operator.domain.manifests.postgres_reset import postgres_container
from hack.cluster.errors import ClusterError
from hack.kube import wait_for
from hack.postgres import Postgres, running
from tests.conftest import require_layer
from tests.integration.sessions import holding

pytestmark = pytest.mark.integration

MARK = "load tests may have it: devperfops.io/may-be-reset"
STATE = """
SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM orders AS t;
SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM items AS t;
SELECT last_value, is_called FROM orders_id_seq;
SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace;
"""
DIRTY = """
DELETE FROM items WHERE id % 3 = 0;
UPDATE orders SET state = 'paid' WHERE id % 2 = 0;
INSERT INTO orders (state) SELECT 'new' FROM generate_series(1, 100);
CREATE TABLE left_behind (id int);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    try:
        with running(fsync="off", autovacuum="off") as server:
            yield server
    except ClusterError as error:
        require_layer("integration", str(error))


@pytest.fixture
def shop(server: Postgres) -> Postgres:
    """A server with a database that is marked, and its golden copy."""
    names = server.sql("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
    for name in names.splitlines():
        server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.sql("CREATE DATABASE shop")
    server.sql(
        "CREATE TABLE orders (id serial PRIMARY KEY, state text);"
        "CREATE TABLE items (id serial PRIMARY KEY, name text);"
        "INSERT INTO orders (state) SELECT 'open' FROM generate_series(1, 500);"
        "INSERT INTO items (name) SELECT md5(i::text) FROM generate_series(1, 900) AS i;",
        "shop",
    )
    server.sql("CREATE DATABASE shop_golden TEMPLATE shop")
    server.sql("ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS false")
    server.sql(f"COMMENT ON DATABASE shop IS '{MARK}'")
    return server


def reset(server: Postgres, *, until: int | None = None, **options: Any) -> str | None:
    """Run what the container would; None if it ended with code 0, else its last words.

    `until`: only its first so many lines, as if it had been killed behind them.
    """
    wanted = PostgresReset.from_json(
        {"image": "postgres:15", "database": "shop", "template": "shop_golden", **options}
    )
    container = postgres_container(wanted)
    env = {each["name"]: expanded(each["value"]) for each in container["env"]}
    shell, flag, script = map(expanded, container["command"])
    if until is not None:
        script = "\n".join([*script.splitlines()[:until], "SQL", "exit 9"])
    done = subprocess.run(
        [shell, flag, script], env={**server.env, **env}, capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else done.stderr


def expanded(text: str) -> str:
    """What Kubernetes makes of it."""
    return text.replace("$$", "$")


def state(server: Postgres) -> str:
    return server.sql(STATE, "shop")


def comment(server: Postgres) -> str:
    return server.sql("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'")


def databases(server: Postgres) -> list[str]:
    return server.sql("SELECT datname FROM pg_database ORDER BY 1").splitlines()


EXPECTED = ["postgres", "shop", "shop_golden", "template0", "template1"]


def test_after_twenty_dirty_runs_the_state_is_that_of_the_golden_copy(shop: Postgres) -> None:
    before = state(shop)
    for _ in range(20):
        shop.sql(DIRTY, "shop")
        assert state(shop) != before
        assert reset(shop) is None
        assert state(shop) == before
        assert comment(shop) == MARK
    assert databases(shop) == EXPECTED


def test_a_database_without_the_mark_is_left_alone(shop: Postgres) -> None:
    shop.sql("COMMENT ON DATABASE shop IS 'production'")
    shop.sql(DIRTY, "shop")
    before = state(shop)
    words = reset(shop) or ""
    assert 'database "shop" is not marked as one that may be reset' in words
    assert "COMMENT ON DATABASE shop IS 'devperfops.io/may-be-reset'" in words
    assert state(shop) == before


def test_a_database_without_any_comment_is_left_alone(shop: Postgres) -> None:
    shop.sql("COMMENT ON DATABASE shop IS NULL")
    assert "is not marked" in (reset(shop) or "")


def test_a_database_that_was_never_there_is_not_made(shop: Postgres) -> None:
    assert 'there is no database "shpo"' in (reset(shop, database="shpo") or "")
    assert databases(shop) == EXPECTED


def test_a_missing_golden_copy_costs_nothing(shop: Postgres) -> None:
    before = state(shop)
    assert 'there is no golden copy "gold"' in (reset(shop, template="gold") or "")
    assert state(shop) == before


def test_a_golden_copy_that_somebody_may_change_is_refused(shop: Postgres) -> None:
    shop.sql("ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS true")
    words = reset(shop) or ""
    assert "ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS false" in words


def session(server: Postgres, database: str) -> AbstractContextManager[None]:
    client = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", f"--dbname={database}"]
    return holding(client, server.env, "LOCK TABLE orders")


def test_a_session_that_holds_on_is_ended(shop: Postgres) -> None:
    before = state(shop)
    shop.sql(DIRTY, "shop")
    with session(shop, "shop"):
        assert reset(shop) is None
    assert state(shop) == before


def test_a_session_on_the_golden_copy_is_told_and_the_database_stays(shop: Postgres) -> None:
    shop.sql("ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS true")
    shop.sql(DIRTY, "shop")
    before = state(shop)
    with session(shop, "shop_golden"):
        shop.sql("ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS false")
        assert 'database "shop_golden" is being accessed by other users' in (reset(shop) or "")
        assert state(shop) == before


QUERY = "SELECT state, count(*)\nFROM orders GROUP BY 1"


def test_a_verification_that_holds(shop: Postgres) -> None:
    assert reset(shop, verify={"query": QUERY, "expect": "open|500"}) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (QUERY, 'gave "open|500" after the reset and not verify.expect, "open|501"'),
        ("SELECT 'a' FROM nowhere", 'relation "nowhere" does not exist'),
        ("DELETE FROM orders", "cannot execute DELETE in a read-only transaction"),
    ],
)
def test_a_verification_that_does_not(shop: Postgres, query: str, words: str) -> None:
    assert words in (reset(shop, verify={"query": query, "expect": "open|501"}) or "")


def cuts() -> list[int]:
    """Behind each statement that changes something."""
    script = expanded(
        postgres_container(PostgresReset(image="any", database="a", template="b"))["command"][2]
    )
    pattern = re.compile(r"(CREATE|DROP|COMMENT ON|ALTER) DATABASE .*;")
    return [at for at, line in enumerate(script.splitlines(), 1) if pattern.match(line)]


@pytest.mark.parametrize("cut", cuts())
def test_killed_behind_any_statement_the_next_reset_heals(shop: Postgres, cut: int) -> None:
    before = state(shop)
    shop.sql(DIRTY, "shop")
    reset(shop, until=cut)
    if "shop" in databases(shop):
        assert comment(shop) == MARK
    assert reset(shop) is None
    assert state(shop) == before
    assert comment(shop) == MARK
    assert databases(shop) == EXPECTED


def test_killed_without_the_database_it_is_there_again_though_the_golden_copy_is_gone(shop: Postgres) -> None:
    before = state(shop)
    dropped = cuts()[-3]
    reset(shop, until=dropped)
    assert "shop" not in databases(shop)
    assert "there is no golden copy" in (reset(shop, template="gone") or "")
    assert state(shop) == before


def test_what_belongs_to_the_database_itself_stays(shop: Postgres) -> None:
    shop.sql(
        """DROP ROLE IF EXISTS clerk, reader;
        CREATE ROLE clerk;
        CREATE ROLE reader;
        REVOKE ALL ON DATABASE shop FROM PUBLIC;
        GRANT CONNECT ON DATABASE shop TO reader WITH GRANT OPTION;
        ALTER DATABASE shop OWNER TO clerk;
        ALTER DATABASE shop SET search_path TO public, "$user";
        ALTER DATABASE shop SET work_mem TO '8MB';
        ALTER DATABASE shop SET application_name TO 'it''s = a "shop"';
        ALTER ROLE clerk IN DATABASE shop SET statement_timeout TO '7s';"""
    )
    own = """SELECT pg_get_userbyid(datdba), datacl, datallowconn, datconnlimit FROM pg_database
        WHERE datname = 'shop';
        SELECT setrole::regrole, setconfig FROM pg_db_role_setting JOIN pg_database ON setdatabase = oid
        WHERE datname = 'shop' ORDER BY 1"""
    before = shop.sql(own)
    assert reset(shop) is None
    assert shop.sql(own) == before


def test_an_owner_who_may_create_databases_suffices(shop: Postgres) -> None:
    before = state(shop)
    shop.sql(
        """DROP ROLE IF EXISTS resetter;
        CREATE ROLE resetter LOGIN CREATEDB IN ROLE pg_signal_backend;
        ALTER DATABASE shop OWNER TO resetter;
        ALTER DATABASE shop_golden OWNER TO resetter;"""
    )
    shop.sql(DIRTY, "shop")
    assert reset(shop, env=[{"name": "PGUSER", "value": "resetter"}]) is None
    assert state(shop) == before


def test_two_at_once_take_turns(shop: Postgres) -> None:
    before = state(shop)
    shop.sql(DIRTY, "shop")
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(reset, [shop, shop])) == [None, None]
    assert state(shop) == before
    assert databases(shop) == EXPECTED


UNTIL_ANOTHER_WAITS = """DO $$ BEGIN
    FOR each IN 1..1000 LOOP
        EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted);
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
SELECT count(*) FROM orders;"""


def test_one_that_verifies_still_has_its_turn(shop: Postgres) -> None:
    def verifies() -> bool | None:
        return "FOR each" in shop.sql("SELECT query FROM pg_stat_activity WHERE datname = 'shop'") or None

    with ThreadPoolExecutor() as pool:
        first = pool.submit(reset, shop, verify={"query": UNTIL_ANOTHER_WAITS, "expect": "500"})
        wait_for("the first to verify", verifies, seconds=30, interval=0.01)
        assert reset(shop) is None
        assert first.result() is None


def test_a_user_without_rights_is_told(shop: Postgres) -> None:
    shop.sql("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    assert "permission denied" in (reset(shop, env=[{"name": "PGUSER", "value": "guest"}]) or "")
    assert databases(shop) == EXPECTED


def test_the_script_asks_for_no_secret_in_its_arguments() -> None:
    container = postgres_container(PostgresReset(image="any", database="a", template="b"))
    assert not re.search(r"PASSWORD=|--password\b|-W\b", container["command"][2])
