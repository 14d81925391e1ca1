"""The command line against a real API server; the test writes the runs' statuses as the operator would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import CustomObjectsApi
from kubernetes.config import new_client_from_config

from hack.cluster import apiserver
from hack.kube import Kube, kubectl, wait_for
from tests.integration.proxy import Proxy
from tests.integration.world import address

pytestmark = pytest.mark.integration

BIN = Path(sys.executable).parent
SECONDS = 60
FAILURE = "p99 < 2s does not hold: 31 of 412 judged samples were slower or failed (7.5243%; allowed 1%)"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches what a test starts, also where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Shell:
    """A person's shell: `devperfops` with a kubeconfig and a namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "TZ": "UTC",
        }

    def start(self, command: str, *arguments: str, program: str = "devperfops") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [program, command, *arguments, "-n", self.namespace],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str, program: str = "devperfops") -> Done:
        return Done(self.start(command, *arguments, program=program))


class Done:
    """A process that has ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.stdout, self.stderr = process.communicate(timeout=SECONDS)
        self.code = process.returncode
        assert "Traceback" not in self.stderr


class Operator:
    """Stands for the operator: writes statuses."""

    def __init__(self, kube: Kube, kubeconfig: Path, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._api = CustomObjectsApi(new_client_from_config(config_file=str(kubeconfig)))

    def new_run(self) -> dict[str, Any]:
        """The namespace's only run, as soon as there is one."""
        (run,) = wait_for("a run", lambda: self._kube.list("PerfRun", self._namespace), seconds=SECONDS)
        return run

    def get(self, name: str) -> dict[str, Any] | None:
        return self._kube.find("PerfRun", name, self._namespace)

    def set_status(self, plural: str, name: str, status: dict[str, Any]) -> None:
        self._api.patch_namespaced_custom_object_status(
            "devperfops.io",
            "v1alpha1",
            self._namespace,
            plural,
            name,
            {"status": status},
            _content_type="application/merge-patch+json",
        )

    def end(self, name: str, phase: str, **status: Any) -> None:
        self.set_status("perfruns", name, {"phase": phase, "completedAt": "2026-11-23T14:01:30Z", **status})

    def work_on(self, name: str) -> None:
        """Takes it up, and has it under load."""
        self.set_status("perfruns", name, {"phase": "AwaitingRollout", "timeline": STEPS[:1]})
        self.set_status("perfruns", name, {"phase": "Running", "load": LOAD, "timeline": STEPS[:2]})


STEPS = [
    {"at": "2026-11-23T14:00:01Z", "phase": "AwaitingRollout", "reason": "Accepted", "message": "it begins"},
    {"at": "2026-11-23T14:00:09Z", "phase": "Running", "reason": "LoadRunning", "message": "the load runs"},
    {"at": "2026-11-23T14:01:20Z", "phase": "Acting", "reason": "ObjectiveFailed", "message": FAILURE},
    {"at": "2026-11-23T14:01:30Z", "phase": "Completed", "reason": "Completed", "message": "all is stored"},
]
LOAD = {
    "threads": 50,
    "plannedRate": "3000/m",
    "achievedRate": "2987/m",
    "samples": 1201,
    "judgedSamples": 412,
    "errors": 3,
    "startAt": "2026-11-23T14:00:09Z",
    "endsAt": "2026-11-23T14:01:39Z",
}
LATENCY = {
    "name": "p99 < 2s",
    "expect": "p99 < 2s",
    "verdict": "Fail",
    "reason": "ObjectiveFailed",
    "message": FAILURE,
    "observed": "p99 = 2.31 s",
    "exceedance": "7.5243%",
    "bound": "11.4%",
    "allowed": "1%",
    "samples": 412,
    "exceedances": 31,
}
FAILED = {
    "verdict": "Fail",
    "reason": "ObjectiveFailed",
    "message": FAILURE,
    "trigger": "Manual",
    "revision": "5f2c1a9b3d",
    "load": LOAD,
    "objectives": [LATENCY],
    "timeline": STEPS,
}


