"""Secrets of the operator itself: mounted files, read anew for each use, since they are renewed in place."""

from __future__ import annotations

from pathlib import Path

from devperfops_operator.domain.errors import Refused


def read_bearer(file: Path) -> str:
    """Nothing but a token: HTTP libraries quote anything else in their errors.

    Raises:
        Refused: as `read_token`, or the file holds something else.
    """
    token = read_token(file)
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise Refused("TokenUnusable", f"{file} holds more than a token; put only the token into the Secret")
    return token


def read_token(file: Path) -> str:
    """The file's text without the space around it.

    Raises:
        Refused: it cannot be read, or is empty.
    """
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Refused("TokenUnreadable", f"cannot read {file}: {reason}; mount the Secret there") from None
    if not token:
        raise Refused("TokenUnreadable", f"{file} is empty; put the token into the Secret")
    return token
