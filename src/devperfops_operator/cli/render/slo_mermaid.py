"""A service graph as a Mermaid flowchart. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from devperfops_operator.analysis.callgraph.graph import Graph
from devperfops_operator.cli.render.slo_picture import Box, picture
from devperfops_operator.cli.render.words import plain
from devperfops_operator.domain.slo.judged import Judged, Standing

_CLASSES: Final = {
    Standing.GUARANTEED: "fill:#e6f4ea,stroke:#188038,color:#202124",
    Standing.PLAUSIBLE: "fill:#fef7e0,stroke:#b06000,color:#202124",
    Standing.CONTRADICTED: "fill:#fce8e6,stroke:#c5221f,color:#202124,stroke-width:2px",
}


def mermaid(graph: Graph, found: Sequence[Judged]) -> str:
    """For Markdown that draws it, as GitHub's and GitLab's does."""
    return "".join(f"{line}\n" for line in _lines(graph, found))


def _lines(graph: Graph, found: Sequence[Judged]) -> Iterator[str]:
    shown = picture(graph, found)
    numbers = {box.name: f"n{at}" for at, box in enumerate(shown.boxes)}
    yield "flowchart LR"
    for box in shown.boxes:
        style = f":::{box.standing.lower()}" if box.standing else ""
        yield f"  {numbers[box.name]}[{_label(box)}]{style}"
    for arrow in shown.arrows:
        label = f'|"{_escaped(arrow.label)}"| ' if arrow.label else ""
        yield f"  {numbers[arrow.caller]} --> {label}{numbers[arrow.callee]}"
    for standing, style in _CLASSES.items():
        yield f"  classDef {standing.lower()} {style}"


def _label(box: Box) -> str:
    return '"' + "<br/>".join(map(_escaped, (box.name, *box.lines))) + '"'


def _escaped(text: str) -> str:
    """As Mermaid's entities: names and thresholds may hold its own characters."""
    for letter, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(letter, entity)
    return plain(text)
