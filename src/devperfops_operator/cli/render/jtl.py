"""The screens of `jtl`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from devperfops_operator.analysis.jtl.compare import ENOUGH, RULE, Finding, Pair
from devperfops_operator.analysis.jtl.report import PERCENTILES, TOP, Figures, Report, Transaction
from devperfops_operator.api.quantity import format_duration
from devperfops_operator.cli.jtl.files import FileNote
from devperfops_operator.cli.render.parts import facts, heading
from devperfops_operator.cli.render.words import NONE, Clock, counted, number, plain

_MIDDLE: Final = 110
_WIDE: Final = 130
_ALL: Final = "All requests"
_KINDS: Final = 20
_WORST: Final = 20
_LENGTH: Final = 300  # characters of a message on the screen
_P50, _P90, _P95, _P99 = range(len(PERCENTILES))
_KIB: Final = 1024
_STYLES: Final = {
    Finding.MORE_ERRORS: "bold red",
    Finding.SLOWER: "red",
    Finding.MIXED: "yellow",
    Finding.GONE: "yellow",
    Finding.NEW: "yellow",
    Finding.FASTER: "green",
    Finding.FEWER_ERRORS: "green",
    Finding.TOO_FEW: "dim",
    Finding.ALIKE: "",
}


class _Column(NamedTuple):
    """`wide`: shown only where there is room."""

    title: str
    value: Callable[[Figures], str]
    wide: bool = False


_COLUMNS: Final = (
    _Column("SAMPLES", lambda it: number(it.samples)),
    _Column("ERRORS", lambda it: _share(it.error_share)),
    _Column("FAILED", lambda it: number(it.errors), wide=True),
    _Column("MEAN", lambda it: f"{it.mean_ms:,.1f}", wide=True),
    _Column("MIN", lambda it: number(it.min_ms), wide=True),
    _Column("P50", lambda it: number(it.percentiles_ms[_P50])),
    _Column("P90", lambda it: number(it.percentiles_ms[_P90]), wide=True),
    _Column("P95", lambda it: number(it.percentiles_ms[_P95])),
    _Column("P99", lambda it: number(it.percentiles_ms[_P99])),
    _Column("MAX", lambda it: number(it.max_ms)),
    _Column("APDEX", lambda it: f"{it.apdex:.3f}"),
    _Column("PER S", lambda it: _rate(it.throughput), wide=True),
    _Column("KIB/S IN", lambda it: _rate(it.per_second(it.received_bytes), _KIB), wide=True),
    _Column("KIB/S OUT", lambda it: _rate(it.per_second(it.sent_bytes), _KIB), wide=True),
)


class _Compared(NamedTuple):
    """`width`: of the terminal from which on the column is shown."""

    title: str
    value: Callable[[Pair], str]
    width: int = 0


_COMPARED: Final = (
    _Compared("ERRORS", lambda pair: _both(pair, lambda it: _share(it.error_share))),
    _Compared("P50", lambda pair: _percentile(pair, _P50), _MIDDLE),
    _Compared("P95", lambda pair: _percentile(pair, _P95)),
    _Compared("P99", lambda pair: _percentile(pair, _P99), _WIDE),
    _Compared("APDEX", lambda pair: _both(pair, lambda it: f"{it.apdex:.3f}"), _WIDE),
    _Compared("SAMPLES", lambda pair: _both(pair, lambda it: number(it.samples)), _WIDE),
)


def report_screen(report: Report, notes: Sequence[FileNote], clock: Clock, width: int) -> RenderableType:
    """`width`: of the terminal, which decides on the columns. Times in ms."""
    requests = [each for each in report.transactions if not each.controller]
    controllers = [each for each in report.transactions if each.controller]
    parts: list[RenderableType] = [facts(_about(report, notes, clock))]
    if report.total is not None:
        parts += [heading("Requests (ms)"), _figures_table(requests, report.total, width)]
    if controllers:
        parts += [heading("Transactions (ms)"), _figures_table(controllers, None, width)]
    if report.total is not None and report.total.errors:
        parts += [heading("Errors"), *_errors(report.total)]
    failing = [each for each in report.transactions if each.figures.errors]
    if len(failing) > 1:
        parts += [heading("Most frequent errors"), *_top_errors(failing)]
    return Group(*parts)


def minutes_table(report: Report, clock: Clock) -> RenderableType:
    """What ended in each minute."""
    series = report.minutes
    columns = (series.at, series.samples, series.errors, series.mean_ms, report.minute_percentiles_ms)
    made = _table(("MINUTE", "SAMPLES", "ERRORS", "MEAN", *(f"P{percent}" for percent in PERCENTILES)))
    for minute, samples, errors, mean, percentiles in zip(*columns, strict=True):
        at = clock.time(datetime.fromtimestamp(minute * 60, UTC))
        made.add_row(at, number(samples), number(errors), f"{mean:,.1f}", *map(number, percentiles))
    return Group(heading("By minute (ms)"), made)


def comparison_screen(
    pairs: Sequence[Pair], old: Sequence[FileNote], new: Sequence[FileNote], width: int
) -> RenderableType:
    """Then and now side by side; what is noticeable is coloured and named."""
    columns = [column for column in _COMPARED if width >= column.width]
    made = _table(("", *(column.title for column in columns)))
    made.add_column("FINDING", no_wrap=True)
    for pair in sorted(pairs, key=lambda pair: pair.name is None):
        style = "bold" if pair.name is None else ""
        cells = [Text(column.value(pair), style=style) for column in columns]
        finding = Text(pair.finding.value, style=_STYLES[pair.finding])
        made.add_row(Text(_name(pair.name, pair.controller), style=style), *cells, finding)
    noticed = sum(pair.finding not in {Finding.ALIKE, Finding.TOO_FEW} for pair in pairs if pair.name)
    return Group(
        facts([("Old", _files(old)), ("New", _files(new))]),
        heading("Old -> new (ms)"),
        made,
        Text(f"\n{counted(noticed, 'transaction')} with a noticeable difference. {RULE.capitalize()}."),
    )


def _both(pair: Pair, value: Callable[[Figures], str]) -> str:
    return " -> ".join(NONE if it is None else value(it) for it in (pair.old, pair.new))


def _percentile(pair: Pair, at: int) -> str:
    """Then, now, and the change where there are samples enough to speak of one."""
    told = _both(pair, lambda it: number(it.percentiles_ms[at]))
    if pair.old is None or pair.new is None or min(pair.old.samples, pair.new.samples) < ENOUGH:
        return told
    old, new = pair.old.percentiles_ms[at], pair.new.percentiles_ms[at]
    return f"{told} {new / old - 1:+.0%}" if old else told


def _name(name: str | None, controller: bool) -> str:  # noqa: FBT001
    return _ALL if name is None else plain(name) + (" (transaction)" if controller else "")


def _about(report: Report, notes: Sequence[FileNote], clock: Clock) -> Iterable[tuple[str, RenderableType]]:
    yield "Files", _files(notes)
    every = [each.figures for each in report.transactions]
    first, last = min(it.first_ms for it in every), max(it.last_ms for it in every)
    began = datetime.fromtimestamp(first / 1000, UTC)
    duration = format_duration(timedelta(seconds=round((last - first) / 1000)))
    yield "Load", f"{clock.date_time(began)}, {duration}"
    if report.total is not None:
        rate = report.total.throughput
        told = f", {rate:,.1f} per second" if rate is not None else ""
        yield "Requests", f"{number(report.total.samples)}{told}, {_share(report.total.error_share)} failed"
    yield "APDEX", f"satisfied to {report.apdex.satisfied_ms} ms, tolerated to {report.apdex.tolerated_ms} ms"


def _files(notes: Sequence[FileNote]) -> RenderableType:
    return Group(*(part for note in notes for part in _file(note)))


def _file(note: FileNote) -> Iterable[Text]:
    yield Text(f"{plain(str(note.path))}: {counted(note.rows, 'row')}")
    if note.malformed:
        damaged = f"{counted(note.malformed, 'damaged record')} left out; {note.fault}"
        yield Text(f"  {plain(damaged)}", style="yellow")
    if note.missing:
        yield Text(f"  not in the file: {', '.join(note.missing)}{_hidden(note.missing)}", style="yellow")
    if note.tail:
        cut = (
            f"  the last record is cut ({counted(note.tail, 'byte')} left out): JMeter did not end by itself"
        )
        yield Text(cut, style="yellow")


def _hidden(missing: Sequence[str]) -> str:
    if "responseMessage" in missing:
        return "; so Transaction Controllers' rows, if there are any, count as requests"
    return ""


def _figures_table(transactions: Iterable[Transaction], total: Figures | None, width: int) -> Table:
    columns = [column for column in _COLUMNS if width >= _WIDE or not column.wide]
    made = _table(("", *(column.title for column in columns)))
    for each in transactions:
        made.add_row(Text(plain(each.name)), *(column.value(each.figures) for column in columns))
    if total is not None:
        made.add_row(_ALL, *(column.value(total) for column in columns), style="bold")
    return made


def _table(titles: Sequence[str]) -> Table:
    """Names are folded where there is no room; numbers never."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    made.add_column(titles[0], overflow="fold")
    for title in titles[1:]:
        made.add_column(title, justify="right", no_wrap=True)
    return made


