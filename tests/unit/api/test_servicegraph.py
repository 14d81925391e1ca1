"""A ServiceGraph that is wrong: file, line, field, what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from devperfops_operator.api.lint import PlanReader, lint

GRAPH = """\
apiVersion: devperfops.io/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  roots:
  - {service: front, sla: [p99 < 2s]}
  services:
  - name: front
    latency: [{expect: p99 < 1s, source: SLO}]
    calls:
    - {to: cart}
  - name: cart
    latency: [{source: Measured, quantiles: {p50: 10ms, p99: 80ms}}]
    availability: {expect: good >= 99.9%, source: SLA}
"""


def findings(text: str) -> list[str]:
    reader = PlanReader(lambda *_: [], lambda *_: None)
    return [f"{each.line}: {each.path}: {each.message}" for each in lint([("graph.yaml", text)], reader)]


def test_a_sound_graph_has_no_finding():
    assert findings(GRAPH) == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            "{to: cart}",
            "{to: cart, fraction: 120%}",
            '11: spec.services[0].calls[0].fraction: "120%" is no share: write a percentage from 0% to 100%, such as 60%',
        ),
        (
            "{to: cart}",
            "{to: basket}",
            (
                "11: spec.services[0].calls[0].to: there is no service basket: write it under spec.services, or correct "
                "the name"
            ),
        ),
        (
            "{to: cart}",
            "{to: cart, endpoint: GET /}",
            (
                "11: spec.services[0].calls[0].endpoint: cart has no endpoint GET /: write it under its endpoints, or "
                "leave it out"
            ),
        ),
        (
            "{service: front, ",
            "{service: shop, ",
            "6: spec.roots[0].service: there is no service shop: write it under spec.services, or correct the name",
        ),
        (
            "availability: {expect: good >= 99.9%, source: SLA}",
            "calls: [{to: front}]",
            (
                "14: spec.services[1].calls[0]: front -> cart -> front is a cycle, whose time has no end: take one of "
                "these calls out"
            ),
        ),
        (
            "  - name: cart",
            "  - {name: cart}\n  - name: cart",
            "13: spec.services[2].name: cart is there twice: write all its figures in one place",
        ),
        (
            "[{expect: p99 < 1s, source: SLO}]",
            "[{expect: errors < 1%, source: SLO}]",
            '9: spec.services[0].latency[0].expect: "errors < 1%" promises no time: write for example p99 < 300ms',
        ),
        (
            "[{expect: p99 < 1s, source: SLO}]",
            "[{source: SLO}]",
            "9: spec.services[0].latency[0]: write exactly one of expect, quantiles and histogram",
        ),
        (
            "p99: 80ms",
            "p99: 8ms",
            "13: spec.services[1].latency[0].quantiles: p99 (8ms) is below p50 (10ms): correct one",
        ),
        (
            "p99: 80ms",
            "q99: 80ms",
            '13: spec.services[1].latency[0].quantiles: "q99" is no quantile: write for example p50, p99.9 or max',
        ),
        (
            "quantiles: {p50: 10ms, p99: 80ms}",
            "histogram: [{le: 10ms, count: 5}, {le: 5ms, count: 9}]",
            (
                "13: spec.services[1].latency[0].histogram: does not count as Prometheus does: write ascending edges, at "
                "each the count of everything up to it, and at the end {le: +Inf, count: ...} of all requests, more than 0"
            ),
        ),
        (
            "p99: 80ms",
            "p99: 80",
            (
                '13: spec.services[1].latency[0].quantiles.p99: 80 is of the wrong type: write a text (in "quotes" if it '
                "looks like something else)"
            ),
        ),
        (
            "expect: good >= 99.9%",
            "expect: p99 < 1s",
            (
                '14: spec.services[1].availability.expect: "p99 < 1s" is no share of good requests: write for example '
                "good >= 99.9%"
            ),
        ),
        (
            "[p99 < 2s]",
            "[errors < 1%]",
            (
                "6: spec.roots[0].sla: must promise a time or a share of good requests: write for example "
                "[p99 < 2s, good >= 99.9%]"
            ),
        ),
        (
            "{to: cart}",
            "{to: cart, parallel: [{to: cart}]}",
            "11: spec.services[0].calls[0]: write either to: SERVICE, or parallel: [{to: SERVICE}, ...]",
        ),
        (
            "{to: cart}",
            "{to: cart, retries: {attempts: 0, timeout: 1s}}",
            (
                "11: spec.services[0].calls[0].retries.attempts: attempts must lie between 1 and 10: write all tries, the "
                "first one too, such as 2"
            ),
        ),
        (
            "{to: cart}",
            "{to: cart, fractions: 10%}",
            "11: spec.services[0].calls[0].fractions: there is no field fractions: write fraction",
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(right: str, wrong: str, said: str) -> None:
    assert findings(GRAPH.replace(right, wrong, 1)) == [said]


def test_an_endpoint_has_cycles_of_its_own():
    text = GRAPH.replace(
        "    availability: {expect: good >= 99.9%, source: SLA}\n",
        "    endpoints:\n    - {name: GET /, calls: [{to: front}]}\n",
    )
    assert findings(text) == []
    (found,) = findings(text.replace("{to: cart}", "{to: cart, endpoint: GET /}"))
    assert "front -> cart GET / -> front is a cycle" in found


def test_the_shop_of_the_examples_is_sound():
    text = (Path(__file__).parents[3] / "examples/slo/graph.yaml").read_text()
    assert findings(text) == []
