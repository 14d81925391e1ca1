"""Access logs in files, plain or packed by gzip."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from devperfops_operator.analysis.sessions.chain import NameOf, chain
from devperfops_operator.analysis.sessions.lines import Hit, hit
from devperfops_operator.api.load_profile import Endpoint, LoadProfile, Sessions
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.domain.load_profile.sequences import sessions_of
from devperfops_operator.wire.routes import Routes

_MOST: Final = 2_000_000  # requests, which take some 500 MB while they are put in order
_FORMATS: Final = "common, combined, JSON (one object a line) and Envoy's own"


def with_sessions(profile: LoadProfile, files: Sequence[Path]) -> LoadProfile:
    """The profile with what the logs tell; without files as it is.

    Raises:
        Trouble: a file cannot be read, has too many lines, or none of the profile's endpoints is in them.
    """
    if not files:
        return profile
    spec = profile.spec.model_copy(update={"sessions": _sessions(files, profile.spec.endpoints)})
    return profile.model_copy(update={"spec": spec})


def _sessions(files: Sequence[Path], endpoints: Sequence[Endpoint]) -> Sessions:
    hits: list[Hit] = []
    lines = 0
    for file in files:
        for line in _lines(file):
            lines += 1
            found = hit(line)
            if found is not None:
                hits.append(found)
            if len(hits) > _MOST:
                raise Trouble(
                    f"{file}: there are more than {_MOST:,} requests: give the log of a shorter time."
                )
    told = ", ".join(map(str, files))
    if not hits:
        raise Trouble(f"{told}: none of {lines:,} lines can be read; formats are {_FORMATS}.")
    found_chain = chain(hits, _namer(endpoints))
    if found_chain is None:
        some = ", ".join(dict.fromkeys(f"{each.method} {each.path}" for each in hits[:3]))
        raise Trouble(
            f"{told}: no request is of an endpoint of the profile, but {some}. Are its routes paths?"
        )
    return sessions_of(found_chain, lines=lines, unread=lines - len(hits))


def _lines(file: Path) -> Iterator[str]:
    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "rt", encoding="utf-8", errors="replace") as opened:
            yield from opened
    except (OSError, EOFError) as error:
        raise Trouble(f"cannot read {file}: {error}.") from error


def _namer(endpoints: Sequence[Endpoint]) -> NameOf:
    """By method and route; where methods are not told apart by the route alone."""

    @cache
    def of_method(method: str) -> tuple[Routes, dict[str, str]]:
        possible = {each.route: each.name for each in endpoints if each.method in {"", "-", method}}
        return Routes(possible), possible

    def name(method: str, path: str) -> str | None:
        routes, names = of_method(method)
        found = routes.matching(path)
        return names[found[0]] if len(found) == 1 else None

    return name
