"""From what serving lacks to a file that declares enough, and to the words of a pull request.

A file of QuotaLimits, or of ResourceQuotas as they are applied. Only the values are replaced: comments, order
and style stay as people wrote them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from devperfops_operator.api.quantity import QuantityError, parse_any_quantity
from devperfops_operator.domain.errors import InvalidRecord, InvalidSpec
from devperfops_operator.domain.quota.entry import (
    UNKNOWN,
    UNLIMITED,
    Dimensions,
    NoNumber,
    converted,
    dimensions_text,
    limit_json,
)
from devperfops_operator.domain.quota.finding import Finding, Report, Verdict
from devperfops_operator.domain.quota.namespace import RESOURCE_QUOTA, scope_text, unit_of, usual_name
from devperfops_operator.domain.quota.telling import whole
from devperfops_operator.domain.quota.units import Unit, factor, parse_unit

_LIMITS, _QUOTA = "QuotaLimits", "ResourceQuota"
_BINARY: Final = ((1024**4, "Ti"), (1024**3, "Gi"), (1024**2, "Mi"), (1024, "Ki"))
_MILLI: Final = 1000
_QUOTES: Final = ('"', "'")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The least that serving must grant of one limit."""

    service: str
    metric: str
    dimensions: Dimensions
    unit: Unit
    amount: Fraction

    @property
    def title(self) -> str:
        return f"{self.service}/{self.metric} {dimensions_text(self.dimensions)}".rstrip()


@dataclass(frozen=True, slots=True)
class Edit:
    """A value of the file; `start` and `end`: where it stands."""

    wanted: Wanted
    before: str
    after: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Declared:
    """The file as it should be. `enough`: what it declares already; `missing`: what it does not declare."""

    text: str
    edits: Sequence[Edit]
    enough: Sequence[Wanted]
    missing: Sequence[Wanted]


def wanted(report: Report) -> list[Wanted]:
    """Of the regressions that count and that an amount mends; of several about one limit the most."""
    found: dict[tuple[object, ...], Wanted] = {}
    for each in _regressions(report):
        if each.unit is None or not isinstance(each.enough, Fraction):
            continue
        one = Wanted(each.service, each.metric, each.dimensions, each.unit, each.enough)
        key = (one.service, one.metric, one.dimensions, one.unit)
        found[key] = max(one, found.get(key, one), key=lambda other: other.amount)
    return list(found.values())


def by_hand(report: Report) -> list[Finding]:
    """Regressions that no amount in a file mends."""
    return [each for each in _regressions(report) if not isinstance(each.enough, Fraction)]


def _regressions(report: Report) -> Iterator[Finding]:
    return (each for each in report.findings if each.counted is Verdict.REGRESSION)


def raised(file: str, text: str, wants: Iterable[Wanted]) -> Declared:
    """Raises InvalidRecord for a file that declares no quota, or those of more than one place."""
    declared = list(_values(file, text))
    if not declared:
        raise InvalidRecord(
            f"{file} has neither {_LIMITS} nor {_QUOTA}s: name the file that declares the quota"
        )
    edits: dict[int, Edit] = {}
    enough, missing = [], []
    for each in wants:
        holding = _holding(declared, each)
        if not holding:
            missing.append(each)
            continue
        needed = [edit for value in holding if (edit := value.edit(each)) is not None]
        for edit in needed:
            other = edits.get(edit.start)
            if other is None or other.wanted.amount < each.amount:
                edits[edit.start] = edit
        if not needed:
            enough.append(each)
    ordered = [edits[start] for start in sorted(edits)]
    return Declared(_edited(text, ordered), ordered, enough, missing)


def _edited(text: str, edits: Sequence[Edit]) -> str:
    for edit in reversed(edits):
        text = text[: edit.start] + edit.after + text[edit.end :]
    return text


@dataclass(frozen=True, slots=True)
class _Value:
    """A limit of the file. `quantity`: it is one of Kubernetes, else a number as QuotaLimits has them."""

    service: str
    metric: str
    dimensions: Dimensions
    unit: Unit
    node: ScalarNode
    quantity: bool

    def edit(self, want: Wanted) -> Edit | None:
        """None: it is as much already."""
        amount = converted(want.amount, want.unit, self.unit)
        assert isinstance(amount, Fraction)  # noqa: S101  what is wanted is a number
        amount = whole(amount, self.unit)
        has = self._amount()
        if has is UNLIMITED or (isinstance(has, Fraction) and has >= amount):
            return None
        after = _quantity(amount, self.unit) if self.quantity else limit_json(amount)
        return Edit(
            want, self.node.value, self._quoted(after), self.node.start_mark.index, self.node.end_mark.index
        )

    def _amount(self) -> Fraction | NoNumber:
        text = self.node.value
        if not self.quantity and text in list(NoNumber):
            return NoNumber(text)
        try:
            return parse_any_quantity(text) if self.quantity else Fraction(text)
        except (QuantityError, ValueError):
            return UNKNOWN

    def _quoted(self, text: str) -> str:
        """As it was; a number with a point is a text, as an API server takes it in no other way."""
        quote = self.node.style if self.node.style in _QUOTES else '"' if "." in text else ""
        return f"{quote}{text}{quote}"


