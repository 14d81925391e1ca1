"""Which field of a record is which column."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from devperfops_operator.wire.jtl import COLUMNS, JtlError

NEEDED: Final = ("timeStamp", "elapsed", "label", "success")
_USEFUL: Final = ("responseCode", "responseMessage", "failureMessage", "URL", "bytes", "sentBytes")
_TEXT: Final = "utf-8-sig"
_XML: Final = re.compile(r"\s*<")
_NUMBER: Final = re.compile(r"\s*\d+\W")
_NAMES_OFF: Final = (
    "the first line holds no column names: have JMeter write them"
    " (jmeter.save.saveservice.print_field_names=true), or put the header of a file of the same test in front"
)
_SHOWN: Final = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class Layout:
    """`columns` by name; a record of `width` fields is a regular one."""

    delimiter: str
    width: int
    columns: Mapping[str, int]

    @classmethod
    def of(cls, header: bytes) -> Self:
        """Of a file's first line. JMeter's delimiter is whatever follows the first column's name.

        Raises:
            JtlError: it is no header of a CSV result file with the columns needed.
        """
        line = header.decode(_TEXT, errors="replace").rstrip("\r\n")
        if _XML.match(line):
            raise JtlError(
                "the file is XML: have JMeter write CSV (jmeter.save.saveservice.output_format=csv)"
            )
        if _NUMBER.match(line):
            raise JtlError(_NAMES_OFF)
        found = re.search(r"[,;\t|]", line)
        delimiter = found.group() if found else ","
        names = next(csv.reader([line], delimiter=delimiter), [])
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise JtlError(_lacks(missing, line))
        return cls(delimiter, len(names), {name: names.index(name) for name in names})

    @property
    def missing(self) -> tuple[str, ...]:
        """Columns without which something cannot be told."""
        return tuple(name for name in _USEFUL if name not in self.columns)

    def by_name(self, record: Sequence[str]) -> dict[str, str]:
        """A record's fields. What the agent reads is empty where the file has no such column."""
        absent = {name: "" for name in COLUMNS if name not in self.columns}
        return absent | {name: record[at] for name, at in self.columns.items() if at < len(record)}

    def fault_of(self, record: Sequence[str]) -> str:
        """What is wrong with a record that is no row, and what may have caused it."""
        if list(record) == list(self.columns):
            return "the header once more: files were joined; give each as an argument of its own"
        if len(self.by_name(record)) < len(self.by_name([""] * self.width)):
            return f"{len(record)} of {self.width} fields: the line is cut or damaged"
        start, elapsed, _, success = (record[self.columns[name]] for name in NEEDED)
        if not _whole(start):
            return (
                f"column timeStamp: {start[:_SHOWN]!r} is no time in milliseconds;"
                " have JMeter write them (jmeter.save.saveservice.timestamp_format=ms)"
            )
        if not _whole(elapsed):
            return f"column elapsed: {elapsed[:_SHOWN]!r} is no whole number of milliseconds"
        if success not in {"true", "false"}:
            return f"column success: {success[:_SHOWN]!r} is neither true nor false"
        return "a number is out of range: the line is damaged"


def _whole(text: str) -> bool:
    try:
        return int(text) >= 0
    except ValueError:
        return False


def _lacks(missing: list[str], line: str) -> str:
    if len(missing) == len(NEEDED):
        return f"{_NAMES_OFF}; it reads {line[:_SHOWN]!r}"
    names = " and ".join(missing)
    options = {
        "timeStamp": "timestamp_format=ms",
        "elapsed": "time=true",
        "label": "label=true",
        "success": "successful=true",
    }
    wanted = ", ".join(f"jmeter.save.saveservice.{options[name]}" for name in missing)
    return f"line 1: the column {names} is missing; have JMeter write it ({wanted})"
