"""From Envoy's and Istio's configuration to limits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import yaml

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.check import check
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Reading
from devperfops_operator.domain.quota.finding import Verdict
from devperfops_operator.domain.quota.rate_limits import Told, documents, rate_limits
from devperfops_operator.domain.quota.terms import Terms
from tests.unit.domain.quota.limits import NOW, Observed

TYPE = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
ALL = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
ON = {"filter_enabled": ALL, "filter_enforced": ALL}


def bucket(most: int, fill: int | None = None, every: str = "60s") -> dict[str, Any]:
    told = {} if fill is None else {"tokens_per_fill": fill}
    return {"max_tokens": most, **told, "fill_interval": every}


def limit(bucket: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"@type": TYPE, "stat_prefix": "x", **({"token_bucket": bucket} if bucket else {}), **ON, **more}


def read(*told: Any, **more: Any) -> Reading:
    return rate_limits("production", [Told("x.yaml", told, **more)], None, NOW)


def limits(reading: Reading) -> dict[str, Any]:
    assert not reading.faults, reading.faults
    return {
        " ".join([each.metric, str(each.unit), *(f"{k}={v}" for k, v in each.dimensions)]): each.limit
        for each in reading.entries
    }


@pytest.mark.parametrize(
    ("told", "rate", "unit", "burst"),
    [
        (bucket(10, 5), 5, "1/min/{proxy}", 10),
        (bucket(10), 1, "1/min/{proxy}", 10),
        (bucket(10, 5, "1s"), 5, "1/s/{proxy}", 10),
        (bucket(10, 5, "90s"), 5, "1/90s/{proxy}", 10),
        (bucket(10, 5, "0.050s"), 100, "1/s/{proxy}", 10),
        (bucket(10, 3, "1.5s"), 2, "1/s/{proxy}", 10),
        (bucket(0, 0, "3600s"), 0, "1/h/{proxy}", 0),
        ({"maxTokens": 10, "tokensPerFill": 5, "fillInterval": "1s"}, 5, "1/s/{proxy}", 10),
    ],
)
def test_a_token_bucket_is_a_rate_and_a_burst_of_each_proxy(
    told: dict[str, Any], rate: int, unit: str, burst: int
) -> None:
    assert limits(read({"any": [limit(told)]})) == {f"rate {unit}": rate, "burst 1/{proxy}": burst}


def test_a_bucket_for_each_connection_is_another_unit() -> None:
    config = limit(bucket(10, 5, "1s"), local_rate_limit_per_downstream_connection=True)
    assert limits(read(config)) == {"rate 1/s/{connection}": 5, "burst 1/{connection}": 10}


@pytest.mark.parametrize(
    ("switch", "rate"),
    [
        ({}, 5),
        ({"filter_enforced": None}, UNLIMITED),
        ({"filter_enabled": None}, UNLIMITED),
        ({"filter_enforced": {"runtime_key": "x", "default_value": {"numerator": 0}}}, UNLIMITED),
        ({"filter_enforced": {"default_value": {"numerator": 50}}}, UNKNOWN),
        ({"filter_enforced": {"default_value": {"numerator": 1_000_000, "denominator": "MILLION"}}}, 5),
    ],
    ids=["on", "not enforced", "not enabled", "0 %", "half", "all of a million"],
)
def test_only_what_is_switched_on_limits(switch: dict[str, Any], rate: object) -> None:
    assert limits(read(limit(bucket(10, 5), **switch)))["rate 1/min/{proxy}"] == rate


ENVOY = f"""
static_resources:
  listeners:
  - filter_chains:
    - filters:
      - typed_config:
          http_filters:
          - name: envoy.filters.http.local_ratelimit
            typed_config: {{"@type": {TYPE}, stat_prefix: http}}
          route_config:
            virtual_hosts:
            - name: shop
              typed_per_filter_config: {{limit: &limit {yaml.safe_dump(limit(bucket(100, 100)), default_flow_style=True)}}}
              routes:
              - name: orders
                match: {{prefix: /orders}}
                typed_per_filter_config: {{limit: *limit}}
              - match: {{path: /health}}
                typed_per_filter_config: {{limit: *limit}}