def _quantity(amount: Fraction, unit: Unit) -> str:
    if amount.denominator != 1:
        return f"{int(amount * _MILLI)}m"
    for size, suffix in _BINARY if unit.base == "By" else ():
        if amount and amount % size == 0:
            return f"{int(amount / size)}{suffix}"
    return str(int(amount))


def _holding(values: Sequence[_Value], want: Wanted) -> list[_Value]:
    """What bounds it: the most specific limit, and of ResourceQuotas also that of everything."""
    near = [
        each
        for each in values
        if (each.service, each.metric) == (want.service, want.metric)
        and set(each.dimensions) <= set(want.dimensions)
        and factor(want.unit, each.unit) is not None
    ]
    most = max((len(each.dimensions) for each in near), default=0)
    return [each for each in near if each.quantity or len(each.dimensions) == most]


def _values(file: str, text: str) -> Iterator[_Value]:
    try:
        nodes = [
            node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if isinstance(node, MappingNode)
        ]
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidRecord(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    limits = [node for node in nodes if _text(node, "kind") == _LIMITS]
    quotas = [node for node in nodes if _text(node, "kind") == _QUOTA]
    _expect_one(file, [_text(node, "metadata", "name") for node in limits], "environments")
    _expect_one(file, sorted({_text(node, "metadata", "namespace") for node in quotas}), "namespaces")
    for node in limits:
        listed = _at(node, "spec", "limits")
        for each in listed.value if isinstance(listed, SequenceNode) else ():
            yield from _limit(file, each)
    for node in quotas:
        yield from _quota(node)


def _expect_one(file: str, names: Sequence[str], what: str) -> None:
    if len(names) > 1:
        raise InvalidRecord(f"{file} declares {what} {', '.join(names)}: give each a file of its own")


def _limit(file: str, node: Node) -> Iterator[_Value]:
    value, dimensions = _at(node, "limit"), _at(node, "dimensions")
    if not isinstance(value, ScalarNode):
        return
    pairs = dimensions.value if isinstance(dimensions, MappingNode) else ()
    try:
        unit = parse_unit(_text(node, "unit") or "1")
    except InvalidSpec as error:
        raise InvalidRecord(f"{file}: {error}") from error
    yield _Value(
        _text(node, "service"),
        _text(node, "metric"),
        tuple(sorted((key.value, each.value) for key, each in pairs)),
        unit,
        value,
        quantity=False,
    )


def _quota(node: Node) -> Iterator[_Value]:
    spec, hard = _at(node, "spec"), _at(node, "spec", "hard")
    constructed = yaml.SafeLoader("").construct_document(spec) if spec is not None else {}
    scope = scope_text(constructed)
    for key, value in hard.value if isinstance(hard, MappingNode) else ():
        if isinstance(value, ScalarNode):
            name = usual_name(key.value)
            dimensions = (("scope", scope),) if scope else ()
            yield _Value(RESOURCE_QUOTA, name, dimensions, unit_of(key.value), value, quantity=True)


def _at(node: Node | None, *keys: str) -> Node | None:
    for key in keys:
        if not isinstance(node, MappingNode):
            return None
        node = next((value for name, value in node.value if name.value == key), None)
    return node


def _text(node: Node, *keys: str) -> str:
    found = _at(node, *keys)
    return found.value if isinstance(found, ScalarNode) else ""


@dataclass(frozen=True, slots=True)
class Words:
    """Of a pull request. The same edits have the same `branch`."""

    branch: str
    title: str
    body: str


def words(policy: str, file: str, declared: Declared, report: Report) -> Words:
    """`file`: its path in the repository."""
    lines = [f"{edit.wanted.title}: {edit.before} -> {edit.after}" for edit in declared.edits]
    digest = hashlib.sha256("\n".join([file, *lines]).encode()).hexdigest()
    first = f"{declared.edits[0].wanted.title} to {declared.edits[0].after}"
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    causes = dict.fromkeys(f"{each.title}: {each.cause}" for each in _regressions(report))
    body = [
        f"`devperfops quota`, by the policy {policy}:",
        "",
        *(f"- {cause}" for cause in causes),
        "",
        f"This raises in `{file}`:",
        "",
        *(f"- {line}" for line in lines),
    ]
    return Words(
        f"devperfops-quota/{policy}-{digest[:10]}", f"Raise quota: {first}{more}", "\n".join(body) + "\n"
    )
