"""Which targets without a sample belong to an objective's counters."""

from __future__ import annotations

import pytest

from devperfops_operator.analysis.series import Series
from devperfops_operator.analysis.targets import FailedScrapes, JudgedPods, jobs, selects, unscraped

POD = {"job": "pods", "namespace": "shop", "app": "cart", "pod": "cart-5d4f-x2x4k", "instance": "10.0.0.7:80"}


@pytest.mark.parametrize(
    "selector",
    [
        "requests_total",
        'requests_total{code="200"}',  # about the series, and no target has it
        "requests_total{app='cart', code!~\"5..\"}",
        'requests_total{pod=~"cart-.*",namespace!="bank"}',
        "requests_total{ app =~ `cart|shop` , }",
        r'requests_total{pod=~"cart-[0-9a-z]+-\\w{5}", path!="}"}',
    ],
)
def test_a_target_is_of_the_selector_if_nothing_speaks_against_it(selector: str) -> None:
    assert selects(selector, POD)


@pytest.mark.parametrize(
    "selector",
    [
        'requests_total{app="orders"}',
        'requests_total{app!="cart"}',
        'requests_total{code="200", pod=~"cart"}',  # a part of the value is not enough
        'requests_total{namespace!~"shop|bank"}',
    ],
)
def test_a_target_whose_labels_disagree_is_not(selector: str) -> None:
    assert not selects(selector, POD)


@pytest.mark.parametrize(
    ("labels", "count", "found"),
    [
        ({}, 40, ["cart-5d4f-x2x4k"]),
        ({}, 9, ["cart-5d4f-x2x4k"]),
        ({}, 8, []),  # one that came late, or is about to go
        ({"pod": "cart-primary-5d4f-x2x4k"}, 40, []),
        ({"pod": "orders-5d4f-x2x4k"}, 40, []),
        ({"app": "orders"}, 40, []),
    ],
)
def test_a_pod_of_the_deployment_that_missed_more_than_a_fifth_of_its_scrapes_is_missing(
    labels: dict[str, str], count: int, found: list[str]
) -> None:
    failed = [FailedScrapes({**POD, **labels}, count)]
    assert unscraped(failed, 'requests_total{app="cart"}', JudgedPods("cart"), 40) == found


def test_pods_of_the_revision_before_may_go() -> None:
    old, new = ({**POD, "pod": f"cart-{revision}-x2x4k"} for revision in ("5d4f", "7c9d"))
    failed = [FailedScrapes(old, 40), FailedScrapes(new, 40)]
    tested = JudgedPods("cart", frozenset({"cart-7c9d"}))
    assert unscraped(failed, "requests_total", tested, 40) == ["cart-7c9d-x2x4k"]


def test_without_the_name_of_its_pod_a_target_is_called_by_its_address() -> None:
    failed = [FailedScrapes({"job": "shop", "instance": "10.0.0.7:80"}, 40)]
    assert unscraped(failed, "requests_total", JudgedPods("cart"), 40) == ["10.0.0.7:80"]


def test_the_jobs_are_those_of_the_series() -> None:
    assert jobs([Series({"job": name} if name else {}, ()) for name in ("b", "a", "b", "")]) == ["a", "b"]
