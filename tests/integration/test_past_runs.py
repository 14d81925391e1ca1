"""A gate that compares each release with its own earlier runs, from its first one on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from devperfops_operator.analysis.runs import FEWEST_RUNS
from devperfops_operator.evidence import EvidenceStore
from tests.integration.operating import operating
from tests.integration.releasing import PLAYED, adopted_first, released
from tests.integration.world import World, sockets_closed
from tests.unit.evidence.test_compared import played
from tests.unit.evidence.test_recalled import EXPECT

pytestmark = pytest.mark.integration

COMPARED = {
    **PLAYED,
    "spec.actions": {"onInconclusive": "Promote"},
    "spec.objectives": [{"expect": EXPECT}, {"expect": "p99 < 2s"}],
}


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


async def test_a_release_is_compared_with_the_runs_before_it(world: World) -> None:
    evidence = EvidenceStore()
    async with operating(world, evidence=evidence) as operator:
        await adopted_first(world, COMPARED)

        for number in range(1, FEWEST_RUNS + 1):
            status = await released(world, operator, evidence, f"podinfo:{number + 1}", played(number))
            assert (status["verdict"], status["action"]["type"]) == ("Inconclusive", "Promote")
            assert f"there are {number - 1} earlier run" in status["message"]

        usual = await released(world, operator, evidence, "podinfo:8", played(7))
        assert (usual["verdict"], usual["reason"]) == ("Pass", "ObjectivesMet"), usual["message"]
        assert len(usual["pastTimes"][0]["timesMs"]) == FEWEST_RUNS

        slow = await released(world, operator, evidence, "podinfo:9", played(8, 1.5))
        assert (slow["verdict"], slow["reason"]) == ("Fail", "ObjectiveFailed"), slow["message"]
        assert f"{EXPECT} does not hold: p95 = 3" in slow["message"]
        assert "7 earlier runs had" in slow["message"]
    assert world.image() == "podinfo:8"
