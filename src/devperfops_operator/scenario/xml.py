"""Bodies in XML, as OpenAPI's `xml` objects shape them: names, prefixes, attributes, wrapped lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.schema.check import mapping
from devperfops_operator.scenario.schema.merge import Merger
from devperfops_operator.scenario.template import Part, Template, written

_UNFIT: Final = re.compile(r"[^\w.:-]+")
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def as_xml(merger: Merger, node: Any, value: Any) -> Template:
    """One element; it is called as its schema says, or as its schema is called."""
    reference = str(mapping(node).get("$ref", "")).rpartition("/")[2]
    return Template((_HEAD, *_Writer(merger).element(reference or "body", node, value, "\n")))


class _Writer:
    def __init__(self, merger: Merger) -> None:
        self._merger = merger

    def element(self, name: str, node: Any, value: Any, line: str) -> Iterator[Part]:
        keywords = self._keywords(node)
        tag = _tag(name, keywords)
        if isinstance(value, dict):
            yield from self._object(tag, keywords, value, line)
        elif isinstance(value, list):
            yield from self._list(tag, keywords, value, line)
        else:
            yield f"<{tag}>"
            yield from (escape(part) if isinstance(part, str) else part for part in written(value).parts)
            yield f"</{tag}>"

    def _object(
        self, tag: str, keywords: Mapping[str, Any], value: Mapping[str, Any], line: str
    ) -> Iterator[Part]:
        properties = mapping(keywords.get("properties"))
        attributes = {name for name in value if self._is_attribute(properties.get(name))}
        yield f"<{tag}{_namespace(keywords)}"
        for name in sorted(attributes):
            label = _tag(name, self._keywords(properties[name]))
            yield f" {label}={quoteattr(written(value[name]).filled(str))}"
        yield ">"
        for name, inner in value.items():
            if name not in attributes:
                yield f"{line}  "
                yield from self.element(name, properties.get(name), inner, f"{line}  ")
        yield f"{line}</{tag}>"

    def _list(self, tag: str, keywords: Mapping[str, Any], value: list[Any], line: str) -> Iterator[Part]:
        """Each item is called as the list, and stands alone unless the list is wrapped."""
        wrapped = mapping(keywords.get("xml")).get("wrapped") is True
        yield f"<{tag}>" if wrapped else ""
        for at, inner in enumerate(value):
            yield line if at else ""
            yield from self.element(tag, keywords.get("items"), inner, line)
        yield f"</{tag}>" if wrapped else ""

    def _keywords(self, node: Any) -> Mapping[str, Any]:
        try:
            return self._merger.flat(node).keywords
        except Unusable:
            return {}

    def _is_attribute(self, node: Any) -> bool:
        return node is not None and mapping(self._keywords(node).get("xml")).get("attribute") is True


def _tag(name: str, keywords: Mapping[str, Any]) -> str:
    said = mapping(keywords.get("xml"))
    own = _UNFIT.sub("_", str(said.get("name") or name)) or "body"
    own = own if own[0].isalpha() or own[0] == "_" else f"_{own}"
    return f"{_UNFIT.sub('_', str(said['prefix']))}:{own}" if said.get("prefix") else own


def _namespace(keywords: Mapping[str, Any]) -> str:
    said = mapping(keywords.get("xml"))
    if not said.get("namespace"):
        return ""
    prefix = f":{_UNFIT.sub('_', str(said['prefix']))}" if said.get("prefix") else ""
    return f" xmlns{prefix}={quoteattr(str(said['namespace']))}"
