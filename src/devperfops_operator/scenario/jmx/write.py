"""The whole test plan."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from devperfops_operator.scenario.jmx import elements
from devperfops_operator.scenario.jmx.arrivals import ARRIVALS
from devperfops_operator.scenario.jmx.steps import (
    NOT_FOUND,
    add_assertion,
    add_extract,
    add_headers,
    add_sampler,
    add_step,
)
from devperfops_operator.scenario.model import Scheme
from devperfops_operator.scenario.plan import USUAL, Extract, Load, Plan, Step
from devperfops_operator.scenario.security import secrets, token_variable
from devperfops_operator.scenario.template import Secret, Template, plain

_COMMENT: Final = (
    "Made by devperfops scenario: what you change here is lost when it is made again; an overlay is not. "
    "All figures come from the gate."
)
_FORM: Final = "application/x-www-form-urlencoded"
_THREADS: Final = "Users"
_DRAW: Final = f"(${{__jm__{_THREADS}__idx}} * 618033 + ${{__threadNum}} * 754877) % 1000000"
"""The same for all steps of an iteration; spread evenly over iterations, by the golden ratio, and threads."""


def jmx(plan: Plan, data_file: str = "scenario.csv", load: Load = USUAL, *, shaped: bool = False) -> bytes:
    """A test plan for JMeter 5.6.3.

    `data_file`: what the columns' file is called, in the folder DataDir. `load`: where no gate says it.
    `shaped`: its rate changes as the property Shape says.
    """
    root = Element("jmeterTestPlan", version="1.2", properties="5.0", jmeter="5.6.3")
    tree = elements.below(_add_plan(elements.below(root), plan))
    _add_defaults(tree)
    if plan.columns:
        _add_data(tree, data_file)
    threads = _add_threads(tree, load)
    for scheme in plan.tokens:
        _add_token(threads, scheme)
    for (group, cleans_up), steps in groupby(plan.steps, key=lambda step: (step.group, step.cleans_up)):
        title = f"{group}: clean up" if cleans_up else group
        elements.add(threads, "LogicControllerGui", "GenericController", title, {})
        _add_steps(elements.below(threads), list(steps))
    (_add_shape if shaped else _add_rate)(threads, load)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'.encode()


def _add_plan(tree: Element, plan: Plan) -> Element:
    element = elements.add(tree, "TestPlanGui", "TestPlan", plan.title, {"TestPlan.comments": _COMMENT})
    elements.add_property(element, "TestPlan.serialize_threadgroups", value=False)
    found = dict.fromkeys(each.variable for step in plan.steps for each in step.extracts)
    variables = [(name, NOT_FOUND) for name in found]
    elements.add_arguments(element, "TestPlan.user_defined_variables", "ArgumentsPanel", variables)
    return tree


def _add_defaults(tree: Element) -> None:
    element = elements.add(tree, "HttpDefaultsGui", "ConfigTestElement", "Target", {})
    elements.add_arguments(element, "HTTPsampler.Arguments", "HTTPArgumentsPanel", [])
    for name, value in (
        ("domain", "${__P(ServerName)}"),
        ("port", "${__P(ServerPort,80)}"),
        ("protocol", "${__P(Scheme,http)}"),
        ("implementation", "HttpClient4"),
        ("connect_timeout", "5000"),
        ("response_timeout", "10000"),
    ):
        elements.add_property(element, f"HTTPSampler.{name}", value)
    elements.below(tree)


def _add_data(tree: Element, data_file: str) -> None:
    properties: dict[str, elements.Value] = {
        "delimiter": ",",
        "fileEncoding": "UTF-8",
        "filename": f"${{__P(DataDir,.)}}/{data_file}",
        "ignoreFirstLine": False,
        "quotedData": True,
        "recycle": True,
        "shareMode": "shareMode.all",
        "stopThread": False,
        "variableNames": "",
    }
    elements.add(tree, "TestBeanGUI", "CSVDataSet", "Data", properties)
    elements.below(tree)


def _add_threads(tree: Element, load: Load) -> Element:
    group = elements.add(
        tree, "ThreadGroupGui", "ThreadGroup", _THREADS, {"ThreadGroup.on_sample_error": "continue"}
    )
    loop = SubElement(
        group,
        "elementProp",
        name="ThreadGroup.main_controller",
        elementType="LoopController",
        guiclass="LoopControlPanel",
        testclass="LoopController",
        testname=_THREADS,
    )
    elements.add_property(loop, "LoopController.continue_forever", value=False)
    elements.add_property(loop, "LoopController.loops", "-1")
    elements.add_property(group, "ThreadGroup.num_threads", f"${{__P(NumOfThreads,{load.threads})}}")
    elements.add_property(group, "ThreadGroup.ramp_time", f"${{__P(RampUp,{load.ramp_up_s})}}")
    elements.add_property(group, "ThreadGroup.scheduler", value=True)
    elements.add_property(group, "ThreadGroup.duration", "${__P(Duration,60)}")
    elements.add_property(group, "ThreadGroup.delay", "0")
    elements.add_property(group, "ThreadGroup.same_user_on_next_iteration", value=True)
    return elements.below(tree)


def _add_token(tree: Element, scheme: Scheme) -> None:
    """Once per thread, before all else."""
    elements.add(tree, "OnceOnlyControllerGui", "OnceOnlyController", f"Token of {scheme.key}", {})
    once = elements.below(tree)
    name, secret = secrets(scheme)
    body = (
        plain("grant_type=client_credentials&client_id=")
        + Template((Secret(name, in_url=True),))
        + plain("&client_secret=")
        + Template((Secret(secret, in_url=True),))
    )
    sampler = add_sampler(once, f"POST {scheme.token_url}", "POST", plain(scheme.token_url), body)
    add_headers(sampler, [("Content-Type", plain(_FORM))])
    add_extract(sampler, Extract(token_variable(scheme), "$.access_token"))
    add_assertion(sampler, ["2XX"])


def _add_steps(tree: Element, steps: Sequence[Step]) -> None:
    for needs, several in groupby(steps, key=lambda step: step.needs):
        inner = _add_condition(tree, sorted(needs)) if needs else tree
        for step in several:
            add_step(_add_weight(inner, step), step)


def _add_condition(tree: Element, needs: Sequence[str]) -> Element:
    """Without an id there is nothing to ask for."""
    condition = " && ".join(f'vars.get("{name}") != "{NOT_FOUND}"' for name in needs)
    return _add_if(tree, f"With {', '.join(needs)}", condition)


def _add_weight(tree: Element, step: Step) -> Element:
    """In a part of the iterations, several times in each."""
    percent, times = step.weight.percent, step.weight.times
    if percent < 100:  # noqa: PLR2004
        limit = max(1, round(percent * 10_000))
        tree = _add_if(tree, f"{step.name}: {percent:.3g} % of iterations", f"{_DRAW} < {limit}")
    if times > 1:
        properties: dict[str, elements.Value] = {
            "LoopController.continue_forever": True,  # to be entered again in later iterations
            "LoopController.loops": str(times),
        }
        title = f"{step.name}: {times} times"
        elements.add(tree, "LoopControlPanel", "LoopController", title, properties)
        tree = elements.below(tree)
    return tree


def _add_if(tree: Element, title: str, condition: str) -> Element:
    properties: dict[str, elements.Value] = {
        "IfController.condition": f"${{__jexl3({condition})}}",
        "IfController.evaluateAll": False,
        "IfController.useExpression": True,
    }
    elements.add(tree, "IfControllerPanel", "IfController", title, properties)
    return elements.below(tree)


def _add_rate(tree: Element, load: Load) -> None:
    properties: dict[str, elements.Value] = {
        "throughput": f"${{__P(TPM,{load.per_minute})}}",
        "throughputPeriod": 60,
        "duration": "${__P(Duration,60)}",
        "batchSize": 1,
        "batchThreadDelay": 0,
        "exactLimit": 10_000,
    }
    timer = elements.add(
        tree, "TestBeanGUI", "PreciseThroughputTimer", "Random arrivals at the planned rate", properties
    )
    elements.add_number(timer, "doubleProp", "allowedThroughputSurplus", 1.0)
    SubElement(timer, "longProp", name="randomSeed").text = "0"
    elements.below(tree)


def _add_shape(tree: Element, load: Load) -> None:
    """JMeter has no timer for a rate that changes and arrivals that do not wait for answers."""
    properties: dict[str, elements.Value] = {
        "cacheKey": "true",
        "filename": "",
        "parameters": f"${{__P(Shape,0:{load.per_minute})}}",
        "script": ARRIVALS,
        "scriptLanguage": "groovy",
    }
    elements.add(tree, "TestBeanGUI", "JSR223Timer", "Random arrivals at rates that change", properties)
    elements.below(tree)
