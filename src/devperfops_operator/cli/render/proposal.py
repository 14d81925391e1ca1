"""Proposed objectives, as YAML to paste. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from devperfops_operator.api.objective import Origin
from devperfops_operator.cli.render.words import plain
from devperfops_operator.domain.proposal import Proposal


def proposals_yaml(proposals: Sequence[Proposal]) -> str:
    """The reasons are comments; so is what cannot be proposed."""
    return "\n".join(_lines(proposals)) + "\n"


def _lines(proposals: Sequence[Proposal]) -> Iterator[str]:
    yield "objectives:"
    for each in proposals:
        what = "all samples" if each.transaction is None else each.transaction
        yield f"# {plain(what)}: {each.because}"
        if each.expect is None:
            continue
        yield f"- expect: {each.expect}"
        if each.transaction is not None:
            yield f"  transaction: {json.dumps(each.transaction)}"
        yield f"  origin: {Origin.HISTORY}"
