"""Elapsed times by transaction and time: nothing is lost but resolution, and that only where it must be."""

import random
from collections import Counter

import pytest

from devperfops_operator.analysis.packing import pack
from devperfops_operator.analysis.profile import LIMIT, TRANSACTIONS, Cell, Profile
from devperfops_operator.wire.histogram import BUCKETS, bucket_of
from devperfops_operator.wire.measurement import Block, LabelStats


def block(second, controllers=(), **labels):
    def stats(times):
        return LabelStats(len(times), 0, [], [], dict(Counter(map(bucket_of, times))))

    tables = {name: stats(times) for name, times in labels.items()}
    return Block(
        second,
        second,
        labels={name: each for name, each in tables.items() if name not in controllers},
        controllers={name: each for name, each in tables.items() if name in controllers},
    )


def test_each_transaction_and_all_of_them_together():
    profile = Profile()
    profile.add(block(1000, cart=[10, 20], pay=[30], checkout=[60], controllers=("checkout",)))
    profile.add(block(1012, cart=[10]))
    assert profile.histogram("cart") == {bucket_of(10): 2, bucket_of(20): 1}
    assert profile.histogram(None) == {bucket_of(10): 2, bucket_of(20): 1, bucket_of(30): 1}
    assert profile.histogram("checkout") == {bucket_of(60): 1}
    assert [(second, table[0].samples) for second, table in profile.tables()] == [(1000, 3), (1010, 1)]


def test_blocks_may_come_in_any_order():
    blocks = [block(second, cart=[second % 97]) for second in range(1000, 1200)]
    ordered, shuffled = Profile(), Profile()
    mixed = random.Random(7).sample(blocks, len(blocks))
    for one, other in zip(blocks, mixed, strict=True):
        ordered.add(one)
        shuffled.add(other)
    assert list(ordered.tables()) == list(shuffled.tables())


def test_beyond_the_limit_blocks_become_longer_and_nothing_is_lost():
    draw = random.Random(7)
    profile, seen = Profile(), Counter()
    for second in range(0, 6_000, 10):
        labels = {f"t{n}": [int(draw.lognormvariate(5, 1)) for _ in range(40)] for n in range(20)}
        profile.add(block(second, **labels))
        seen.update(bucket_of(time) for times in labels.values() for time in times)
    assert profile.seconds > 10
    assert sum(map(len, profile.packed().values())) <= LIMIT + 60_000  # the open ones come on top
    assert profile.histogram(None) == seen


def test_of_too_many_transactions_those_an_objective_names_are_told_apart():
    profile = Profile(["last"])
    profile.add(block(1000, **{f"t{n}": [1] for n in range(TRANSACTIONS + 5)}, last=[7]))
    assert profile.crowded
    assert profile.histogram("last") == {bucket_of(7): 1}
    assert sum(profile.histogram(None).values()) == TRANSACTIONS + 6


@pytest.mark.parametrize(
    "numbers",
    [[0, 0], [5, 0, 0], [0, 0, 1, 7], [0, 0, 1, BUCKETS, 1], [0, 0, 0, 0, 0, 0]],
    ids=["cut", "no such name", "no count", "no such bucket", "twice"],
)
def test_a_damaged_block_is_found(numbers):
    profile = Profile.restored([None], 10, {100: pack(numbers)})
    with pytest.raises(ValueError, match="packed block"):
        list(profile.tables())


def test_restored_it_says_the_same():
    profile = Profile()
    profile.add(block(1000, cart=[10, 20]))
    again = Profile.restored(profile.names, profile.seconds, profile.packed())
    assert list(again.tables()) == [(1000, {0: Cell(0, {10: 1, 20: 1}), 1: Cell(0, {10: 1, 20: 1})})]
