"""A pull request that raises what production lacks, in the file that declares it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from devperfops_operator.adapters.github import Change, Opened, Repository, opened, propose
from devperfops_operator.adapters.tokenfile import read_bearer
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.domain.errors import DevPerfOpsError
from devperfops_operator.domain.quota.finding import Finding, Report, Verdict
from devperfops_operator.domain.quota.raising import Declared, Wanted, by_hand, raised, wanted, words

_TOKENS: Final = ("GITHUB_TOKEN", "GH_TOKEN")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Where:
    """The file of a repository. `base`: the branch; None: the repository's default."""

    api: str
    repository: str
    path: str
    base: str | None
    token_file: Path | None


@dataclass(frozen=True, slots=True)
class Asked:
    """`pull`: None where nothing is to be changed, or only shown. `diff`: what is, or would be, changed."""

    declared: Declared
    by_hand: Sequence[Finding]
    diff: str
    pull: Opened | None

    @property
    def left(self) -> bool:
        """Whether something is lacking that nobody asks for by this."""
        return bool(self.declared.missing or self.by_hand)


def ask_for_more(policy: str, report: Report, where: Where, *, dry: bool) -> Asked:
    """Raises Trouble: what could not be read is no lack, and what GitHub refuses."""
    if report.verdict is Verdict.ERROR:
        raise Trouble("not everything could be checked: devperfops quota check says what is in the way.")
    wants, token = wanted(report), _token(where.token_file)
    try:
        with opened(_secure(where.api), where.repository, token) as repository:
            return _asked(policy, report, wants, where, repository, dry=dry)
    except DevPerfOpsError as error:
        raise Trouble(f"{error}.") from error


def _asked(
    policy: str, report: Report, wants: Sequence[Wanted], where: Where, repository: Repository, *, dry: bool
) -> Asked:
    base = where.base or repository.default_branch()
    text = repository.file(where.path, base).text
    declared = raised(where.path, text, wants)
    diff = "".join(
        unified_diff(
            text.splitlines(keepends=True),
            declared.text.splitlines(keepends=True),
            f"a/{where.path}",
            f"b/{where.path}",
        )
    )
    pull = None
    if declared.edits and not dry:
        said = words(policy, where.path, declared, report)
        change = Change(
            where.path,
            base,
            said.branch,
            said.title,
            said.body,
            lambda now: raised(where.path, now, wants).text,
        )
        pull = propose(repository, change)
    return Asked(declared, by_hand(report), diff, pull)


def _token(file: Path | None) -> str:
    """Never an argument: those are seen by everybody on the machine."""
    if file is not None:
        try:
            return read_bearer(file)
        except DevPerfOpsError as error:
            raise Trouble(f"{error}.") from error
    token = next((os.environ[name].strip() for name in _TOKENS if os.environ.get(name)), "")
    if not token:
        raise Trouble(f"there is no token: set {' or '.join(_TOKENS)}, or name a file with --token-file.")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise Trouble(f"{' or '.join(_TOKENS)} holds more than a token.")
    return token


def _secure(api: str) -> str:
    """The token goes there."""
    address = urlsplit(api)
    if address.scheme != "https" and address.hostname not in _HERE:
        raise Trouble(f"{api}: the token would be sent in the clear; write https:// (--api, GITHUB_API_URL).")
    return api.rstrip("/")
