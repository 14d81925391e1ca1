"""A service graph as SVG: a column for each step away from the roots, arrows to the right. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from devperfops_operator.analysis.callgraph.graph import Graph
from devperfops_operator.cli.render.slo_picture import Arrow, Box, Picture, picture
from devperfops_operator.cli.render.words import plain
from devperfops_operator.domain.slo.judged import Judged, Standing

_COLOURS: Final[Mapping[Standing | None, tuple[str, str]]] = {
    None: ("#f8f9fa", "#5f6368"),
    Standing.GUARANTEED: ("#e6f4ea", "#188038"),
    Standing.PLAUSIBLE: ("#fef7e0", "#b06000"),
    Standing.CONTRADICTED: ("#fce8e6", "#c5221f"),
}
_LETTER: Final = 8  # wide, at most, in the fonts asked for
_LINE: Final = 18
_PADDING: Final = 12
_MARGIN: Final = 20
_ABOVE: Final = 34
_BESIDE: Final = 56
_LABEL: Final = 5.6
_SWEEPS: Final = 8
_HEAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
    'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif" font-size="13">\n'
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0 8 4 0 8z" fill="#5f6368"/></marker></defs>\n'
    '<rect width="100%" height="100%" fill="#ffffff"/>\n'
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a box is drawn."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def svg(graph: Graph, found: Sequence[Judged]) -> str:
    """One picture, without scripts or anything from elsewhere."""
    shown = picture(graph, found)
    places = _places(shown)
    width = max(place.x + place.width for place in places.values()) + _MARGIN
    height = max(place.y + place.height for place in places.values()) + _MARGIN
    body = [_arrow(arrow, places) for arrow in shown.arrows]
    body += [_box(box, places[box.name]) for box in shown.boxes]
    body += [_label(arrow, places) for arrow in shown.arrows if arrow.label]
    return _HEAD.format(width=width, height=height) + "\n".join(body) + "\n</svg>\n"


def _places(shown: Picture) -> dict[str, _Place]:
    boxes = {box.name: box for box in shown.boxes}
    columns = _ordered(_columns(shown), shown.arrows)
    tallest = max(sum(_height(boxes[name]) + _ABOVE for name in column) for column in columns)
    places: dict[str, _Place] = {}
    x = float(_MARGIN)
    for at, column in enumerate(columns):
        wide = max(_width(boxes[name]) for name in column)
        y = _MARGIN + (tallest - sum(_height(boxes[name]) + _ABOVE for name in column)) / 2
        for name in column:
            places[name] = _Place(x, y, wide, _height(boxes[name]))
            y += _height(boxes[name]) + _ABOVE
        x += wide + _gap(column, shown.arrows) if at + 1 < len(columns) else 0
    return places


def _gap(column: Sequence[str], arrows: Sequence[Arrow]) -> float:
    """Room for the labels of the arrows that begin in the column."""
    return _BESIDE + max((_LABEL * len(each.label) for each in arrows if each.caller in column), default=0)


def _columns(shown: Picture) -> list[list[str]]:
    """Each hop one to the right of the last of its callers."""
    depth = {box.name: 0 for box in shown.boxes}
    for box in shown.boxes:  # callers come first
        for arrow in shown.arrows:
            if arrow.caller == box.name:
                depth[arrow.callee] = max(depth[arrow.callee], depth[box.name] + 1)
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, at in depth.items():
        columns[at].append(name)
    return columns


def _ordered(columns: list[list[str]], arrows: Sequence[Arrow]) -> list[list[str]]:
    """Fewer crossings: each hop at the mean height of its neighbours, a few times back and forth."""
    neighbours: dict[str, list[str]] = {name: [] for column in columns for name in column}
    for arrow in arrows:
        neighbours[arrow.caller].append(arrow.callee)
        neighbours[arrow.callee].append(arrow.caller)
    heights = {name: at / len(column) for column in columns for at, name in enumerate(column)}
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            means = {
                name: _mean([heights[each] for each in neighbours[name]], heights[name]) for name in column
            }
            column.sort(key=means.__getitem__)
            heights |= {name: (at + 0.5) / len(column) for at, name in enumerate(column)}
    return columns


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _width(box: Box) -> float:
    return 2 * _PADDING + _LETTER * max(map(len, (box.name, *box.lines)))


def _height(box: Box) -> float:
    return 2 * _PADDING + _LINE * (1 + len(box.lines)) - 4


def _box(box: Box, place: _Place) -> str:
    fill, stroke = _COLOURS[box.standing]
    lines = "".join(_texts(box, place))
    return (
        f'<rect x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" '
        f'rx="6" fill="{fill}" stroke="{stroke}" stroke-width="{1.5 if box.standing else 1}"/>{lines}'
    )


def _texts(box: Box, place: _Place) -> Iterator[str]:
    for at, line in enumerate((box.name, *box.lines)):
        weight = ' font-weight="600"' if at == 0 else ""
        x, y = place.x + _PADDING, place.y + _PADDING + 11 + at * _LINE
        yield f'<text x="{x:.1f}" y="{y:.1f}" fill="#202124"{weight}>{_escaped(line)}</text>'


def _arrow(arrow: Arrow, places: Mapping[str, _Place]) -> str:
    one, other = places[arrow.caller], places[arrow.callee]
    x, end = one.x + one.width, other.x
    bend = (end - x) / 2
    return (
        f'<path d="M{x:.1f} {one.middle:.1f}C{x + bend:.1f} {one.middle:.1f} {end - bend:.1f} '
        f'{other.middle:.1f} {end:.1f} {other.middle:.1f}" fill="none" stroke="#9aa0a6" stroke-width="1.3" '
        'marker-end="url(#head)"/>'
    )


def _label(arrow: Arrow, places: Mapping[str, _Place]) -> str:
    """Beside the arrow's head, where lines are apart."""
    other = places[arrow.callee]
    x, y = other.x - 12, other.middle - 6
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="#3c4043" font-size="11" text-anchor="end" paint-order="stroke" '
        f'stroke="#ffffff" stroke-width="3">{_escaped(arrow.label)}</text>'
    )


def _escaped(text: str) -> str:
    return escape(plain(text))
