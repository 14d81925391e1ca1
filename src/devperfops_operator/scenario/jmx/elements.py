"""The elements of a test plan, as JMeter's own GUI saves them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

Value = str | int | bool | float
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KINDS: Final = {bool: "boolProp", int: "intProp", str: "stringProp"}


def named(text: str) -> str:
    """A name that JMeter takes as it is, in one line."""
    return cleaned(" ".join(text.split())).replace("${", "$ {")


def cleaned(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _UNWRITABLE.sub("\ufffd", text)


def add(
    tree: Element, gui: str, kind: str, name: str, properties: Mapping[str, Value], *, tag: str | None = None
) -> Element:
    """Put an element into a hash tree; returns the element, whose own tree `below` makes."""
    element = SubElement(tree, tag or kind, guiclass=gui, testclass=kind, testname=named(name))
    for key, value in properties.items():
        add_property(element, key, value)
    return element


def below(tree: Element) -> Element:
    """The hash tree of the element that was put in last."""
    return SubElement(tree, "hashTree")


def add_property(element: Element, name: str, value: Value) -> None:
    made = SubElement(element, _KINDS[type(value)], name=name)
    made.text = cleaned(str(value).lower() if isinstance(value, bool) else str(value))


def add_number(element: Element, kind: str, name: str, value: float) -> None:
    """A float or double, which JMeter writes as an element of its own."""
    made = SubElement(element, kind)
    SubElement(made, "name").text = name
    SubElement(made, "value").text = str(value)
    SubElement(made, "savedValue").text = "0.0"


def add_arguments(element: Element, name: str, gui: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values of user-defined variables."""
    arguments = SubElement(
        element, "elementProp", name=name, elementType="Arguments", guiclass=gui, testclass="Arguments"
    )
    listed = SubElement(arguments, "collectionProp", name="Arguments.arguments")
    for key, value in pairs:
        each = SubElement(listed, "elementProp", name=cleaned(key), elementType="Argument")
        add_property(each, "Argument.name", key)
        add_property(each, "Argument.value", value)
        add_property(each, "Argument.metadata", "=")


def add_body(element: Element, text: str) -> None:
    """A request's body, sent as it is."""
    add_property(element, "HTTPSampler.postBodyRaw", value=True)
    arguments = SubElement(element, "elementProp", name="HTTPsampler.Arguments", elementType="Arguments")
    listed = SubElement(arguments, "collectionProp", name="Arguments.arguments")
    each = SubElement(listed, "elementProp", name="", elementType="HTTPArgument")
    add_property(each, "HTTPArgument.always_encode", value=False)
    add_property(each, "Argument.value", text)
    add_property(each, "Argument.metadata", "=")


def add_listed(element: Element, name: str, kind: str, listed: Sequence[Mapping[str, str]]) -> None:
    """A table, such as headers."""
    table = SubElement(element, "collectionProp", name=name)
    for row in listed:
        each = SubElement(table, "elementProp", name="", elementType=kind)
        for key, value in row.items():
            add_property(each, key, value)
