"""What a gate needs besides its target, and how its absence is told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from devperfops_operator.domain.inputs import check_inputs
from tests.unit.domain.world import START, gate
from tests.unit.wire.test_jmx import plan

SCENARIO = plan('<T testclass="T" a="${__P(RampUp)}" b="${__P(TPM)}"/><hashTree/>').decode()
SERVICE = {"metadata": {"name": "front-end", "namespace": "shop"}, "spec": {"ports": [{"port": 8080}]}}


def check(
    data: dict[str, str] | None = None,
    service: dict[str, Any] | None = SERVICE,
    *,
    others: Mapping[str, dict[str, str] | None] = MappingProxyType({}),
    **spec: Any,
) -> tuple[str | None, str]:
    inputs = check_inputs(gate(**spec).spec, {"scenario": data, **others}, service, {"monitoring"}, START)
    problem = inputs.problem
    return (problem.reason, problem.message) if problem else (None, f"{inputs.host}:{inputs.port}")


def with_ports(*ports: dict[str, Any]) -> dict[str, Any]:
    return {**SERVICE, "spec": {"ports": list(ports)}}


def test_all_there_gives_the_address() -> None:
    assert check({"scenario.jmx": SCENARIO}) == (None, "front-end.shop.svc:8080")


def test_of_several_ports_the_one_named_http_is_taken() -> None:
    service = with_ports({"name": "grpc", "port": 1}, {"name": "http", "port": 80})
    assert check({"scenario.jmx": SCENARIO}, service) == (None, "front-end.shop.svc:80")


def load(**load: Any) -> dict[str, Any]:
    """The spec of a gate with more below `load`."""
    stored: dict[str, Any] = gate().to_json()["spec"]["load"]
    return {"load": {**stored, **load, "jmeter": {**stored["jmeter"], **load.get("jmeter", {})}}}


READS_ADDRESS = SCENARIO.replace("${__P(TPM)}", "${__P(TPM)}${__P(ServerPort)}${__P(Scheme)}")


@pytest.mark.parametrize(
    ("target", "service", "address"),
    [
        ({"port": 80}, with_ports({"port": 8080}, {"port": 80}), "front-end.shop.svc:80"),
        ({"port": 80}, {**SERVICE, "spec": {"type": "ExternalName"}}, "front-end.shop.svc:80"),
        (
            {"scheme": "https"},
            with_ports({"name": "http", "port": 80}, {"name": "https", "port": 443}),
            "front-end.shop.svc:443",
        ),
        ({"host": "shop.example"}, None, "shop.example:80"),
        ({"host": "shop.example", "scheme": "https"}, None, "shop.example:443"),
        ({"host": "192.0.2.7", "port": 8080}, None, "192.0.2.7:8080"),
    ],
)
def test_the_load_goes_where_the_gate_says(
    target: dict[str, Any], service: dict[str, Any] | None, address: str
) -> None:
    assert check({"scenario.jmx": READS_ADDRESS}, service, **load(target=target)) == (None, address)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"target": {"port": 80}}, "ServerPort"),
        ({"target": {"host": "shop.example", "scheme": "https"}}, "Scheme"),
        ({"jmeter": {"propertyNames": {"threads": "users"}}}, "users"),
        ({"jmeter": {"propertyNames": {"host": "shop"}}}, "shop"),
    ],
)
def test_a_plan_must_read_what_is_asked_for(options: dict[str, Any], name: str) -> None:
    reason, message = check({"scenario.jmx": SCENARIO}, **load(**options))
    assert reason == "PlanInvalid"
    assert f"never reads the property {name};" in message


def test_load_pods_that_the_service_would_take_for_the_targets_are_refused() -> None:
    service = {**SERVICE, "spec": {"ports": [{"port": 80}], "selector": {"app": "front-end"}}}
    labels = {"app": "front-end", "team": "shop"}
    reason, message = check({"scenario.jmx": SCENARIO}, service, **load(jmeter={"labels": labels}))
    assert reason == "InvalidSpec"
    assert "write labels that its selector does not match" in message
    harmless = load(jmeter={"labels": {"team": "shop"}})
    assert check({"scenario.jmx": SCENARIO}, service, **harmless) == (None, "front-end.shop.svc:80")


READS_DATA = SCENARIO.replace("${__P(TPM)}", "${__P(TPM)}${__P(DataDir)}/users.csv")


@pytest.mark.parametrize(
    ("data", "others", "found"),
    [
        ({"configMap": "users"}, {"users": {"users.csv": "a"}}, (None, "front-end.shop.svc:8080")),
        ({"configMap": "users"}, {"users": None}, ("DataNotFound", "ConfigMap users does not exist;")),
        (
            {"configMap": "users", "shards": [{"file": "users.csv"}]},
            {"users": {"people.csv": "a"}},
            ("DataNotFound", "ConfigMap users has no key users.csv (keys: people.csv)"),
        ),
        ({"pvc": "users", "shards": [{"file": "users.csv"}]}, {}, (None, "front-end.shop.svc:8080")),
    ],
)
def test_data_in_a_config_map_must_be_there(
    data: dict[str, Any], others: dict[str, dict[str, str] | None], found: tuple[str | None, str]
) -> None:
    reason, message = check({"scenario.jmx": READS_DATA}, others=others, **load(jmeter={"data": data}))
    assert reason == found[0]
    assert found[1] in message


@pytest.mark.parametrize(
    ("jars", "words"), [(None, "does not exist"), ({"readme.txt": ""}, "has no key named *.jar; add one")]
)
def test_plugins_in_a_config_map_must_be_there(jars: dict[str, str] | None, words: str) -> None:
    spec = load(jmeter={"plugins": {"configMap": "jars"}})
    reason, message = check({"scenario.jmx": SCENARIO}, others={"jars": jars}, **spec)
    assert reason == "PluginsNotFound"
    assert words in message
    there = check({"scenario.jmx": SCENARIO}, others={"jars": {"a.jar": ""}}, **spec)
    assert there == (None, "front-end.shop.svc:8080")


def test_data_must_be_read_by_the_plan() -> None:
    spec = load(jmeter={"data": {"pvc": "users"}})
    assert "never reads the property DataDir" in check({"scenario.jmx": SCENARIO}, **spec)[1]


def test_a_plan_on_a_volume_is_left_to_the_pods() -> None:
    spec = load(jmeter={"plan": {"pvc": "plans"}})
    assert check(None, **spec) == (None, "front-end.shop.svc:8080")


MADE = load(jmeter={"plan": {"configMap": "api", "openAPI": {"document": "a.yaml", "overlay": "o.yaml"}}})


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (None, "ConfigMap api does not exist; create it with a.yaml, o.yaml"),
        ({"a.yaml": ""}, "ConfigMap api has no key o.yaml (keys: a.yaml); set plan.openAPI"),
    ],
)
def test_what_a_plan_is_made_from_must_be_there(files: dict[str, str] | None, words: str) -> None:
    assert check(None, others={"api": files}, **MADE) == ("PlanNotFound", words)


def test_what_is_made_from_it_is_left_to_the_pods() -> None:
    assert check(None, others={"api": {"a.yaml": "", "o.yaml": ""}}, **MADE) == (
        None,
        "front-end.shop.svc:8080",
    )
    told = load(jmeter={"plan": {"openAPI": {"path": "/openapi.json"}}})
    assert check(None, **told) == (None, "front-end.shop.svc:8080")


COUNTERS = {"objectives": [{"expect": "good >= 99.9%", "good": "a", "total": "b"}], "prometheus": "mine"}


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        (check(None), "PlanNotFound", "ConfigMap scenario does not exist"),
        (check({"other.jmx": ""}), "PlanNotFound", "keys: other.jmx"),
        (check({"scenario.jmx": "x"}), "PlanInvalid", "is not XML"),
        (check({"scenario.jmx": plan().decode()}), "PlanInvalid", "never reads the property RampUp"),
        (check({"scenario.jmx": SCENARIO}, None), "ServiceNotFound", "Service front-end"),
        (
            check({"scenario.jmx": SCENARIO}, with_ports({"port": 1}, {"port": 2})),
            "ServicePortUnknown",
            "none is named http",
        ),
        (
            check({"scenario.jmx": READS_ADDRESS}, **load(target={"port": 81})),
            "ServicePortUnknown",
            "has no port 81 (ports: 8080); set load.target.port to one of them",
        ),
        (check({"scenario.jmx": SCENARIO}, **COUNTERS), "PrometheusUnknown", "known: monitoring"),
        (check({"scenario.jmx": SCENARIO}, objectives=[{"expect": "p99 2s"}]), "InvalidSpec", "p99 2s"),
    ],
)
def test_what_is_missing_is_named(found: tuple[str | None, str], reason: str, words: str) -> None:
    assert found[0] == reason
    assert words in found[1]
