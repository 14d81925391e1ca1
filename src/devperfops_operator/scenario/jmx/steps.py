"""One step as a sampler with what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from devperfops_operator.scenario.jmx import elements
from devperfops_operator.scenario.jmx.texts import text
from devperfops_operator.scenario.plan import LOCATION, Extract, Step
from devperfops_operator.scenario.template import Secret, Template

NOT_FOUND: Final = "NOT_FOUND"
"""The value of an id that no answer has shown."""
_TARGET: Final = "${__P(Scheme,http)}://${__P(ServerName)}:${__P(ServerPort,80)}/"
_MATCHES: Final = 1
_LAST_PIECE: Final = r"(?im)^Location:.*?/([^/?#\s]+)/?(?:[?#]\S*)?\s*$"


def add_step(tree: Element, step: Step) -> None:
    """Put the sampler, its headers, extractors and assertion into a hash tree."""
    redirects = not any(code.startswith("3") for code in step.codes)
    sampler = add_sampler(tree, step.name, step.method, step.path, step.body, redirects=redirects)
    add_headers(sampler, step.headers)
    if step.basic is not None:
        _add_basic(sampler, *step.basic)
    if step.think_ms:
        delay = {"ConstantTimer.delay": str(step.think_ms)}
        elements.add(sampler, "ConstantTimerGui", "ConstantTimer", "Think time", delay)
        elements.below(sampler)
    for extract in step.extracts:
        add_extract(sampler, extract)
    add_assertion(sampler, step.codes)


def add_sampler(
    tree: Element, name: str, method: str, path: Template, body: Template | None, *, redirects: bool = True
) -> Element:
    """Put a sampler into a hash tree; returns its own."""
    sampler = elements.add(tree, "HttpTestSampleGui", "HTTPSamplerProxy", name, {})
    if body is not None:
        elements.add_body(sampler, text(body))
    else:
        elements.add_arguments(sampler, "HTTPsampler.Arguments", "HTTPArgumentsPanel", [])
    elements.add_property(sampler, "HTTPSampler.path", text(path))
    elements.add_property(sampler, "HTTPSampler.method", method)
    elements.add_property(sampler, "HTTPSampler.contentEncoding", "UTF-8")
    elements.add_property(sampler, "HTTPSampler.follow_redirects", redirects)
    elements.add_property(sampler, "HTTPSampler.use_keepalive", value=True)
    return elements.below(tree)


def add_headers(tree: Element, headers: Sequence[tuple[str, Template]]) -> None:
    if headers:
        manager = elements.add(tree, "HeaderPanel", "HeaderManager", "Headers", {})
        rows = [{"Header.name": name, "Header.value": text(value)} for name, value in headers]
        elements.add_listed(manager, "HeaderManager.headers", "Header", rows)
        elements.below(tree)


def add_extract(tree: Element, extract: Extract) -> None:
    """Keeps a variable; it is NOT_FOUND where the answer does not show it."""
    if extract.path == LOCATION:
        properties = {
            "RegexExtractor.useHeaders": "true",
            "RegexExtractor.refname": extract.variable,
            "RegexExtractor.regex": _LAST_PIECE,
            "RegexExtractor.template": "$1$",
            "RegexExtractor.default": NOT_FOUND,
            "RegexExtractor.match_number": "1",
        }
        elements.add(tree, "RegexExtractorGui", "RegexExtractor", f"Keep {extract.variable}", properties)
    else:
        properties = {
            "JSONPostProcessor.referenceNames": extract.variable,
            "JSONPostProcessor.jsonPathExprs": extract.path,
            "JSONPostProcessor.match_numbers": "0" if extract.any_of else "1",
            "JSONPostProcessor.defaultValues": NOT_FOUND,
        }
        elements.add(
            tree, "JSONPostProcessorGui", "JSONPostProcessor", f"Keep {extract.variable}", properties
        )
    elements.below(tree)


def add_assertion(tree: Element, codes: Sequence[str]) -> None:
    """What counts as a success."""
    pattern = "|".join(code.upper().replace("X", r"\d") for code in codes)
    assertion = elements.add(tree, "AssertionGui", "ResponseAssertion", "Success", {})
    table = SubElement(assertion, "collectionProp", name="Asserion.test_strings")  # as JMeter spells it
    elements.add_property(table, "codes", pattern)
    elements.add_property(assertion, "Assertion.custom_message", "")
    elements.add_property(assertion, "Assertion.test_field", "Assertion.response_code")
    elements.add_property(assertion, "Assertion.assume_success", value=False)
    elements.add_property(assertion, "Assertion.test_type", _MATCHES)
    elements.below(tree)


def _add_basic(tree: Element, user: Secret, password: Secret) -> None:
    manager = elements.add(tree, "AuthPanel", "AuthManager", "Basic authentication", {})
    row = {
        "Authorization.url": _TARGET,
        "Authorization.username": text(Template((user,))),
        "Authorization.password": text(Template((password,))),
        "Authorization.domain": "",
        "Authorization.realm": "",
        "Authorization.mechanism": "BASIC",
    }
    elements.add_listed(manager, "AuthManager.auth_list", "Authorization", [row])
    elements.below(tree)
