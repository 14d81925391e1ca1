"""A namespace of the local cluster with the files of examples/podinfo in it, on a smaller scale, and an operator of its own."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hack.demo import sample, setup
from hack.demo.setup import Images
from hack.kube import Kube, Object, condition, rolled_out, wait_for
from tests.e2e.operator import Operator, rights

GATE = APP = sample.APP
TERMINAL = {"Completed", "Superseded", "Cancelled"}
SLOW = sample.SLOW

_PERIOD = re.compile('(<intProp name="throughputPeriod">)[0-9]+<')
_SPARING = 55  # a JVM that starts slowly loses a second, which is much of half a minute

_ROLLOUT_SECONDS = 120
_START_SECONDS = 120
_RUN_SECONDS = 240


@dataclass
class Arena:
    kube: Kube
    namespace: str
    folder: Path
    images: Images
    app: list[Object] = field(init=False)
    operator: Operator = field(init=False)

    def __post_init__(self) -> None:
        self.app = setup.with_images(sample.podinfo(self._renamed), self.images)
        gate = sample.only(self.app, "PerfGate")
        gate["spec"]["load"]["jmeter"] |= {"threads": 80, "rampUp": "2s", "duration": "25s", "rate": "1800/m"}
        gate["spec"]["objectives"] = [{"expect": "p95 < 1s"}, {"expect": "errors < 1%"}]
        del gate["spec"]["prometheus"]
        self.play_per(_SPARING)
        self.operator = Operator(self.kube, self.namespace, self.folder, self._settings())

    @property
    def _renamed(self) -> dict[str, str]:
        """One namespace for app and Prometheus."""
        return {sample.MONITORING: self.namespace, sample.NAMESPACE: self.namespace}

    def _settings(self) -> dict[str, Any]:
        return {
            "images": {"operator": self.images["operator"], "jmeter": self.images["jmeter"]},
            "prometheus": {"demo": {"url": "http://192.0.2.1:9090", "scrapeInterval": "5s"}},
        }

    # ---- making

    def open(self) -> None:
        """The namespace and the operator's rights in it; nothing runs yet."""
        self.kube.apply(each for each in self.app if each["kind"] == "Namespace")
        self.kube.apply(rights(self.namespace))

    def start(self) -> None:
        """Version 1, the gate, the operator; returns when version 1 is known-good."""
        self.apply_app()
        self.operator.start()
        self.apply("PerfGate")
        self.wait_for_gate("adopted", lambda gate: gate["status"].get("knownGood"))

    def start_with_prometheus(self) -> None:
        """Likewise, with an objective that Prometheus answers."""
        self.kube.apply(setup.with_images(sample.prometheus(self._renamed), self.images))
        setup.wait_for_deployment(self.kube, "prometheus", self.namespace)
        address = self.kube.get("Service", "prometheus", self.namespace)["spec"]["clusterIP"]
        self.operator.settings["prometheus"]["demo"]["url"] = f"http://{address}:9090"
        whole = sample.only(sample.podinfo(self._renamed), "PerfGate")["spec"]
        spec = self.gate_manifest["spec"]
        spec["prometheus"] = whole["prometheus"]
        spec["objectives"].append(next(each for each in whole["objectives"] if "good" in each))
        self.start()

    def apply_app(self) -> None:
        self.apply("Deployment", "Service", "ConfigMap")
        self.wait_for_rollout()

    def apply(self, *kinds: str) -> None:
        self.kube.apply(each for each in self.app if each["kind"] in kinds)

    def release(
        self, name: str, *arguments: str, change: Callable[[Object], None] = lambda _: None
    ) -> Object:
        """Apply another release, as a pipeline would; does not wait."""
        deployment = sample.version(sample.only(self.app, "Deployment"), name, *arguments)
        change(deployment)
        self.kube.apply([deployment])
        return deployment

    def manual_run(self, name: str) -> None:
        self.kube.create(
            {
                "apiVersion": "devperfops.io/v1alpha1",
                "kind": "PerfRun",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {"gate": GATE, "reason": "a person asked"},
            }
        )

    @property
    def gate_manifest(self) -> Object:
        """What will be applied; tests change it."""
        return sample.only(self.app, "PerfGate")

    @property
    def load(self) -> Object:
        """Likewise, of it."""
        load: Object = self.gate_manifest["spec"]["load"]
        return load

    def play_per(self, seconds: int) -> None:
        """The plan plays the gate's rate in so many seconds in place of a minute."""
        plan = sample.only(self.app, "ConfigMap")["data"]
        for key, text in plan.items():
            plan[key], found = _PERIOD.subn(rf"\g<1>{seconds}<", text)
            assert found == 1, "the example's plan has changed its shape"

    # ---- looking

    def deployment(self) -> Object:
        return self.kube.get("Deployment", APP, self.namespace)

    def template(self) -> Object:
        template: Object = copy.deepcopy(self.deployment()["spec"]["template"])
        return template

    def gate(self) -> Object:
        return self.kube.get("PerfGate", GATE, self.namespace)

    def runs(self) -> list[Object]:
        runs = self.kube.list("PerfRun", self.namespace)
        return sorted(runs, key=lambda run: run["metadata"]["creationTimestamp"])

    def jobs(self) -> list[Object]:
        return self.kube.list("Job", self.namespace)

    def load_pod(self, run: str) -> Object:
        (pod,) = self.kube.list("Pod", self.namespace, f"devperfops.io/run={run}")
        return pod

    # ---- waiting

    def wait_for_rollout(self) -> None:
        wait_for(f"{APP} is rolled out", lambda: rolled_out(self.deployment()), seconds=_ROLLOUT_SECONDS)

    def wait_for_gate(self, what: str, holds: Callable[[Object], object], *, seconds: float = 60) -> Object:
        def probe() -> Object | None:
            gate = self.gate()
            return gate if "status" in gate and holds(gate) else None

        return wait_for(f"the gate is {what}", probe, seconds=seconds)

    def wait_for_stalled(self, reason: str, saying: str = "") -> str:
        """The gate says it is Stalled for this reason, in a sentence with these words; returns the sentence."""

        def stalled(gate: Object) -> bool:
            found = condition(gate, "Stalled")
            told = found.get("reason"), found.get("status")
            return told == (reason, "True") and saying in found["message"]

        gate = self.wait_for_gate(f"Stalled/{reason} {saying}", stalled)
        return str(condition(gate, "Stalled")["message"])

    def wait_for_known_good(self, revision: str) -> None:
        """The gate, which follows its runs a moment later, names this revision."""
        self.wait_for_gate(
            f"known good at {revision}", lambda gate: gate["status"].get("knownGood") == revision, seconds=30
        )

    def wait_for_no_load(self) -> None:
        """No pod of a load test is left."""
        selector = "devperfops.io/run"
        wait_for(
            "no load pod is left",
            lambda: not self.kube.list("Pod", self.namespace, selector),
            seconds=_RUN_SECONDS,
        )

    def wait_for_load_pods(self, count: int) -> list[Object]:
        """That many pods of load tests exist; returns them."""

        def probe() -> list[Object] | None:
            pods = self.kube.list("Pod", self.namespace, "devperfops.io/run")
            return pods if len(pods) == count else None

        return wait_for(f"{count} load pods exist", probe, seconds=_START_SECONDS)

    def wait_for_load_over(self) -> None:
        """No pod of a load test runs any more."""
        ended = {"Succeeded", "Failed"}

        def probe() -> bool:
            pods = self.kube.list("Pod", self.namespace, "devperfops.io/run")
            return all(pod["status"]["phase"] in ended for pod in pods)

        wait_for("no load runs", probe, seconds=_RUN_SECONDS)

    def wait_for_run(
        self,
        what: str,
        holds: Callable[[Object], object],
        *,
        number: int = 1,
        seconds: float = _RUN_SECONDS,
        interval: float = 0.5,
    ) -> Object:
        """The run of this number (1: the first of this namespace), as soon as `holds(run)`."""

        def probe() -> Object | None:
            runs = self.runs()
            if len(runs) < number:
                return None
            run = {"status": {}, **runs[number - 1]}
            assert holds(run) or run["status"].get("phase") not in TERMINAL, (
                f"it ended before it was {what}: {run['status']}"
            )
            return run if holds(run) else None

        return wait_for(f"run {number} is {what}", probe, seconds=seconds, interval=interval)

    def wait_for_phase(self, phase: str, *, number: int = 1) -> Object:
        return self.wait_for_run(
            phase, lambda run: run["status"].get("phase") == phase, number=number, interval=0.1
        )

    def wait_for_load(self, *, samples: int = 60, number: int = 1) -> Object:
        """Running, and measurements have come."""
        return self.wait_for_run(
            "under load",
            lambda run: (
                run["status"].get("phase") == "Running"
                and (run["status"].get("load") or {}).get("samples", 0) >= samples
            ),
            number=number,
            seconds=_START_SECONDS,
        )

    def wait_for_end(self, *, number: int = 1, seconds: float = _RUN_SECONDS) -> Object:
        """The run has ended; returns it."""
        return self.wait_for_run(
            "at its end", lambda run: run["status"].get("phase") in TERMINAL, number=number, seconds=seconds
        )


def outcome(run: Object) -> tuple[str, str, str]:
    """Phase, verdict, reason of an ended run."""
    status = run["status"]
    return status["phase"], status.get("verdict", ""), status.get("reason", "")
