"""What a run's tests saw is kept at the API server, once, and goes with the run."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from devperfops_operator.api.base import ObjectMeta
from devperfops_operator.controller.operator import Operator
from devperfops_operator.domain.errors import Unavailable
from devperfops_operator.domain.manifests.common import KNOWN_GOOD_LABEL, RECORD_LABEL
from devperfops_operator.domain.manifests.record import read_record
from devperfops_operator.domain.record import LIMIT
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.histogram import bucket_of
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import (
    Block,
    Final,
    Heartbeat,
    JMeterState,
    LabelStats,
    LoadEnd,
    Push,
)
from hack.cluster.settings import CHECKOUT
from tests.integration.operating import adopted, operating
from tests.integration.world import GATE, World, eventually, sockets_closed

EXAMPLE_PLAN = CHECKOUT / "examples" / "podinfo" / "scenario.jmx"

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


def played_blocks(transactions: int, *, slow: bool) -> list[Block]:
    """Every request is over the threshold, or a tenth of it."""
    draw, second = random.Random(5), int(datetime.now(UTC).timestamp())
    blocks = []
    for number in range(60):
        labels = {}
        for name in range(transactions):
            times = [int(draw.lognormvariate(9 if slow else 4, 0.5)) for _ in range(50)]
            labels[f"<{name}> &"] = LabelStats(50, 0, [50 * slow], [0], dict(Counter(map(bucket_of, times))))
        blocks.append(Block(number, second + number, labels=labels))
    return blocks


async def under_load(
    world: World,
    operator: Operator,
    evidence: EvidenceStore,
    name: str,
    *,
    slow: bool,
    plan: KeptPlan | None = None,
) -> int:
    """What the run's only worker does. Gives the number of its samples."""
    uid = world.kube.get("PerfRun", name, world.namespace)["metadata"]["uid"]
    await eventually("evidence is collected", lambda: evidence.is_open(uid))
    evidence.prepared(uid, 0, datetime.now(UTC))
    operator.wake(world.namespace, name)
    await eventually("it runs", lambda: world.phase(name) == "Running")
    blocks = played_blocks(transactions=20, slow=slow)
    samples = sum(stats.samples for block in blocks for stats in block.labels.values())
    start = (datetime.now(UTC) - timedelta(minutes=10)).timestamp()
    beat = Heartbeat(JMeterState.ENDED, samples, int(1000 * start), int(1000 * start) + 600_000)
    final = Final(len(blocks), samples, 0, LoadEnd.COMPLETED, truncated=False, plan=plan)
    evidence.accept(uid, 0, Push(tuple(blocks), beat, final), datetime.now(UTC))
    operator.wake(world.namespace, name)
    await eventually("it has ended", lambda: world.phase(name) == "Completed")
    return samples


async def released(world: World) -> str:
    """A new revision's run, whose Job is there."""
    await adopted(world)
    await world.deploy("podinfo:2")
    (name,) = await eventually("a run", world.runs)
    await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))
    return name


async def ended_release(world: World, *, slow: bool, plan: KeptPlan | None = None) -> tuple[str, int]:
    """A run under load, from its beginning to its end, and the number of its samples."""
    evidence = EvidenceStore()
    async with operating(world, evidence=evidence) as operator:
        name = await released(world)
        return name, await under_load(world, operator, evidence, name, slow=slow, plan=plan)


def records(world: World) -> list[dict[str, object]]:
    return world.kube.list("ControllerRevision", world.namespace, RECORD_LABEL)


async def test_a_run_leaves_a_record_that_is_its_own(world: World) -> None:
    name, samples = await ended_release(world, slow=True)

    run = world.kube.get("PerfRun", name, world.namespace)
    (stored,) = records(world)
    metadata = stored["metadata"]
    assert run["status"]["record"]["name"] == metadata["name"]  # type: ignore[index]
    assert run["status"]["record"]["keptAt"]
    (owner,) = metadata["ownerReferences"]  # type: ignore[index]
    assert (owner["kind"], owner["uid"]) == ("PerfRun", run["metadata"]["uid"])
    assert len(json.dumps(stored["data"])) <= LIMIT
    record = read_record(stored, ObjectMeta.from_json(run["metadata"]))
    assert sum(record.profile.histogram(None).values()) == samples
    assert {sum(series.samples) for series in record.series.values()} == {samples}

    # A label or an owner may come later: the data stays as the API server has it.
    world.kube.patch(
        "ControllerRevision", metadata["name"], world.namespace, {"metadata": {"labels": {"team": "shop"}}}
    )


async def test_a_kept_run_can_be_judged_again_as_it_was_and_by_other_objectives(
    world: World, api_server: Path, tmp_path: Path
) -> None:
    name, _ = await ended_release(world, slow=True)
    looser = world.kube.get("PerfGate", GATE, world.namespace)
    looser["spec"]["objectives"] = [{"expect": "p99 < 10m"}]
    file = tmp_path / "gate.yaml"
    file.write_text(yaml.safe_dump(looser))

    as_it_was = await asyncio.to_thread(backtest, world, api_server)
    assert re.search(rf"{name} +\w+ +Fail +Fail +\S+ .*does not hold", as_it_was)
    assert "0 of 1 run would pass now, unlike then" in as_it_was
    changed = await asyncio.to_thread(backtest, world, api_server, "-f", str(file))
    assert re.search(rf"{name} +\w+ +Fail +unknown +- +its load was stopped when it failed", changed)
    assert "Estimated from histograms" in changed

    refused = await asyncio.to_thread(devperfops, world, api_server, "propose", GATE)
    assert refused.returncode == 2
    assert "has 0 passed runs with a record, and 3 are needed" in refused.stderr


