"""What a gate leaves to other documents, filled in: from here on its run sees it as if it said so itself.

A load profile gives rate and threads, OpenSLO documents give limits. A run reads them once, as it prepares.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from devperfops_operator.api.expect import FROM_SLO
from devperfops_operator.api.load import Load
from devperfops_operator.api.objective import Objective, Origin
from devperfops_operator.api.perfgate import PerfGate, PerfGateSpec
from devperfops_operator.api.perfrun import PerfRun, ResolvedObjective, ResolvedStatus
from devperfops_operator.domain.load_profile.model import load_model
from devperfops_operator.domain.observed import Inputs, Problem
from devperfops_operator.domain.shape import peak_of
from devperfops_operator.domain.slo.referred import referred

ConfigMaps = Mapping[str, Mapping[str, str] | None]
"""Data by name; None: there is no such ConfigMap."""


def awaits(spec: PerfGateSpec) -> bool:
    """Whether something is still to be read."""
    return _awaits_load(spec) or any(each.expect == FROM_SLO for each in spec.objectives)


def resolve(spec: PerfGateSpec, found: ConfigMaps, now: datetime) -> ResolvedStatus | Problem | None:
    """None: the gate leaves nothing to others, or its run has read it. A Problem: what it cannot have."""
    if not awaits(spec):
        return None
    load = spec.load
    model = None
    if load is not None and load.profile is not None:
        model = load_model(
            load.profile, found[load.profile.config_map], load.workers, peak_of(load.shape), now
        )
    if isinstance(model, Problem):
        return model
    objectives = []
    for index, objective in enumerate(spec.objectives):
        if objective.slo_ref is None:
            continue
        expect = referred(objective, objective.slo_ref, found[objective.slo_ref.config_map])
        if isinstance(expect, Problem):
            return expect
        objectives.append(ResolvedObjective(index=index, expect=expect, slo=objective.slo_ref.slo))
    return ResolvedStatus(load=model, objectives=tuple(objectives))


def with_resolved(spec: PerfGateSpec, resolved: ResolvedStatus | None) -> PerfGateSpec:
    """The gate as if it said all itself."""
    if resolved is None:
        return spec
    given = {each.index: each.expect for each in resolved.objectives}
    objectives = tuple(
        _filled(objective, given[index]) if index in given else objective
        for index, objective in enumerate(spec.objectives)
    )
    return spec.model_copy(update={"objectives": objectives, "load": _loaded(spec, resolved)})


def played(gate: PerfGate, run: PerfRun) -> PerfGate:
    """The gate as its run sees it."""
    return gate.model_copy(update={"spec": with_resolved(gate.spec, run.status.resolved)})


def kept_for_run(inputs: Inputs) -> ResolvedStatus | None:
    """What a run notes of its gate's inputs; None: nothing."""
    against = None if inputs.sla is None or inputs.sla.kept else inputs.sla.message
    if inputs.resolved is None and against is None:
        return None
    return (inputs.resolved or ResolvedStatus()).model_copy(update={"sla": against})


def sentence(resolved: ResolvedStatus) -> str:
    """`the load is 30/s: production's ...; p99.9 <= 200ms by SLO cart-latency`."""
    load = [f"the load is {resolved.load.message}"] if resolved.load is not None else []
    limits = [f"{each.expect} by SLO {each.slo}" for each in resolved.objectives]
    return "; ".join([*load, *limits, *([resolved.sla] if resolved.sla else [])])


def _awaits_load(spec: PerfGateSpec) -> bool:
    load = spec.load
    return load is not None and load.profile is not None and load.jmeter.threads is None


def _loaded(spec: PerfGateSpec, resolved: ResolvedStatus) -> Load | None:
    load, model = spec.load, resolved.load
    if load is None or model is None or not _awaits_load(spec):
        return load
    jmeter = load.jmeter.model_copy(update={"rate": model.rate, "threads": model.threads})
    return load.model_copy(update={"jmeter": jmeter})


def _filled(objective: Objective, expect: str) -> Objective:
    if objective.slo_ref is None:  # the gate was edited, so its run ends
        return objective
    name, origin = objective.name or objective.slo_ref.slo, objective.origin or Origin.SLO
    return objective.model_copy(update={"expect": expect, "name": name, "origin": origin})
