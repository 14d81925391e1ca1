"""What a run begins with: its inputs, its snapshot, its Job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devperfops_operator.api.perfrun import ResolvedStatus
from devperfops_operator.domain.manifests.template import Template
from devperfops_operator.domain.observed.problem import Problem


@dataclass(frozen=True, slots=True)
class SLAStanding:
    """Whether a gate's objectives contradict what users were promised. `kept`: None: it is not known."""

    kept: bool | None
    message: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run needs besides its target. `problem`: the first thing missing or unusable, else None.

    `sla`: of a gate that asks.

    `resolved`: what the gate leaves to other documents; None: nothing, or the run has read it before.
    """

    host: str = ""
    port: int = 0
    resolved: ResolvedStatus | None = None
    sla: SLAStanding | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ControllerRevision of ours. `number` orders them; `known_good`: it passed, or was adopted.

    `override`: it is known-good because somebody said so, in this sentence.
    `configs`: digests of the ConfigMaps that were part of it, by name.
    """

    name: str
    number: int
    revision: str
    template: Template
    known_good: bool
    override: str | None = None
    uid: str = ""
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunJob:
    """A Job of the run. `problem`: why its pod cannot start or failed, in the scheduler's or kubelet's words.

    `succeeded`: finished, and its pods ended as they should.

    `refusal`: why a pod will not, in the agent's words. `run_uid`: of the run it was made for, which may be
    an earlier one of the same name.
    """

    name: str
    run_uid: str
    suspended: bool
    finished: bool
    problem: str | None = None
    refusal: Problem | None = None
    succeeded: bool = False
