"""A first graph from counters: it is sound, and says what the counters say."""

from __future__ import annotations

import yaml

from devperfops_operator.api.lint import PlanReader, lint
from devperfops_operator.domain.slo.discovery import Seen, discovered

SEEN = Seen(
    calls={("user", "front"): 1000, ("front", "cart"): 2500, ("front", "stock"): 100, ("cart", "db"): 2500},
    failed={("user", "front"): 12.5, ("front", "cart"): 2.5, ("cart", "db"): 2.5},
    buckets={"cart": {10: 1000, 50: 2400, 100: 2475, 250: 2500, float("inf"): 2500}},
)


def services(seen: Seen):
    return {each["name"]: each for each in discovered(seen, "shop", ["p99 < 2s"])["spec"]["services"]}


def test_the_graph_is_sound_and_begins_where_users_come_in():
    graph = discovered(SEEN, "shop", ["p99 < 2s", "good >= 99%"])
    assert graph["spec"]["roots"] == [{"service": "front", "sla": ["p99 < 2s", "good >= 99%"]}]
    assert lint([("graph.yaml", yaml.safe_dump(graph))], PlanReader(lambda *_: [], lambda *_: None)) == []


def test_calls_are_written_as_often_as_they_are_made():
    found = services(SEEN)
    assert found["front"]["calls"] == [
        {"to": "cart"},
        {"to": "cart"},
        {"to": "cart", "fraction": "50.00%"},
        {"to": "stock", "fraction": "10.00%"},
    ]
    assert found["cart"]["calls"] == [{"to": "db"}]


def test_failures_of_calls_are_not_a_services_own():
    found = services(SEEN)
    assert found["front"]["availability"]["expect"] == "good >= 99%"  # 1.25 % failed, 0.25 % by the cart
    assert found["cart"]["availability"]["expect"] == "good >= 99.9999%"  # all by its database
    assert found["db"]["availability"]["expect"] == "good >= 99.9%"


def test_times_that_few_requests_exceed_are_promises_and_no_distribution():
    assert services(SEEN)["cart"]["latency"] == [
        {"source": "Measured", "expect": "p96 <= 50ms"},
        {"source": "Measured", "expect": "p99 <= 100ms"},
        {"source": "Measured", "expect": "p99.9999 <= 250ms"},
    ]


def test_a_root_that_nobody_counts_is_found_by_its_calls():
    seen = Seen({("front", "cart"): 10}, {})
    graph = discovered(seen, "shop", ["p99 < 2s"])["spec"]
    assert [root["service"] for root in graph["roots"]] == ["front"]
    assert services(seen)["front"] == {"name": "front", "calls": [{"to": "cart"}]}
