"""The operator as a process of its own, against a real API server: it gets ready, leads alone, knows load pods by
their tokens, and ends when told."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from devperfops_operator.adapters.kubernetes import connect
from devperfops_operator.api.settings import LeaderElection
from devperfops_operator.main import CONFIG_VARIABLE, POD_VARIABLE
from devperfops_operator.wire.brief import TOKEN_AUDIENCE
from devperfops_operator.wire.measurement import start_path
from hack.kube import Kube, kubectl, wait_for
from tests.integration.operating import adopted
from tests.integration.proxy import Proxy
from tests.integration.world import (
    GATE,
    World,
    address,
    changed_kubeconfig,
    eventually,
    everything_but_deployments,
)

ACCOUNT = "default"


@dataclass(frozen=True)
class Operator:
    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path

    def ended(self) -> str:
        """What it has said until its end, which is near."""
        self.process.wait(timeout=30)
        return self.log.read_text()


Launch = Callable[..., Operator]


@pytest.fixture
def launch(api_server: Path, namespace: str, tmp_path: Path) -> Iterator[Launch]:
    """Starts operators of the namespace; what is left of them is killed at the end."""
    with ExitStack() as stack:

        def launch(*, kubeconfig: Path = api_server, pod: str = "", **terms: str) -> Operator:
            return stack.enter_context(running(kubeconfig, settings(namespace, terms), tmp_path, pod))

        yield launch


@contextmanager
def running(kubeconfig: Path, settings: dict[str, Any], folder: Path, pod: str) -> Iterator[Operator]:
    config = folder / f"settings-{settings['port']}.yaml"
    config.write_text(yaml.safe_dump(settings))
    environment = {"KUBECONFIG": str(kubeconfig), CONFIG_VARIABLE: str(config), POD_VARIABLE: pod}
    program = "import sys; from devperfops_operator.main import main; sys.exit(main())"
    log = config.with_suffix(".log")  # a pipe that nobody reads would stop it in a long outage
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", program], env={**os.environ, **environment}, stdout=out
        )
    try:
        with httpx.Client(base_url=settings["operatorUrl"]) as client:
            yield Operator(process, client, log)
    finally:
        process.kill()
        process.wait()


def settings(namespace: str, terms: dict[str, str]) -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    return {
        "operatorUrl": f"http://127.0.0.1:{port}",
        "port": port,
        "namespaces": [namespace],
        "images": {"operator": "devperfops/operator", "jmeter": "devperfops/jmeter"},
        "leaderElection": {"namespace": namespace, **terms},
    }


@pytest.fixture
def operator(launch: Launch) -> Operator:
    operator = launch()
    wait_until_ready(operator)
    return operator


def wait_until_ready(operator: Operator, seconds: float = 30) -> None:
    wait_for("the operator is ready", lambda: readiness(operator) == "ready", seconds=seconds)


def readiness(operator: Operator) -> str:
    """What /readyz says; nothing: it does not answer."""
    try:
        return str(operator.client.get("/readyz").json()["message"])
    except httpx.TransportError:
        return ""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told(operator, told):
    assert_it_ends_when_told(operator, told)


def assert_it_ends_when_told(operator: Operator, told: signal.Signals) -> None:
    operator.process.send_signal(told)
    output = operator.ended()

    lines = [json.loads(line) for line in output.splitlines()]
    assert operator.process.returncode == 0, output
    assert lines[-1]["message"] == "ended as told"
    assert [line for line in lines if line["level"] in {"error", "critical"}] == []


def test_told_before_its_watches_are_there_it_leaves_nothing_behind(api_server, launch, tmp_path):
    """The API server is slow enough that kopf is still asking it for its kinds."""
    with Proxy(address(api_server), delay_s=0.2) as proxy:
        server = {"server": f"https://127.0.0.1:{proxy.port}"}
        operator = launch(kubeconfig=Path(changed_kubeconfig(api_server, tmp_path, cluster=server)))
        wait_until_ready(operator)

        assert_it_ends_when_told(operator, signal.SIGTERM)


QUICK = {"leaseDuration": "10s", "renewDeadline": "8s", "retryPeriod": "1s"}


def test_of_two_one_is_ready_and_the_other_says_who_and_takes_no_measurements(launch, kube, namespace):
    token = bound_token(kube, namespace, pod="nightly-1-0-x7k2p")
    first = launch()
    wait_until_ready(first)
    second = launch()
    wait_for("the second stands by", lambda: "not the leader" in readiness(second), seconds=30)

    def ask(operator: Operator) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return operator.client.post(
            start_path(namespace, "nightly-1", 0), json={}, headers=headers
        ).status_code

    assert socket.gethostname() in readiness(second)
    assert second.client.get("/healthz").status_code == HTTPStatus.OK
    assert (ask(first), ask(second)) == (HTTPStatus.GONE, HTTPStatus.SERVICE_UNAVAILABLE)

    first.process.send_signal(signal.SIGTERM)
    first.ended()
    wait_until_ready(second, seconds=5)


def test_a_killed_leader_is_followed_when_its_lease_has_run_out(launch):
    first = launch(**QUICK)
    wait_until_ready(first)
    second = launch(**QUICK)
    wait_for("the second stands by", lambda: "not the leader" in readiness(second), seconds=30)

    first.process.kill()

    wait_until_ready(second)


def test_a_container_started_anew_waits_for_nobody(launch):
    first = launch(pod="f3c1")
    wait_until_ready(first)
    first.process.kill()
    first.process.wait()

    wait_until_ready(launch(pod="f3c1"), seconds=20)


def test_a_leader_that_stood_still_ends_when_it_wakes(launch):
    """Its clock went on and its lease is another's: not one step more."""
    first = launch(**QUICK)
    wait_until_ready(first)
    second = launch(**QUICK)
    first.process.send_signal(signal.SIGSTOP)
    wait_until_ready(second)
    first.process.send_signal(signal.SIGCONT)

    output = first.ended()

    assert first.process.returncode == 3, output
    assert "leadership is lost" in output
    assert readiness(second) == "ready"


