"""An API server that is away while runs are in every phase: each goes on where it was.

Operators are processes of their own, with the Lease's usual terms, and load pods are played: they do not depend
on the API server and go on meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from devperfops_operator.adapters.kubernetes import Connection, connect
from devperfops_operator.wire.brief import TOKEN_AUDIENCE
from devperfops_operator.wire.measurement import RUN_UID_HEADER
from hack.kube import Kube
from tests.integration.operating import adopted
from tests.integration.played import ROWS, PlayedAgent
from tests.integration.proxy import Proxy
from tests.integration.test_process import Operator, readiness, running, settings
from tests.integration.world import (
    World,
    address,
    changed_kubeconfig,
    eventually,
    everything_but_deployments,
    request_token,
    sockets_closed,
)

BATCH = "/apis/batch/v1"
PASSED = ("Completed", "Pass", "Promote")

Launch = Callable[[], AbstractContextManager[Operator]]
Outcome = tuple[str, str, str]
"""Phase, verdict and action."""
GoOn = Callable[[], Awaitable[Outcome]]
"""What the world does once the operator is cut off, and what becomes of the run."""

DURATION = 30  # of a load, s


@dataclass
class Scene:
    """A namespace, and the only operator that watches it.

    `curtain`: all wait for each other there, since some phases last a few seconds only.
    """

    world: World
    operator: Operator
    away: int
    curtain: asyncio.Barrier

    async def begun(self) -> str:
        """A run whose Job is there."""
        self.world.run("by-hand")
        await eventually("its job", lambda: self.world.kube.find("Job", "by-hand", self.world.namespace))
        return "by-hand"

    async def agent(self, run: str) -> PlayedAgent:
        """What the kubelet would start."""
        kube, namespace = self.world.kube, self.world.namespace
        metadata = {"name": "agent", "namespace": namespace}
        kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        spec = {"serviceAccountName": "agent", "containers": [{"name": "agent", "image": "agent"}]}
        place = {"name": f"{run}-0-x7k2p", "namespace": namespace}
        pod = kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": place, "spec": spec})
        token = await request_token(self.world.connection, namespace, TOKEN_AUDIENCE, pod)
        uid = kube.get("PerfRun", run, namespace)["metadata"]["uid"]
        headers = {"Authorization": f"Bearer {token}", RUN_UID_HEADER: uid}
        return PlayedAgent(self.operator.client, namespace, run, headers)

    async def outcome(self, run: str) -> Outcome:
        await eventually(
            f"{run} is over", lambda: self.world.phase(run) == "Completed", seconds=self.away + 120
        )
        status = self.world.status("PerfRun", run)
        reasons = sorted(entry["reason"] for entry in status["timeline"])
        await eventually("all is told once", lambda: sorted(self.world.events(run)) == reasons)
        return status["phase"], status.get("verdict", ""), status["action"]["type"]

    async def loaded(self, run: str) -> Outcome:
        """All of a load, from its beginning."""
        agent = await self.agent(run)
        await asyncio.to_thread(agent.start, self.away + 120)
        await asyncio.to_thread(agent.play, DURATION)
        await asyncio.to_thread(agent.finish)
        return await self.outcome(run)


class Kubelet:
    """Starts operators, and again those that end: a leader who is cut off for too long does."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._running: list[tuple[Launch, Operator]] = []

    def start(self, launch: Launch) -> Operator:
        operator = self._stack.enter_context(launch())
        self._running.append((launch, operator))
        return operator

    async def restart(self) -> None:
        while True:
            ended = [each for each in self._running if each[1].process.poll() is not None]
            for launch, operator in ended:
                self._running.remove((launch, operator))
                self.start(launch)
            await asyncio.sleep(1)


async def awaiting_rollout(scene: Scene) -> GoOn:
    world = scene.world
    world.release("podinfo:2")
    (run,) = await eventually("a run", world.runs)
    await eventually("it waits", lambda: world.phase(run) == "AwaitingRollout")
    await scene.curtain.wait()

    async def go_on() -> Outcome:
        await world.roll_out()
        job = partial(world.kube.find, "Job", run, world.namespace)
        await eventually("its job", job, seconds=scene.away + 120)
        return await scene.loaded(run)

    return go_on


async def starting(scene: Scene) -> GoOn:
    run = await scene.begun()
    await scene.curtain.wait()
    return partial(scene.loaded, run)


async def under_load(scene: Scene) -> GoOn:
    """It loads on, and ends when the API server is back."""
    run = await scene.begun()
    agent = await scene.agent(run)
    await asyncio.to_thread(agent.start)
    playing = asyncio.create_task(asyncio.to_thread(agent.play, seconds_under_load(scene.away)))
    await eventually("it is under load", lambda: scene.world.phase(run) == "Running")
    await scene.curtain.wait()

    async def go_on() -> Outcome:
        await playing
        await asyncio.to_thread(agent.finish)
        return await scene.outcome(run)

    return go_on


