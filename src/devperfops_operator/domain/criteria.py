"""What is judged and how: the part of a gate that a verdict depends on."""

from __future__ import annotations

import hashlib
import json

from devperfops_operator.api.perfgate import PerfGateSpec

_JUDGING = {"target_ref", "load", "objectives", "prometheus"}
_DIGITS = 10


def criteria_hash(spec: PerfGateSpec) -> str:
    """Identity of a gate's criteria. A verdict holds for one (revision, criteria).

    What is done about a verdict, when runs begin and how long they are kept is not part of it. Defaults are
    left out: neither writing one down nor a newer operator's new ones change it.
    """
    judging = spec.model_dump(mode="json", by_alias=True, include=_JUDGING, exclude_defaults=True)
    canonical = json.dumps(judging, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]