@pytest.fixture
def shell(api_server: Path, namespace: str) -> Shell:
    return Shell(api_server, namespace)


@pytest.fixture
def operator(kube: Kube, api_server: Path, namespace: str) -> Operator:
    return Operator(kube, api_server, namespace)


@pytest.fixture
def gate(kube: Kube, namespace: str) -> str:
    kube.create(
        {
            "apiVersion": "devperfops.io/v1alpha1",
            "kind": "PerfGate",
            "metadata": {"name": "front-end", "namespace": namespace},
            "spec": {
                "targetRef": {"name": "front-end"},
                "load": {
                    "jmeter": {
                        "plan": {"configMap": "scenario"},
                        "threads": 50,
                        "rampUp": "10s",
                        "rate": "3000/m",
                        "duration": "90s",
                    }
                },
                "objectives": [{"expect": "p99 < 2s"}],
            },
        }
    )
    return "front-end"


@pytest.fixture
def run(kube: Kube, namespace: str, gate: str) -> str:
    """A run nobody works on."""
    made = kube.create(
        {
            "apiVersion": "devperfops.io/v1alpha1",
            "kind": "PerfRun",
            "metadata": {"name": "front-end-1", "namespace": namespace},
            "spec": {"gate": gate},
        }
    )
    return str(made["metadata"]["name"])


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ({"phase": "Completed", "verdict": "Pass"}, 0),
        ({"phase": "Completed", "verdict": "Fail"}, 1),
        ({"phase": "Completed", "verdict": "Error"}, 2),
        ({"phase": "Completed", "verdict": "Inconclusive"}, 3),
        ({"phase": "Superseded"}, 2),
        ({"phase": "Cancelled"}, 2),
    ],
    ids=lambda value: next(reversed(value.values())) if isinstance(value, dict) else str(value),
)
def test_run_waits_for_the_end_and_exits_with_what_came_of_it(shell, operator, gate, end, code):
    process = shell.start("run", gate, "--reason", "before the sale")
    made = operator.new_run()
    name = made["metadata"]["name"]
    operator.work_on(name)
    assert process.poll() is None
    operator.end(name, **end, reason="BecauseOfThis", message="This is why.")
    done = Done(process)

    assert done.code == code
    assert name.startswith("front-end-")
    assert made["spec"] == {"gate": gate, "reason": "before the sale", "cancel": False}
    assert made["metadata"]["labels"] == {"devperfops.io/gate": gate}
    assert [owner["name"] for owner in made["metadata"]["ownerReferences"]] == [gate]
    outcome = end.get("verdict", end["phase"])
    assert done.stdout == f"{name}  {outcome}  BecauseOfThis\nThis is why.\n"


def test_run_tells_each_step_and_how_the_load_stands_on_stderr(shell, operator, gate):
    process = shell.start("run", gate)
    name = operator.new_run()["metadata"]["name"]
    operator.work_on(name)
    operator.end(name, "Completed", **FAILED)
    done = Done(process)

    lines = done.stderr.splitlines()
    steps = [line for line in lines if line.endswith(tuple(step["message"] for step in STEPS))]
    assert steps == [f"{s['at'][11:19]}  {s['phase']}  {s['reason']}  {s['message']}" for s in STEPS]
    assert lines[-1] == f"Report: devperfops report {name} -n {shell.namespace}"
    assert FAILURE in done.stdout
    assert "p99 = 2.31 s" in done.stdout


def test_run_shows_progress_while_the_load_runs(shell, operator, gate):
    process = shell.start("run", gate)
    name = operator.new_run()["metadata"]["name"]
    operator.work_on(name)
    assert process.stderr is not None
    progress = next(line for line in process.stderr if "planned" in line)
    assert "50 threads, 2987/m of 3000/m planned, 1,201 samples (412 judged), 3 errors" in progress
    operator.end(name, "Completed", verdict="Pass")
    assert Done(process).code == 0


def test_run_can_leave_at_once(shell, operator, gate):
    done = shell.run("run", gate, "--no-wait")

    assert done.code == 0
    assert operator.new_run()["metadata"]["name"] == done.stdout.strip()


