"""A policy and what it names, whoever keeps the files: a folder, or a ConfigMap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from devperfops_operator.api.quota import QuotaDocument, QuotaLimits, QuotaPeaks, QuotaPolicy, QuotaWaiver
from devperfops_operator.api.quota_documents import Located, QuotaDocumentError
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.declared import declared_reading, granted_waiver, measured_peaks, terms
from devperfops_operator.domain.quota.entry import Peak, Reading
from devperfops_operator.domain.quota.finding import Waiver
from devperfops_operator.domain.quota.terms import Terms

Content = TypeVar("Content", bound=QuotaDocument)
Resolved = TypeVar("Resolved")

Documents = Callable[[str], Sequence[Located]]
"""Those of a file that a policy names. Raises QuotaDocumentError."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A policy with its waivers. `named`: the documents of a file it names."""

    policy: QuotaPolicy
    terms: Terms
    waivers: Sequence[Waiver]
    named: Documents

    def peaks(self) -> list[Peak]:
        """None if the policy names no file of them. Raises QuotaDocumentError."""
        file = self.policy.spec.peaks
        return [] if file is None else _resolved(self._only(file, QuotaPeaks), measured_peaks)

    def limits(self, name: str, file: str) -> Reading:
        """What the file says of the environment of that name. Raises QuotaDocumentError."""
        found = self._only(file, QuotaLimits)
        shown = found[0].document.file
        return _resolved(found, lambda limits: declared_reading(name, limits, shown))

    def _only(self, file: str, kind: type[Content]) -> tuple[Located, Content]:
        found = list(_of_kind(self.named(file), kind))
        if len(found) != 1:
            message = f"{file} has {len(found)} documents of kind {kind.__name__}; write one"
            raise QuotaDocumentError(message)
        return found[0]


def asked(documents: Iterable[Located], named: Documents) -> Asked | None:
    """Of one policy and any number of waivers; None: there is no policy, or more than one.

    Raises QuotaDocumentError: the policy asks for what cannot be.
    """
    given = list(documents)
    policies = list(_of_kind(given, QuotaPolicy))
    if len(policies) != 1:
        return None
    waivers = [granted_waiver(waiver) for _, waiver in _of_kind(given, QuotaWaiver)]
    resolved = _resolved(policies[0], lambda found: terms(found.spec))
    return Asked(policies[0][1], resolved, waivers, named)


def _of_kind(documents: Iterable[Located], kind: type[Content]) -> Iterator[tuple[Located, Content]]:
    for each in documents:
        if isinstance(each.content, kind):
            yield each, each.content


def _resolved(found: tuple[Located, Content], resolve: Callable[[Content], Resolved]) -> Resolved:
    """Raises QuotaDocumentError with the line of what cannot be used."""
    located, content = found
    try:
        return resolve(content)
    except InvalidSpec as error:
        raise QuotaDocumentError(f"{located.where(error.field)}: {error}") from error
