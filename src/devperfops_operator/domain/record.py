"""What is kept of a run: every look of its sequential tests, and its elapsed times.

It is read back with suspicion: whoever may write ControllerRevisions may have written it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from devperfops_operator.analysis.looks import Series
from devperfops_operator.analysis.packing import differences, pack, sums, unpack
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.profile import Profile
from devperfops_operator.analysis.scatter import Scatter
from devperfops_operator.analysis.timeline import WIDTHS
from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.objectives import Counted, FailedSamples, OverThreshold
from devperfops_operator.wire import decode
from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import LABEL_LENGTH

LIMIT: Final = 700 * 1024
"""Bytes of a record as JSON, the test plan beside: an object in etcd may have 1.5 MiB."""
VERSION: Final = 1
_NUMBERS: Final = 500_000  # in all columns: a journal's are fewer
_SERIES: Final = 100
_COLUMNS: Final = 4 * _SERIES
_NAMES: Final = 300
_BLOCKS: Final = 100_000
_KEY: Final = 4096  # a key escapes what is not ASCII
_TEXT: Final = 1024 * 1024
_SECONDS: Final = 2**31
_FIELDS: Final = ("version", "apart", "missing", "columns", "series", "names", "seconds", "blocks")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """`series`, `past`: by `series_key`. `apart`: the workers' clocks were.

    `missing`: what should be here and is not, for people. `plan`: what JMeter played, with its bytes.
    """

    series: Mapping[str, Series]
    profile: Profile
    apart: bool = False
    missing: Sequence[str] = ()
    past: Mapping[str, PastEffect] = field(default_factory=dict)
    plan: KeptPlan | None = None


def series_key(counted: Counted, thresholds: Sequence[Threshold]) -> str:
    """Identity of what is counted, whatever share of it an objective allows."""
    match counted:
        case OverThreshold(index, transaction=transaction, level=level):
            threshold = thresholds[index]
            return json.dumps(["over", threshold.elapsed_ms, threshold.inclusive, *_at(level), transaction])
        case FailedSamples(transaction, level):
            return json.dumps(["failed", *_at(level), transaction])
        case _:
            return json.dumps(["polled", str(counted)])


def _at(level: int | None) -> Sequence[str]:
    return () if level is None else (f"level {level}",)


def transaction_of(key: str) -> str | None:
    """Of a `series_key`: the label whose samples it counts; None: it counts all, or none of any label."""
    kind, *_, transaction = json.loads(key)
    return None if kind == "polled" else transaction


def to_json(record: RunRecord) -> dict[str, Any]:
    """At most `LIMIT` bytes, beside the test plan.

    Blocks become longer until it fits, then series go, at last the elapsed times. The record says so.
    """
    while True:
        data = _written(record)
        if len(json.dumps(data)) <= LIMIT:
            return data | {"plan": record.plan.to_json()} if record.plan is not None else data
        if len(record.profile.packed()) > 1:
            record.profile.coarsen()
            continue
        record = _less(record)


def from_json(raw: Any) -> RunRecord:
    """Raises InvalidRecord."""
    try:
        return _read(raw)
    except (ValueError, LookupError, TypeError) as error:
        raise InvalidRecord(f"the record cannot be read: {error}") from error


def _less(record: RunRecord) -> RunRecord:
    missing = record.missing[:_SERIES]
    if not record.series:
        return RunRecord({}, Profile(), record.apart, (*missing, "the elapsed times: they do not fit"))
    *kept, (lost, _) = record.series.items()
    return replace(record, series=dict(kept), missing=(*missing, f"the looks at {lost}: they do not fit"))


def _written(record: RunRecord) -> dict[str, Any]:
    columns: dict[bytes, int] = {}
    series = [
        {
            "counts": key,
            "columns": [columns.setdefault(pack(part), len(columns)) for part in _parts(each)],
            "past": _past(record.past.get(key, PastEffect())),
        }
        for key, each in record.series.items()
    ]
    return {
        "version": VERSION,
        "apart": record.apart,
        "missing": list(record.missing),
        "columns": [_text(column) for column in columns],
        "series": series,
        "names": record.profile.names,
        "seconds": record.profile.seconds,
        "blocks": [[index, _text(block)] for index, block in record.profile.packed().items()],
    }


def _parts(series: Series) -> tuple[Sequence[int], ...]:
    return series.workers, differences(series.seconds), series.samples, series.exceedances


def _read(raw: Any) -> RunRecord:
    if isinstance(raw, dict) and raw.get("version") != VERSION:
        raise ValueError(f"version {raw.get('version')!r:.20} is not known here; use a newer devperfops")
    known = {"plan": None, **raw} if isinstance(raw, dict) else raw  # an older operator kept none
    data = decode.record(known, "record", (*_FIELDS, "plan"))
    columns = _columns(decode.sequence(data["columns"], "columns", at_most=_COLUMNS))
    entries = [
        decode.grown(each, "series", ("counts", "columns"), ("past",))
        for each in decode.sequence(data["series"], "series", at_most=_SERIES)
    ]
    missing = decode.sequence(data["missing"], "missing", at_most=2 * _SERIES)
    return RunRecord(
        series={_key(each): _series(each, columns) for each in entries},
        profile=_profile(data),
        apart=decode.truth(data["apart"], "apart"),
        missing=tuple(decode.text(each, "missing", at_most=2 * _KEY) for each in missing),
        past={_key(each): _effect(each["past"]) for each in entries},
        plan=KeptPlan.from_json(data["plan"]) if data["plan"] is not None else None,
    )


def _columns(raw: Sequence[Any]) -> list[list[int]]:
    """Bounded together: little text may unpack to very much."""
    columns: list[list[int]] = []
    left = _NUMBERS
    for each in raw:
        columns.append(unpack(_bytes(each), at_most=left))
        left -= len(columns[-1])
    return columns


def _key(entry: Mapping[str, Any]) -> str:
    return decode.text(entry["counts"], "counts", at_most=_KEY)


def _past(past: PastEffect) -> dict[str, Any]:
    return {
        "least": past.least,
        "longRange": past.long_range,
        "ofWhole": past.of_whole,
        "wholeSamples": past.whole_samples,
        "usual": [[width, each.blocks, each.ratio] for width, each in past.usual.items()],
        "between": past.between,
    }


def _effect(raw: Any) -> PastEffect:
    """None: of an operator that did not look at earlier runs."""
    if raw is None:
        return PastEffect()
    fields = ("least", "longRange", "ofWhole", "wholeSamples")
    past = decode.grown(raw, "past", fields, ("usual", "between"))
    of_whole, between = past["ofWhole"], past["between"]
    return PastEffect(
        least=decode.number(past["least"], "least", at_least=1),
        long_range=decode.number(past["longRange"], "longRange", at_least=1),
        of_whole=None if of_whole is None else decode.number(of_whole, "ofWhole", at_least=1),
        whole_samples=decode.count(past["wholeSamples"], "wholeSamples"),
        usual=dict(map(_scatter, decode.sequence(past["usual"] or [], "usual", at_most=len(WIDTHS)))),
        between=1.0 if between is None else decode.number(between, "between", at_least=1),
    )


def _scatter(raw: Any) -> tuple[int, Scatter]:
    if not isinstance(raw, list) or len(raw) != 3:  # noqa: PLR2004
        raise ValueError("usual must have lists of width, blocks and ratio")
    width, blocks, ratio = raw
    if decode.count(blocks, "blocks") <= 1:
        raise ValueError(f"blocks must be two or more, not {blocks}")
    ratio = decode.number(ratio, "ratio", at_least=0)
    return decode.count(width, "width", at_most=max(WIDTHS)), Scatter(ratio, blocks)


def _series(each: Mapping[str, Any], columns: Sequence[list[int]]) -> Series:
    places = decode.sequence(each["columns"], "columns", at_most=4)
    workers, steps, samples, exceedances = (
        columns[decode.count(place, "columns", at_most=len(columns) - 1)] for place in places
    )
    if not len(workers) == len(steps) == len(samples) == len(exceedances):
        raise ValueError("the columns of a series differ in length")
    if any(bad > of for bad, of in zip(exceedances, samples, strict=True)):
        raise ValueError("a look has more exceedances than samples")
    return Series(workers, sums(steps), samples, exceedances)


def _profile(data: Mapping[str, Any]) -> Profile:
    first, *names = decode.sequence(data["names"], "names", at_most=_NAMES)
    if first is not None:
        raise ValueError("the first name must be null: all samplers together")
    profile = Profile.restored(
        [None, *(decode.text(name, "names", at_most=LABEL_LENGTH) for name in names)],
        max(1, decode.count(data["seconds"], "seconds", at_most=_SECONDS)),
        dict(map(_block, decode.sequence(data["blocks"], "blocks", at_most=_BLOCKS))),
    )
    for _ in profile.tables():  # a damaged block is found now
        pass
    return profile


def _block(raw: Any) -> tuple[int, bytes]:
    index, text = decode.sequence(raw, "blocks", at_most=2)
    return decode.count(index, "blocks"), _bytes(text)


def _text(content: bytes) -> str:
    return b64encode(content).decode("ascii")


def _bytes(raw: Any) -> bytes:
    return b64decode(decode.text(raw, "packed", at_most=_TEXT), validate=True)
