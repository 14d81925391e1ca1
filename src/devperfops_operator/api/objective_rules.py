"""The rules of a gate's objectives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, Final

from devperfops_operator.api import expect
from devperfops_operator.api.rules import AUTO, Rule, matches, quoted

_GOOD: Final = "^ *good"
_VALUE: Final = "^ *value"
_MAY_BE_LATENCY: Final = f"^ *p|^{expect.FROM_SLO}$"
_MAY_BE_GOOD: Final = f"{_GOOD}|^{expect.FROM_SLO}$"
_BUCKETS: Final = r"^ *[a-zA-Z_:][a-zA-Z0-9_:]*_bucket *(\{[^\n]*\} *)?$"
_BY_PROMETHEUS: Final = "^ *(good|value)"
_BASELINE: Final = "baseline"
_MAX_WEIGHT: Final = 100
_PAST: Final = "past"
_NOT_BY_NUMBER: Final = f"^ *value|{expect.COMPARES}"  # of samples


def _expect_problem(text: str) -> str | None:
    if text == expect.FROM_SLO:
        return None
    try:
        expect.parse_expect(text)
    except expect.ExpectError as error:
        return str(error)
    return None


def _is(metric: str, objective: Mapping[str, Any]) -> bool:
    return re.match(metric, objective["expect"]) is not None


def _compares(spec: Mapping[str, Any], reference: str) -> bool:
    return any(re.search(reference, objective["expect"]) for objective in spec.get("objectives", ()))


def _name(objective: Mapping[str, Any]) -> str:
    return str(objective.get("name") or objective.get("sloRef", {}).get("slo") or objective["expect"])


def _cel_name(of: str) -> str:
    return f"(has({of}.name) ? {of}.name : has({of}.sloRef) ? {of}.sloRef.slo : {of}.expect)"


def _distinct_names(objectives: list[Mapping[str, Any]]) -> bool:
    names = Counter(map(_name, objectives))
    return max(names.values(), default=0) <= 1


def _counts_traffic(objectives: Iterable[Mapping[str, Any]]) -> bool:
    critical = [objective for objective in objectives if objective["critical"]]
    return not critical or any(not _is(_VALUE, objective) for objective in critical)


def _may_go_on(spec: Mapping[str, Any]) -> bool:
    jmeter = spec.get("load", {}).get("jmeter", {})
    return "maxDuration" in jmeter and jmeter["duration"] != AUTO


def _fixed_length(objectives: Iterable[Mapping[str, Any]]) -> bool:
    return any(o["critical"] and re.search(_NOT_BY_NUMBER, o["expect"]) for o in objectives)


_ZERO: Final = "[<>=] *0*[.]?0*(ms|s|m|%) *$"
_UNDERSTOOD: Final = (  # the longest beginning that makes sense
    r"^ *(p([1-9][0-9]?(\.[0-9]{1,4})?)? *"
    r"(<=? *([0-9]+(\.[0-9]+)?(ms|s|m)?|(baseline|past) *(\+ *([0-9]+(\.[0-9]+)?%?)?)?)?)?"
    r"|errors *(<=? *([0-9]+(\.[0-9]+)?%?)?)?|good *(>=? *([0-9]+(\.[0-9]+)?%?)?)?"
    r"|value *([<>]=? *(-?[0-9]+(\.[0-9]+)?( +(for( +([0-9]+(\.[0-9]+)?%?)?)?)?)?)?)?)?"
)
_REFUSED: Final = (  # understood, but not to be had; the first that applies
    (
        "^ *(errors|good|value).*(baseline|past)",
        "compares with baseline or past, which only a percentile is: write for example p95 < baseline + 15%",
    ),
    (_ZERO, f"has no limit above 0, which no test can prove: write {expect.EXAMPLES}"),
)
_BOUND: Final = "^ *value *[<>]=? *-?[0-9.]+"
_EXPECTED: Final = (  # what to write, by how far the text goes; the first that applies
    (
        "^ *p($|[^1-9a-z])|^ *p[0-9]{3}",
        "write a percentile of at least 1 and under 100, such as p99 or p99.9",
    ),
    ("^ *(p[0-9.]+|errors)( *$| *[^ <0-9.]| +[0-9])", "write < or <=, such as p99 < 2s or errors < 0.5%"),
    ("^ *good *($|[^ >])", "write > or >=, such as good >= 99.9%"),
    ("^ *value *($|[^ <>])", "write <, <=, > or >=, such as value < 0.8 for 95%"),
    ("^ *value *[<>]=? *($|[^ =0-9-])", "write a number without a unit, such as value < 0.8 for 95%"),
    (f"{_BOUND} +for +(100|[1-9][0-9]?([.][0-9]{{1,4}})?)%", "leave the rest out"),
    (f"{_BOUND} +for ", "write a percentage from 1% to 100%, such as value < 0.8 for 95%"),
    ("^ *value", "write for and a share of the time behind the number, such as value < 0.8 for 95%"),
    (
        "^ *p[0-9.]+ *<=? *(baseline|past) *([^ +]|$|[+] *([^ 0-9]|0|$|[0-9]{4}|[0-9.]+ *([^ 0-9.%]|$)))",
        "write + and a percentage from 1% to 999% behind it, such as p95 < baseline + 15%",
    ),
    ("[0-9](ms|s|m|%) *[^ s]", f"leave the rest out, as in {expect.EXAMPLES}"),
    ("^ *p", "write a time with its unit, such as 300ms, 1.5s or 1m"),
    ("^ *(errors|good)", "write a percentage under 100 with at most four decimals, such as 0.5%"),
)


def _cel_cases(cases: tuple[tuple[str, str], ...], otherwise: str) -> str:
    """The text of the first pattern that `self` matches, as a CEL expression."""
    return reduce(
        lambda rest, case: f"({matches('self', case[0])} ? {quoted(case[1])} : {rest})",
        reversed(cases),
        otherwise,
    )


def _expect_message() -> str:
    """`"p99 2s" is not understood after "p99 ": write < or <= ...`, as a CEL expression."""
    expected = _cel_cases(_EXPECTED, quoted(f"write {expect.EXAMPLES}"))
    understood = f"self.find({quoted(_UNDERSTOOD)})"
    not_understood = f"'is not understood after \"' + {understood} + '\": ' + {expected}"
    return f"'\"' + self + '\" ' + {_cel_cases(_REFUSED, not_understood)}"


EXPECT: Final = Rule(
    cel=f"self == '{expect.FROM_SLO}' || ({matches('self', expect.PATTERN)} && !{matches('self', _ZERO)})",
    message=f"is not understood: write {expect.EXAMPLES}",
    check=_expect_problem,
    message_expression=_expect_message(),
)
SLO_WITH_REF: Final = Rule.of(
    f"(self.expect == '{expect.FROM_SLO}') == has(self.sloRef)",
    lambda objective: (objective["expect"] == expect.FROM_SLO) == ("sloRef" in objective),
    "what is to be held is not said, or twice: write either expect, such as expect: p99 < 2s, or sloRef, "
    "such as sloRef: {configMap: shop-slos, slo: cart-latency}",
)
TARGET: Final = Rule.matching(
    r"^[0-9]{1,2}(\.[0-9]{1,4})?%$",
    '"{self}" is no share under 100: write the target of one of the objectives, such as 99.9%',
)
WEIGHT: Final = Rule.of(
    f"self >= 1 && self <= {_MAX_WEIGHT}",
    lambda value: 1 <= value <= _MAX_WEIGHT,
    f"weight must lie between 1 and {_MAX_WEIGHT}: write how much the objective counts beside the others, "
    "such as 3; one that decides nothing is critical: false",
)
GOOD_WITH_TOTAL: Final = Rule.of(
    "has(self.good) == has(self.total)",
    lambda objective: ("good" in objective) == ("total" in objective),
    "good and total belong together: write both, two queries that give raw counters at Prometheus",
)
GOOD_HAS_QUERIES: Final = Rule.of(
    f"!{matches('self.expect', _GOOD)} || has(self.good) || has(self.total)",
    lambda objective: not _is(_GOOD, objective) or "good" in objective or "total" in objective,
    'expect "{self.expect}" needs its two counters at Prometheus: write the queries good and total',
)
QUERIES_HAVE_GOOD: Final = Rule.of(
    f"{matches('self.expect', _MAY_BE_GOOD)} || !(has(self.good) || has(self.total))",
    lambda objective: _is(_MAY_BE_GOOD, objective) or not ("good" in objective or "total" in objective),
    'expect "{self.expect}" is not judged by the counters good and total: '
    "leave them out, or write expect: good >= 99.9%",
)
VALUE_WITH_QUERY: Final = Rule.of(
    f"{matches('self.expect', _VALUE)} == has(self.query)",
    lambda objective: _is(_VALUE, objective) == ("query" in objective),
    'query and expect "{self.expect}" do not fit together: write a query, which gives a gauge at Prometheus, '
    "for value < 0.8 for 95%, and for nothing else",
)
BUCKETS: Final = Rule.matching(
    _BUCKETS,
    "does not select the buckets of one histogram: write the name that ends in _bucket and its labels "
    'in one line, such as http_request_duration_seconds_bucket{app="cart"}; the operator chooses the bucket',
)
HISTOGRAM_HAS_LATENCY: Final = Rule.of(
    f"!has(self.histogram) || {matches('self.expect', _MAY_BE_LATENCY)}",
    lambda objective: "histogram" not in objective or _is(_MAY_BE_LATENCY, objective),
    'expect "{self.expect}" is not judged by a histogram: leave histogram out, or write expect: p99 < 2s',
)
COMPARED_HAS_SAMPLES: Final = Rule.of(
    f"!(has(self.histogram) && {matches('self.expect', expect.COMPARES)})",
    lambda objective: not ("histogram" in objective and re.search(expect.COMPARES, objective["expect"])),
    'expect "{self.expect}" is judged by samples of the load: leave histogram out, or write expect: p99 < 2s',
)
TRANSACTION_HAS_SAMPLES: Final = Rule.of(
    f"!has(self.transaction) || !(has(self.histogram) || {matches('self.expect', _BY_PROMETHEUS)})",
    lambda objective: (
        "transaction" not in objective or not ("histogram" in objective or _is(_BY_PROMETHEUS, objective))
    ),
    'expect "{self.expect}" is judged by Prometheus, which knows no transactions of JMeter: '
    "leave transaction out, and write what is to be selected into the query",
)
SOME_OBJECTIVE: Final = Rule.of(
    "has(self.objectives) && self.objectives.size() > 0",
    lambda spec: bool(spec.get("objectives")),
    "there is no objective: write at least one, such as objectives: [{expect: p99 < 2s}]",
    field="objectives",
)
SOME_CRITICAL: Final = Rule.of(
    "!has(self.objectives) || self.objectives.size() == 0 || self.objectives.exists(o, o.critical)",
    lambda spec: not spec.get("objectives") or any(o["critical"] for o in spec["objectives"]),
    "no objective is critical, so nothing could fail a release: "
    "leave critical: false out of at least one, or write critical: true",
    field="objectives",
)
DISTINCT_NAMES: Final = Rule.of(
    f"self.all(a, self.exists_one(b, {_cel_name('a')} == {_cel_name('b')}))",
    _distinct_names,
    "two objectives have the same name (without name, that of the SLO or the text of expect is the name): "
    "write different names",
)
LIVE_HAS_NO_SAMPLES: Final = Rule.of(
    "!has(self.live) || !has(self.objectives)"
    " || self.objectives.all(o, has(o.histogram) || has(o.good)"
    f" || {matches('o.expect', _BY_PROMETHEUS)})",
    lambda spec: (
        "live" not in spec
        or all("histogram" in o or "good" in o or _is(_BY_PROMETHEUS, o) for o in spec.get("objectives", ()))
    ),
    "without load there are no samples of JMeter to judge: give each latency objective the histogram of a "
    "Prometheus server, and write good and total in place of errors",
    field="objectives",
)
LIVE_COUNTS_TRAFFIC: Final = Rule.of(
    "!has(self.live) || !has(self.objectives) || !self.objectives.exists(o, o.critical)"
    f" || self.objectives.exists(o, o.critical && !{matches('o.expect', _VALUE)})",
    lambda spec: "live" not in spec or _counts_traffic(spec.get("objectives", ())),
    "no critical objective counts requests, so a service that nobody used would look good: write one with "
    "good and total, such as expect: good >= 99.9%, or one with histogram, beside the gauges",
    field="objectives",
)
BASELINE_IS_LOADED: Final = Rule.of(
    "!has(self.objectives) || (has(self.load) && has(self.load.baseline))"
    f" || !self.objectives.exists(o, {matches('o.expect', _BASELINE)})",
    lambda spec: "baseline" in spec.get("load", {}) or not _compares(spec, _BASELINE),
    "an objective compares with a baseline, and none is loaded: write load.baseline with the host of a "
    "release to compare with, such as baseline: {host: shop-stable}",
    field="objectives",
)
BASELINE_IS_COMPARED: Final = Rule.of(
    "!has(self.load) || !has(self.load.baseline) || !has(self.objectives)"
    f" || self.objectives.exists(o, {matches('o.expect', _BASELINE)})",
    lambda spec: (
        "baseline" not in spec.get("load", {}) or "objectives" not in spec or _compares(spec, _BASELINE)
    ),
    "no objective compares with load.baseline: write one such as expect: p95 < baseline + 15%, "
    "or leave load.baseline out",
    field="objectives",
)
PAST_HAS_RATE: Final = Rule.of(
    "!has(self.objectives) || (has(self.load) && has(self.load.jmeter.rate))"
    f" || !self.objectives.exists(o, {matches('o.expect', _PAST)})",
    lambda spec: "rate" in spec.get("load", {}).get("jmeter", {}) or not _compares(spec, _PAST),
    "an objective compares with earlier runs, which are to have had the same load: write load.jmeter.rate, "
    "such as rate: 50/s",
    field="objectives",
)
SAMPLES_EXTEND: Final = Rule.of(
    "!has(self.objectives) || !has(self.load) || !has(self.load.jmeter.maxDuration)"
    " || self.load.jmeter.duration == 'auto'"
    f" || !self.objectives.exists(o, o.critical && {matches('o.expect', _NOT_BY_NUMBER)})",
    lambda spec: not (_may_go_on(spec) and _fixed_length(spec.get("objectives", ()))),
    "a critical objective is judged over all of the test's time (a gauge, or a comparison), "
    "so a load cannot go on for it: leave load.jmeter.maxDuration out and write a longer duration",
    field="objectives",
)
QUERIES_HAVE_PROMETHEUS: Final = Rule.of(
    "has(self.prometheus) || !has(self.objectives)"
    " || !self.objectives.exists(o, has(o.good) || has(o.total) || has(o.histogram) || has(o.query))",
    lambda spec: (
        "prometheus" in spec
        or not any({"good", "total", "histogram", "query"} & o.keys() for o in spec.get("objectives", ()))
    ),
    "an objective with good and total, with histogram or with query needs prometheus: "
    "write the name of a Prometheus server from the operator's settings, such as prometheus: monitoring",
    field="prometheus",
)
