"""The reset of a MySQL database from a dump, by what the container runs, at a real MariaDB server."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from devperfops_operator.api.data import MySQLReset
from devperfops_operator.domain.manifests.mysql_reset import SCRIPT, mysql_container
from hack.cluster.errors import ClusterError
from hack.kube import wait_for
from hack.mariadb import MariaDB, running
from tests.conftest import require_layer
from tests.integration.sessions import holding

pytestmark = pytest.mark.integration

TABLES = """
CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, state varchar(20) NOT NULL);
CREATE TABLE items (id int PRIMARY KEY, order_id int NOT NULL, name text, FOREIGN KEY (order_id) REFERENCES orders (id));
INSERT INTO orders (state) SELECT 'open' FROM seq_1_to_500;
INSERT INTO items SELECT seq, 1 + seq % 500, CONCAT('ä\\nUSE other;', MD5(seq)) FROM seq_1_to_900;
CREATE VIEW open_orders AS SELECT id FROM orders WHERE state = 'open';
CREATE TRIGGER closes BEFORE DELETE ON orders FOR EACH ROW DELETE FROM items WHERE order_id = OLD.id;
"""
STATE = """
CHECKSUM TABLE orders, items;
SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'orders';
SELECT GROUP_CONCAT(TABLE_NAME ORDER BY 1) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop';
SELECT GROUP_CONCAT(TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop';
SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'shop';
"""
DIRTY = """
DELETE FROM orders WHERE id % 3 = 0;
UPDATE orders SET state = 'paid' WHERE id % 2 = 0;
INSERT INTO orders (state) SELECT 'new' FROM seq_1_to_100;
CREATE TABLE left_behind (id int);
"""
COLLATION = "latin1_german2_ci"


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    try:
        with running() as server:
            yield server
    except ClusterError as error:
        require_layer("integration", str(error))


@pytest.fixture
def shop(server: MariaDB) -> MariaDB:
    """A server with a database that is marked, and a dump of it."""
    for name in databases(server):
        server.sql(f"DROP DATABASE `{name}`")
    server.sql(
        f"CREATE DATABASE shop COLLATE {COLLATION}; CREATE DATABASE devperfops;"
        "CREATE TABLE devperfops.may_be_reset (name varchar(64) PRIMARY KEY);"
        "INSERT INTO devperfops.may_be_reset VALUES ('shop')"
    )
    server.sql(TABLES, "shop")
    golden(server).write_text(server.run("mariadb-dump", *server.who, "shop"))
    return server


def golden(server: MariaDB) -> Path:
    return server.folder / "shop.sql"


def reset(
    server: MariaDB, *, script: str = SCRIPT, variables: dict[str, str] | None = None, **options: Any
) -> str | None:
    """Run what the container would; None if it ended with code 0, else its last words."""
    wanted = {"image": "mariadb:10.11", "database": "shop", "dump": str(golden(server)), **options}
    container = mysql_container(MySQLReset.from_json(wanted))
    env = {each["name"]: each["value"].replace("$$", "$") for each in container["env"]}
    done = subprocess.run(
        ["sh", "-c", script],
        env={**server.env, **env, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else done.stderr


def state(server: MariaDB) -> str:
    return server.sql(STATE, "shop")


def databases(server: MariaDB) -> list[str]:
    own = {"information_schema", "mysql", "performance_schema", "sys"}
    return [name for name in server.sql("SHOW DATABASES").splitlines() if name not in own]


EXPECTED = ["devperfops", "shop"]


def test_after_dirty_runs_the_state_is_that_of_the_dump(shop: MariaDB) -> None:
    before, dump = state(shop), golden(shop).read_bytes()
    assert COLLATION in before
    for _ in range(5):
        shop.sql(DIRTY, "shop")
        assert state(shop) != before
        assert reset(shop) is None
        assert state(shop) == before
    assert databases(shop) == EXPECTED
    assert golden(shop).read_bytes() == dump


def test_a_packed_dump(shop: MariaDB) -> None:
    before = state(shop)
    packed = golden(shop).with_suffix(".sql.gz")
    packed.write_bytes(gzip.compress(golden(shop).read_bytes()))
    shop.sql(DIRTY, "shop")
    assert reset(shop, dump=str(packed)) is None
    assert state(shop) == before


def test_a_dump_that_breaks_off_is_no_reset_and_the_next_one_heals(shop: MariaDB) -> None:
    before = state(shop)
    broken = golden(shop).with_suffix(".sql.gz")
    broken.write_bytes(gzip.compress(golden(shop).read_bytes())[:-9])
    assert "cannot be read to its end" in (reset(shop, dump=str(broken)) or "")
    assert reset(shop) is None
    assert state(shop) == before
    assert databases(shop) == EXPECTED


def test_a_database_without_the_mark_is_left_alone(shop: MariaDB) -> None:
    shop.sql("UPDATE devperfops.may_be_reset SET name = 'another'")
    shop.sql(DIRTY, "shop")
    before = state(shop)
    words = reset(shop) or ""
    assert 'database "shop" is not marked as one that may be reset' in words
    assert "INSERT INTO devperfops.may_be_reset VALUES ('shop')" in words
    assert state(shop) == before


def test_on_a_server_without_marks_every_database_is_left_alone(shop: MariaDB) -> None:
    shop.sql("DROP DATABASE devperfops")
    before = state(shop)
    assert "is not marked" in (reset(shop) or "")
    assert state(shop) == before


def test_a_database_that_was_never_there_is_not_made(shop: MariaDB) -> None:
    shop.sql("INSERT INTO devperfops.may_be_reset VALUES ('shpo')")
    assert 'there is no database "shpo"' in (reset(shop, database="shpo") or "")
    assert databases(shop) == EXPECTED


def test_a_missing_dump_costs_nothing(shop: MariaDB) -> None:
    before = state(shop)
    assert "there is no dump /golden/none.sql" in (reset(shop, dump="/golden/none.sql") or "")
    assert state(shop) == before


@pytest.mark.parametrize("option", ["--databases", "--all-databases"])
def test_a_dump_that_may_write_to_other_databases_is_refused(shop: MariaDB, option: str) -> None:
    names = ["shop"] if option == "--databases" else []
    golden(shop).write_text(shop.run("mariadb-dump", *shop.who, option, *names))
    before = state(shop)
    assert "names databases itself" in (reset(shop) or "")
    assert state(shop) == before


def session(server: MariaDB) -> AbstractContextManager[None]:
    client = ["mariadb", *server.who, "--batch", "--skip-column-names", "--unbuffered", "--database=shop"]
    return holding(client, server.env, "UPDATE orders SET state = 'held'")


def test_a_session_that_holds_on_is_ended(shop: MariaDB) -> None:
    before = state(shop)
    with session(shop):
        assert reset(shop) is None
    assert state(shop) == before


QUERY = "SELECT state, count(*)\nFROM orders GROUP BY 1"


def test_a_verification_that_holds(shop: MariaDB) -> None:
    assert reset(shop, verify={"query": QUERY, "expect": "open\t500"}) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (QUERY, 'verify.query gave "open\t500" after the reset and not verify.expect, "open\t501"'),
        ("SELECT 'a' FROM nowhere", "Table 'shop.nowhere' doesn't exist"),
        ("DELETE FROM orders", "Cannot execute statement in a READ ONLY transaction"),
    ],
)
def test_a_verification_that_does_not(shop: MariaDB, query: str, words: str) -> None:
    assert words in (reset(shop, verify={"query": query, "expect": "open\t501"}) or "")


def cuts() -> list[int]:
    """Behind each line after which the server may be another than before."""
    lines = SCRIPT.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("CREATE DATABASE IF NOT EXISTS"))
    return [
        at for at, line in enumerate(lines, 1) if at > first and (line == "SQL" or line.startswith("{ dump"))
    ]


@pytest.mark.parametrize("cut", cuts())
def test_killed_behind_any_statement_the_next_reset_heals(shop: MariaDB, cut: int) -> None:
    before = state(shop)
    shop.sql(DIRTY, "shop")
    killed = "\n".join([*SCRIPT.splitlines()[:cut], "kill -9 $$"])
    assert reset(shop, script=killed) is not None
    assert reset(shop) is None
    assert state(shop) == before
    assert databases(shop) == EXPECTED


def test_grants_stay(shop: MariaDB) -> None:
    shop.sql(
        "CREATE OR REPLACE USER clerk; GRANT SELECT ON shop.orders TO clerk; GRANT INSERT ON shop.* TO clerk"
    )
    before = shop.sql("SHOW GRANTS FOR clerk")
    assert reset(shop) is None
    assert shop.sql("SHOW GRANTS FOR clerk") == before


def test_who_may_do_what_the_documents_say_may_reset(shop: MariaDB) -> None:
    shop.sql(
        "CREATE OR REPLACE USER resetter IDENTIFIED BY 'it''s secret'; GRANT ALL ON shop.* TO resetter;"
        "GRANT CREATE, DROP ON devperfops_shop.* TO resetter; GRANT SELECT ON devperfops.* TO resetter;"
        "GRANT PROCESS, CONNECTION ADMIN, SET USER ON *.* TO resetter"
    )
    before = state(shop)
    shop.sql(DIRTY, "shop")
    who = {"MYSQL_USER": "resetter", "MYSQL_PWD": "it's secret"}
    with session(shop):
        assert reset(shop, variables=who) is None
    assert state(shop) == before


def test_who_is_not_let_in_is_told(shop: MariaDB) -> None:
    assert "Access denied" in (reset(shop, variables={"MYSQL_USER": "nobody", "MYSQL_PWD": "x"}) or "")


def test_two_at_once_take_turns(shop: MariaDB) -> None:
    before = state(shop)
    shop.sql(DIRTY, "shop")
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(reset, [shop, shop])) == [None, None]
    assert state(shop) == before
    assert databases(shop) == EXPECTED


def test_one_that_verifies_still_has_its_turn(shop: MariaDB) -> None:
    def at(state: str) -> bool:
        return shop.sql(f"SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = '{state}'") == "1"

    with ThreadPoolExecutor() as pool:
        verify = {"query": "SELECT SLEEP(1), count(*) FROM orders", "expect": "0\t500"}
        first = pool.submit(reset, shop, verify=verify)
        wait_for("the first to verify", lambda: at("User sleep"), seconds=30, interval=0.01)
        second = pool.submit(reset, shop)
        wait_for("the second to wait", lambda: at("User lock"), seconds=30, interval=0.01)
        assert (first.result(), second.result()) == (None, None)


def test_the_script_asks_for_no_secret_in_its_arguments() -> None:
    assert not re.search(r"--password|-p\b", SCRIPT)