async def test_the_plan_that_was_played_comes_back_to_the_byte_and_goes_with_its_run(
    world: World, api_server: Path, tmp_path: Path
) -> None:
    plan = EXAMPLE_PLAN.read_bytes() + b"\r\n"  # as it is, whatever would be nicer
    name, _ = await ended_release(world, slow=True, plan=KeptPlan.of(plan, None))
    (worker,) = world.status("PerfRun", name)["workers"]
    assert worker["plan"] == {"sha256": sha256(plan).hexdigest(), "size": len(plan)}

    file = tmp_path / "plan.jmx"
    written = await asyncio.to_thread(devperfops, world, api_server, "plan", name, "-o", str(file))
    assert (written.returncode, written.stdout) == (0, ""), written.stderr
    assert file.read_bytes() == plan
    shown = await asyncio.to_thread(devperfops, world, api_server, "plan", name)
    assert shown.stdout.encode() == plan.replace(b"\r\n", b"\n")  # as Python reads a program's text
    report = await asyncio.to_thread(devperfops, world, api_server, "report", name)
    assert f"sha256 {sha256(plan).hexdigest()[:12]}" in report.stdout

    world.kube.delete("PerfRun", name, world.namespace)
    gone = await asyncio.to_thread(devperfops, world, api_server, "plan", name)
    assert gone.returncode == 2


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (
            KeptPlan.of(b"plan", "Header Authorization"),
            "was not kept: Header Authorization has a secret in it;",
        ),
        (None, "is not kept: the operator was restarted before it could be, or is an older one"),
    ],
    ids=["secret", "old"],
)
async def test_why_there_is_no_plan_is_told(
    world: World, api_server: Path, plan: KeptPlan | None, told: str
) -> None:
    name, _ = await ended_release(world, slow=True, plan=plan)
    refused = await asyncio.to_thread(devperfops, world, api_server, "plan", name)
    assert refused.returncode == 2
    assert told in " ".join(refused.stderr.split())


async def test_what_a_gate_would_catch_is_proven_with_the_runs_that_are_kept(
    world: World, api_server: Path
) -> None:
    name, _ = await ended_release(world, slow=False)
    assert world.status("PerfRun", name)["verdict"] == "Pass"

    told = await asyncio.to_thread(devperfops, world, api_server, "prove", GATE, "--errors", "20%")
    assert told.returncode == 0, told.stderr
    assert re.search(r"errors of 20% +100% +98% to 100% +\S+ +errors", told.stdout)
    assert "an unchanged one would pass in 100%" in told.stdout
    assert "made of 1 past run in which nothing was found wrong; so few" in told.stdout

    program = await asyncio.to_thread(devperfops, world, api_server, "prove", GATE, "--delay", "1%", "--json")
    document = json.loads(program.stdout)
    assert (document["gate"], document["pastRuns"]) == (GATE, [name])
    assert [each["caught"]["share"] for each in document["injected"]] == [0.0]


async def test_the_figures_of_kept_runs_are_told(world: World, api_server: Path) -> None:
    name, _ = await ended_release(world, slow=True)
    told = await asyncio.to_thread(devperfops, world, api_server, "trend", GATE)
    assert told.returncode == 0, told.stderr
    assert re.search(r"p50 +8\.\d+ s .* ▁ +-", told.stdout)
    assert "1 run of 12 that it takes to tell a change from chance" in told.stdout
    program = await asyncio.to_thread(devperfops, world, api_server, "trend", GATE, "--json")
    (run,) = json.loads(program.stdout)["runs"]
    assert (run["name"], run["figures"]["throughput"]) == (name, 1_000.0)


async def test_a_gate_that_has_no_sound_run_is_told_to_be_run(world: World, api_server: Path) -> None:
    await ended_release(world, slow=True)
    refused = await asyncio.to_thread(devperfops, world, api_server, "prove", GATE)
    assert refused.returncode == 2
    assert "has no past run in which nothing was found wrong; run the gate once: devperfops" in refused.stderr


def backtest(world: World, kubeconfig: Path, *arguments: str) -> str:
    """What a person is shown."""
    done = devperfops(world, kubeconfig, "backtest", GATE, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def devperfops(world: World, kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [str(Path(sys.executable).parent / "devperfops"), *arguments]
    place = ["-n", world.namespace, "--kubeconfig", str(kubeconfig)]
    return subprocess.run([*program, *place], capture_output=True, text=True, check=False)


async def test_after_a_crash_the_record_is_made_all_the_same_and_says_what_is_missing(world: World) -> None:
    evidence = EvidenceStore()
    forgetful = _NoRecord()
    async with operating(world, evidence=forgetful) as operator:
        name = await released(world)
        load = asyncio.create_task(under_load(world, operator, forgetful, name, slow=True))
        await eventually("the record is named", lambda: world.status("PerfRun", name).get("record"))
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
    assert records(world) == []

    async with operating(world, evidence=evidence):
        await eventually("it has ended", lambda: world.phase(name) == "Completed")
    run = world.kube.get("PerfRun", name, world.namespace)
    (stored,) = records(world)
    record = read_record(stored, ObjectMeta.from_json(run["metadata"]))
    assert "only their totals" in record.missing[0]
    snapshots = [one for one in world.snapshots() if RECORD_LABEL not in one["metadata"]["labels"]]
    assert [KNOWN_GOOD_LABEL in one["metadata"]["labels"] for one in snapshots].count(True) == 1


class _NoRecord(EvidenceStore):
    """Of an operator that is killed before it comes to that."""

    def record(self, run_uid: str):  # type: ignore[no-untyped-def]
        raise Unavailable(f"{run_uid} is not to be had")
