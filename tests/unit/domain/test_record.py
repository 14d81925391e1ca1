"""Records: what a run's tests saw comes back as it was, fits into an object, and is read with suspicion."""

from __future__ import annotations

import copy
import json
import random
from base64 import b64encode
from collections import Counter
from dataclasses import replace

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.looks import Series
from devperfops_operator.analysis.packing import pack
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.profile import Profile
from devperfops_operator.analysis.scatter import Scatter
from devperfops_operator.api.perfrun import Phase
from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.manifests.canonical import canonical_json
from devperfops_operator.domain.objectives import FailedSamples
from devperfops_operator.domain.record import LIMIT, RunRecord, from_json, series_key, to_json
from devperfops_operator.wire.histogram import BUCKETS, bucket_of
from devperfops_operator.wire.kept_plan import LARGEST_PACKED, KeptPlan
from devperfops_operator.wire.measurement import Block, LabelStats, LoadEnd
from tests.unit.domain.world import BAD, GOOD, World, released

USUAL = {1: Scatter(1.03, 6_000), 60: Scatter(1.4, 90)}


def a_record(looks: int = 600, transactions: int = 3, series: int = 2) -> RunRecord:
    draw = random.Random(11)
    profile = Profile()
    for second in range(1_000_000, 1_000_000 + looks):
        times = {f"t{n}": [int(draw.lognormvariate(5, 1)) for _ in range(20)] for n in range(transactions)}
        labels = {
            name: LabelStats(len(each), 0, [], [], dict(Counter(map(bucket_of, each))))
            for name, each in times.items()
        }
        profile.add(Block(0, second, labels=labels))
    columns = {
        f"key {n}": Series(
            [draw.randrange(4) for _ in range(looks)],
            [1_000_000 + look // 4 for look in range(looks)],
            samples := [draw.randrange(1, 2**20) for _ in range(looks)],
            [draw.randrange(sample) for sample in samples],
        )
        for n in range(series)
    }
    past = {
        key: PastEffect(1.5 + number / 3, 1.1, 1.25, 700, USUAL, 1.2) for number, key in enumerate(columns)
    }
    return RunRecord(columns, profile, apart=True, missing=("something",), past=past)


def test_it_comes_back_as_it_was() -> None:
    record = a_record()
    again = from_json(json.loads(canonical_json(to_json(record))))
    assert {key: list(each.looks()) for key, each in again.series.items()} == {
        key: list(each.looks()) for key, each in record.series.items()
    }
    assert list(again.profile.tables()) == list(record.profile.tables())
    assert (again.apart, again.missing) == (True, ("something",))
    assert again.past == record.past


def test_its_plan_comes_back_beside_as_much_as_it_may_have() -> None:
    plan = KeptPlan.of(random.Random(3).randbytes(LARGEST_PACKED - 100), None)
    record = replace(a_record(2_000, 30, 2), plan=plan)
    data = to_json(record)
    assert from_json(json.loads(canonical_json(data))).plan == plan
    assert len(json.dumps({**data, "plan": None})) <= LIMIT + 20
    assert len(json.dumps(data)) < 1_000_000


def test_one_of_an_operator_that_kept_no_plan_can_be_read() -> None:
    assert from_json(to_json(a_record(looks=20))).plan is None


def test_one_of_an_operator_that_did_not_look_at_the_past_can_be_read() -> None:
    data = json.loads(canonical_json(to_json(a_record(looks=20))))
    for each in data["series"]:
        del each["past"]
    assert all(each == PastEffect() for each in from_json(data).past.values())


@pytest.mark.parametrize("effect", [0.5, -1, True, "2", 1e400, float("nan")], ids=str)
@pytest.mark.parametrize("field", ["least", "longRange", "ofWhole", "between"])
def test_no_design_effect_is_refused(field: str, effect: object) -> None:
    data = to_json(a_record(looks=20))
    data["series"][0]["past"][field] = effect
    with pytest.raises(InvalidRecord):
        from_json(data)


@pytest.mark.parametrize(
    "record", [a_record(2_000, 30, 2), a_record(20_000, 1, 5)], ids=["transactions", "looks"]
)
def test_it_always_fits_and_says_what_does_not(record: RunRecord) -> None:
    wanted = set(record.series)
    data = to_json(record)
    assert len(json.dumps(data)) <= LIMIT
    again = from_json(data)
    lost = wanted - set(again.series)
    assert all(any(key in said for said in again.missing) for key in lost)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"columns": ["bm8gemxpYg=="]},
        {"columns": ["%%"]},
        {"series": [{"counts": "key", "columns": [0, 0, 0, 900]}]},
        {"series": [{"counts": "key", "columns": [0, 0]}]},
        {"names": []},
        {"names": ["all"]},
        {"names": [None, "x" * 300]},
        {"seconds": -1},
        {"blocks": [[0, "AAAA"]]},
        {"blocks": [[0]]},
        {"apart": 1},
        {"more": 1},
    ],
    ids=str,
)
def test_what_nobody_wrote_is_refused(change: dict[str, object]) -> None:
    data = copy.deepcopy(to_json(a_record(looks=20)))
    with pytest.raises(InvalidRecord):
        from_json({**data, **change})


