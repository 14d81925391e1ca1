"""The real server in front of the real evidence; the tests play the agents and the API server's TokenReview."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.api.quota_status import StoredQuotaPolicy
from devperfops_operator.domain.errors import Unauthenticated, Unavailable
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.ports import PodIdentity
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.server.app import build_app
from devperfops_operator.server.intake import Intake, Runs
from devperfops_operator.server.metrics import Metrics
from devperfops_operator.wire.measurement import RUN_UID_HEADER

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMESPACE, RUN, UID = "sock-shop", "front-end-5d8f3a1c-1", "11aa"
SPEC = PerfGateSpec.from_json(
    {
        "targetRef": {"name": "front-end"},
        "load": {"jmeter": {"plan": {"configMap": "scenario"}, "threads": 5, "duration": "60s"}},
        "objectives": [{"expect": "p99 < 2s"}, {"expect": "errors < 0.5%"}],
    }
)


def make_run(name: str = RUN, uid: str = UID, **status: object) -> PerfRun:
    return PerfRun.from_json(
        {
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid},
            "spec": {"gate": "front-end"},
            "status": {"phase": "Running", **status},
        }
    )


@dataclass
class KnownTokens:
    """Tokens it has issued are good; every review is counted."""

    issued: dict[str, PodIdentity] = field(default_factory=dict)
    reviews: int = 0
    away: bool = False

    def issue(self, pod: str, namespace: str = NAMESPACE) -> str:
        token = f"token-of-{namespace}-{pod}"
        self.issued[token] = PodIdentity(namespace=namespace, pod=pod, pod_uid=f"uid-of-{pod}")
        return token

    async def review(self, token: str) -> PodIdentity:
        self.reviews += 1
        if self.away:
            raise Unavailable("the API server does not answer")
        if token not in self.issued:
            raise Unauthenticated("the token is not valid")
        return self.issued[token]


@dataclass
class Operator:
    """What the server sees of the rest of the operator, and a client of it."""

    evidence: EvidenceStore = field(default_factory=EvidenceStore)
    tokens: KnownTokens = field(default_factory=KnownTokens)
    runs: dict[tuple[str, str], PerfRun] = field(default_factory=dict)
    policies: list[StoredQuotaPolicy] = field(default_factory=list)
    woken: list[tuple[str, str]] = field(default_factory=list)
    ready: bool = True
    client: TestClient = None

    def store(self, run: PerfRun, *, collecting: bool = True) -> None:
        self.runs[run.metadata.namespace, run.metadata.name] = run
        if collecting:
            self.evidence.open(run.metadata.uid, resolve_plan(SPEC))

    async def post(self, path: str, body: object = None, *, token: str | None = None) -> tuple[int, dict]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.client.post(path, json=body if body is not None else {}, headers=headers) as response:
            return response.status, await response.json()


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    operator = Operator()
    intake = Intake(
        runs=Runs(
            find=lambda namespace, name: operator.runs.get((namespace, name)),
            wake=lambda namespace, name: operator.woken.append((namespace, name)),
            complete=lambda: operator.ready,
        ),
        evidence=operator.evidence,
        tokens=operator.tokens,
        now=lambda: NOW,
    )
    app = build_app(
        intake=intake,
        metrics=Metrics(CollectorRegistry(), operator.runs.values, lambda: operator.policies),
        obstacle=lambda: None if operator.ready else "not the leader: operator-b is",
    )
    async with TestClient(TestServer(app), headers={RUN_UID_HEADER: UID}) as operator.client:
        yield operator


@pytest.fixture
def token(operator: Operator) -> str:
    """Of the run's worker 0."""
    return operator.tokens.issue(f"{RUN}-0-x7k2p")
