"""Files that people name at the terminal."""

from __future__ import annotations

from pathlib import Path

from devperfops_operator.cli.errors import Trouble


def text_of(file: Path) -> str:
    """Raises Trouble: it cannot be read, or is no UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"cannot read {file}: {getattr(error, 'strerror', None) or error}.") from error
