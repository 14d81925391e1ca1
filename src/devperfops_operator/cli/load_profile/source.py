"""From what is asked at the terminal to what Prometheus is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.cli.cluster import Cluster
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.load_profile.gates import gate_traffic
from devperfops_operator.cli.prometheus import Access, server_at
from devperfops_operator.domain.load_profile.naming import Choice, given

_WEEKS: Final = 4
_URL: Final = "PROMETHEUS-URL"


@dataclass(frozen=True, slots=True)
class Options:
    """Of the command `profile`, as its help has them."""

    url: str | None
    gate: str | None
    requests: str | None
    durations: str | None
    by: str | None
    matchers: tuple[str, ...]
    excluded: tuple[str, ...]
    probes: tuple[str, ...]
    weeks: int | None
    zone: str
    seasons: Path | None
    logs: tuple[Path, ...]
    name: str | None
    access: Access
    output: str
    config_map: str | None
    accept_doubts: bool
    namespace: str | None
    context: str | None
    kubeconfig: str | None

    @property
    def labels(self) -> Sequence[str]:
        return [each.strip() for each in self.by.split(",")] if self.by else []


@dataclass(frozen=True, slots=True)
class Source:
    """`choice` None: it is to be found out."""

    name: str
    server: PrometheusServer
    choice: Choice | None
    weeks: int


def source_of(options: Options) -> Source:
    """A gate's, or that of the address.

    Raises:
        Trouble: neither is given, or the gate does not tell.
        InvalidSpec: the counter or its labels cannot be used.
    """
    if options.gate is not None:
        return _of_gate(options, options.gate)
    if options.url is None:
        raise Trouble("nobody says where the traffic is counted: give PROMETHEUS-URL, or --gate GATE.")
    choice = None
    if options.requests is not None:
        naming = given(options.requests, options.durations, options.labels, options.matchers)
        choice = Choice(naming, f"{naming.requests}, as asked for")
    server = server_at(options.url, options.access, _URL)
    return Source(options.name or "traffic", server, choice, options.weeks or _WEEKS)


def zone_of(options: Options) -> ZoneInfo:
    """Raises Trouble: there is none of that name."""
    try:
        return ZoneInfo(options.zone)
    except (KeyError, ValueError, OSError) as error:
        raise Trouble(
            f'--time-zone: "{options.zone}" is not known here: write for example Europe/Berlin.'
        ) from error


def _of_gate(options: Options, gate: str) -> Source:
    cluster = Cluster.connect(options.kubeconfig, options.context, options.namespace)
    told = gate_traffic(cluster, gate, options.url)
    naming = given(
        options.requests or told.requests,
        options.durations,
        options.labels or told.coverage.by,
        options.matchers,
        field="--requests" if options.requests else "spec.coverage.traffic",
    )
    weeks = options.weeks or told.coverage.weeks
    choice = Choice(naming, f"{naming.requests}, as gate {gate} has it")
    return Source(options.name or gate, server_at(told.url, options.access, _URL), choice, weeks)
