"""Derived objectives prove the SLAs they were derived from, in proportion to what was measured."""

from __future__ import annotations

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from devperfops_operator.analysis.callgraph.graph import WHOLE, Point
from devperfops_operator.api.documents import read
from devperfops_operator.api.openslo import promises, to_yaml
from devperfops_operator.domain.slo.check import check
from devperfops_operator.domain.slo.derive import derive, undivided
from devperfops_operator.domain.slo.figures import figures
from devperfops_operator.domain.slo.judged import Standing
from devperfops_operator.domain.slo.objectives import promises_of
from tests.unit.domain.slo.world import graph

SHOP = """
- name: front
  latency: [{source: Measured, quantiles: {p50: 5ms, p99: 10ms, p99.9: 20ms, max: 50ms}}]
  availability: {expect: good >= 99.99%, source: Measured}
  calls:
  - {to: cart}
  - parallel: [{to: payment, fraction: 50%, retries: {attempts: 2, timeout: 400ms, commonCause: 20%}}, {to: stock}]
- name: cart
  latency: [{source: Measured, quantiles: {p50: 20ms, p99: 40ms, p99.9: 80ms, max: 150ms}}]
  availability: {expect: good >= 99.95%, source: Measured}
- name: payment
  latency: [{source: Measured, quantiles: {p50: 90ms, p99: 160ms, p99.9: 200ms, max: 900ms}}]
  availability: {expect: good >= 99.9%, source: SLA}
- name: stock
  latency: [{expect: p99 < 60ms, source: SLO}]
  availability: {expect: good >= 99.95%, source: Assumed}
"""


def test_thresholds_are_in_proportion_and_fill_the_sla():
    shares, objectives = derive(figures(graph(SHOP, "p99 < 600ms")))
    assert shares[0].factor == 599_999 / 300_000  # 20 + 80 + 200 ms, the stock's 60 ms beside
    assert objectives["front"].points == (Point(39_000, 2_800 * WHOLE // 10**6),)
    assert objectives["cart"].points == (Point(150_000, 2_800 * WHOLE // 10**6),)
    assert objectives["payment"].points == (Point(390_000, 2_800 * WHOLE // 10**6),)
    assert objectives["stock"].points == (Point(110_000, 2_800 * WHOLE // 10**6),)


def test_no_threshold_is_beyond_the_timeout_of_a_first_try():
    _, objectives = derive(figures(graph(SHOP, "p99 < 9s")))
    assert objectives["payment"].points[0].us <= 400_000


def test_the_strictest_of_several_slas_counts():
    spec = graph(SHOP, "p99 < 600ms", "p99.9 < 10s", "good >= 99%", "good >= 99.5%")
    _, objectives = derive(figures(spec))
    alone = derive(figures(graph(SHOP, "p99.9 < 10s", "good >= 99.5%")))[1]
    assert objectives["front"].bad == alone["front"].bad
    assert objectives["cart"].points == derive(figures(graph(SHOP, "p99.9 < 10s")))[1]["cart"].points


def test_a_hop_without_any_figure_is_named():
    spec = graph(SHOP.replace("[{expect: p99 < 60ms, source: SLO}]", "[]"), "p99 < 600ms")
    shares, objectives = derive(figures(spec))
    assert objectives == {}
    assert undivided(shares[0]) == (
        "p99 < 600ms of front cannot be divided: nothing is promised or measured of stock (its time); "
        "write a figure, Assumed if need be"
    )


def test_timeouts_that_cut_too_often_are_told():
    spec = graph(SHOP.replace("400ms", "10ms"), "good >= 99.9%")
    (share,) = derive(figures(spec))[0]
    assert undivided(share).endswith("write longer ones, or an SLA of time at a higher quantile")


@settings(max_examples=40)
@given(
    st.sampled_from(["p95", "p99", "p99.9"]),
    st.integers(1, 9_999),
    st.sampled_from(["99%", "99.5%", "99.9%"]),
)
def test_derived_openslo_documents_guarantee_the_slas(quantile, limit_ms, good):
    spec = graph(SHOP, f"{quantile} < {limit_ms}ms", f"good >= {good}")
    shares, objectives = derive(figures(spec))
    assume(all(share.factor is not None for share in shares))
    text = to_yaml(promises_of(spec, objectives), "derived")
    promised, findings = promises(list(read("derived.yaml", text)))
    assert findings == []
    bare = yaml.safe_load(SHOP)
    for service in bare:
        service.pop("latency")
        service.pop("availability")
    bare_spec = graph(yaml.safe_dump(bare), *spec.roots[0].sla)
    assert [each.standing for each in check(figures(bare_spec, promised))] == 2 * [Standing.GUARANTEED]
