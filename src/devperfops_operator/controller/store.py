"""Everything the decisions look at, as last seen: by watches, lists and the responses to our own writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.api.quota_status import StoredQuotaPolicy
from devperfops_operator.controller.collection import Change, Collection, Raw
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.domain.inputs import config_maps
from devperfops_operator.domain.manifests.common import GATE_LABEL, RUN_LABEL
from devperfops_operator.domain.manifests.deployment import trim
from devperfops_operator.domain.manifests.snapshot import read_snapshot
from devperfops_operator.domain.manifests.template import referenced_config_maps
from devperfops_operator.domain.observed import Snapshot
from devperfops_operator.domain.queueing import Lane, lane, lets_others_begin, next_up
from devperfops_operator.domain.quota.kept import Stored, stored

KINDS: Final = (
    "Deployment",
    "ControllerRevision",
    "Job",
    "Pod",
    "PerfRun",
    "PerfGate",
    "QuotaWaiver",
    "QuotaPolicy",
)
"""What is kept, in the order in which it is listed first."""


_LIVE: Final = ""  # no gate is called so


class Store:
    """`changed` hears, synchronously, the key of everything that must be looked at again."""

    def __init__(self, changed: Callable[[Key], None], environments: frozenset[str] = frozenset()) -> None:
        """`environments`: those that gates of all namespaces share."""
        self._changed = changed
        self._environments = environments
        self.gates: Collection[PerfGate] = Collection(_gate, _deployments)
        self.runs: Collection[PerfRun] = Collection(_run, _gate_and_life)
        self.deployments: Collection[Raw] = Collection(trim, _nobody)
        self.snapshots: Collection[Snapshot] = Collection(read_snapshot, _label(GATE_LABEL))
        self.jobs: Collection[Raw] = Collection(_without_managed_fields, _label(RUN_LABEL))
        self.pods: Collection[Raw] = Collection(_without_managed_fields, _label(RUN_LABEL))
        self.policies: Collection[StoredQuotaPolicy] = Collection(_policy, _files)
        self.waivers: Collection[Stored] = Collection(stored, _nobody)
        self._kinds: Mapping[str, tuple[Collection[Any], Callable[[Change], Iterable[Key]]]] = {
            "PerfGate": (self.gates, self._about_gate),
            "PerfRun": (self.runs, self._about_run),
            "Deployment": (self.deployments, self._about_deployment),
            "ControllerRevision": (self.snapshots, self._about_snapshot),
            "Job": (self.jobs, _about_load),
            "Pod": (self.pods, _about_load),
            "QuotaPolicy": (self.policies, _about_policy),
            "QuotaWaiver": (self.waivers, self._about_waiver),
        }

    def put(self, raw: Raw) -> None:
        """An object as the API server gave it; ignored if it is not newer than what we have."""
        collection, _ = self._kinds[raw["kind"]]
        self._tell(raw["kind"], collection.put(raw))

    def remove(self, raw: Raw) -> None:
        """An object as it was when it was deleted."""
        collection, _ = self._kinds[raw["kind"]]
        self._tell(raw["kind"], collection.remove(raw))

    def replace(self, kind: str, items: Sequence[Raw], version: str, namespace: str | None) -> None:
        """All objects of a kind as of `version`, in one namespace or (None) in all."""
        collection, _ = self._kinds[kind]
        for change in collection.replace(items, version, namespace):
            self._tell(kind, change)

    def config_map_changed(self, namespace: str, name: str) -> bool:
        """Whether that concerns a gate, by its target's pods or its test plan, or a quota policy."""
        gates = [gate for gate in self.gates.within(namespace) if name in self._config_maps(gate)]
        for gate in gates:
            for key in self._about_gate(Change(namespace, gate.metadata.name, "")):
                self._changed(key)
        policies = self.policies.owned(namespace, name)
        for policy in policies:
            self._changed(Key(Subject.POLICY, namespace, policy.metadata.name))
        return bool(gates or policies)

    def _config_maps(self, gate: PerfGate) -> frozenset[str]:
        deployment = self.deployments.get(gate.metadata.namespace, gate.spec.target_ref.name)
        read = (
            frozenset[str]() if deployment is None else referenced_config_maps(deployment["spec"]["template"])
        )
        return read | config_maps(gate.spec)

    def live_runs(self, namespace: str, gate: str) -> Iterator[PerfRun]:
        return (run for run in self.runs.owned(namespace, gate) if not run.status.phase.terminal)

    def lane(self, namespace: str, gate: str) -> Lane:
        """Where runs of the gate load one at a time."""
        return lane(namespace, self.gates.get(namespace, gate), self._environments)

    def in_lane(self, wanted: Lane) -> Iterator[PerfRun]:
        """Its runs that have not ended."""
        namespaces = [wanted.namespace] if wanted.namespace else self.runs.namespaces()
        return (
            run
            for namespace in namespaces
            for run in self.runs.owned(namespace, _LIVE)
            if self.lane(namespace, run.spec.gate) == wanted
        )

    def _tell(self, kind: str, change: Change | None) -> None:
        if change is not None:
            _, about = self._kinds[kind]
            for key in about(change):
                self._changed(key)

    def _about_gate(self, change: Change) -> Iterator[Key]:
        yield Key(Subject.GATE, change.namespace, change.name)
        for run in self.live_runs(change.namespace, change.name):
            yield Key(Subject.RUN, change.namespace, run.metadata.name)

    def _about_run(self, change: Change) -> Iterator[Key]:
        run = self.runs.get(change.namespace, change.name)
        yield Key(Subject.RUN, change.namespace, change.name)
        yield Key(Subject.GATE, change.namespace, change.owner)
        if run is None or (not change.new and lets_others_begin(run)):
            following = next_up(self.in_lane(self.lane(change.namespace, change.owner)))
            if following is not None:
                yield Key(Subject.RUN, following.metadata.namespace, following.metadata.name)

    def _about_deployment(self, change: Change) -> Iterator[Key]:
        for gate in self.gates.owned(change.namespace, change.name):
            yield from self._about_gate(Change(change.namespace, gate.metadata.name, change.name))

    def _about_snapshot(self, change: Change) -> Iterator[Key]:
        return self._about_gate(Change(change.namespace, change.owner, ""))

    def _about_waiver(self, change: Change) -> Iterator[Key]:
        """Which policies compare its metric is theirs to say."""
        for policy in self.policies.within(change.namespace):
            yield Key(Subject.POLICY, change.namespace, policy.metadata.name)


