"""Test plans that cannot be used are told apart from those that can."""

from __future__ import annotations

import pytest

from devperfops_operator.wire.jmx import problems, recorded_names

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
