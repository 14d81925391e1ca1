"""One objective's evidence and verdict."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Line, Sentence, Timestamp, Word
from devperfops_operator.api.expect import MAX_LENGTH
from devperfops_operator.api.objective import Origin
from devperfops_operator.api.perfrun.words import Verdict
from devperfops_operator.wire.measurement import LABEL_LENGTH

ObjectiveName = Annotated[str, Field(max_length=MAX_LENGTH)]


MAX_SCATTERS = 10  # widths of a block


class ScatterStatus(ApiModel):
    """How much more `blocks` of `seconds` vary than if each sample were on its own.

    By their exceedances; of an objective that compares with a baseline, by the sums of what is compared.
    """

    seconds: int
    blocks: int
    percent: int


class ComparedStatus(ApiModel):
    """Target beside baseline, block by block: ln(target / baseline) - ln(1 + tolerance), in millionths.

    One block counts for no more than 200,000 of it.
    """

    blocks: int
    mean: int
    deviation: int


class ObjectiveStatus(ApiModel):
    """One objective's evidence and verdict. Shares are texts (`0.12%`): the API has no floats."""

    name: ObjectiveName
    expect: ObjectiveName
    transaction: Annotated[str, Field(max_length=LABEL_LENGTH)] | None = None
    critical: bool = True
    weight: int = 1
    origin: Origin | None = None  # of the threshold
    verdict: Verdict | None = None
    reason: Word | None = None
    message: Sentence | None = None
    observed: Line | None = None  # as a person would say it: "p99 = 212 ms", "0.12% errors"
    exceedance: Word | None = None  # observed share of exceedances: "0.35%"
    bound: Word | None = None  # upper confidence bound of that share: "0.48%"
    allowed: Word | None = None  # share allowed by the objective: "1%"
    samples: int = 0
    exceedances: int = 0
    independent_samples: int | None = None  # how many they are worth, by this run alone
    scatter: Annotated[tuple[ScatterStatus, ...], Field(max_length=MAX_SCATTERS)] = ()
    compared: ComparedStatus | None = None
    time_ms: int | None = None  # its percentile, where runs are compared
    decided_at: Timestamp | None = None