@pytest.mark.parametrize("raw", [None, [], "record", {}])
def test_what_is_no_record_at_all_is_refused(raw: object) -> None:
    with pytest.raises(InvalidRecord):
        from_json(raw)


@pytest.fixture
def passed() -> tuple[World, str]:
    """A run about to act on its Pass."""
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    return world, name


def test_a_run_ends_with_its_record_kept(passed: tuple[World, str]) -> None:
    world, name = passed
    world.settle(name)
    status = world.runs[name].status
    assert status.phase is Phase.COMPLETED
    assert status.record is not None
    assert (world.records, status.record.message) == ([status.record.name], None)
    assert status.record.kept_at is not None


def test_the_plan_of_a_load_without_a_sample_is_kept_too() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, Tally(0, 0, 0), Tally(0, 0, 0), final=LoadEnd.COMPLETED)
    (worker,) = world.evidence[name].workers
    assert worker.final is not None
    played = KeptPlan.of(b"plan", None)
    world.change_worker(
        name, 0, rows=0, judged_samples=0, final=replace(worker.final, rows=0, blocks=0, plan=played)
    )
    world.settle(name)
    status = world.runs[name].status
    assert status.reason == "NoSamples"
    assert [each.plan and each.plan.sha256 for each in status.workers] == [played.sha256]
    assert status.record is not None
    assert world.records == [status.record.name]


def test_it_is_named_before_it_is_made_and_made_once_whatever_dies(passed: tuple[World, str]) -> None:
    world, name = passed
    while world.runs[name].status.record is None:
        assert world.records == []
        world.step_run(name, crash=False)
    for _ in range(3):
        world.step_run(name, crash=True)
    assert world.runs[name].status.phase is Phase.ACTING
    world.settle(name)
    assert world.runs[name].status.phase is Phase.COMPLETED
    assert len(world.records) == 1


def test_a_record_that_is_refused_holds_up_nothing(passed: tuple[World, str]) -> None:
    world, name = passed
    world.refused["KeepRecord"] = "exceeded quota"
    world.settle(name)
    status = world.runs[name].status
    assert (status.phase, status.verdict) == (Phase.COMPLETED, "Pass")
    assert status.record is not None
    assert (status.record.message, status.record.kept_at) == ("exceeded quota", None)


def test_what_is_done_about_the_verdict_comes_first() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    while not world.patches:
        world.step_run(name)
    assert world.runs[name].status.record is None


def test_elapsed_times_that_cannot_fit_are_left_out_so_that_the_run_can_end() -> None:
    draw = random.Random(5)
    profile = Profile()
    profile.add(
        Block(
            0,
            1_000_000,
            labels={
                f"t{n}": LabelStats(0, 0, [], [], {at: draw.randrange(2**45) for at in range(BUCKETS)})
                for n in range(100)
            },
        )
    )
    data = to_json(RunRecord({"key": Series([0], [1], [1], [0])}, profile))
    assert len(canonical_json(data)) <= LIMIT
    assert "the elapsed times: they do not fit" in from_json(data).missing


def test_a_long_name_in_any_script_comes_back() -> None:
    key = series_key(FailedSamples("оплата" * 33), ())
    assert list(from_json(to_json(RunRecord({key: Series([0], [1], [1], [0])}, Profile()))).series) == [key]


def test_many_small_columns_that_unpack_to_much_are_refused() -> None:
    data = to_json(a_record(series=0))
    with pytest.raises(InvalidRecord, match="packed numbers"):
        from_json(data | {"columns": [b64encode(pack([0] * 200_000)).decode()] * 10})
