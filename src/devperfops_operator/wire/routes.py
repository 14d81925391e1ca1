"""Paths and templates, however frameworks write the gaps of these: {id}, [id], <int:id>, :id, *."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

_GAP: Final = re.compile(r"\{[^{}/]*\}|\[[^\[\]/]*\]|<[^<>/]*>|:[^/]+|\*+")


class Routes:
    """Templates, made to be looked up in."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._same: defaultdict[str, list[str]] = defaultdict(list)
        self._deep: defaultdict[int, list[tuple[int, re.Pattern[str], str]]] = defaultdict(list)
        for template in templates:
            pattern = _pattern(template)
            self._same[pattern].append(template)
            parts = pattern.split("{}")
            fits = re.compile("[^/]+".join(map(re.escape, parts)))
            self._deep[pattern.count("/")].append((len(parts), fits, template))

    def matching(self, route: str) -> Sequence[str]:
        """Those that are the route; else the most literal of those it fits with values in their gaps."""
        pattern = _pattern(route)
        if pattern in self._same:
            return self._same[pattern]
        path = route.rstrip("/") or "/"
        found = [(gaps, each) for gaps, fits, each in self._deep[path.count("/")] if fits.fullmatch(path)]
        least = min((gaps for gaps, _ in found), default=0)
        return [each for gaps, each in found if gaps == least]


def _pattern(path: str) -> str:
    return _GAP.sub("{}", path).rstrip("/") or "/"
