"""Which transactions a gate does not see."""

from devperfops_operator.analysis.profile import Profile
from devperfops_operator.domain.blindness import BlindSpot, blind_spots
from devperfops_operator.domain.record import RunRecord
from devperfops_operator.wire.measurement import Block, LabelStats
from tests.unit.evidence.kept import gate

STILL = "no critical objective is about it, and if all of its samples failed, those about all samples could still hold"


def record(**samples: int) -> RunRecord:
    profile = Profile()
    labels = {name: LabelStats(count, 0, [], [], {100: count}) for name, count in samples.items()}
    profile.add(Block(0, 1_000, labels=labels))
    return RunRecord({}, profile)


def test_a_gate_with_enough_samples_of_all_is_not_blind():
    assert blind_spots([record(cart=5_000, pay=3_000)], gate({"expect": "p99 < 1s"})) == []


def test_rare_transactions_that_only_count_among_all_are_not_seen():
    plan = gate({"expect": "p99 < 1s"}, {"expect": "errors < 0.5%"})
    runs = [
        record(cart=5_000, help=12, terms=60),
        record(cart=5_000, help=15, terms=60),
        record(cart=5_000, help=9),
    ]
    assert blind_spots(runs, plan) == [BlindSpot("help", 12, STILL)]


def test_an_objective_with_too_few_samples_cannot_pass():
    plan = gate({"expect": "p99 < 1s", "transaction": "pay"}, {"expect": "p99 < 1s"})
    (spot,) = blind_spots([record(cart=5_000, pay=300)], plan)
    assert (spot.transaction, spot.samples) == ("pay", 300)
    assert spot.because == "p99 < 1s takes 459 samples to pass, even if all are good"
    assert {each.transaction for each in blind_spots([record(cart=40)], plan)} == {None, "pay"}


def test_what_no_objective_counts_is_not_seen_however_busy():
    plan = gate({"expect": "p99 < 1s", "transaction": "pay"})
    assert blind_spots([record(cart=5_000, pay=5_000)], plan) == [
        BlindSpot("cart", 5_000, "no critical objective is about it")
    ]
    decides_nothing = gate(
        {"expect": "p99 < 1s", "critical": False}, {"expect": "p99 < 1s", "transaction": "pay"}
    )
    assert [spot.transaction for spot in blind_spots([record(cart=5_000, pay=5_000)], decides_nothing)] == [
        "cart"
    ]
