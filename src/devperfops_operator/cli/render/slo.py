"""The screens of `slo`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.analysis.callgraph.estimate import Between
from devperfops_operator.analysis.callgraph.graph import WHOLE, Point, Service
from devperfops_operator.cli.render.parts import heading, indented, table
from devperfops_operator.cli.render.words import NONE, plain
from devperfops_operator.domain.slo.derive import Objectives, Share
from devperfops_operator.domain.slo.figures import Figures
from devperfops_operator.domain.slo.judged import Judged, Standing
from devperfops_operator.domain.slo.words import percent, quantile, time

_STYLES: Final = {
    Standing.GUARANTEED: "green",
    Standing.PLAUSIBLE: "yellow",
    Standing.CONTRADICTED: "bold red",
}

_ANYTHING: Final = Between(0.0, 1.0)


def check_screen(figures: Figures, found: Sequence[Judged]) -> RenderableType:
    """Each SLA with its verdict, why, and the sum behind it."""
    parts: list[RenderableType] = []
    for judged in found:
        parts.append(
            Text.assemble(
                f"{plain(judged.sla.root)}: {judged.sla.text}  ", (judged.standing, _STYLES[judged.standing])
            )
        )
        parts.append(indented(Group(*_about(figures, judged))))
        parts.append(Text(""))
    parts.append(Text(", ".join(_counts(found))))
    return Group(*parts)


def _counts(found: Sequence[Judged]) -> Iterator[str]:
    for standing in Standing:
        count = sum(each.standing is standing for each in found)
        if count:
            yield f"{count} {standing.lower()}"


def _about(figures: Figures, judged: Judged) -> Iterator[RenderableType]:
    yield Text(plain(judged.reason))
    if judged.lines:
        yield _sum(figures, judged)
    if judged.sla.limit_us is not None and judged.likely_share not in {None, _ANYTHING}:
        yield Text(_likely(judged.sla.allowed, judged.likely_share, judged.likely_us))
    for warning in judged.warnings:
        yield Text(f"Warning: {plain(warning)}", style="yellow")


def _sum(figures: Figures, judged: Judged) -> RenderableType:
    """What each hop brings, and the sum."""
    allowed = f"of {percent(judged.sla.allowed)} allowed"
    share = "not known" if judged.share is None else percent(judged.share)
    if judged.us is None:
        told = figures.told_availability
        rows = [(line.hop, line.how, percent(line.share), told.get(line.hop, "")) for line in judged.lines]
        return table(
            ("HOP", "FAILS", "SHARE", "FROM"), [*rows, ("sum", "", share, allowed)], right=("SHARE",)
        )
    told = figures.told_latency
    timed = [
        (
            line.hop,
            line.how,
            NONE if line.us is None else time(line.us),
            percent(line.share),
            told.get(line.hop, ""),
        )
        for line in judged.lines
    ]
    return table(
        ("HOP", "BOUND", "TIME", "SHARE", "FROM"),
        [*timed, ("sum", "", time(judged.us), share, allowed)],
        right=("TIME", "SHARE"),
    )


def _likely(allowed: int, share: Between, us: Between | None) -> str:
    if us is None:
        far = "far beyond"
    elif us.most is None:
        far = f"at least {time(us.least)}"
    else:
        far = f"between {time(us.least)} and {time(us.most)}"
    most = 1.0 if share.most is None else share.most
    return (
        f"Likely, if hops are slow independently: {percent(share.least * WHOLE)} to {percent(most * WHOLE)} "
        f"over; {quantile(allowed)} {far}"
    )


def derive_screen(
    figures: Figures, shares: Sequence[Share], objectives: Mapping[str, Objectives]
) -> RenderableType:
    """How each SLA was divided, and the objectives that follow."""
    rows = [row for hop, each in objectives.items() for row in _rows(hop, each, figures.likely[hop])]
    return Group(
        *(Text(line) for line in _divided(shares)),
        heading("Objectives of each hop's own time and failures"),
        table(("HOP", "OBJECTIVE", "TODAY"), rows),
    )


def _divided(shares: Iterable[Share]) -> Iterator[str]:
    for share in shares:
        if share.factor is None:
            continue
        what = "their measured times" if share.sla.limit_us is not None else "their failures of today"
        room = "room to spare" if share.factor >= 1 else "they must become better"
        yield (
            f"{plain(share.sla.root)}: {share.sla.text} among {share.hops} hops: "
            f"{share.factor:.2f} x {what} ({room})"
        )


def _rows(hop: str, objectives: Objectives, service: Service) -> Iterator[tuple[str, str, str | Text]]:
    for point in objectives.points:
        yield hop, f"{quantile(point.over)} <= {time(point.us)}", _today(service, point)
    if objectives.bad is not None:
        bad = service.bad
        today = NONE if bad is None else _kept(f"{percent(WHOLE - bad)} good", kept=bad <= objectives.bad)
        yield hop, f"good >= {percent(WHOLE - objectives.bad)}", today


def _today(service: Service, point: Point) -> str | Text:
    known = service.measured
    if not known:
        return "not measured"
    over = min((each.over for each in known if each.us <= point.us), default=WHOLE)
    return _kept(f"at most {percent(over)} over", kept=over <= point.over)


def _kept(today: str, *, kept: bool) -> str | Text:
    return today if kept else Text(f"{today}: not kept yet", style="yellow")
