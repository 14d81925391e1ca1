"""What the demo tells, and holds itself to: releases, of which the slow ones do not stay."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rich.markup import escape

from hack.demo import sample, setup
from hack.demo.errors import expect
from hack.demo.sample import PODINFO, Regression, Sample
from hack.demo.timeline import Timeline
from hack.kube import Kube, Object, condition, rolled_out, wait_for

_ROLLOUT_SECONDS: Final = 120
_RUN_SECONDS: Final = 420
_TERMINAL: Final = {"Completed", "Superseded", "Cancelled"}


@dataclass(frozen=True)
class Story:
    """The demo's acts. `namespace` holds app and gate; nothing outside it is read or changed."""

    kube: Kube
    timeline: Timeline
    app: list[Object]
    namespace: str = sample.NAMESPACE
    sample: Sample = PODINFO

    def tell(self) -> list[Object]:
        """Everything, in order; returns the runs.

        Raises:
            DemoFailed: it did not happen as told.
        """
        self.adopt()
        runs = [self.sound_release("1.1")]
        for name, regression in enumerate(self.sample.regressions, 2):
            runs.append(self.slow_release(str(name), regression, before="1.1"))
        return [*runs, self.sound_release(self.sample.last)]

    def adopt(self) -> None:
        """A new gate takes what already runs as known-good."""
        self.timeline.chapter("Version 1 runs already when the gate comes: it is adopted")
        self._surround()
        self._apply(self._release("1"))
        self.kube.apply(each for each in self.app if each["kind"] == "PerfGate")
        with self.timeline.step("the gate adopts version 1 as known-good"):
            gate = wait_for("the gate is Ready", self._ready_gate, seconds=60)
        status = gate["status"]
        expect(
            status["knownGood"] == status["target"]["revision"],
            f"version 1 is {status['target']['revision']}, but known-good is {status['knownGood']}",
        )

    def sound_release(self, name: str) -> Object:
        """A release that holds its objectives: Pass, and from then on known-good."""
        self.timeline.chapter(f"Version {name} is sound: load test, Pass, known-good")
        run = self._gated(self._release(name))
        status = run["status"]
        expect(status.get("verdict") == "Pass", f"version {name} should have passed: {_sentence(run)}")
        expect(
            status["action"]["type"] == "Promote", f"it passed, but the action is {status['action']['type']}"
        )
        known_good = self.kube.get("PerfGate", self.sample.app, self.namespace)["status"]["knownGood"]
        expect(
            known_good == status["revision"],
            f"it passed as {status['revision']}, but known-good is {known_good}",
        )
        self._tell_coverage(status.get("coverage"))
        self._serves(name)
        return run

    def slow_release(self, name: str, regression: Regression, *, before: str) -> Object:
        """A release that is too slow: Fail early, rolled back."""
        self.timeline.chapter(
            f"Version {name} {regression.does}: Fail, the rest of the test stopped, rolled back"
        )
        template = self._deployment()["spec"]["template"]
        run = self._gated(self._release(name, *regression.arguments))
        status = run["status"]
        expect(status.get("verdict") == "Fail", f"version {name} should have failed: {_sentence(run)}")
        self._failed_early(status, regression.found_within)
        expect(
            status["action"]["type"] == "Rollback", f"it failed, but the action is {status['action']['type']}"
        )
        self._wait_for_rollout(f"version {before} is rolled out again")
        expect(
            self._deployment()["spec"]["template"] == template,
            f"the Deployment's template is not the one version {before} had",
        )
        self._serves(before)
        return run

    def _tell_coverage(self, coverage: Object | None) -> None:
        """Of a load by a profile: how far it stood for production."""
        if coverage is not None:
            self.timeline.tell(
                f"  production's busiest hour: {coverage['exercised']} of its {coverage['known']} endpoints "
                f"were exercised, the mix was {coverage['distance']} away"
            )

    def _failed_early(self, status: Object, within: timedelta) -> None:
        failed = [each for each in status["objectives"] if each.get("verdict") == "Fail"]
        judged = min(_at(each["decidedAt"]) for each in failed) - _at(status["load"]["judgedFrom"])
        left = _at(status["load"]["endsAt"]) - _at(status["load"]["endedAt"])
        self.timeline.tell(
            f"  it took {judged.total_seconds():.1f} s of judged load; "
            f"the last {left.total_seconds():.0f} s of the test were not run"
        )
        expect(judged <= within, f"Fail took {judged.total_seconds():.1f} s of judged load")
        expect(
            left > timedelta(seconds=20), f"the load ended only {left.total_seconds():.0f} s before its time"
        )

    def _gated(self, release: Object) -> Object:
        """Roll a release out and follow the run it starts to its end."""
        seen = {each["metadata"]["name"] for each in self._runs()}
        self._apply(release)
        with self.timeline.step("the gate sees the rollout and makes a run"):
            name = wait_for("a run for the release", lambda: self._new_run(seen), seconds=60)
        return self._followed(name)

    def _followed(self, name: str) -> Object:
        """Tell what a run does until it has ended."""
        told = 0
        deadline = time.monotonic() + _RUN_SECONDS
        with self.timeline.step(f"run {name}"):
            while True:
                run = self.kube.get("PerfRun", name, self.namespace)
                status = run.get("status", {})
                for entry in status.get("timeline", [])[told:]:
                    self.timeline.tell(f"  [cyan]{entry['phase']:<15}[/] {escape(entry['message'])}")
                    told += 1
                if status.get("phase") in _TERMINAL:
                    break
                expect(time.monotonic() < deadline, f"run {name} has no end: {_sentence(run)}")
                self.timeline.progress(_now(run))
                time.sleep(1)
        self.timeline.tell(f"  [bold]{status.get('verdict')}[/]: {escape(str(status.get('message')))}")
        return run

    def _surround(self) -> None:
        """All that the app needs and that is neither the app nor its gate."""
        own = {("Deployment", self.sample.app), ("PerfGate", self.sample.app)}
        others = [each for each in self.app if (each["kind"], each["metadata"]["name"]) not in own]
        self.kube.apply(others)
        for name in (each["metadata"]["name"] for each in others if each["kind"] == "Deployment"):
            with self.timeline.step(f"{name} is there"):
                setup.wait_for_deployment(self.kube, name, self.namespace)

    def _apply(self, release: Object) -> None:
        """As a person or a pipeline would; waits only until the API server has it."""
        container = release["spec"]["template"]["spec"]["containers"][0]
        command = f"{container['name']} {' '.join(container['args'])}"
        self.timeline.tell(f"apply Deployment {self.sample.app}: {command}")
        self.kube.apply([release])
        if self.kube.find("PerfGate", self.sample.app, self.namespace) is None:
            self._wait_for_rollout("it is rolled out")

    def _wait_for_rollout(self, what: str) -> None:
        with self.timeline.step(what):
            wait_for(what, lambda: rolled_out(self._deployment()), seconds=_ROLLOUT_SECONDS)

    def _serves(self, name: str) -> None:
        """A real request, through the API server's proxy to the Service."""
        service = f"/api/v1/namespaces/{self.namespace}/services/{self.sample.app}:http/proxy"
        began = time.monotonic()
        told = json.loads(self.kube.request(f"{service}{self.sample.path}", seconds=30))[self.sample.field]
        took = time.monotonic() - began
        expected = f"{self.sample.naming}{name}".partition("=")[2]
        expect(told == expected, f"the Service answers {told!r} and not {expected!r}")
        expect(took < 1, f"version {name} took {took:.1f} s to answer")
        self.timeline.tell(f"GET {self.sample.path}: {told}, after {took * 1000:.0f} ms")

    def _release(self, name: str, *arguments: str) -> Object:
        return sample.version(
            self._own("Deployment"),
            name,
            *arguments,
            sample=self.sample,
        )

    def _own(self, kind: str) -> Object:
        named = [each for each in self.app if each["metadata"]["name"] == self.sample.app]
        return sample.only(named, kind)

    def _deployment(self) -> Object:
        return self.kube.get("Deployment", self.sample.app, self.namespace)

    def _runs(self) -> list[Object]:
        return self.kube.list("PerfRun", self.namespace)

    def _new_run(self, seen: set[str]) -> str | None:
        return next((n for each in self._runs() if (n := each["metadata"]["name"]) not in seen), None)

    def _ready_gate(self) -> Object | None:
        gate = self.kube.get("PerfGate", self.sample.app, self.namespace)
        stalled = condition(gate, "Stalled")
        self.timeline.progress(f"waiting for the gate: {stalled.get('message', 'nothing told yet')}")
        ready = condition(gate, "Ready").get("status") == "True" and gate["status"].get("knownGood")
        return gate if ready else None


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _now(run: Object) -> str:
    """One line: how far the run is and what has been seen so far."""
    status = run.get("status", {})
    load = status.get("load", {})
    samples = f"{load['samples']:,} samples" if load.get("samples") else ""
    seen = [each["observed"] for each in status.get("objectives", []) if each.get("samples")]
    return " · ".join(filter(None, [status.get("phase", "Pending"), _progress(load), samples, *seen]))


def _progress(load: Object) -> str:
    if not (load.get("startAt") and load.get("endsAt")):
        return ""
    began, ends = _at(load["startAt"]), _at(load["endsAt"])
    share = min(1.0, (datetime.now(began.tzinfo) - began) / (ends - began))
    width = 20
    return f"[{'=' * round(share * width):<{width}}] {share:.0%}"


def _sentence(run: Object) -> str:
    status = run.get("status", {})
    return f"{status.get('phase')} {status.get('verdict')} {status.get('reason')}: {status.get('message')}"
