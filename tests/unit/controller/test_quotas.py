"""An API server that does not let the operator read is neither a pass nor a regression."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from devperfops_operator.api.perfgate import Quota
from devperfops_operator.controller.quotas import QuotaReader
from devperfops_operator.domain.errors import Refused, Unavailable
from devperfops_operator.domain.quota.finding import Verdict


class Silent:
    """A cluster in which everything but policies fails with this error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def get(self, *_: str) -> dict[str, Any]:
        return {"metadata": {"name": "january"}, "spec": {"configMap": "january"}}

    async def list(self, *_: str) -> None:
        raise self._error

    async def config_map(self, *_: str) -> None:
        raise self._error


GATES = pytest.mark.parametrize("quota", [Quota(policy="january"), Quota(config_map="january")])


def asking(error: Exception) -> Callable[[Quota], Awaitable[Any]]:
    reader = QuotaReader(Silent(error))  # type: ignore[arg-type]
    return lambda quota: reader.of_gate("accounts", quota)


@GATES
async def test_what_is_refused_is_unknown(quota: Quota) -> None:
    answer = await asking(Refused("Forbidden", "it may not list quotawaivers"))(quota)
    assert answer.verdict is Verdict.ERROR
    assert answer.message == "quota: it may not list quotawaivers"


@GATES
async def test_what_is_not_answered_is_asked_again(quota: Quota) -> None:
    with pytest.raises(Unavailable):
        await asking(Unavailable("no answer"))(quota)