def test_without_the_api_server_it_ends_and_comes_back(api_server, launch, tmp_path):
    with Proxy(address(api_server)) as proxy:
        server = {"server": f"https://127.0.0.1:{proxy.port}"}
        kubeconfig = Path(changed_kubeconfig(api_server, tmp_path, cluster=server))
        first = launch(kubeconfig=kubeconfig, pod="f3c1", **QUICK)
        wait_until_ready(first)
        proxy.close()
        output = first.ended()
        second = launch(kubeconfig=kubeconfig, pod="f3c1", **QUICK)
        wait_for("it is told", lambda: "cannot be reached" in readiness(second), seconds=30)
        proxy.open()

        wait_until_ready(second, seconds=20)

    assert first.process.returncode == 3, output
    assert "could not be renewed for 8 s" in json.loads(output.splitlines()[-1])["message"]


async def test_a_leader_lost_while_acting_is_followed_and_rolled_back_once(
    api_server, kube, launch, namespace, tmp_path
):
    """The first may not change Deployments, so it is still at it when it is killed; the second may.

    The lease has its usual terms, since a busy machine loses short ones too early, and is freed by hand.
    """
    for manifest in everything_but_deployments(namespace):
        kube.create(manifest)
    user = {"token": kube.token("operator", namespace)}
    first = launch(kubeconfig=Path(changed_kubeconfig(api_server, tmp_path, user=user)))
    await eventually("the first leads", lambda: readiness(first) == "ready")
    second = launch()
    connection = await connect(str(api_server))
    world = World(kube, connection, namespace)
    snapshot = await adopted(world)
    world.release("podinfo:broken")
    (run,) = await eventually("a run", world.runs)
    await eventually("it waits", lambda: world.phase(run) == "AwaitingRollout")
    generation = kube.get("Deployment", GATE, namespace)["metadata"]["generation"]
    await world.stall()
    await eventually("it acts", lambda: world.phase(run) == "Acting")

    first.process.kill()
    kube.delete("Lease", LeaderElection().name, namespace)
    await eventually("the second leads", lambda: readiness(second) == "ready")
    await eventually("it is over", lambda: world.phase(run) == "Completed")

    deployment = kube.get("Deployment", GATE, namespace)
    assert world.status("PerfRun", run)["action"]["type"] == "Rollback"
    assert deployment["spec"]["template"] == snapshot["data"]["template"]
    assert deployment["metadata"]["generation"] == generation + 1, "one patch"
    await eventually("its end is told", lambda: "Completed" in world.events(run))
    told = world.events(run)
    assert sorted(told) == sorted(set(told))
    await connection.close()


def test_it_shows_its_metrics(operator):
    text = operator.client.get("/metrics").text

    for name in (
        "devperfops_queue_length",
        "devperfops_http_requests_total",
        "process_resident_memory_bytes",
    ):
        assert f"\n{name}" in text


def test_a_load_pods_token_opens_its_own_run_only(operator, kube, namespace):
    token = bound_token(kube, namespace, pod="nightly-1-0-x7k2p")

    def ask(run: str, token: str, *, of: str = namespace) -> int:
        return operator.client.post(
            start_path(of, run, 0), json={}, headers={"Authorization": f"Bearer {token}"}
        ).status_code

    assert ask("nightly-1", token) == HTTPStatus.GONE  # known, but there is no such run
    assert ask("nightly-2", token) == HTTPStatus.FORBIDDEN
    assert ask("nightly-1", token, of="elsewhere") == HTTPStatus.FORBIDDEN
    assert ask("nightly-1", token[:-8] + "AAAAAAAA") == HTTPStatus.UNAUTHORIZED
    assert ask("nightly-1", kube.token(ACCOUNT, namespace)) == HTTPStatus.UNAUTHORIZED  # another audience


def bound_token(kube: Kube, namespace: str, *, pod: str) -> str:
    """As the kubelet projects it into a load pod."""
    place = {"namespace": namespace}
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, **place}})
    spec = {"serviceAccountName": ACCOUNT, "containers": [{"name": "agent", "image": "agent"}]}
    created = kube.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, **place}, "spec": spec}
    )
    argv = [
        *(kubectl(), "--kubeconfig", str(kube.kubeconfig), "create", "token", ACCOUNT, "-n", namespace),
        *("--audience", TOKEN_AUDIENCE, "--bound-object-kind", "Pod"),
        *("--bound-object-name", pod, "--bound-object-uid", created["metadata"]["uid"]),
    ]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