async def judging(scene: Scene) -> GoOn:
    """Its Job is over, and the last counts are on their way."""
    run = await scene.begun()
    agent = await scene.agent(run)
    await asyncio.to_thread(agent.start)
    await asyncio.to_thread(agent.play, DURATION)
    await scene.curtain.wait()
    await end_job(scene.world, run)
    await eventually("it is judged", lambda: scene.world.phase(run) == "Judging")

    async def go_on() -> Outcome:
        await asyncio.to_thread(agent.finish, scene.away + 120)
        return await scene.outcome(run)

    return go_on


async def acting(scene: Scene) -> GoOn:
    """It is to be rolled back, and the operator may not yet."""
    world = scene.world
    world.release("podinfo:broken")
    (run,) = await eventually("a run", world.runs)
    await eventually("it waits", lambda: world.phase(run) == "AwaitingRollout")
    await scene.curtain.wait()
    await world.stall()
    await eventually("it acts", lambda: world.phase(run) == "Acting")

    async def go_on() -> Outcome:
        role = world.kube.get("Role", "operator", world.namespace)
        rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}
        world.kube.patch("Role", "operator", world.namespace, {"rules": [*role["rules"], rule]})
        outcome = await scene.outcome(run)
        assert world.image() == "podinfo:1"
        return outcome

    return go_on


def seconds_under_load(away: int) -> int:
    return away + 2 * DURATION


async def end_job(world: World, name: str) -> None:
    """What the Job controller does."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    done = [
        {"type": kind, "status": "True", "lastTransitionTime": now, "lastProbeTime": now}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    status = {"startTime": now, "completionTime": now, "succeeded": 1, "completedIndexes": "0"}
    await world.write_status("jobs", name, {**status, "conditions": done}, group=BATCH)


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


SCENES = {
    acting: ("Completed", "Fail", "Rollback"),
    awaiting_rollout: PASSED,
    starting: PASSED,
    under_load: PASSED,
    judging: PASSED,
}
LONG = {**SCENES, judging: ("Completed", "Inconclusive", "Hold")}
"""After minutes the operator has ended, and of a load whose Job is over nobody tells the last counts again."""


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        (30, SCENES),
        pytest.param(
            300,
            LONG,
            marks=[
                pytest.mark.timeout(1200),
                pytest.mark.skipif(
                    "LONG_TESTS" not in os.environ, reason="ten minutes: LONG_TESTS=1 runs it"
                ),
            ],
        ),
    ],
)
async def test_an_api_server_away_makes_no_wrong_verdict_in_any_phase(
    api_server: Path, kube: Kube, tmp_path: Path, away: int, expected: dict[object, Outcome]
) -> None:
    connection = await connect(str(api_server))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(connection.close)
        proxy = stack.enter_context(Proxy(address(api_server)))
        curtain = asyncio.Barrier(len(SCENES))
        kubelet = Kubelet(stack)

        async def set_up(play: Callable[[Scene], Awaitable[GoOn]]) -> GoOn:
            world = new_world(kube, connection)
            folder = tmp_path / play.__name__
            folder.mkdir()
            user = {"user": {"token": kube.token("operator", world.namespace)}} if play is acting else {}
            server = {"server": f"https://127.0.0.1:{proxy.port}"}
            kubeconfig = Path(changed_kubeconfig(api_server, folder, cluster=server, **user))
            patient = {**settings(world.namespace, {}), "timeouts": {"start": f"{away + 300}s"}}
            operator = kubelet.start(partial(running, kubeconfig, patient, folder, ""))
            await eventually("it leads", lambda: readiness(operator) == "ready", seconds=120)
            await adopted(world)
            duration = seconds_under_load(away) if play is under_load else DURATION
            jmeter = {"duration": f"{duration}s", "rampUp": "0s", "rate": f"{60 * ROWS}/m"}
            world.edit_gate({"load": {"jmeter": jmeter}, "objectives": [{"expect": "p99 < 2s"}]})
            return await play(Scene(world, operator, away, curtain))

        going_on = await asyncio.gather(*map(set_up, SCENES))
        proxy.close()
        ends = [asyncio.create_task(go_on()) for go_on in going_on]
        restarts = asyncio.create_task(kubelet.restart())
        await asyncio.sleep(away)
        proxy.open()
        outcomes = await asyncio.gather(*ends)
        restarts.cancel()

    assert dict(zip(SCENES, outcomes, strict=True)) == expected


def new_world(kube: Kube, connection: Connection) -> World:
    namespace = f"test-{secrets.token_hex(4)}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for manifest in everything_but_deployments(namespace):
        kube.create(manifest)
    return World(kube, connection, namespace)