def _about_policy(change: Change) -> Iterator[Key]:
    yield Key(Subject.POLICY, change.namespace, change.name)


def _about_load(change: Change) -> Iterator[Key]:
    yield Key(Subject.RUN, change.namespace, change.owner)


def _gate(raw: Raw) -> PerfGate:
    return PerfGate.from_json(dict(raw))


def _run(raw: Raw) -> PerfRun:
    return PerfRun.from_json(dict(raw))


def _policy(raw: Raw) -> StoredQuotaPolicy:
    return StoredQuotaPolicy.from_json(dict(raw))


def _files(raw: Raw) -> tuple[str]:
    """The ConfigMap that a policy takes files from."""
    return (raw["spec"].get("configMap", ""),)


def _deployments(raw: Raw) -> tuple[str, ...]:
    """The one the gate guards, and the one it promotes to."""
    primary = raw["spec"].get("promoteTo")
    return raw["spec"]["targetRef"]["name"], *((primary,) if primary else ())


def _gate_and_life(raw: Raw) -> tuple[str, ...]:
    """Its gate; those that have not ended, or owe something back, are found by that, too."""
    status = raw.get("status", {})
    ended = Phase(status.get("phase", Phase.PENDING)).terminal and "reset" not in status
    return raw["spec"]["gate"], *(() if ended else (_LIVE,))


def _nobody(_: Raw) -> tuple[str]:
    return ("",)


def _label(name: str) -> Callable[[Raw], tuple[str]]:
    return lambda raw: (raw["metadata"].get("labels", {}).get(name, ""),)


def _without_managed_fields(raw: Raw) -> Raw:
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    return {**raw, "metadata": metadata}
