"""The reset of a PostgreSQL database by its golden copy, beside dump and restore of the same data."""

from __future__ import annotations

import os
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
    """With a disk that keeps every byte (fsync, the default) the disk sets the pace."""
    return [
        *_rows("fsync off", mebibytes, repetitions, bar=_BAR_SECONDS, fsync="off"),
        *_rows("fsync on", mebibytes, max(3, repetitions // 4), bar=None),
    ]


def _rows(how: str, mebibytes: int, repetitions: int, *, bar: float | None, **options: str) -> list[Row]:
    with running(**options) as server:
        _golden(server, mebibytes)
        expect = server.sql(_VERIFY, "shop")
        size = int(server.sql("SELECT pg_database_size('shop')"))
        plain = _resets(server, repetitions)
        verified = _resets(server, repetitions, verify={"query": _VERIFY, "expect": expect})
        restored = _restores(server, max(3, repetitions // 4))
        disk = _written(server, size, 3)
    what = f"{size / MIB:,.0f} MiB, PostgreSQL 15, {how}"
    kept = bar is None or percentile(plain, 0.95) <= bar
    peer = f"dump once, pg_restore -j 2: {seconds(restored)}"
    return [
        Row(f"reset by template, {what}", seconds(plain), f"p95 <= {bar:g} s" if bar else "-", kept, peer),
        Row(f"with a verification that reads the largest table, {how}", seconds(verified), "-", kept=True),
        Row("as many bytes written to this disk, with fsync", seconds(disk), "-", kept=True),
    ]


def _written(server: Postgres, size: int, repetitions: int) -> list[float]:
    took, block, file = [], bytes(MIB), server.folder / "written"
    for _ in range(repetitions):
        began = time.perf_counter()
        with file.open("wb") as out:
            for _ in range(size // MIB):
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        took.append(time.perf_counter() - began)
        file.unlink()
    return took


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
