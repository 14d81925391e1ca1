"""A pull request that changes one file, once for each branch's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devperfops_operator.adapters.github.repository import Repository
from devperfops_operator.domain.errors import Refused

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """`new`: by this call; else it was open already."""

    url: str
    new: bool


@dataclass(frozen=True, slots=True)
class Change:
    """`changed`: from the file's text to what it should be, the same text if it is that already."""

    path: str
    base: str
    branch: str
    title: str
    body: str
    changed: Callable[[str], str]


def propose(repository: Repository, change: Change) -> Opened:
    """Finishes what an earlier call began. What people closed stays closed: Refused."""
    found = repository.pulls(change.branch, change.base)
    if (there := _open(found)) is not None:
        return Opened(there["html_url"], new=False)
    if found and not found[0].get("merged_at"):
        url = found[0]["html_url"]
        raise Refused(
            "Closed", f"{url} was closed without a merge: reopen it, or change {change.path} by hand"
        )
    repository.create_branch(change.branch, change.base)
    file = repository.file(change.path, change.branch)
    if (text := change.changed(file.text)) != file.text:
        repository.write(change.path, change.branch, text, file, change.title)
    created = repository.open_pull(change.branch, change.base, change.title, change.body)
    if created is not None:
        return Opened(created["html_url"], new=True)
    if (there := _open(repository.pulls(change.branch, change.base))) is None:
        raise Refused(
            "Unseen", f"{repository.name}: GitHub says that there is a pull request, and shows none"
        )
    return Opened(there["html_url"], new=False)


def _open(pulls: Sequence[Raw]) -> Raw | None:
    return next((each for each in pulls if each["state"] == "open"), None)
