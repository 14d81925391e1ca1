"""What a Prometheus answers to an instant query, or whatever else a proxy says in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from devperfops_operator.cli.errors import Trouble

Vector = Sequence[tuple[Mapping[str, str], str]]
"""Labels and value of each series."""


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, str]


class _Data(BaseModel):
    result: list[_Sample]


class _Body(BaseModel):
    data: _Data


def vector(body: Any) -> Vector:
    """Raises Trouble if it is none."""
    try:
        return [(sample.metric, sample.value[1]) for sample in _Body.model_validate(body).data.result]
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "all of it"
        raise Trouble(
            f"its answer is not Prometheus' ({field}: {first['msg']}); is this the address of a Prometheus?"
        ) from error
