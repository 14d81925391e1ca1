import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.unit.agent.played import PLAN, PlayedOperator, Worker, brief
from tests.unit.wire.test_jmx import plan


@pytest.fixture
async def operator() -> AsyncIterator[PlayedOperator]:
    played = PlayedOperator()
    await played.come()
    yield played
    await played.go_away()


@pytest.fixture
def control() -> Iterator[socket.socket]:
    """JMeter's control port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0)
        yield listening


@pytest.fixture
async def worker(tmp_path: Path, operator: PlayedOperator, control: socket.socket) -> AsyncIterator[Worker]:
    port = str(control.getsockname()[1])
    worker = Worker(tmp_path, brief(operator.url, **{"jmeterengine.nongui.port": port, "TPM": "3000"}))
    worker.results.mkdir()
    worker.give("plan", PLAN, plan())
    worker.token.write_text("sesame\n")
    yield worker
    await worker.close()
