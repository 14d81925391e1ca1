"""A real Prometheus that scrapes a target of the test."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster import builds, settings
from hack.cluster.errors import ClusterError
from tests.conftest import require_layer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prometheus(folder: Path, target_port: int, *arguments: str, jobs: str = "") -> Iterator[str]:
    """A Prometheus that scrapes the target each second, ended with the block.

    `jobs`: more of them, as YAML. It takes samples of the last month, too. Blocks are longer than that, or it
    would compact weeks that come at once while it scrapes on, and then it panics at times ("expected newly
    cut file": it deletes the file of the head's chunks that a scrape goes on to write to).
    """
    cache = settings.cache()
    try:
        builds.ensure(cache, [builds.PROMETHEUS])
    except ClusterError as error:
        require_layer("integration", str(error))
    program = builds.executable(cache, builds.PROMETHEUS)
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(f"""
storage: {{tsdb: {{out_of_order_time_window: 30d}}}}
scrape_configs:
- job_name: shop
  scrape_interval: 1s
  scrape_timeout: 1s
  static_configs: [{{targets: ["127.0.0.1:{target_port}"]}}]
{jobs}
""")
    process = subprocess.Popen(
        [
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
            "--storage.tsdb.min-block-duration=30d",
            "--storage.tsdb.max-block-duration=30d",
            *arguments,
        ]
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
