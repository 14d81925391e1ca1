"""How values stand in a path, a query, a header, a cookie, a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, Final

from devperfops_operator.scenario.model import Parameter
from devperfops_operator.scenario.template import Template, as_json, plain, written

CRLF: Final = "\r\n"
BOUNDARY: Final = "devperfops-5c1f8a7e2b"
_SEPARATORS: Final = {"spaceDelimited": "%20", "pipeDelimited": "|", "tabDelimited": "%09"}


def in_path(parameter: Parameter, value: Any) -> Template:
    """Styles simple, label and matrix."""
    prefix = {"label": ".", "matrix": f";{parameter.name}="}.get(parameter.style, "")
    text = _joined(_pieces(value), ",")
    return plain(prefix) + text if prefix else text


def in_query(parameter: Parameter, value: Any) -> Iterator[tuple[str, Template]]:
    """Names and values, escaped. Styles form, spaceDelimited, pipeDelimited and deepObject."""
    name = _escaped(parameter.name)
    if parameter.content is not None:
        yield name, as_json(value).in_url
    elif isinstance(value, Mapping) and parameter.style == "deepObject":
        for key, inner in value.items():
            yield f"{name}%5B{_escaped(key)}%5D", written(_scalar(inner)).in_url
    elif isinstance(value, Mapping) and parameter.explode:
        for key, inner in value.items():
            yield _escaped(key), written(_scalar(inner)).in_url
    elif isinstance(value, list) and parameter.explode:
        for inner in value:
            yield name, written(_scalar(inner)).in_url
    else:
        yield name, _joined(_pieces(value), _SEPARATORS.get(parameter.style, ","))


def in_header(value: Any) -> Template:
    """Style simple, in one line."""
    pieces = [written(_scalar(each)) for each in _flat(value)]
    return _one_line(reduce(add, _between(pieces, ",")) if pieces else plain(""))


def form(value: Mapping[str, Any]) -> Template:
    """`application/x-www-form-urlencoded`."""
    pairs = [
        plain(f"{_escaped(name)}=") + written(each).in_url
        for name, inner in value.items()
        for each in (map(_scalar, inner) if isinstance(inner, list) else [_scalar(inner)])
    ]
    return reduce(add, _between(pairs, "&")) if pairs else plain("")


def multipart(value: Mapping[str, Any], files: frozenset[str]) -> Template:
    """`multipart/form-data` between BOUNDARY; `files`: the fields that are files."""
    parts = plain("")
    for name, inner in value.items():
        for each in inner if isinstance(inner, list) else [inner]:
            quoted = name.replace('"', "%22").replace("\r", " ").replace("\n", " ")
            head = f'--{BOUNDARY}{CRLF}Content-Disposition: form-data; name="{quoted}"'
            if name in files:
                head += f'; filename="{quoted}.bin"{CRLF}Content-Type: application/octet-stream'
            elif isinstance(each, Mapping):
                head += f"{CRLF}Content-Type: application/json"
            content = as_json(each) if isinstance(each, Mapping | list) else written(each)
            parts = parts + plain(head + CRLF + CRLF) + content + plain(CRLF)
    return parts + plain(f"--{BOUNDARY}--{CRLF}")


def _pieces(value: Any) -> list[Template]:
    return [written(_scalar(each)).in_url for each in _flat(value)]


def _flat(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [each for pair in value.items() for each in pair]
    return value if isinstance(value, list) else [value]


def _scalar(value: Any) -> Any:
    return as_json(value) if isinstance(value, Mapping | list) else value


def _joined(pieces: Sequence[Template], separator: str) -> Template:
    return reduce(add, _between(pieces, separator)) if pieces else plain("")


def _between(pieces: Sequence[Template], separator: str) -> Iterator[Template]:
    for at, piece in enumerate(pieces):
        yield plain(separator) + piece if at else piece


def _escaped(name: str) -> str:
    return "".join(str(part) for part in plain(name).in_url.parts)


def _one_line(text: Template) -> Template:
    spaces = str.maketrans("\r\n", "  ")
    return Template(tuple(part.translate(spaces) if isinstance(part, str) else part for part in text.parts))
