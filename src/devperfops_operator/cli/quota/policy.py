"""The policy's files: what it asks, what is waived, what the load test used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devperfops_operator.api.quota import QuotaPolicy
from devperfops_operator.api.quota_documents import Located, QuotaDocumentError, read_quota_documents
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.files import text_of
from devperfops_operator.domain.quota import asked as documents
from devperfops_operator.domain.quota.entry import Peak, Reading
from devperfops_operator.domain.quota.finding import Waiver
from devperfops_operator.domain.quota.terms import Terms


@dataclass(frozen=True, slots=True)
class Asked:
    """A policy with its waivers. `file`: where it stands; what it names is found from there."""

    file: Path
    found: documents.Asked

    @property
    def policy(self) -> QuotaPolicy:
        return self.found.policy

    @property
    def terms(self) -> Terms:
        return self.found.terms

    @property
    def waivers(self) -> Sequence[Waiver]:
        return self.found.waivers

    def peaks(self) -> list[Peak]:
        """None if the policy names no file of them. Raises Trouble."""
        with _told():
            return self.found.peaks()

    def limits(self, name: str, file: str) -> Reading:
        """What the file says of the environment of that name. Raises Trouble."""
        with _told():
            return self.found.limits(name, file)


def read_asked(files: Sequence[Path]) -> Asked:
    """From all files together: one policy, any number of waivers. Raises Trouble."""
    read = [(file, each) for file in files for each in _documents(file)]
    policies = [file for file, each in read if isinstance(each.content, QuotaPolicy)]
    if len(policies) != 1:
        named = ", ".join(map(str, files))
        raise Trouble(f"{named}: there are {len(policies)} documents of kind QuotaPolicy; give one with -f.")
    (file,) = policies
    with _told():
        found = documents.asked((each for _, each in read), lambda name: _documents(file.parent / name))
    assert found is not None  # noqa: S101  there is one policy
    return Asked(file, found)


def _documents(file: Path) -> list[Located]:
    with _told():
        return read_quota_documents(str(file), text_of(file))


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be used, to whoever sits at the terminal."""
    try:
        yield
    except QuotaDocumentError as error:
        raise Trouble(str(error)) from error
