"""Logging as JSON lines on stdout, one object a line: what a cluster's log collector reads without rules."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_OWN = "devperfops_operator"


class JsonLines(logging.Formatter):
    """Fields: time (RFC 3339, UTC), level, logger, message; `error` with the traceback, if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure() -> None:
    """Our own messages from `info` on, those of libraries from `warning` on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(_OWN).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
