"""The proof of `slo check`, small: nothing that is called guaranteed breaks when it is played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.slo import Player, Together, play_graphs, random_case
from devperfops_operator.analysis.callgraph.graph import Service, Stage, visits
from devperfops_operator.domain.slo.judged import Standing


def test_no_sla_called_guaranteed_breaks_however_hops_hang_together():
    tally = play_graphs(40, seed=7, requests=4_000, services=6)
    assert tally.broken == []
    assert tally.said[Standing.GUARANTEED] >= 12
    assert tally.said[Standing.CONTRADICTED] >= 2


def test_calls_are_played_as_often_as_the_graph_says():
    rng = np.random.default_rng(1)
    case = random_case(rng, 6)
    graph = {name: replace(service, stages=untried(service)) for name, service in case.graph.items()}
    _, failed = Player(replace(case, graph=graph), rng, 50_000, Together.NOTHING).play("s0")
    expected = sum(weight * case.truths[name].bad for name, weight in visits(graph, "s0").items())
    assert failed.mean() == pytest.approx(expected, abs=0.002)


def untried(service: Service) -> tuple[Stage, ...]:
    return tuple(tuple(replace(call, retries=None) for call in stage) for stage in service.stages)