def test_interrupted_run_leaves_the_run_alone_and_says_how_to_cancel_it(shell, operator, gate):
    process = shell.start("run", gate)
    name = operator.new_run()["metadata"]["name"]
    operator.work_on(name)
    assert process.stderr is not None
    told = next(line for line in process.stderr if "LoadRunning" in line)
    process.send_signal(signal.SIGINT)
    done = Done(process)

    assert told
    assert done.code == 130
    assert done.stderr.splitlines()[-1] == (
        f"The run goes on. To end it: devperfops cancel {name} -n {shell.namespace}"
    )
    assert operator.get(name)["spec"]["cancel"] is False


def test_run_does_not_wait_longer_than_told(shell, operator, gate):
    done = shell.run("run", gate, "--timeout", "1s")

    assert done.code == 2
    name = operator.new_run()["metadata"]["name"]
    assert f"Error: run {name} has not ended in time; it is Pending. The run goes on." in done.stderr


def test_run_ends_when_the_run_is_deleted(shell, operator, gate, kube):
    process = shell.start("run", gate)
    name = operator.new_run()["metadata"]["name"]
    operator.work_on(name)
    kube.delete("PerfRun", name, shell.namespace)
    done = Done(process)

    assert done.code == 2
    assert f"Error: run {name} was deleted before it ended." in done.stderr


def test_run_waits_through_an_api_server_that_is_away(api_server, namespace, operator, gate, tmp_path):
    with Proxy(address(api_server)) as proxy:
        shell = Shell(_through(proxy, api_server, tmp_path), namespace)
        process = shell.start("run", gate)
        name = operator.new_run()["metadata"]["name"]
        operator.work_on(name)
        assert process.stderr is not None
        told = next(line for line in process.stderr if "LoadRunning" in line)
        proxy.close()
        away = next(line for line in process.stderr if "Trying again" in line)
        operator.end(name, "Completed", verdict="Pass", reason="ObjectivesMet", message="All is well.")
        proxy.open()
        done = Done(process)

    assert told
    assert "does not answer (connection refused)" in away
    assert "answers again" in done.stderr
    assert done.code == 0
    assert done.stdout == f"{name}  Pass  ObjectivesMet\nAll is well.\n"


def test_cancel_asks_for_it_and_waits_until_it_has_happened(shell, operator, run):
    process = shell.start("cancel", run)
    wait_for("cancellation", lambda: operator.get(run)["spec"]["cancel"], seconds=SECONDS)
    assert process.poll() is None
    operator.end(run, "Cancelled", reason="Cancelled", message="Somebody asked for it.")
    done = Done(process)

    assert done.code == 0
    assert done.stdout == f"{run}  Cancelled  Cancelled\nSomebody asked for it.\n"


def test_cancel_says_that_a_run_had_ended_already(shell, operator, run):
    operator.end(run, "Completed", verdict="Pass")
    done = shell.run("cancel", run)

    assert done.code == 0
    assert done.stdout == f"Run {run} had ended already (Completed, Pass).\n"
    assert operator.get(run)["spec"]["cancel"] is False


def test_describe_and_report_say_what_the_status_says(shell, operator, gate, run, tmp_path):
    operator.end(run, "Completed", **FAILED)
    of_run, of_gate, text = shell.run("describe", run), shell.run("describe", gate), shell.run("report", run)
    file = tmp_path / "report.json"
    written = shell.run("report", run, "-o", "json", "--output-file", str(file))

    assert (of_run.code, of_gate.code, text.code, written.code) == (0, 0, 0, 0)
    for said in (of_run.stdout, of_gate.stdout, text.stdout):
        assert f"{run}  Fail  ObjectiveFailed" in said
        assert FAILURE in said
        assert "p99 = 2.31 s" in said
    assert of_run.stdout == text.stdout
    assert written.stdout == ""
    report = json.loads(file.read_text())
    assert (report["schema"], report["verdict"]) == ("devperfops.io/report/v1", "Fail")
    assert report["objectives"][0]["bound"] == "11.4%"
    assert report["run"]["name"] == run


