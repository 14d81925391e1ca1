"""A share that is followed look by look: the one look near the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.sequential import Patience
from devperfops_operator.domain.objectives import patience_of
from devperfops_operator.evidence.followed import Followed

TEST = ShareTest(Fraction(1, 100), alpha=0.001)
RATE = 10
TEN_MINUTES = patience_of(timedelta(minutes=10))


def shown(bad: Sequence[int], patience: Patience = TEN_MINUTES, past: PastEffect | None = None) -> list[int]:
    """The seconds after which the objective is shown to hold."""
    followed, tally, found = Followed(TEST, patience, past or PastEffect()), Tally(), []
    for second, exceedances in enumerate(bad, 1):
        tally += Tally(RATE, exceedances, int(exceedances > 0))
        followed.add(second, RATE, exceedances)
        followed.look(tally)
        if followed.evidence(tally).shown:
            found.append(second)
    return found


def spread(count: int) -> list[int]:
    """So many exceedances, evenly over ten minutes."""
    return [int(second * count // 600 > (second - 1) * count // 600) for second in range(600)]


def test_half_of_what_few_requests_allow_is_shown_a_minute_before_the_end() -> None:
    assert shown(spread(30)) == list(range(540, 601))


def test_it_is_asked_once_and_not_until_it_says_yes() -> None:
    """Better after the look than at it: the end decides."""
    late = [*[1, 0, 0, 0, 0, 0, 0, 0, 0, 0] * 54, *[0] * 60]
    assert shown(late) == []


def test_what_it_has_said_stands() -> None:
    assert shown([*spread(30)[:540], *[1, 0] * 30])[:2] == [540, 541]


@pytest.mark.parametrize(
    "patience", [Patience(120, None, 540), Patience(120, 300, None), Patience(120, 580, 540)]
)
def test_it_waits_as_long_as_a_pass_must(patience: Patience) -> None:
    found = shown(spread(30), patience)
    assert not found or found[0] >= (patience.pass_after or 600)
    assert (found[:1] == [580]) is (patience.pass_after == 580)


def test_what_earlier_runs_told_of_clumps_counts() -> None:
    assert shown(spread(30), past=PastEffect(least=4.0)) == []


def test_at_its_limit_a_service_is_shown_so_in_less_than_one_of_a_hundred() -> None:
    rng = np.random.default_rng(3)
    passed = sum(bool(shown(rng.binomial(RATE, 0.01, 600).tolist())) for _ in range(200))
    assert passed <= 2
