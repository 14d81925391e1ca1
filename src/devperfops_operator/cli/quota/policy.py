"""The policy's files: what it asks, what is waived, what the load test used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from devperfops_operator.api.quota import QuotaDocument, QuotaLimits, QuotaPeaks, QuotaPolicy, QuotaWaiver
from devperfops_operator.api.quota_documents import Located, QuotaDocumentError, read_quota_documents
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.declared import declared_reading, granted_waiver, measured_peaks, terms
from devperfops_operator.domain.quota.entry import Peak, Reading
from devperfops_operator.domain.quota.finding import Waiver
from devperfops_operator.domain.quota.terms import Terms

Content = TypeVar("Content", bound=QuotaDocument)
Resolved = TypeVar("Resolved")


@dataclass(frozen=True, slots=True)
class Asked:
    """A policy with its waivers. `file`: where it stands; what it names is found from there."""

    file: Path
    policy: QuotaPolicy
    terms: Terms
    waivers: Sequence[Waiver]

    def peaks(self) -> list[Peak]:
        """None if the policy names no file of them. Raises Trouble."""
        named = self.policy.spec.peaks
        return [] if named is None else _resolved(self._only(named, QuotaPeaks), measured_peaks)

    def limits(self, name: str, file: str) -> Reading:
        """What the file says of the environment of that name. Raises Trouble."""
        shown = str(self.file.parent / file)
        return _resolved(self._only(file, QuotaLimits), lambda found: declared_reading(name, found, shown))

    def _only(self, file: str, kind: type[Content]) -> tuple[Located, Content]:
        path = self.file.parent / file
        found = list(_of_kind(_documents(path), kind))
        if len(found) != 1:
            raise Trouble(f"{path} has {len(found)} documents of kind {kind.__name__}; write one.")
        return found[0]


def read_asked(files: Sequence[Path]) -> Asked:
    """From all files together: one policy, any number of waivers. Raises Trouble."""
    documents = [(file, each) for file in files for each in _documents(file)]
    policies = [(file, found) for file, each in documents for found in _of_kind([each], QuotaPolicy)]
    if len(policies) != 1:
        named = ", ".join(map(str, files))
        raise Trouble(f"{named}: there are {len(policies)} documents of kind QuotaPolicy; give one with -f.")
    file, (located, policy) = policies[0]
    waivers = [waiver for _, waiver in _of_kind([each for _, each in documents], QuotaWaiver)]
    asked = _resolved((located, policy), lambda found: terms(found.spec))
    return Asked(file, policy, asked, [granted_waiver(waiver) for waiver in waivers])


def _documents(file: Path) -> list[Located]:
    try:
        return read_quota_documents(str(file), file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"cannot read {file}: {getattr(error, 'strerror', None) or error}.") from error
    except QuotaDocumentError as error:
        raise Trouble(str(error)) from error


def _of_kind(documents: Sequence[Located], kind: type[Content]) -> Iterator[tuple[Located, Content]]:
    for each in documents:
        if isinstance(each.content, kind):
            yield each, each.content


def _resolved(found: tuple[Located, Content], resolve: Callable[[Content], Resolved]) -> Resolved:
    """Raises Trouble with the line of what cannot be used."""
    located, content = found
    try:
        return resolve(content)
    except InvalidSpec as error:
        raise Trouble(f"{located.where(error.field)}: {error}") from error