"""


def test_hosts_and_routes_are_dimensions() -> None:
    told = rate_limits("production", [documents("envoy.yaml", ENVOY)], None, NOW)
    assert [name for name in limits(told) if name.startswith("rate")] == [
        "rate 1/min/{proxy} vhost=shop",
        "rate 1/min/{proxy} route=orders vhost=shop",
        "rate 1/min/{proxy} route=/health vhost=shop",
    ]


def istio(match: dict[str, Any], config: Any, **spec: Any) -> dict[str, Any]:
    patch = {"operation": "MERGE", "value": {"typed_per_filter_config": {"limit": config}}}
    patches = [{"applyTo": "HTTP_ROUTE", "match": match, "patch": patch}]
    return {"kind": "EnvoyFilter", "metadata": {"name": "x"}, "spec": {"configPatches": patches, **spec}}


def test_an_envoy_filter_is_of_its_workload_and_of_what_it_matches() -> None:
    struct = {
        "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
        "type_url": TYPE,
        "value": {"token_bucket": bucket(10, 5), **ON},
    }
    route = {"routeConfiguration": {"vhost": {"name": "inbound|http|8080", "route": {"name": "orders"}}}}
    found = read(
        istio({"context": "SIDECAR_INBOUND", **route}, struct, workloadSelector={"labels": {"app": "shop"}}),
        istio({"context": "GATEWAY", "listener": {"portNumber": 8443}}, limit(bucket(7))),
        istio({"context": "ANY"}, limit(bucket(9)), targetRefs=[{"kind": "Gateway", "name": "in"}]),
        {"kind": "EnvoyFilter", "spec": {"configPatches": [{"applyTo": "CLUSTER", "patch": {"operation": "REMOVE"}}]}},
    )  # fmt: skip
    assert [name for name in limits(found) if name.startswith("burst")] == [
        "burst 1/{proxy} context=SIDECAR_INBOUND route=orders vhost=inbound|http|8080 workload=app=shop",
        "burst 1/{proxy} context=GATEWAY port=8443",
        "burst 1/{proxy} workload=Gateway/in",
    ]


def test_a_request_takes_of_its_descriptor_and_of_the_whole() -> None:
    client = {
        "entries": [{"key": "client", "value": "gold"}, {"key": "path"}],
        "token_bucket": bucket(50, 10, "1s"),
    }
    config = limit(bucket(100, 60, "60s"), descriptors=[client])
    at = "descriptor=client=gold, path"
    assert limits(read(config)) == {
        "rate 1/min/{proxy}": 60,
        "burst 1/{proxy}": 100,
        f"rate 1/min/{{proxy}} {at}": 60,
        f"burst 1/{{proxy}} {at}": 50,
    }
    alone = limits(read({**config, "always_consume_default_token_bucket": False}))
    assert alone[f"rate 1/s/{{proxy}} {at}"] == 10


SHARED = """
domain: shop
descriptors:
- key: PATH
  rate_limit: {unit: minute, requests_per_unit: 600}
- key: PATH
  value: /orders
  rate_limit: {unit: SECOND, requests_per_unit: 0}
  descriptors:
  - {key: client, value: gold, rate_limit: {unlimited: true}}
  - {key: client, rate_limit: {unit: month, requests_per_unit: 5}, shadow_mode: true}
  - {key: client, value: tin, rate_limit: {unit: year, requests_per_unit: 5}}
- {key: internal, value: "yes"}
- key: generic_key
  value: a
  descriptors: [{key: generic_key, value: b, rate_limit: {unit: day, requests_per_unit: 9}}]
