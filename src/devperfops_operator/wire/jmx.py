"""What a JMeter test plan must be, so that the operator can load with it and believe the result."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

_NAMED = {
    "Header": ("Header.name", "Header.value"),
    "Argument": ("Argument.name", "Argument.value"),
}
"""Elements that give something a name: where the name is, and where the value."""
_ELSEWHERE = frozenset({"IncludeController", "ModuleController"})
_SECRET_PROPERTY = re.compile(r"(?i)password$|proxypass$")
_SECRET_NAME = re.compile(r"(?i)password|passwd|secret|token|api-?_?key|credential|authorization|^cookie$")
_PROPERTY = re.compile(r"\$\{__(?:P|property)\(\s*([^,()\s]+)\s*[,)]")


def problems(jmx: bytes, needs: Collection[str]) -> list[str]:
    """Everything that makes the plan unusable, as sentences; empty when it will do.

    `needs` are the JMeter properties the operator sets and the plan must read (`${__P(Duration)}`).
    Disabled elements do not count.
    """
    try:
        root = fromstring(jmx, forbid_dtd=True)
    except DefusedXmlException:
        return ["has a document type or entities, which a JMeter plan never needs; remove them"]
    except (ParseError, LookupError, ValueError) as error:  # the latter two: an encoding the parser lacks
        return [f"is not XML: {error}; save the plan again with JMeter"]
    if root.tag != "jmeterTestPlan":
        return [f"is not a JMeter test plan: its root element is <{root.tag}>, not <jmeterTestPlan>"]
    found = [] if any(map(_is_thread_group, _enabled(root))) else ["has no enabled thread group"]
    read = frozenset(_properties_read(root))
    return found + [
        f"never reads the property {name}; use ${{__P({name})}} where the plan sets it"
        for name in sorted(needs)
        if name not in read
    ]


def recorded_names(jmx: bytes) -> Counter[str] | None:
    """The names of a sound plan's results; 2: a sampler and a Transaction Controller have it.

    None: the file alone does not tell.
    """
    elements = list(_enabled(fromstring(jmx, forbid_dtd=True)))
    kinds = {(_kind(element), element.get("testname", "")) for element in elements}
    recorded = [name for kind, name in kinds if kind is not None]
    elsewhere = any(element.get("testclass") in _ELSEWHERE for element in elements)
    if elsewhere or any("${" in name for name in recorded):
        return None
    return Counter(recorded)


def written_secret(jmx: bytes) -> str | None:
    """Where a sound plan has what looks like a password or token written out, disabled or not; None: nowhere.

    Form fields do not count: they are what the plan's users type.
    """
    for element in fromstring(jmx, forbid_dtd=True).iter():
        name = element.get("name", "")
        if element.tag == "stringProp" and _SECRET_PROPERTY.search(name) and _literal(element.text):
            return name
        if element.tag == "elementProp" and element.get("elementType") in _NAMED:
            named, value = _NAMED[element.get("elementType", "")]
            texts = {prop.get("name"): prop.text or "" for prop in element}
            if _SECRET_NAME.search(texts.get(named, "")) and _literal(texts.get(value)):
                return f"{element.get('elementType')} {texts[named]}"
    return None


def _literal(text: str | None) -> bool:
    """Whether it is a value of its own, and no variable's or property's."""
    return bool(text and text.strip()) and "${" not in str(text)


def _kind(element: Element) -> str | None:
    testclass = element.get("testclass", "")
    if testclass == "TransactionController":
        return testclass
    return "Sampler" if "Sampler" in testclass else None


def _enabled(element: Element) -> Iterator[Element]:
    """The element and its descendants, without what is disabled.

    A disabled element's subtree is the hashTree that follows it. Without recursion: the file may be nested
    as deep as its author likes.
    """
    waiting = [element]
    while waiting:
        element = waiting.pop()
        yield element
        waiting += reversed(list(_enabled_children(element)))


def _enabled_children(element: Element) -> Iterator[Element]:
    skip_tree = False
    for child in element:
        if child.tag == "hashTree" and skip_tree:
            skip_tree = False
            continue
        skip_tree = child.get("enabled") == "false"
        if not skip_tree:
            yield child


def _is_thread_group(element: Element) -> bool:
    kind = element.get("testclass", "")
    return kind.endswith("ThreadGroup") and kind not in {"SetupThreadGroup", "PostThreadGroup"}


def _properties_read(root: Element) -> Iterator[str]:
    for element in _enabled(root):
        for text in (element.text, *element.attrib.values()):
            yield from _PROPERTY.findall(text or "")
