"""The primary's pod template: the target's, as the primary's own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devperfops_operator.domain.manifests.template import Template, with_config_maps

Selector = Mapping[str, Any]
"""A `metav1.LabelSelector` as stored."""


def primary_template(
    template: Template, target: Selector, primary: Selector, config_maps: Mapping[str, str]
) -> Template:
    """`template` for a Deployment whose selector is `primary`, made from one whose selector is `target`.

    The labels by which the target knows its pods give way to those by which the primary does, in the pods'
    own labels and wherever affinity and topology spread select by them. `config_maps`: the copies to read,
    by the name of the original.
    """
    changed = copy.deepcopy(dict(with_config_maps(template, config_maps)))
    labels = primary_labels(template, target, primary)
    changed["metadata"] = {**changed.get("metadata", {}), "labels": labels}
    rewriting = _Rewriting(
        _equalities(target), _equalities(primary), before=_labels_of(template), after=labels
    )
    for holder in _holders(changed.get("spec", {})):
        holder["labelSelector"] = rewriting.of(holder["labelSelector"])
    return changed


def primary_labels(template: Template, target: Selector, primary: Selector) -> dict[str, str]:
    """The pods' labels; whether the primary's selector takes them is for the caller to see."""
    identity = {*_equalities(target), *(each["key"] for each in target.get("matchExpressions", []))}
    kept = {key: value for key, value in _labels_of(template).items() if key not in identity}
    return kept | _equalities(primary)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether the selector takes pods with these labels."""
    equal = _equalities(selector).items() <= labels.items()
    return equal and all(_holds(each, labels) for each in selector.get("matchExpressions", []))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:  # DoesNotExist, the last one there is
            return value is None


def _labels_of(template: Template) -> dict[str, str]:
    return dict(template.get("metadata", {}).get("labels", {}))


def _equalities(selector: Selector) -> dict[str, str]:
    return dict(selector.get("matchLabels", {}))


def _holders(pod: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Whatever selects other pods by their labels."""
    terms = [*pod.get("topologySpreadConstraints", [])]
    for kind in ("podAffinity", "podAntiAffinity"):
        affinity = pod.get("affinity", {}).get(kind, {})
        terms += affinity.get("requiredDuringSchedulingIgnoredDuringExecution", [])
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution", [])
        terms += [each["podAffinityTerm"] for each in preferred]
    return (term for term in terms if "labelSelector" in term)


@dataclass(frozen=True, slots=True)
class _Rewriting:
    """Of selectors, from a target with pods labelled `before` to a primary with pods labelled `after`."""

    target: Mapping[str, str]
    primary: Mapping[str, str]
    before: Mapping[str, str]
    after: Mapping[str, str]

    def of(self, selector: Selector) -> Selector:
        """What asks for the target's own pods asks for the primary's; anything else stays as it is."""
        labels, expressions = _equalities(selector), list(selector.get("matchExpressions", []))
        naming = [each for each in expressions if self._names_target(each)]
        alone = {key for key, value in labels.items() if self.target.get(key) == value}
        alone |= {each["key"] for each in naming if len(each["values"]) == 1}
        named = alone | {each["key"] for each in naming}
        if not named or not selects(selector, self.before):
            return selector
        known = {key: self.after[key] for key in labels if key in self.after}
        rest = [self._expression(each) for each in expressions if self._is_known(each)]
        whole = alone >= self.target.keys() or len(known) + len(rest) < len(labels) + len(expressions)
        rewritten = {**known, **(self.primary if whole else {})}
        others = {**selector, "matchExpressions": rest} if rest != expressions else selector
        return {**others, "matchLabels": rewritten} if rewritten else others

    def _names_target(self, expression: Mapping[str, Any]) -> bool:
        own = self.target.get(expression["key"])
        return expression["operator"] == "In" and own is not None and own in expression["values"]

    def _is_known(self, expression: Mapping[str, Any]) -> bool:
        return expression["operator"] not in {"In", "Exists"} or expression["key"] in self.after

    def _expression(self, expression: Mapping[str, Any]) -> Mapping[str, Any]:
        key = expression["key"]
        if expression["operator"] != "In" or self.after[key] == self.before[key]:
            return expression
        values = [self.after[key] if each == self.before[key] else each for each in expression["values"]]
        return {**expression, "values": list(dict.fromkeys(values))}
