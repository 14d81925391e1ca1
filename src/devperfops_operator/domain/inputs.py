"""What a gate needs besides its target: the test plan, the address, the Prometheus server."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from devperfops_operator.api.load import (
    DataSource,
    JMeterLoad,
    Load,
    LoadTarget,
    PlanSource,
    Source,
    properties_read,
)
from devperfops_operator.api.perfgate import PerfGate, PerfGateSpec
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.named_files import lacks
from devperfops_operator.domain.observed import Inputs, Problem, SLAStanding
from devperfops_operator.domain.plan import DEFAULT_PORTS, resolve_plan
from devperfops_operator.domain.resolved import ConfigMaps, resolve, with_resolved
from devperfops_operator.domain.slo.standing import sla_standing
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire import jmx

_SEEN_BY_GATE: Final = frozenset(
    {
        Reason.TARGET_NOT_FOUND,
        Reason.TARGET_GONE,
        Reason.INVALID_SPEC,
        Reason.PLAN_NOT_FOUND,
        Reason.PLAN_INVALID,
        Reason.SLA_CONTRADICTED,
        Reason.SLA_UNKNOWN,
        Reason.SLO_NOT_FOUND,
        Reason.SLO_INVALID,
        Reason.PROFILE_NOT_FOUND,
        Reason.PROFILE_INVALID,
        Reason.PROFILE_DOUBTED,
        Reason.DATA_NOT_FOUND,
        Reason.PLUGINS_NOT_FOUND,
        Reason.SERVICE_NOT_FOUND,
        Reason.SERVICE_PORT_UNKNOWN,
        Reason.PROMETHEUS_UNKNOWN,
        Reason.PRIMARY_NOT_FOUND,
        Reason.PRIMARY_UNFIT,
        Reason.PRIMARY_TAKEN,
    }
)


def config_maps(spec: PerfGateSpec) -> frozenset[str]:
    """The names of the ConfigMaps a gate takes files from."""
    load, slos = spec.load, [each.slo_ref for each in spec.objectives]
    files = [] if load is None else [load.jmeter.plan, load.jmeter.data, load.jmeter.plugins, load.profile]
    named = [each.config_map for each in (*files, *slos, spec.sla) if each is not None]
    return frozenset(name for name in named if name is not None)


def check_inputs(
    spec: PerfGateSpec,
    found: ConfigMaps,
    service: Mapping[str, Any] | None,
    prometheus_servers: Collection[str],
    now: datetime,
) -> Inputs:
    """`found`: the gate's `config_maps`. `service`: as stored; a gate that names a host needs none.

    What stands on volumes is checked by the load's pods: the operator cannot read it.
    """
    resolved = resolve(spec, found, now)
    if isinstance(resolved, Problem):
        return Inputs(problem=resolved)
    whole = with_resolved(spec, resolved)
    inputs = _checked(whole, found, service, prometheus_servers)
    sla = _sla(whole, found)
    problem = inputs.problem or _sla_problem(spec, sla)
    return replace(inputs, problem=problem, resolved=resolved, sla=sla)


def _sla(spec: PerfGateSpec, found: ConfigMaps) -> SLAStanding | None:
    """None: nobody asks, or the gate itself cannot be read."""
    if spec.sla is None:
        return None
    try:
        objectives = resolve_plan(spec).objectives
    except InvalidSpec:
        return None
    return sla_standing(spec.sla, spec.target_ref.name, found[spec.sla.config_map], objectives)


def _sla_problem(spec: PerfGateSpec, sla: SLAStanding | None) -> Problem | None:
    """Of a gate that is to be stopped by it."""
    if spec.sla is None or not spec.sla.block or sla is None or sla.kept:
        return None
    reason = Reason.SLA_UNKNOWN if sla.kept is None else Reason.SLA_CONTRADICTED
    return Problem(reason, sla.message)


def _checked(
    spec: PerfGateSpec,
    found: ConfigMaps,
    service: Mapping[str, Any] | None,
    prometheus_servers: Collection[str],
) -> Inputs:
    problem = (
        _spec_problem(spec)
        or (_load_problem(spec.load, found) if spec.load is not None else None)
        or _prometheus_problem(spec, prometheus_servers)
    )
    if problem is not None or spec.load is None:
        return Inputs(problem=problem)
    return _address(spec.target_ref.name, spec.load, service)


def seen_by_gate(reason: str | None, spec: PerfGateSpec) -> bool:
    """Whether what a run ended for stalls the gate, too, as long as it lasts. Into volumes it cannot look."""
    if reason == Reason.PLAN_INVALID and spec.load is not None and spec.load.jmeter.plan.open_api is not None:
        return False  # it is made in the load's pods
    source = _source(reason, spec.load.jmeter) if spec.load is not None else None
    return reason in _SEEN_BY_GATE and (source is None or source.config_map is not None)


def _source(reason: str | None, jmeter: JMeterLoad) -> Source | None:
    """Where what the reason is about comes from."""
    sources: dict[str | None, Source | None] = {
        Reason.PLAN_NOT_FOUND: jmeter.plan,
        Reason.PLAN_INVALID: jmeter.plan,
        Reason.DATA_NOT_FOUND: jmeter.data,
        Reason.PLUGINS_NOT_FOUND: jmeter.plugins,
    }
    return sources.get(reason)


def _spec_problem(spec: PerfGateSpec) -> Problem | None:
    try:
        resolve_plan(spec)
    except InvalidSpec as error:
        return Problem("InvalidSpec", str(error))
    return None


def _load_problem(load: Load, found: ConfigMaps) -> Problem | None:
    return (
        _plan_problem(load, found)
        or _data_problem(load.jmeter.data, found)
        or _plugins_problem(load.jmeter.plugins, found)
    )


def _plan_problem(load: Load, found: ConfigMaps) -> Problem | None:
    source = load.jmeter.plan
    if source.config_map is None:
        return None
    data = found[source.config_map]
    if data is None:
        missing = f"ConfigMap {source.config_map} does not exist"
        return Problem("PlanNotFound", f"{missing}; create it with {_content(source)}")
    if source.open_api is not None:
        return _material_problem(source, data)
    if source.key not in data:
        return Problem("PlanNotFound", _lacks(source, data, source.key, "plan.key"))
    wrong = jmx.problems(data[source.key].encode(), properties_read(load))
    if wrong:
        return Problem("PlanInvalid", f"{source.key} in {source.described} {wrong[0]}")
    return None


def _content(source: PlanSource) -> str:
    """What should be in it."""
    return ", ".join(source.made_from) or "the test plan"


def _material_problem(source: PlanSource, data: Mapping[str, str]) -> Problem | None:
    """Of what a plan is made from."""
    missing = [key for key in source.made_from if key not in data]
    return Problem("PlanNotFound", _lacks(source, data, missing[0], "plan.openAPI")) if missing else None


def _lacks(source: Source, data: Mapping[str, str], key: str, field: str) -> str:
    return lacks(source.config_map or "", data, key, field)


def _data_problem(source: DataSource | None, found: ConfigMaps) -> Problem | None:
    if source is None or source.config_map is None:
        return None
    data = found[source.config_map]
    if data is None:
        return Problem("DataNotFound", f"{source.described} does not exist; create it with the plan's data")
    missing = [shard.file for shard in source.shards or () if shard.file not in data]
    return Problem("DataNotFound", _lacks(source, data, missing[0], "data.shards")) if missing else None


def _plugins_problem(source: Source | None, found: ConfigMaps) -> Problem | None:
    if source is None or source.config_map is None:
        return None
    data = found[source.config_map]
    if data is None:
        return Problem("PluginsNotFound", f"{source.described} does not exist; create it with the plugins")
    if not any(key.endswith(".jar") for key in data):
        return Problem("PluginsNotFound", f"{source.described} has no key named *.jar; add one")
    return None


def _prometheus_problem(spec: PerfGateSpec, servers: Collection[str]) -> Problem | None:
    plan = resolve_plan(spec)
    asked = plan.polled_objectives or (plan.coverage is not None and plan.coverage.at_prometheus)
    if not asked or spec.prometheus in servers:
        return None
    known = ", ".join(sorted(servers)) or "none"
    return Problem(
        "PrometheusUnknown",
        f"spec.prometheus: the operator's settings name no server {spec.prometheus!r} (known: {known})",
    )


def service_name(gate: PerfGate) -> str | None:
    """The Service of the gate's namespace that the load goes to; None: it goes elsewhere, or none is."""
    if gate.spec.load is None:
        return None
    host = gate.spec.load.target.host
    if host is None:
        return gate.spec.target_ref.name
    name, *domain = host.split(".")
    within = [gate.metadata.namespace, "svc", "cluster", "local"]
    return name if domain == within[: len(domain)] else None


