"""Proposed thresholds: an unchanged service holds them, a slower one does not."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import yaml

from devperfops_operator.analysis.profile import Profile
from devperfops_operator.api.expect import ErrorsExpectation, LatencyExpectation, parse_expect
from devperfops_operator.cli.render.proposal import proposals_yaml
from devperfops_operator.domain.proposal import propose
from devperfops_operator.domain.record import RunRecord
from devperfops_operator.wire.histogram import bucket_of
from devperfops_operator.wire.measurement import Block, LabelStats


def times(draw: random.Random, level: float, samples: int = 6_000) -> list[int]:
    return [int(draw.lognormvariate(level, 0.4)) for _ in range(samples)]


def kept(errors: int = 0, **labels: list[int]) -> RunRecord:
    profile = Profile()
    tables = {
        name: LabelStats(len(each), errors, [], [], dict(Counter(map(bucket_of, each))))
        for name, each in labels.items()
    }
    profile.add(Block(0, 1_000_000, labels=tables))
    return RunRecord({}, profile)


def share_over(limit: int, seen: list[int]) -> float:
    return sum(time >= limit for time in seen) / len(seen)


def proposed(records: list[RunRecord], transaction: str | None = None) -> LatencyExpectation:
    expects = [each.expect for each in propose(records) if each.transaction == transaction and each.expect]
    parsed = parse_expect(expects[0])
    assert isinstance(parsed, LatencyExpectation)
    return parsed


@pytest.mark.parametrize("runs", [3, 5, 12, 30])
def test_the_next_run_of_an_unchanged_service_holds_what_is_proposed(runs: int) -> None:
    draw, held = random.Random(3), 0
    for _ in range(40):
        levels = [draw.gauss(5, 0.05) for _ in range(runs + 1)]
        *past, following = (times(draw, level, 1_000) for level in levels)
        expectation = proposed([kept(GET=each * 5) for each in past])
        held += share_over(expectation.limit_ms, following) <= float(expectation.allowed)
    assert held >= 39


def test_a_service_that_varies_little_gets_a_tight_limit() -> None:
    draw = random.Random(4)
    expectation = proposed([kept(GET=times(draw, 5)) for _ in range(10)])
    assert expectation.limit_ms < 1.5 * 148 * 2.72 ** (0.4 * 2.58)
    assert share_over(expectation.limit_ms, times(draw, 5.4)) > float(expectation.allowed)


def test_a_transaction_with_few_samples_is_told_to_be_blind() -> None:
    draw = random.Random(5)
    found = propose([kept(cart=times(draw, 5), pay=times(draw, 5, 12)) for _ in range(3)])
    (blind,) = (each for each in found if each.transaction == "pay")
    assert (blind.expect, blind.because) == (None, "blind: 12 samples in a run, and p90 takes 500")


def test_errors_are_proposed_from_the_worst_run() -> None:
    draw = random.Random(6)
    found = propose([kept(errors, GET=times(draw, 5)) for errors in (0, 3, 60)])
    parsed = [parse_expect(each.expect) for each in found if each.expect and each.expect.startswith("errors")]
    assert isinstance(parsed[0], ErrorsExpectation)
    assert float(parsed[0].allowed) == pytest.approx(0.02)


def test_it_is_yaml_to_paste_whatever_a_sampler_is_called() -> None:
    draw, name = random.Random(7), 'GET /"#\n: x'
    found = propose([kept(**{name: times(draw, 5)}) for _ in range(3)])
    objectives = yaml.safe_load(proposals_yaml(found))["objectives"]
    assert {each["origin"] for each in objectives} == {"History"}
    assert [each.get("transaction") for each in objectives] == [None, None, name]


def test_two_runs_do_not_tell_how_runs_differ() -> None:
    with pytest.raises(ValueError, match="3 runs are needed"):
        propose([kept(GET=[1]), kept(GET=[1])])
