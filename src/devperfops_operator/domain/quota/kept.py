"""Where an operator finds a policy, its waivers and the files it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from devperfops_operator.api.quota_documents import (
    Located,
    QuotaDocumentError,
    read_quota_documents,
    read_quota_object,
)
from devperfops_operator.domain.quota.asked import Asked, asked

Files = Mapping[str, str] | None
"""Of a ConfigMap, by key; None: there is no such ConfigMap."""

POLICY: Final = "QuotaPolicy"
WAIVER: Final = "QuotaWaiver"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of the cluster."""

    name: str
    spec: Mapping[str, Any]


def stored(raw: Mapping[str, Any]) -> Stored:
    """As the API server gives it."""
    return Stored(raw["metadata"]["name"], raw["spec"])


def of_config_map(name: str, files: Files) -> Asked:
    """All of it in one ConfigMap of that name. Raises QuotaDocumentError."""
    if files is None:
        message = f"ConfigMap {name} does not exist; create it with a QuotaPolicy and the limits it names"
        raise QuotaDocumentError(message)
    found = asked(
        (each for file in sorted(files) for each in _documents(name, files, file)),
        lambda file: _documents(name, files, file),
    )
    if found is None:
        raise QuotaDocumentError(f"ConfigMap {name} does not hold one QuotaPolicy; write one, in any key")
    return found


def of_resources(name: str, policy: Stored | None, waivers: Sequence[Stored], files: Files) -> Asked:
    """The QuotaPolicy of that name and the namespace's waivers. `files`: of the ConfigMap the policy names.

    Of the waivers those count that are about what the policy compares. Raises QuotaDocumentError.
    """
    if policy is None:
        raise QuotaDocumentError(f"QuotaPolicy {name} does not exist; create it in the gate's namespace")
    documents = [
        read_quota_object(POLICY, policy.name, policy.spec),
        *(read_quota_object(WAIVER, waiver.name, waiver.spec) for waiver in waivers),
    ]
    config_map = config_map_of(policy)
    found = asked(documents, lambda file: _named(name, config_map, files, file))
    assert found is not None  # noqa: S101  there is one policy
    concerned = [each for each in found.waivers if found.terms.wants(each.service, each.metric)]
    return replace(found, waivers=concerned)


def config_map_of(policy: Stored) -> str | None:
    """Where the files of a policy are that may not have been read yet."""
    named = policy.spec.get("configMap")
    return named if isinstance(named, str) else None


def _named(policy: str, config_map: str | None, files: Files, file: str) -> Sequence[Located]:
    if config_map is None:
        raise QuotaDocumentError(
            f"QuotaPolicy {policy} names file {file} but no ConfigMap; write spec.configMap, with that key"
        )
    if files is None:
        raise QuotaDocumentError(f"ConfigMap {config_map} does not exist; create it with a key {file}")
    return _documents(config_map, files, file)


def _documents(config_map: str, files: Mapping[str, str], file: str) -> Sequence[Located]:
    if file not in files:
        message = f"ConfigMap {config_map} has no key {file}, which its QuotaPolicy names; add it"
        raise QuotaDocumentError(message)
    return read_quota_documents(f"{config_map}/{file}", files[file])
