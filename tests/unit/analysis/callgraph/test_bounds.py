"""The union bound along a call graph: what it proves, and what it never claims."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.callgraph.availability import failures
from devperfops_operator.analysis.callgraph.bounds import Prover
from devperfops_operator.analysis.callgraph.graph import (
    WHOLE,
    Call,
    Point,
    Retries,
    Service,
    after_retries,
    visits,
)

PERCENT = WHOLE // 100
LIMIT = 10_000_000


def hop(*points: tuple[int, int], bad: int | None = 0, stages=()) -> Service:
    return Service(tuple(Point(us, over) for us, over in points), bad=bad, stages=stages)


def serial(*names: str) -> tuple[tuple[Call, ...], ...]:
    return tuple((Call(name, WHOLE),) for name in names)


def bound(graph, root="a", limit=LIMIT):
    return [(each.us, each.over) for each in Prover(graph, limit).bounds(root)]


def test_hops_in_a_row_add_up_in_time_and_in_share():
    graph = {
        "a": hop((100, PERCENT), stages=serial("b", "c")),
        "b": hop((200, PERCENT)),
        "c": hop((50, PERCENT)),
    }
    assert bound(graph) == [(350, 3 * PERCENT)]


def test_hops_at_once_take_as_long_as_the_longest():
    graph = {
        "a": hop((0, 0), stages=((Call("b", WHOLE), Call("c", WHOLE)),)),
        "b": hop((200, PERCENT)),
        "c": hop((50, PERCENT)),
    }
    assert bound(graph) == [(200, 2 * PERCENT)]


def test_a_rare_call_may_be_counted_as_over_without_waiting_for_it():
    graph = {"a": hop((10, 0), stages=((Call("b", PERCENT),),)), "b": hop((900, PERCENT))}
    assert bound(graph) == [(10, PERCENT), (910, PERCENT // 100)]


def test_a_second_try_spends_the_timeout_of_the_first():
    retries = Retries(2, 300, common=WHOLE // 10)
    graph = {"a": hop((0, 0), stages=((Call("b", WHOLE, retries),),)), "b": hop((200, PERCENT))}
    both = (
        WHOLE // 1000 + 9 * WHOLE // 100_000
    )  # 10 % of 1 % fail for a common cause, 90 % of 1 % x 1 % do not
    assert bound(graph) == [(200, PERCENT), (500, both)]


def test_a_timeout_below_what_is_promised_cuts_every_call():
    retries = Retries(3, 100, common=0)
    graph = {"a": hop((0, 0), stages=((Call("b", WHOLE, retries),),)), "b": hop((200, PERCENT))}
    assert bound(graph) == []


def test_nothing_is_proved_of_a_hop_without_figures():
    graph = {"a": hop((100, 0), stages=serial("b")), "b": hop()}
    assert bound(graph) == []


def test_tries_without_a_common_cause_multiply_and_with_one_do_not_help():
    assert after_retries(PERCENT, 2, common=0) == WHOLE // 10_000
    assert after_retries(PERCENT, 5, common=WHOLE) == PERCENT


def test_failures_add_up_by_how_often_calls_are_made():
    graph = {
        "a": hop(bad=PERCENT, stages=((Call("b", WHOLE // 2),), (Call("c", WHOLE),))),
        "b": hop(bad=PERCENT),
        "c": hop(bad=PERCENT),
    }
    found = failures(graph, "a")["a"]
    assert found.most == 5 * PERCENT // 2
    assert found.likely == WHOLE - 99 * 99 * 995 * WHOLE // 10_000_000
    assert visits(graph, "a") == {"a": 1.0, "b": 0.5, "c": 1.0}


def test_calls_cut_by_their_timeout_are_failures():
    retries = Retries(2, 300, common=WHOLE)
    graph = {
        "a": hop(bad=0, stages=((Call("b", WHOLE, retries),),)),
        "b": hop((200, PERCENT), bad=PERCENT),
    }
    assert failures(graph, "a")["a"].most == 2 * PERCENT


def test_failures_of_an_unknown_hop_are_unknown():
    graph = {"a": hop(bad=0, stages=serial("b")), "b": hop(bad=None)}
    assert failures(graph, "a")["a"].most is None


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Service]:
    """Up to five services with few figures, so that no bound is thinned out."""
    size = draw(st.integers(1, 5))
    made: dict[str, Service] = {}
    for at in range(size):
        later = [f"s{to}" for to in range(at + 1, size)]
        stages = draw(st.lists(st.lists(calls(later), min_size=1, max_size=2), max_size=2)) if later else []
        points = draw(
            st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, WHOLE - 1)), min_size=1, max_size=1)
        )
        made[f"s{at}"] = hop(*points, bad=draw(st.integers(0, WHOLE // 10)), stages=tuple(map(tuple, stages)))
    return made


def calls(names: list[str]) -> st.SearchStrategy[Call]:
    retries = st.none() | st.builds(Retries, st.integers(1, 3), st.integers(1, 9_000), st.integers(0, WHOLE))
    return st.builds(Call, st.sampled_from(names), st.sampled_from([WHOLE, WHOLE // 3]), retries)


def loosened(service: Service, factor: int) -> Service:
    points = [(point.us * factor, min(WHOLE - 1, point.over * factor)) for point in service.promised]
    return hop(*points, bad=min(WHOLE, (service.bad or 0) * factor), stages=service.stages)


@given(graphs(), st.integers(1, 3), st.data())
def test_loosening_a_hop_never_makes_a_root_better(graph, factor, data):
    name = data.draw(st.sampled_from(sorted(graph)))
    looser = {**graph, name: loosened(graph[name], factor)}
    for limit in (100, 3_000, 20_000):
        assert Prover(looser, limit).over("s0", limit) >= Prover(graph, limit).over("s0", limit)
    before, after = failures(graph, "s0")["s0"], failures(looser, "s0")["s0"]
    assert after.most >= before.most
    assert after.likely >= before.likely


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_in_which_a_graph_is_written_changes_nothing(graph, lot):
    names = list(graph)
    lot.shuffle(names)
    other = {}
    for name in names:
        stages = [tuple(lot.sample(stage, len(stage))) for stage in graph[name].stages]
        other[name] = hop(
            *((point.us, point.over) for point in graph[name].promised),
            bad=graph[name].bad,
            stages=tuple(lot.sample(stages, len(stages))),
        )
    assert bound(other, "s0") == bound(graph, "s0")
    assert failures(other, "s0")["s0"] == failures(graph, "s0")["s0"]
