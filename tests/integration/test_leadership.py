"""The Lease on a real API server: one leads, the others stand by, and no two at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devperfops_operator.adapters.kubernetes import Leases, connect
from devperfops_operator.api.settings import LeaderElection
from devperfops_operator.controller.leadership import Leadership
from devperfops_operator.domain.errors import LeadershipLost
from hack.kube import Kube
from tests.integration.proxy import Proxy
from tests.integration.world import address, changed_kubeconfig, eventually, sockets_closed

pytestmark = pytest.mark.integration

LEASE = "devperfops-operator"
QUICK = LeaderElection(
    lease_duration=timedelta(seconds=3),
    renew_deadline=timedelta(seconds=2),
    retry_period=timedelta(seconds=0.2),
)


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@dataclass
class Candidate:
    """An operator that works until it is told to end; `story` is what happened to all of them, in order."""

    name: str
    leadership: Leadership
    proxy: Proxy
    story: list[str]
    told: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    async def work(self) -> None:
        self.story.append(f"{self.name} works")
        try:
            await self.told.wait()
        finally:
            await self.may_end.wait()
            self.story.append(f"{self.name} ends")


Join = Callable[..., Any]


@pytest.fixture
async def join(api_server: Path, namespace: str, tmp_path: Path) -> AsyncIterator[Join]:
    """Gives candidates for one lease, each with its own way to the API server, and their tasks."""
    story: list[str] = []
    async with AsyncExitStack() as stack:

        async def join(name: str, terms: LeaderElection = QUICK, **user: str) -> tuple[Candidate, Any]:
            return await stack.enter_async_context(candidate(name, terms, user))

        @asynccontextmanager
        async def candidate(name: str, terms: LeaderElection, user: dict[str, str]) -> AsyncIterator[Any]:
            folder = tmp_path / name
            folder.mkdir()
            with Proxy(address(api_server)) as proxy:
                server = {"server": f"https://127.0.0.1:{proxy.port}"}
                identity = {"user": user} if user else {}
                kubeconfig = changed_kubeconfig(api_server, folder, cluster=server, **identity)
                connection = await connect(kubeconfig, timeout_s=terms.renew_deadline.total_seconds() / 2)
                leadership = Leadership(Leases(connection, namespace, LEASE), name, terms)
                made = Candidate(name, leadership, proxy, story)
                task = asyncio.create_task(leadership.lead(made.work))
                try:
                    yield made, task
                finally:
                    task.cancel()
                    await asyncio.wait({task})
                    await connection.close()

        yield join


def leads(candidate: Candidate) -> bool:
    return candidate.leadership.obstacle() is None


def spec(kube: Kube, namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = kube.get("Lease", LEASE, namespace)["spec"]
    return found


async def test_one_leads_and_the_next_follows_at_once_when_it_ends(
    join: Join, kube: Kube, namespace: str
) -> None:
    first, task = await join("a")
    await eventually("a leads", lambda: leads(first))
    second, _ = await join("b")
    await eventually("b knows it", lambda: "not the leader: a is" in (second.leadership.obstacle() or ""))

    first.told.set()
    await task

    assert spec(kube, namespace).get("holderIdentity") in {None, "b"}
    await eventually("b leads", lambda: leads(second), seconds=2)
    assert first.story == ["a works", "a ends", "b works"]
    assert (spec(kube, namespace)["holderIdentity"], spec(kube, namespace)["leaseTransitions"]) == ("b", 1)


async def test_many_that_begin_at_once_have_one_leader(join: Join) -> None:
    candidates = [(await join(name))[0] for name in "abcde"]

    await eventually("one leads", lambda: any(map(leads, candidates)))
    await eventually(
        "the others know", lambda: sum("is;" in (c.leadership.obstacle() or "") for c in candidates) == 4
    )

    assert len(candidates[0].story) == 1


async def test_a_leader_cut_off_ends_before_another_begins(join: Join, kube: Kube, namespace: str) -> None:
    first, task = await join("a")
    await eventually("a leads", lambda: leads(first))
    second, _ = await join("b")
    await eventually("b stands by", second.leadership.obstacle)

    first.proxy.close()

    with pytest.raises(LeadershipLost, match="could not be renewed for 2 s"):
        await task
    assert not leads(first)
    await eventually("b leads", lambda: leads(second))
    assert first.story == ["a works", "a ends", "b works"]
    assert spec(kube, namespace)["leaseTransitions"] == 1


async def test_an_api_server_away_for_less_than_the_deadline_costs_nothing(
    join: Join, kube: Kube, namespace: str
) -> None:
    patient = QUICK.model_copy(
        update={"lease_duration": timedelta(seconds=30), "renew_deadline": timedelta(seconds=20)}
    )
    first, task = await join("a", patient)
    await eventually("a leads", lambda: leads(first))
    first.proxy.close()
    before = spec(kube, namespace)["renewTime"]
    first.proxy.open()

    await eventually("it is renewed", lambda: spec(kube, namespace)["renewTime"] > before)

    assert leads(first)
    assert not task.done()


async def test_a_slow_api_server_costs_nothing(join: Join, kube: Kube, namespace: str) -> None:
    """Every answer comes two seconds late; the terms are the ones shipped."""
    first, task = await join("a", LeaderElection())
    first.proxy.delay_s = 2.0
    await eventually("a leads", lambda: leads(first))
    for _ in range(2):
        before = spec(kube, namespace)["renewTime"]
        await eventually("it is renewed", lambda before=before: spec(kube, namespace)["renewTime"] > before)

    assert leads(first)
    assert not task.done()


async def test_work_that_does_not_end_when_told_is_not_waited_for(join: Join) -> None:
    first, task = await join("a")
    await eventually("a leads", lambda: leads(first))
    first.may_end.clear()
    first.proxy.close()

    with pytest.raises(LeadershipLost):
        await task
    assert first.story == ["a works"]
    first.may_end.set()


async def test_a_lease_that_somebody_takes_is_lost_at_once(join: Join, kube: Kube, namespace: str) -> None:
    first, task = await join("a", LeaderElection())
    await eventually("a leads", lambda: leads(first))

    kube.patch("Lease", LEASE, namespace, {"spec": {"holderIdentity": "thief"}})

    with pytest.raises(LeadershipLost, match="thief has taken the lease"):
        await task
    assert spec(kube, namespace)["holderIdentity"] == "thief", "what is another's is not given back"


async def test_a_lease_that_was_touched_or_deleted_is_still_ones_own(
    join: Join, kube: Kube, namespace: str
) -> None:
    """As after a write of ours whose answer was lost: the version is another one than we know."""
    first, task = await join("a")
    await eventually("a leads", lambda: leads(first))

    kube.patch("Lease", LEASE, namespace, {"metadata": {"annotations": {"looked": "at"}}})
    before = spec(kube, namespace)["renewTime"]
    await eventually("it is renewed", lambda: spec(kube, namespace)["renewTime"] > before)
    kube.delete("Lease", LEASE, namespace)
    await eventually("it is made again", lambda: kube.find("Lease", LEASE, namespace))

    assert leads(first)
    assert not task.done()


async def test_without_the_right_to_it_the_obstacle_is_named(join: Join, kube: Kube, namespace: str) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "a", "namespace": namespace},
    }
    kube.create(account)
    first, _ = await join("a", token=kube.token("a", namespace))

    await eventually("it is told", lambda: "forbidden" in (first.leadership.obstacle() or ""))

    assert first.story == []