def test_get_lists_gates_and_runs(shell, operator, gate, run):
    operator.end(run, "Completed", **FAILED)
    gates, runs, both = shell.run("get"), shell.run("get", "runs"), shell.run("get", gate)

    assert [line.split()[0] for line in gates.stdout.splitlines()] == ["NAME", gate]
    assert [line.split()[0] for line in runs.stdout.splitlines()] == ["NAME", run]
    columns = [gate, "Manual", "Fail", "ObjectiveFailed", "5f2c1a9b3d"]
    assert runs.stdout.splitlines()[1].split()[1:6] == columns
    assert [line.split()[:1] for line in both.stdout.splitlines()] == [["NAME"], [gate], [], ["NAME"], [run]]
    listed = json.loads(shell.run("get", gate, "-o", "json").stdout)
    assert [item["kind"] for item in listed["items"]] == ["PerfGate", "PerfRun"]
    assert listed["items"][1]["status"]["verdict"] == "Fail"


def test_get_says_when_there_is_nothing(shell):
    done = shell.run("get", "runs")

    assert (done.code, done.stdout) == (0, "")
    assert done.stderr == f"There are no runs in namespace {shell.namespace}.\n"


def test_watch_tells_what_happens_to_a_gate_and_its_runs(shell, operator, gate, run):
    process = shell.start("watch", gate)
    assert process.stdout is not None
    operator.work_on(run)
    seen = [next(process.stdout), next(process.stdout)]
    operator.end(run, "Completed", **FAILED)
    condition = {
        "type": "Passed",
        "status": "False",
        "reason": "ObjectiveFailed",
        "message": FAILURE,
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-23T14:01:31Z",
    }
    operator.set_status("perfgates", gate, {"conditions": [condition]})
    last = next(line for line in process.stdout if f"  {gate}  " in line)
    process.send_signal(signal.SIGINT)
    done = Done(process)

    assert seen == [
        f"14:00:01  {run}  AwaitingRollout  Accepted  it begins\n",
        f"14:00:09  {run}  Running  LoadRunning  the load runs\n",
    ]
    assert last == f"14:01:31  {gate}  ObjectiveFailed  {FAILURE}\n"
    assert done.code == 130


def test_watch_ends_with_its_gate(shell, gate, kube):
    process = shell.start("watch", gate)
    kube.delete("PerfGate", gate, shell.namespace)

    assert Done(process).code in {0, 2}  # 2: it was gone before the watch began


STANDING = {
    "target": {"generation": 2, "revision": "5f2c1a9b3d", "templateHash": "aa"},
    "knownGood": "9ab31c2e11",
}


def test_override_writes_who_lets_what_stand_why_and_until_when(shell, operator, gate, kube):
    operator.set_status("perfgates", gate, STANDING)
    done = shell.run("override", gate, "--reason", "the sale begins", "--expires", "2h")
    described = shell.run("describe", gate)

    assert (done.code, done.stdout[:52]) == (0, f"Gate {gate} lets revision 5f2c1a9b3d stand until ")
    written = kube.get("PerfGate", gate, shell.namespace)["spec"]["override"]
    assert f"stand until {written['expires'][:10]} " in done.stdout
    left = datetime.fromisoformat(written.pop("expires")) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=55) < left <= timedelta(hours=2)
    user = shell.run("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", program=kubectl()).stdout
    assert user
    assert written == {"revision": "5f2c1a9b3d", "reason": "the sale begins", "by": user}
    assert f"the sale begins ({user})" in described.stdout


def test_an_override_is_taken_back(shell, operator, gate, kube):
    operator.set_status("perfgates", gate, STANDING)
    shell.run("override", gate, "--reason", "sale", "--expires", "2h", "--by", "anna")
    cleared, again = (shell.run("override", gate, "--clear") for _ in range(2))

    assert (cleared.code, again.code) == (0, 0)
    assert cleared.stdout == "The override of revision 5f2c1a9b3d is taken back.\n"
    assert again.stdout == f"Gate {gate} has no override.\n"
    assert "override" not in kube.get("PerfGate", gate, shell.namespace)["spec"]


