"""What an estimate may say: it is told, and blocks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devperfops_operator.domain.quota.finding import ORDER, Outcome, Verdict


def estimated(outcome: Outcome, how: Sequence[str]) -> Outcome:
    """The answer about limits of which some were estimated; `how`: from what. At most a Warn."""
    verdict = min(outcome.verdict, Verdict.WARN, key=ORDER.__getitem__)
    cause = f"{outcome.cause}; estimated from {' and '.join(dict.fromkeys(how))}, so it blocks nothing"
    return replace(outcome, verdict=verdict, cause=cause)
