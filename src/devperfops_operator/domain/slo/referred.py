"""The limit that an objective takes from an OpenSLO document in a ConfigMap."""

from __future__ import annotations

from collections.abc import Mapping

from devperfops_operator.api.objective import Objective, SLORef
from devperfops_operator.api.slo_ref import SLOMissingError, SLORefError, limit
from devperfops_operator.domain.observed import Problem
from devperfops_operator.domain.verdict import Reason


def referred(objective: Objective, ref: SLORef, data: Mapping[str, str] | None) -> str | Problem:
    """As `expect` would have it. `data`: of the ConfigMap; None: there is none. A Problem: it gives none."""
    if data is None:
        message = f"ConfigMap {ref.config_map} does not exist; create it with {ref.key}, OpenSLO v1 documents"
        return Problem(Reason.SLO_NOT_FOUND, message)
    if ref.key not in data:
        keys = ", ".join(sorted(data)) or "none"
        message = f"ConfigMap {ref.config_map} has no key {ref.key} (keys: {keys}); set sloRef.key"
        return Problem(Reason.SLO_NOT_FOUND, message)
    try:
        return limit(objective, ref, f"{ref.config_map}/{ref.key}", data[ref.key])
    except SLOMissingError as error:
        return Problem(Reason.SLO_NOT_FOUND, str(error))
    except SLORefError as error:
        return Problem(Reason.SLO_INVALID, str(error))
