"""Clients of a database server that hold on to what they have begun."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


@contextmanager
def holding(client: Sequence[str], env: Mapping[str, str], begun: str) -> Iterator[None]:
    """While a transaction is open in which this SQL was done."""
    with subprocess.Popen(
        client,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"BEGIN; {begun}; SELECT 'holds on';\n")
        process.stdin.flush()
        assert "holds on" in process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()
