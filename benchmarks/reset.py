"""The reset of a PostgreSQL database by its golden copy, beside dump and restore of the same data."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Final

from benchmarks.figures import MIB, Row, percentile, seconds
from devperfops_operator.api.data import PostgresReset
from devperfops_operator.domain.manifests.postgres_reset import SCRIPT, postgres_container
from hack.postgres import Postgres, running

_BAR_SECONDS: Final = 1.0
_MIB_A_SCALE: Final = 15.0  # of pgbench's tables, indexes included
_VERIFY: Final = "SELECT count(*), sum(abalance) FROM pgbench_accounts"
_DIRTY: Final = 500
_DUMP: Final = "golden.dump"


def measure(mebibytes: int, repetitions: int) -> list[Row]:
    """A server with its defaults, so every copy is on the disk when it is told to be done."""
    with running() as server:
        _golden(server, mebibytes)
        expect = server.sql(_VERIFY, "shop")
        size = int(server.sql("SELECT pg_database_size('shop')")) / MIB
        plain = _resets(server, repetitions)
        verified = _resets(server, repetitions, verify={"query": _VERIFY, "expect": expect})
        restored = _restores(server, max(3, repetitions // 4))
    what = f"{size:,.0f} MiB, PostgreSQL 15, after {_DIRTY} transactions each time"
    kept = percentile(plain, 0.95) <= _BAR_SECONDS
    peer = f"dump once, pg_restore -j 2: {seconds(restored)}"
    return [
        Row(f"reset by template, {what}", seconds(plain), f"p95 <= {_BAR_SECONDS:g} s", kept, peer),
        Row("and a verification that reads the largest table", seconds(verified), "-", kept=True),
    ]


def _golden(server: Postgres, mebibytes: int) -> None:
    server.sql("CREATE DATABASE shop")
    scale = max(1, round(mebibytes / _MIB_A_SCALE))
    server.run("pgbench", "--initialize", "--quiet", f"--scale={scale}", "shop")
    server.sql("CREATE DATABASE shop_golden TEMPLATE shop")
    server.sql("ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS false")
    server.sql("COMMENT ON DATABASE shop IS 'devperfops.io/may-be-reset'")
    server.run("pg_dump", "--format=custom", "--compress=0", f"--file={server.folder / _DUMP}", "shop")


def _resets(server: Postgres, repetitions: int, **options: object) -> list[float]:
    wanted = {"image": "postgres:15", "database": "shop", "template": "shop_golden", **options}
    container = postgres_container(PostgresReset.from_json(wanted))
    env = {**server.env, **{each["name"]: each["value"] for each in container["env"]}}

    def reset() -> None:
        subprocess.run(["sh", "-c", SCRIPT], env=env, check=True)

    return _timed(server, repetitions, reset)


def _restores(server: Postgres, repetitions: int) -> list[float]:
    def restore() -> None:
        server.sql("DROP DATABASE shop WITH (FORCE)")
        server.sql("CREATE DATABASE shop")
        server.run("pg_restore", "--jobs=2", "--dbname=shop", str(server.folder / _DUMP))

    return _timed(server, repetitions, restore)


def _timed(server: Postgres, repetitions: int, reset: Callable[[], None]) -> list[float]:
    took = []
    for _ in range(repetitions):
        server.run("pgbench", "--no-vacuum", f"--transactions={_DIRTY}", "shop")
        began = time.perf_counter()
        reset()
        took.append(time.perf_counter() - began)
    return took
