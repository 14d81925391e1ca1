"""What is judged and how: the part of a gate that a verdict depends on."""

from __future__ import annotations

from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.domain.digest import digest

_JUDGING = {"target_ref", "load", "data", "live", "patience", "coverage", "objectives", "prometheus"}


def criteria_hash(spec: PerfGateSpec) -> str:
    """Identity of a gate's criteria. A verdict holds for one (revision, criteria).

    What is done about a verdict, when runs begin and how long they are kept is not part of it; nor is what
    other documents give (`resolved`), which may be another at each run. Defaults are left out: neither
    writing one down nor a newer operator's new ones change it.
    """
    judging = spec.model_dump(mode="json", by_alias=True, include=_JUDGING, exclude_defaults=True)
    if spec.load is not None and spec.load.profile is not None:
        for given in ("rate", "threads"):
            judging["load"]["jmeter"].pop(given, None)
    for objective in judging.get("objectives", ()):
        if "sloRef" in objective:
            for given in ("expect", "origin", "name"):
                objective.pop(given, None)
    return digest(judging)
