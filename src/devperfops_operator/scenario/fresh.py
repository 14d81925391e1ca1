"""What must not repeat: names, keys and ids of things that are created are new at each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.naming import squeezed
from devperfops_operator.scenario.schema.check import Checker, mapping, several
from devperfops_operator.scenario.schema.merge import Merger
from devperfops_operator.scenario.schema.numbers import is_number
from devperfops_operator.scenario.template import ALNUM, DIGITS, Part, Stored, Template, Unique, Uuid

_NAMES: Final = frozenset(
    {"name", "username", "login", "nickname", "slug", "key", "code", "title", "email", "id", "uuid", "guid"}
    | {"identifier", "handle", "sku", "externalid", "reference", "serialnumber", "displayname", "alias"}
)
_ENDINGS: Final = ("username", "email", "slug", "uuid")
_USUAL: Final = 12
_FEWEST: Final = 6
_DEEPEST: Final = 2
_SAMPLE_UUID: Final = "8a6e0804-2bd0-4672-b79d-d97027f9071a"


class Freshener:
    """By the schemas of one document."""

    def __init__(self, merger: Merger, checker: Checker) -> None:
        self._merger = merger
        self._checker = checker

    def body(self, node: Any, value: Any, stores: Mapping[str, str], depth: int = 0) -> Any:
        """The value with templates for what must be unique; `stores`: variables that keep top properties."""
        if not isinstance(value, dict):
            return value
        try:
            flat = self._merger.flat(node)
        except Unusable:
            return value
        properties = mapping(flat.keywords.get("properties"))
        made = dict(value)
        for name, inner in value.items():
            if name not in properties:
                continue
            if name in stores or squeezed(name) in _NAMES or squeezed(name).endswith(_ENDINGS):
                made[name] = self.leaf(properties[name], inner, stores.get(name, ""))
            elif depth < _DEEPEST:
                made[name] = self.body(properties[name], inner, {}, depth + 1)
        return made

    def leaf(self, node: Any, value: Any, store: str = "") -> Any:
        """A template whose every text fits the schema; the value itself where there is none."""
        try:
            flat = self._merger.flat(node)
        except Unusable:
            return value
        if several(flat.keywords.get("enum")) or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._tried(node, [Template(("1", Unique(9, DIGITS, store)), bare=True)], value)
        if not isinstance(value, str):
            return value
        form = flat.keywords.get("format")
        if form in {"uuid", "guid"}:
            return value if store else Template((Uuid(),))
        limit = flat.keywords.get("maxLength")
        room = int(limit) if is_number(limit) else 1 << 20
        return self._tried(node, _texts(value, room, store, mail=form == "email" or "@" in value), value)

    def _tried(self, node: Any, templates: list[Template], value: Any) -> Any:
        for template in templates:
            sample = template.filled(_sample)
            if self._checker.fits(node, int(sample) if template.bare else sample):
                return template
        return value


def _texts(value: str, room: int, store: str, *, mail: bool) -> list[Template]:
    if mail:
        domain = value.partition("@")[2] or "example.com"
        made = [Template((Unique(_USUAL, ALNUM, store), f"@{domain}"))]
    else:
        made = [Template((value[: max(0, room - _USUAL - 1)], "-", Unique(_USUAL, ALNUM, store)))]
    made += [
        Template((Unique(length, letters, store),))
        for length in dict.fromkeys((_USUAL, min(room, _USUAL), max(_FEWEST, len(value))))
        for letters in (ALNUM, ALNUM[:26], ALNUM[:26].upper(), DIGITS)
    ]
    return [each for each in made if _length(each) <= room]


def _length(template: Template) -> int:
    return sum(part.length if isinstance(part, Unique) else len(str(part)) for part in template.parts)


def _sample(part: Part) -> str:
    """Some text such as JMeter would put there; a first digit and a last letter, to be on the safe side."""
    match part:
        case Unique(length=length, letters=letters):
            return (letters[-1] + letters[0] * (length - 1))[:length]
        case Uuid():
            return _SAMPLE_UUID
        case Stored() | str():
            return str(part)
        case _:
            return ""
