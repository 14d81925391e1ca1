"""Test plans that cannot be used are told apart from those that can."""

from __future__ import annotations

import pytest

from devperfops_operator.wire.jmx import problems, recorded_names, written_secret

NEEDS = {"NumOfThreads", "Duration", "ServerName"}


def plan(body: str = "", *, group: str = "ThreadGroup", enabled: str = "true") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<jmeterTestPlan version="1.2">
  <hashTree>
    <TestPlan testclass="TestPlan" enabled="true"/>
    <hashTree>
      <{group} testclass="{group}" enabled="{enabled}">
        <stringProp name="ThreadGroup.num_threads">${{__P(NumOfThreads)}}</stringProp>
        <stringProp name="ThreadGroup.duration">${{__P( Duration ,60)}}</stringProp>
      </{group}>
      <hashTree>
        <HTTPSamplerProxy testclass="HTTPSamplerProxy" testname="${{__property(ServerName)}}" enabled="true"/>
        <hashTree/>
        {body}
      </hashTree>
    </hashTree>
  </hashTree>
</jmeterTestPlan>""".encode()


def test_a_plan_that_reads_what_is_set_is_fine() -> None:
    assert problems(plan(), NEEDS) == []


@pytest.mark.parametrize(
    ("jmx", "sentence"),
    [
        (b"", "is not XML"),
        (b"threads: 5", "is not XML"),
        (plan().replace(b"UTF-8", b"Shift_JIS"), "is not XML"),
        (plan().replace(b"UTF-8", b"rot13"), "is not XML"),
        (b"<project/>", "its root element is <project>"),
        (plan(enabled="false"), "has no enabled thread group"),
        (plan(group="SetupThreadGroup"), "has no enabled thread group"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><jmeterTestPlan>&a;</jmeterTestPlan>', "document type"),
        (plan().replace(b"NumOfThreads", b"threads"), "never reads the property NumOfThreads"),
        (plan().replace(b"__P( Duration ", b"__P(DurationOfAll"), "never reads the property Duration;"),
    ],
)
def test_what_is_wrong_is_said(jmx: bytes, sentence: str) -> None:
    found = problems(jmx, NEEDS)
    assert any(sentence in problem for problem in found), found


def test_a_plan_may_be_nested_deeper_than_python_calls() -> None:
    deep = "<hashTree>" * 5_000 + "<p>${__P(TPM)}</p>" + "</hashTree>" * 5_000
    assert problems(plan(deep), NEEDS | {"TPM"}) == []


def test_a_property_read_only_by_a_disabled_element_is_not_read() -> None:
    disabled = """<ConstantTimer testclass="ConstantTimer" enabled="false"/>
        <hashTree><X testclass="X" enabled="true"><stringProp>${__P(TPM)}</stringProp></X></hashTree>"""
    enabled = disabled.replace('enabled="false"', 'enabled="true"')
    assert problems(plan(disabled), NEEDS | {"TPM"}) != []
    assert problems(plan(enabled), NEEDS | {"TPM"}) == []


@pytest.mark.parametrize("group", ["OpenModelThreadGroup", "kg.apc.jmeter.threads.UltimateThreadGroup"])
def test_other_thread_groups_count(group: str) -> None:
    assert problems(plan(group=group), NEEDS) == []


CART = """<TransactionController testclass="TransactionController" testname="cart" enabled="true"/>
        <hashTree><HTTPSamplerProxy testclass="HTTPSamplerProxy" testname="GET /cart" enabled="true"/>
        <hashTree/></hashTree>
        <JSR223Sampler testclass="JSR223Sampler" testname="hidden" enabled="false"/><hashTree/>"""


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (CART, {"GET /": 1, "cart": 1, "GET /cart": 1}),
        (CART.replace("GET /cart", "cart"), {"GET /": 1, "cart": 2}),
        (CART.replace("GET /cart", "GET ${item}"), None),
        (CART + '<X testclass="IncludeController" testname="x" enabled="true"/>', None),
    ],
)
def test_the_names_of_results_are_those_of_samplers_and_transaction_controllers(body, names) -> None:
    jmx = plan(body).replace(b'testname="${__property(ServerName)}"', b'testname="GET /"')
    assert recorded_names(jmx) == names


def named(kind: str, name: str, value: str) -> str:
    return (
        f'<elementProp name="" elementType="{kind}">'
        f'<stringProp name="{kind}.name">{name}</stringProp>'
        f'<stringProp name="{kind}.value">{value}</stringProp></elementProp>'
    )


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('<stringProp name="Authorization.password">hunter2</stringProp>', "Authorization.password"),
        ('<stringProp name="HTTPSampler.proxyPass">hunter2</stringProp>', "HTTPSampler.proxyPass"),
        (named("Header", "Authorization", "Bearer abc"), "Header Authorization"),
        (named("Header", "X-Api-Key", "abc"), "Header X-Api-Key"),
        (named("Argument", "clientSecret", "abc"), "Argument clientSecret"),
    ],
)
def test_a_secret_that_is_written_out_is_found(body: str, place: str) -> None:
    assert written_secret(plan(body)) == place
    disabled = f'<AuthManager testclass="AuthManager" enabled="false">{body}</AuthManager>'
    assert written_secret(plan(disabled)) == place


@pytest.mark.parametrize(
    "body",
    [
        "",
        '<stringProp name="Authorization.password">${__P(password)}</stringProp>',
        '<stringProp name="Authorization.password"> </stringProp>',
        '<stringProp name="Authorization.username">shop</stringProp>',
        named("Header", "Authorization", "Bearer ${token}"),
        named("Header", "Accept", "text/html"),
        named("Argument", "host", "shop"),
        named("HTTPArgument", "password", "what a user of the plan types"),
    ],
)
def test_a_reference_to_a_secret_is_none(body: str) -> None:
    assert written_secret(plan(body)) is None
