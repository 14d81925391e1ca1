"""The limit that an objective takes from an OpenSLO document in a ConfigMap."""

from __future__ import annotations

from collections.abc import Mapping

from devperfops_operator.api.objective import Objective, SLORef
from devperfops_operator.api.slo_ref import SLOMissingError, SLORefError, limit
from devperfops_operator.domain.errors import FileMissing
from devperfops_operator.domain.named_files import text_of
from devperfops_operator.domain.observed import Problem
from devperfops_operator.domain.verdict import Reason


def referred(objective: Objective, ref: SLORef, data: Mapping[str, str] | None) -> str | Problem:
    """As `expect` would have it. `data`: of the ConfigMap; None: there is none. A Problem: it gives none."""
    try:
        text = text_of(ref.config_map, ref.key, data, content="OpenSLO v1 documents", field="sloRef.key")
        return limit(objective, ref, f"{ref.config_map}/{ref.key}", text)
    except (FileMissing, SLOMissingError) as error:
        return Problem(Reason.SLO_NOT_FOUND, str(error))
    except SLORefError as error:
        return Problem(Reason.SLO_INVALID, str(error))