def _address(name: str, load: Load, service: Mapping[str, Any] | None) -> Inputs:
    """`name`: of the target."""
    target = load.target
    if target.host is not None:
        return Inputs(host=target.host, port=target.port or DEFAULT_PORTS[target.scheme])
    if service is None:
        return Inputs(
            problem=Problem(
                "ServiceNotFound",
                f"Service {name} does not exist; the load is sent to the target's Service: "
                "create it, or set load.target.host",
            )
        )
    if _selects_load(service, load.jmeter.labels or {}):
        message = (
            f"spec.load.jmeter.labels: Service {name} would take the load's own pods for the target's; "
            "write labels that its selector does not match"
        )
        return Inputs(problem=Problem("InvalidSpec", message))
    ports = service.get("spec", {}).get("ports", [])
    port = _port(target, ports)
    if port is None:
        return Inputs(problem=Problem("ServicePortUnknown", f"Service {name} {_port_problem(target, ports)}"))
    return Inputs(host=f"{name}.{service['metadata']['namespace']}.svc", port=port)


def _selects_load(service: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    selector = service.get("spec", {}).get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()


def _port(target: LoadTarget, ports: Sequence[Mapping[str, Any]]) -> int | None:
    """The one asked for, the only one, or the one named like the scheme. An ExternalName lists no ports."""
    if target.port is not None:
        return target.port if target.port in {port["port"] for port in ports} or not ports else None
    chosen = ports if len(ports) == 1 else [port for port in ports if port.get("name") == target.scheme]
    return int(chosen[0]["port"]) if chosen else None


def _port_problem(target: LoadTarget, ports: Sequence[Mapping[str, Any]]) -> str:
    if target.port is not None:
        known = ", ".join(str(port["port"]) for port in ports)
        return f"has no port {target.port} (ports: {known}); set load.target.port to one of them"
    return f"has {len(ports)} ports and none is named {target.scheme}; name one, or set load.target.port"
