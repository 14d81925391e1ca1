"""Who set what in a pod template: what the API server and `kubectl apply` remember of it.

`managedFields` says which manager set which field, and the last-applied annotation what `kubectl apply` sent
last. From these the next apply concludes which fields it must take away. A template that is put back without
the records that belong to it keeps fields of both releases after the next apply.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from devperfops_operator.domain.manifests.canonical import canonical_json
from devperfops_operator.domain.manifests.template import Template

Raw = Mapping[str, Any]
Path = tuple[str, ...]

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_TEMPLATE: Final = ("f:spec", "f:template")
_ANNOTATION: Final = ("f:metadata", "f:annotations", f"f:{LAST_APPLIED}")


@dataclass(frozen=True, slots=True)
class Ownership:
    """`applied`: the template as `kubectl apply` last sent it; None: it has sent none.

    `managers`: entries of managedFields, cut down to the template and to the annotation.
    """

    applied: Template | None
    managers: tuple[Raw, ...]

    def to_json(self) -> dict[str, Any]:
        applied = {} if self.applied is None else {"applied": self.applied}
        return {**applied, "managers": list(self.managers)}

    @classmethod
    def from_json(cls, raw: Raw) -> Self:
        return cls(applied=raw.get("applied"), managers=tuple(raw["managers"]))


@dataclass(frozen=True, slots=True)
class Restoration:
    """What is still to be changed in the records of a Deployment as of `resource_version`.

    `annotation`: the last-applied annotation as it is and as it is to be. `managed_fields`: all of them as
    they are to be. None: nothing is to be changed. `unknown`: nobody knows what they were.
    """

    resource_version: str
    annotation: tuple[str, str] | None = None
    managed_fields: tuple[Raw, ...] | None = None
    unknown: bool = False


def read_ownership(deployment: Raw) -> Ownership | None:
    """None: what is read was trimmed, so nobody knows."""
    if "managedFields" not in deployment["metadata"]:
        return None
    applied = _applied(_annotation(deployment))
    template = applied["spec"].get("template") if applied is not None else None
    return Ownership(applied=template, managers=_managers(_managed_fields(deployment)))


def restoration(deployment: Raw, wanted: Ownership | None) -> Restoration:
    """How to give the Deployment the `wanted` records. Only what is about its template is touched.

    An annotation that has been removed since stays away.
    """
    version = deployment["metadata"]["resourceVersion"]
    if wanted is None:
        return Restoration(version, unknown=True)
    text, fields = _annotation(deployment), _managed_fields(deployment)
    restored = _restored_fields(fields, wanted.managers, annotated=text is not None)
    return Restoration(
        resource_version=version,
        annotation=_restored_annotation(text, wanted.applied),
        managed_fields=None if same_owners(fields, restored) else restored,
    )


def same_owners(one: Iterable[Raw], other: Iterable[Raw]) -> bool:
    """Whether two `managedFields` agree on the template and the annotation, whenever that was set."""
    first, second = ({_key(entry): entry["fieldsV1"] for entry in _managers(each)} for each in (one, other))
    return first == second


def _annotation(deployment: Raw) -> str | None:
    text: str | None = (deployment["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    return text


def _managed_fields(deployment: Raw) -> tuple[Raw, ...]:
    return tuple(deployment["metadata"].get("managedFields") or ())


def _applied(text: str | None) -> dict[str, Any] | None:
    """The manifest in the annotation; None: there is none, or it is no manifest."""
    try:
        manifest = json.loads(text or "null")
    except ValueError:
        return None
    usable = isinstance(manifest, dict) and isinstance(manifest.get("spec"), dict)
    return manifest if usable else None


def _restored_annotation(text: str | None, template: Template | None) -> tuple[str, str] | None:
    manifest = _applied(text)
    if text is None or manifest is None or manifest["spec"].get("template") == template:
        return None
    rest = {key: value for key, value in manifest["spec"].items() if key != "template"}
    spec = rest if template is None else {**rest, "template": template}
    return text, f"{canonical_json({**manifest, 'spec': spec})}\n"


# managedFields


def _managers(entries: Iterable[Raw]) -> tuple[Raw, ...]:
    """The entries that own any of it, with that only. Subresources have no part in a template."""
    kept = ({**entry, "fieldsV1": _only_ours(entry.get("fieldsV1", {}))} for entry in entries)
    return tuple(entry for entry in kept if entry["fieldsV1"] and not entry.get("subresource"))


def _restored_fields(entries: Iterable[Raw], managers: Iterable[Raw], *, annotated: bool) -> tuple[Raw, ...]:
    wanted = {_key(entry): entry for entry in managers}
    if not annotated:
        wanted = {key: {**e, "fieldsV1": _without(e["fieldsV1"], _ANNOTATION)} for key, e in wanted.items()}
    result = []
    for entry in entries:
        rest = _without(_without(entry.get("fieldsV1", {}), _TEMPLATE), _ANNOTATION)
        regained = wanted.pop(_key(entry), {}).get("fieldsV1", {})
        result.append({**entry, "fieldsV1": _merged(rest, regained)})
    return tuple(entry for entry in (*result, *wanted.values()) if entry["fieldsV1"])


def _key(entry: Raw) -> tuple[str, str, str]:
    return entry.get("manager", ""), entry["operation"], entry.get("subresource", "")


def _only_ours(fields: Raw) -> Raw:
    return _merged(_only(fields, _TEMPLATE), _only(fields, _ANNOTATION))


def _only(fields: Raw, path: Path) -> Raw:
    """The branch at `path`; empty if there is none."""
    if not path:
        return fields
    head, *rest = path
    if head not in fields:
        return {}
    inner = _only(fields[head], tuple(rest))
    return {head: inner} if inner or not rest else {}


def _without(fields: Raw, path: Path) -> Raw:
    """All but the branch at `path`, and without the twigs that led only there."""
    head, *rest = path
    if head not in fields:
        return fields
    others = {key: value for key, value in fields.items() if key != head}
    inner = _without(fields[head], tuple(rest)) if rest else {}
    led_only_there = not inner and (fields[head] or not rest)
    return others if led_only_there else {**others, head: inner}


def _merged(one: Raw, other: Raw) -> Raw:
    shared = {key: _merged_twigs(one[key], other[key]) for key in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _merged_twigs(one: Raw, other: Raw) -> Raw:
    """A twig without branches is owned itself; one with branches is so only if it says `.`."""
    both = _merged(one, other)
    return {".": {}, **both} if bool(one) != bool(other) else both
