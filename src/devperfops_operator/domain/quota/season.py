"""Days of the year between two dates, also over new year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from devperfops_operator.domain.errors import InvalidSpec

_DAY: Final = re.compile("[0-9]{2}-[0-9]{2}")
_LEAP: Final = 2000


@dataclass(frozen=True, slots=True)
class Season:
    """`first` and `last` are months and days, both within; `last` before `first`: over new year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def contains(self, day: date) -> bool:
        moment = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= moment <= self.last
        return moment >= self.first or moment <= self.last

    def begins(self, day: date, within: int) -> date | None:
        """The first day of it among the next `within` days; None: none of them, or `day` is in it already."""
        if self.contains(day):
            return None
        following = (day + timedelta(days=ahead) for ahead in range(1, within + 1))
        return next((each for each in following if self.contains(each)), None)

    def __str__(self) -> str:
        return " to ".join(f"{month:02}-{day:02}" for month, day in (self.first, self.last))


def parse_day(text: str, field: str) -> tuple[int, int]:
    """Read `12-15` as month and day. Raises InvalidSpec, which names the `field`."""
    try:
        day = date.fromisoformat(f"{_LEAP}-{text}" if _DAY.fullmatch(text) else "")
    except ValueError as error:
        raise InvalidSpec(
            field, f'"{text}" is not a day of the year: write month and day, as in 12-15'
        ) from error
    return day.month, day.day