REFUSED_OVERRIDES = {
    "no reason": (("--expires", "2h"), "write why, in at most 256 characters"),
    "no end": (("--reason", "sale"), "write how long it counts, such as 2h"),
    "no time": (("--reason", "sale", "--expires", "0s"), "write how long it counts"),
    "no revision": (("--reason", "sale", "--expires", "2h", "--revision", "v2"), '"v2" is not a revision'),
    "good already": (("--reason", "sale", "--expires", "2h"), "is known-good already; name a --revision."),
}


@pytest.mark.parametrize("refused", REFUSED_OVERRIDES.values(), ids=REFUSED_OVERRIDES.keys())
def test_an_override_that_makes_no_sense_is_refused_with_what_to_write(shell, operator, gate, kube, refused):
    arguments, says = refused
    operator.set_status("perfgates", gate, {**STANDING, "knownGood": "5f2c1a9b3d"})
    done = shell.run("override", gate, *arguments)

    assert done.code == 2
    assert says in done.stderr
    assert "override" not in kube.get("PerfGate", gate, shell.namespace)["spec"]


@pytest.mark.parametrize("command", ["run", "describe", "watch", "get", "override"])
def test_a_gate_that_is_not_there_is_suggested(shell, gate, command):
    done = shell.run(command, "fron-tend")

    assert done.code == 2
    assert f"there is no gate fron-tend in namespace {shell.namespace}. Did you mean {gate}?" in done.stderr


@pytest.mark.parametrize("command", ["report", "cancel"])
def test_a_run_that_is_not_there_is_suggested(shell, run, command):
    done = shell.run(command, "front-end-2")

    assert done.code == 2
    assert f"there is no run front-end-2 in namespace {shell.namespace}. Did you mean {run}?" in done.stderr


def test_without_the_right_to_it_nothing_happens_but_a_sentence(api_server, kube, namespace, gate, tmp_path):
    kube.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": namespace}}
    )
    kubeconfig = _as_bearer(kube.token("nobody", namespace), api_server, tmp_path)
    done = Shell(kubeconfig, namespace).run("run", gate)

    assert done.code == 2
    assert done.stderr.startswith("Error: not allowed: perfgates.devperfops.io")
    assert done.stderr.endswith("Ask whoever runs the cluster for that right.\n")
    assert kube.list("PerfRun", namespace) == []


def test_credentials_that_are_not_accepted_are_said_in_a_sentence(api_server, namespace, tmp_path):
    done = Shell(_as_bearer("nonsense", api_server, tmp_path), namespace).run("get")

    assert done.code == 2
    assert "does not accept these credentials; log in again." in done.stderr


def test_a_cluster_without_the_operator_says_what_to_install(tmp_path):
    with apiserver.running(tmp_path / "bare") as bare:
        done = Shell(bare.kubeconfig, "default").run("get")

    assert done.code == 2
    assert "has no perfgates.devperfops.io. Install the operator first: kubectl apply -f" in done.stderr


def test_it_is_a_kubectl_plugin(shell, gate):
    done = shell.run("perfgate", "get", program=kubectl())
    usage = shell.run("perfgate", "run", "--help", program=kubectl())

    assert done.stdout.splitlines()[1].split()[0] == gate
    assert usage.stdout.startswith("Usage: kubectl perfgate run [OPTIONS] GATE\n")


def _through(proxy: Proxy, kubeconfig: Path, folder: Path) -> Path:
    """The same cluster, by way of the proxy."""

    def divert(content: dict[str, Any]) -> None:
        content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"

    return _changed(kubeconfig, folder, divert)


def _as_bearer(token: str, kubeconfig: Path, folder: Path) -> Path:
    def identify(content: dict[str, Any]) -> None:
        content["users"][0]["user"] = {"token": token}

    return _changed(kubeconfig, folder, identify)


def _changed(kubeconfig: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    content = yaml.safe_load(kubeconfig.read_text())
    change(content)
    made = folder / "kubeconfig"
    made.write_text(yaml.safe_dump(content))
    return made