def _errors(total: Figures) -> Iterable[RenderableType]:
    made = _table(("TYPE", "COUNT", "OF ERRORS", "OF ALL"))
    for each in total.errors_by_kind[:_KINDS]:
        of_errors, of_all = each.count / total.errors, each.count / total.samples
        made.add_row(_message(each.kind), number(each.count), _share(of_errors), _share(of_all))
    yield made
    yield from _more(len(total.errors_by_kind) - _KINDS, "type")


def _top_errors(failing: Sequence[Transaction]) -> Iterable[RenderableType]:
    """Of the transactions with the most errors."""
    made = _table(("", "COUNT", "OF ITS SAMPLES"))
    made.add_column("TYPE", overflow="fold")
    worst = sorted(failing, key=lambda each: -each.figures.errors)
    for transaction in worst[:_WORST]:
        name = _name(transaction.name, transaction.controller)
        for each in transaction.figures.errors_by_kind[:TOP]:
            share = _share(each.count / transaction.figures.samples)
            made.add_row(Text(name), number(each.count), share, _message(each.kind))
            name = ""
    yield made
    yield from _more(len(worst) - _WORST, "transaction")


def _more(count: int, thing: str) -> Iterable[RenderableType]:
    if count > 0:
        yield Text(f"and {counted(count, f'more {thing}')}; --json has them all", style="dim")


def _message(text: str) -> Text:
    return Text(plain(text[:_LENGTH]))


def _share(value: float) -> str:
    return "0 %" if value == 0 else f"{value:.2%}".replace("%", " %") if value >= 1e-4 else "< 0.01 %"  # noqa: PLR2004


def _rate(value: float | None, unit: int = 1) -> str:
    return NONE if value is None else f"{value / unit:,.1f}"