"""


def test_the_rate_limit_service_limits_by_paths_of_keys() -> None:
    told = rate_limits("production", [documents("ratelimit.yaml", SHARED)], None, NOW)
    assert limits(told) == {
        "PATH 1/min domain=shop": 600,
        "PATH 1/s PATH=/orders domain=shop": 0,
        "PATH/client 1/s PATH=/orders client=gold domain=shop": UNLIMITED,
        "PATH/client 1/30d PATH=/orders domain=shop": UNLIMITED,
        "PATH/client 1/365d PATH=/orders client=tin domain=shop": 5,
        "internal 1/s domain=shop internal=yes": UNLIMITED,
        "generic_key/generic_key#2 1/d domain=shop generic_key=a generic_key#2=b": 9,
    }


def verdicts(baseline: str, serving: str) -> list[tuple[str, Verdict]]:
    sides = [
        rate_limits(name, [documents(name, text)], None, NOW)
        for name, text in (("load-test", baseline), ("production", serving))
    ]
    found = check(Terms(), Observed(*sides), NOW).findings
    return [(" ".join([each.metric, *dict(each.dimensions).values()]), each.verdict) for each in found]


def test_a_value_without_a_limit_of_its_own_has_that_of_its_key() -> None:
    orders = "domain: shop\ndescriptors: [{key: PATH, value: /orders, rate_limit: {unit: minute, requests_per_unit: 700}}]"
    paths = SHARED.partition("- key: PATH\n  value: /orders")[0]
    assert verdicts(orders, paths) == [
        ("PATH /orders shop", Verdict.REGRESSION),
        ("PATH shop", Verdict.REGRESSION),
    ], "600/min for /orders too; the load test had no limit for other paths"


def test_what_a_service_that_was_read_does_not_list_is_not_limited() -> None:
    other = "domain: shop\ndescriptors: [{key: other, rate_limit: {unit: second, requests_per_unit: 1}}]"
    paths = SHARED.partition("- key: PATH\n  value: /orders")[0]
    assert verdicts(paths, other) == [("PATH shop", Verdict.PASS), ("other shop", Verdict.REGRESSION)]
    local = yaml.safe_dump(limit(bucket(10)))
    assert ("PATH shop", Verdict.REGRESSION) in verdicts(paths, local), "no rate limit service was read"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([{"kind": "Deployment"}], "x.yaml has no rate limits"),
        ([limit({"max_tokens": 1})], '"None" is not a duration'),
        ([limit(bucket(1, every="1m"))], '"1m" is not a duration: Envoy takes seconds, such as 60s'),
        ([limit(bucket(1, every="0s"))], '"0s" is not a duration'),
        ([limit({"fill_interval": "1s", "max_tokens": -1})], 'max_tokens: "-1" is not a whole number'),
        ([limit({"fill_interval": "1s"})], 'max_tokens: "None" is not a whole number'),
        ([limit(bucket(1), filter_enabled={"default_value": {"denominator": "TEN"}})], '"TEN" is none of HUNDRED'),
        ([limit("many")], "has not the form of Envoy's configuration"),
        ([{"domain": "a", "descriptors": [{"value": "b"}]}], "a descriptor has no key"),
        ([{"domain": "a", "descriptors": [{"key": "b", "rate_limit": {"unit": "moon"}}]}], '"moon" is none of second'),
        ([{"domain": "a", "descriptors": [{"key": "b", "rate_limit": {"unit": "day"}}]}], '"None" is not a whole number'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_fault_of_all(told: list[Any], said: str) -> None:
    found = read(*told)
    (fault,) = found.faults
    assert said in fault.cause
    assert fault.service == ""
    sides = Observed(read(limit(bucket(9))), found)
    assert {each.verdict for each in check(Terms(), sides, NOW).findings} == {Verdict.ERROR}


def test_a_source_that_tells_all_may_tell_nothing() -> None:
    found = read(complete=True)
    assert (found.faults, found.entries, found.unlimited) == ([], [], {"local-ratelimit"})


def test_a_text_that_is_no_yaml_is_told_with_its_line() -> None:
    with pytest.raises(InvalidSpec, match=r"envoy\.yaml: cannot be read as YAML in line 2"):
        documents("envoy.yaml", "a: 1\nb: [")


def test_only_the_services_that_are_asked_for() -> None:
    told = [documents("ratelimit.yaml", SHARED), Told("envoy.yaml", [limit(bucket(1))])]
    found = rate_limits("production", told, ["local-ratelimit"], NOW)
    assert {each.service for each in found.entries} == {"local-ratelimit"}
    assert Fraction(1) in {each.limit for each in found.entries}
