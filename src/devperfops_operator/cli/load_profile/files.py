"""Profiles and seasons in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from devperfops_operator.api.load_profile import LoadProfile, Seasons, Window
from devperfops_operator.api.strict import ContentError, Strict, only
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.files import text_of

_Model = TypeVar("_Model", bound=Strict)


def read_profile(file: Path) -> LoadProfile:
    """Raises Trouble: it cannot be read, or is no LoadProfile."""
    return _only(file, LoadProfile)


def read_windows(file: Path | None) -> Sequence[Window]:
    """Of the file of seasons; none where there is no file. Raises Trouble likewise."""
    return () if file is None else _only(file, Seasons).seasons


def _only(file: Path, model: type[_Model]) -> _Model:
    try:
        return only(str(file), text_of(file), model)
    except ContentError as error:
        raise Trouble(str(error)) from error
