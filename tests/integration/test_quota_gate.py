"""The accountants' story with a gate: the load passes, and production is granted less than it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from devperfops_operator.evidence import EvidenceStore
from tests.integration.operating import operating
from tests.integration.releasing import PLAYED, adopted_first, released
from tests.integration.world import GATE, World, eventually, sockets_closed
from tests.unit.evidence.test_compared import played

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples/quota"
FILES = {
    name: (EXAMPLE / name).read_text()
    for name in ("policy.yaml", "load-test.yaml", "production.yaml", "peaks.yaml")
}
RAISED = FILES["production.yaml"].replace("limit: 1000", "limit: 2400")
GUARDED = {
    **PLAYED,
    "spec.objectives": [{"expect": "p99 < 2s"}],
    "spec.quota": {"configMap": "quota"},
    "spec.actions": {"onInconclusive": "Promote"},
}


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


def granted(world: World, **files: str) -> None:
    """Puts the policy and what it names there."""
    data = {**FILES, **{name.replace("_", "."): text for name, text in files.items()}}
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "quota", "namespace": world.namespace},
        "data": data,
    }
    world.kube.apply([manifest])


async def test_what_production_is_not_granted_is_not_promoted(world: World) -> None:
    evidence = EvidenceStore()
    granted(world)
    async with operating(world, evidence=evidence) as operator:
        await adopted_first(world, GUARDED)
        good = world.status("PerfGate", GATE)["knownGood"]

        less = await released(world, operator, evidence, "podinfo:2", played(0))
        assert (less["verdict"], less["reason"]) == ("Inconclusive", "QuotaRegression"), less["message"]
        assert "quota policy january: production grants less than is asked of it" in less["message"]
        assert "ledger.googleapis.com/read_calls" in less["message"]
        assert "otherwise all objectives are met" in less["message"]
        action = less["action"]
        assert (action["type"], action["reason"]) == ("Hold", "QuotaRegression"), (
            "whatever onInconclusive says"
        )
        assert world.status("PerfGate", GATE)["knownGood"] == good
        assert world.image() == "podinfo:2", "nothing is wrong with the revision, so it is not rolled back"

        granted(world, waiver_yaml=(EXAMPLE / "waiver.yaml").read_text())
        waived = await released(world, operator, evidence, "podinfo:3", played(1))
        assert (waived["verdict"], waived["action"]["type"]) == ("Pass", "Promote"), waived["message"]
        assert "read_calls is waived by Ada Byron until 2027-01-15" in waived["message"]

        expired = (EXAMPLE / "waiver.yaml").read_text().replace("2027-01-15", "2026-01-15")
        granted(world, waiver_yaml=expired)
        again = await released(world, operator, evidence, "podinfo:4", played(2))
        assert again["reason"] == "QuotaRegression", again["message"]

        granted(world, production_yaml=RAISED, waiver_yaml=expired)
        raised = await released(world, operator, evidence, "podinfo:5", played(3))
        assert (raised["verdict"], raised["reason"]) == ("Pass", "ObjectivesMet"), raised["message"]
        await eventually(
            "it is known-good", lambda: world.status("PerfGate", GATE)["knownGood"] == raised["revision"]
        )


def objects(world: World, mode: str = "Enforce", **files: str) -> None:
    """The policy as a resource, and a ConfigMap with the files it names."""
    granted(world, policy_yaml="", **files)
    policy = yaml.safe_load(FILES["policy.yaml"])
    policy["metadata"]["namespace"] = world.namespace
    policy["spec"] |= {"configMap": "quota", "mode": mode}
    world.kube.apply([policy])


def waived(world: World, until: str) -> None:
    waiver = yaml.safe_load((EXAMPLE / "waiver.yaml").read_text())
    waiver["metadata"]["namespace"] = world.namespace
    waiver["spec"]["expires"] = until
    world.kube.apply([waiver])


async def test_the_accountants_january_by_resources(world: World) -> None:
    evidence = EvidenceStore()
    objects(world)
    async with operating(world, evidence=evidence) as operator:
        await adopted_first(world, {**GUARDED, "spec.quota": {"policy": "january"}})

        less = await released(world, operator, evidence, "podinfo:2", played(0))
        assert (less["verdict"], less["reason"]) == ("Inconclusive", "QuotaRegression"), less["message"]
        assert "quota policy january: production grants less than is asked of it" in less["message"]
        assert less["action"]["type"] == "Hold"

        waived(world, "2099-01-15T00:00:00Z")
        passed = await released(world, operator, evidence, "podinfo:3", played(1))
        assert (passed["verdict"], passed["action"]["type"]) == ("Pass", "Promote"), passed["message"]
        assert "read_calls is waived by Ada Byron until 2099-01-15" in passed["message"]

        waived(world, "2026-01-15T00:00:00Z")
        again = await released(world, operator, evidence, "podinfo:4", played(2))
        assert again["reason"] == "QuotaRegression", again["message"]

        objects(world, production_yaml=RAISED)
        raised = await released(world, operator, evidence, "podinfo:5", played(3))
        assert (raised["verdict"], raised["reason"]) == ("Pass", "ObjectivesMet"), raised["message"]
        assert "quota" not in raised["message"]


async def test_a_policy_that_cannot_be_read_lets_nothing_be_loaded(world: World) -> None:
    granted(world, production_yaml="{")
    async with operating(world):
        await adopted_first(world, GUARDED)
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("it has ended", lambda: world.phase(name) == "Completed")
    status = world.status("PerfRun", name)
    assert (status["verdict"], status["reason"]) == ("Error", "QuotaUnknown")
    assert "quota/production.yaml:1: cannot be read" in status["message"]
    assert world.kube.find("Job", name, world.namespace) is None
