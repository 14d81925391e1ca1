"""Guaranteed, plausible, contradicted: by which hop, and with which arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest

from devperfops_operator.analysis.callgraph.graph import WHOLE
from devperfops_operator.api.openslo import Promise
from devperfops_operator.domain.slo.judged import Standing
from tests.unit.domain.slo.world import judged

PERCENT = WHOLE // 100
FIVE = "abcde"


def chain(latency: str, names: str = FIVE, extra: str = "") -> str:
    """The first calls the others, one after the other."""
    calls = ", ".join(f"{{to: {name}}}" for name in names[1:])
    hops = "\n".join(f"- {{name: {name}, latency: [{latency}]}}" for name in names[1:])
    return f"- {{name: front, latency: [{latency}], calls: [{calls}]{extra}}}\n{hops}"


def promise(expect: str, source: str = "SLO") -> str:
    return f"{{expect: '{expect}', source: {source}}}"


STALLS = "{source: Measured, quantiles: {p0: 45ms, p99.2: 50ms, p99.2001: 1.99s, max: 2s}}"


def test_objectives_that_add_up_guarantee_the_sla():
    found = judged(chain(promise("p99.8 < 50ms")), "p99 < 250ms")
    assert found.standing is Standing.GUARANTEED
    assert found.share == PERCENT
    assert [(line.hop, line.share, line.us) for line in found.lines] == [
        (name, WHOLE // 500, 49_999) for name in ("front", *FIVE[1:])
    ]


def test_an_inclusive_objective_does_not_fit_into_an_exclusive_sla_of_the_same_time():
    assert judged(chain(promise("p99 <= 250ms"), "a"), "p99 < 250ms").standing is Standing.CONTRADICTED
    assert judged(chain(promise("p99 < 250ms"), "a"), "p99 < 250ms").standing is Standing.GUARANTEED


def test_the_sum_of_p99s_is_warned_of_and_proves_nothing():
    found = judged(chain(promise("p99 < 50ms")), "p99 < 250ms")
    assert found.standing is Standing.PLAUSIBLE
    assert found.share == 5 * PERCENT
    assert "up to 5% of the requests may be over (1% allowed)" in found.reason
    (warning,) = found.warnings
    assert "the p99s of the 5 hops add up to 250 ms, which is no p99 of the whole" in warning


def test_five_hops_that_stall_contradict_what_their_p99s_seem_to_keep():
    found = judged(chain(STALLS), "p99 < 250ms")
    assert found.standing is Standing.CONTRADICTED
    assert found.likely_share.least == pytest.approx(1 - 0.992**5, abs=1e-5)
    assert found.likely_us.least <= 2_200_000 <= found.likely_us.most
    assert found.by == ("b", "c")
    assert "3.936" in found.reason
    assert "add up to 250 ms" in found.warnings[0]


def test_a_hop_looser_than_its_root_contradicts_it_alone():
    services = (
        chain(promise("p99.9 < 20ms"), "ab") + "\n- {name: c, latency: [{expect: p99 < 3s, source: SLO}]}"
    )
    found = judged(services.replace("{to: b}", "{to: b}, {to: c}"), "p99 < 2s")
    assert found.standing is Standing.CONTRADICTED
    assert found.by == ("c",)
    assert (
        "c (SLO: p99 < 3s) may break it alone and keep its own objective; ask for one below 2 s"
        in found.reason
    )


def test_a_hop_with_a_looser_quantile_contradicts_its_root_too():
    assert judged(chain(promise("p95 < 20ms"), "ab"), "p99 < 2s").by == ("front", "b")


def test_a_loose_hop_that_is_called_seldom_enough_is_none():
    services = """
    - {name: front, latency: [{expect: p99.9 < 20ms, source: SLO}], calls: [{to: b, fraction: 0.5%}]}
    - {name: b, latency: [{expect: p99 < 3s, source: SLO}]}
    """
    assert judged(services, "p99 < 2s").standing is Standing.GUARANTEED


def test_a_cache_makes_calls_as_seldom_as_a_fraction():
    services = """
    - {name: front, latency: [{expect: p99.9 < 20ms, source: SLO}], calls: [{to: b, cacheHits: 99.5%}]}
    - {name: b, latency: [{expect: p99 < 3s, source: SLO}]}
    """
    assert judged(services, "p99 < 2s").standing is Standing.GUARANTEED


def test_tries_eat_the_latency_budget():
    services = """
    - name: front
      latency: [{expect: p99.9 < 20ms, source: SLO}]
      calls: [{to: b, retries: {attempts: 3, timeout: TIMEOUT, commonCause: 0%}}]
    - {name: b, latency: [{expect: p95 < 100ms, source: SLO}]}
    """
    assert judged(services.replace("TIMEOUT", "100ms"), "p99 < 350ms").standing is Standing.GUARANTEED
    late = judged(services.replace("TIMEOUT", "300ms"), "p99 < 350ms")
    assert late.standing is Standing.CONTRADICTED
    assert late.warnings[0] == (
        "the 3 tries of 300 ms of front's call of b last up to 900 ms, and the SLA is 350 ms: write a shorter "
        "timeout or fewer attempts"
    )


def test_parallel_calls_take_as_long_as_the_longest():
    services = """
    - name: front
      latency: [{expect: p99.8 < 10ms, source: SLO}]
      calls: [{parallel: [{to: b}, {to: c}]}]
    - {name: b, latency: [{expect: p99.8 < 80ms, source: SLO}]}
    - {name: c, latency: [{expect: p99.8 < 60ms, source: SLO}]}
    """
    found = judged(services, "p99 < 90ms")
    assert found.standing is Standing.GUARANTEED
    assert [(line.hop, line.us) for line in found.lines] == [("front", 9_999), ("b", 79_999), ("c", None)]


def test_nothing_is_guaranteed_by_what_is_assumed():
    found = judged(chain(promise("p99.8 < 50ms", "Assumed")), "p99 < 250ms")
    assert found.standing is Standing.PLAUSIBLE
    assert "nothing is promised or measured of front (Assumed: p99.8 < 50ms)" in found.reason
    assert found.reason.count("(") == 3
    assert "and 2 more" in found.reason


def test_a_promise_that_is_not_kept_is_told():
    services = f"- {{name: front, latency: [{promise('p99.9 < 100ms')}, {STALLS}]}}"
    found = judged(services, "p99 < 3s")
    assert found.warnings == ("front does not keep p99.9 <= 100 ms: as measured, 0.7999% is over",)


def test_an_openslo_promise_counts_as_one_of_the_graph():
    services = chain(promise("p99.9 < 20ms"), "a").replace("]}", "], calls: [{to: b}]}") + "\n- {name: b}"
    assert judged(services, "p99 < 200ms").standing is Standing.PLAUSIBLE
    promised = [Promise("b", "b-latency", Fraction("0.995"), 150_000)]
    found = judged(services, "p99 < 200ms", promised)
    assert found.standing is Standing.GUARANTEED


def available(*shares: str, extra: str = "") -> str:
    names = FIVE[: len(shares)]
    calls = ", ".join(f"{{to: {name}{extra}}}" for name in names[1:])
    return "\n".join(
        f"- {{name: {'front' if name == 'a' else name}, availability: {{expect: good >= {share}, source: SLO}}"
        + (f", calls: [{calls}]}}" if name == "a" else "}")
        for name, share in zip(names, shares, strict=True)
    )


def test_five_times_99_9_percent_is_no_99_9_percent():
    found = judged(available(*5 * ["99.9%"]), "good >= 99.9%")
    assert found.standing is Standing.CONTRADICTED
    assert "0.499% of the requests fail" in found.reason
    assert len(found.by) == 2


def test_availabilities_that_add_up_guarantee_the_sla():
    found = judged(available(*5 * ["99.98%"]), "good >= 99.9%")
    assert found.standing is Standing.GUARANTEED
    assert found.share == WHOLE // 1000


def test_between_the_product_and_the_sum_nothing_is_certain():
    found = judged(available("99%", "99%"), "good >= 98.005%")
    assert found.standing is Standing.PLAUSIBLE


def test_tries_and_copies_help_as_far_as_causes_are_not_common():
    retried = available("99.99%", "99%", extra=", retries: {attempts: 2, timeout: 1s, commonCause: 1%}")
    quick = ", latency: [{source: SLO, expect: p99.9999 < 100ms}]"
    retried = retried.replace("name: b", f"name: b{quick}")
    assert judged(retried, "good >= 99.9%").standing is Standing.GUARANTEED
    assert judged(retried.replace("1%}", "50%}"), "good >= 99.9%").standing is Standing.CONTRADICTED
    copied = available("99.99%", "99%").replace(
        "name: b", "name: b, redundancy: {copies: 2, commonCause: 1%}"
    )
    assert judged(copied, "good >= 99.9%").standing is Standing.GUARANTEED


def test_what_is_known_may_contradict_whatever_is_not():
    services = available("99.9%", "99.9%").replace("{to: b}", "{to: b}, {to: c}") + "\n- {name: c}"
    assert judged(services, "good >= 99.9%").standing is Standing.CONTRADICTED


def test_a_hop_without_a_figure_keeps_everything_open():
    found = judged(available("99.99%", "99.99%") + "\n- {name: c}", "good >= 99.9%")
    assert found.standing is Standing.GUARANTEED  # nobody calls c
    found = judged(
        available("99.99%", "99%").replace("99%, source: SLO}}", "99%, source: Assumed}}"), "good >= 98%"
    )
    assert "nothing is promised or measured of how often b (Assumed: good >= 99%) fails" in found.reason
