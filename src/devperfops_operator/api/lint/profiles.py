"""Load profiles that are among the files, held against the gates that name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from devperfops_operator.api.documents import Document, Path
from devperfops_operator.api.finding import Finding, Problem, located
from devperfops_operator.api.lint.plans import lacking, named_config_map, text_of
from devperfops_operator.api.load_profile import LoadProfile
from devperfops_operator.api.strict import ContentError, only

_PATH: Final[Path] = ("spec", "load", "profile")


def profile_findings(
    document: Document, gate: Mapping[str, Any], found: Mapping[tuple[str, str], Document]
) -> Iterator[Finding]:
    """`found`: ConfigMaps, by namespace and name."""
    source = gate["spec"].get("load", {}).get("profile")
    config_map = named_config_map(gate, source, found) if source is not None else None
    if config_map is None:
        return
    text = text_of(config_map, source)
    if text is None:
        yield located(document, lacking(_PATH, config_map, source))
        return
    try:
        profile = only(source["key"], text, LoadProfile)
    except ContentError as error:
        message = " ".join(str(error).split())
        yield located(config_map, Problem(("data", source["key"]), message))
        return
    seasons = [each.name for each in profile.spec.seasons]
    wanted = source.get("season")
    if wanted is not None and wanted not in seasons:
        known = ", ".join(seasons) or "none"
        message = f'{source["key"]} has no season "{wanted}": its seasons are {known}'
        yield located(document, Problem((*_PATH, "season"), message))
