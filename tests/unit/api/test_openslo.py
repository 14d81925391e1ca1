"""OpenSLO v1 documents: which promises they hold, and what cannot be read."""

from __future__ import annotations

from fractions import Fraction

import pytest

from devperfops_operator.api.documents import read
from devperfops_operator.api.lint import Severity
from devperfops_operator.api.openslo import Promise, promises, to_yaml

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: cart-latency}
spec:
  service: cart
  indicatorRef: cart-seconds
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
  - {op: lte, value: 0.3, target: 0.99}
"""
SLI = """\
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: cart-seconds}
spec:
  METRIC: {metricSource: {type: Prometheus, spec: {query: up}}}
"""


def found(text: str):
    return promises(list(read("slo.yaml", text)))


def test_a_threshold_is_a_promise_about_a_time_in_seconds():
    assert found(SLO) == ([Promise("cart", "cart-latency", Fraction("0.99"), 300_000)], [])


def test_a_target_may_be_a_percentage():
    (promise,) = found(SLO.replace("target: 0.99", "targetPercent: 99.9"))[0]
    assert promise.target == Fraction("0.999")


def test_an_annotation_tells_another_unit_and_an_endpoint():
    annotated = "{name: a, annotations: {devperfops.io/unit: ms, devperfops.io/endpoint: GET /}}"
    (promise,) = found(SLO.replace("{name: cart-latency}", annotated).replace("0.3", "300"))[0]
    assert promise == Promise("cart", "a", Fraction("0.99"), 300_000, "GET /")


def test_an_objective_without_a_threshold_is_a_share_of_good_events():
    (promise,) = found(SLO.replace("op: lte, value: 0.3, ", "") + SLI.replace("METRIC", "ratioMetric"))[0]
    assert promise.us is None


def test_other_documents_are_passed_over():
    assert found("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: cart}\n") == ([], [])
    assert found(SLO.replace("openslo/v1", "openslo/v1alpha")) == ([], [])


@pytest.mark.parametrize(
    ("right", "wrong", "field", "said"),
    [
        (
            "target: 0.99",
            "target: 99",
            "spec.objectives[0].target",
            "99 is no share: write a number above 0 and under 1",
        ),
        ("target: 0.99", "x: 1", "spec.objectives[0].target", "nothing is no number: write which share"),
        ("op: lte", "op: gte", "spec.objectives[0].op", "gte is no limit for a time: write lte or lt"),
        ("value: 0.3", "value: 0", "spec.objectives[0].value", "0 is no time: write a value above 0"),
        ("service: cart", "x: 1", "spec", "has no service"),
        (
            "cart-latency}",
            "a, annotations: {devperfops.io/unit: min}}",
            "metadata.annotations.devperfops.io/unit",
            "s or ms",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_field(right: str, wrong: str, field: str, said: str) -> None:
    promised, (finding,) = found(SLO.replace(right, wrong))
    assert promised == []
    assert finding.path == field
    assert said in finding.message
    assert finding.severity is Severity.ERROR


def test_slices_of_time_prove_nothing_of_requests_and_are_left_out():
    promised, (finding,) = found(SLO.replace("Occurrences", "Timeslices"))
    assert promised == []
    assert finding.severity is Severity.WARNING


def test_a_threshold_and_its_indicator_must_fit_together():
    _, (finding,) = found(SLO + SLI.replace("METRIC", "ratioMetric"))
    assert "belongs to a thresholdMetric" in finding.message
    _, (finding,) = found(SLO.replace("value: 0.3, ", "") + SLI.replace("METRIC", "thresholdMetric"))
    assert "nothing is no number: write the threshold" in finding.message


def test_what_is_written_is_read_again():
    promised = [
        Promise("cart", "cart-latency", Fraction("0.99"), 300_000),
        Promise("cart", "cart-latency", Fraction("0.999"), 1_500_000),
        Promise("front", "front-get-availability", Fraction("0.9995"), None, "GET /"),
    ]
    assert found(to_yaml(promised, "why")) == (promised, [])
