"""Templates as JMeter's own expressions."""

from __future__ import annotations

from typing import Final

from devperfops_operator.scenario.template import Part, Secret, Stored, Template, Unique, Uuid

_OPENING: Final = "${__char(36)}{"
"""`${` of a document, which is not ours to be evaluated."""
_RETURN: Final = "${__char(13)}"
"""XML does not keep a carriage return."""


def text(template: Template) -> str:
    r"""For any property of a plan.

    Where a text has an expression, JMeter takes `\\`, `\$` and `\,` as escapes; elsewhere it does not.
    """
    literal = "".join(part for part in template.parts if isinstance(part, str))
    if all(isinstance(part, str) for part in template.parts) and "${" not in literal and "\r" not in literal:
        return literal
    return "".join(
        _literal(part) if isinstance(part, str) else _expression(part) for part in _joined(template.parts)
    )


def _joined(parts: tuple[Part, ...]) -> list[Part]:
    """Neighbouring literals as one: `$` and `{` may come from two."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _literal(part: str) -> str:
    return part.replace("\\", "\\\\").replace("${", _OPENING).replace("\r", _RETURN)


def _expression(part: Part) -> str:
    match part:
        case Unique(length=length, letters=letters, store=store):
            return f"${{__RandomString({length},{letters}{f',{store}' if store else ''})}}"
        case Uuid():
            return "${__UUID}"
        case Stored(name=name, in_url=in_url):
            return _escaped(f"${{{name}}}") if in_url else f"${{{name}}}"
        case Secret(name=name, in_url=in_url):
            return _escaped(f"${{__P({name})}}") if in_url else f"${{__P({name})}}"
        case _:
            return part


def _escaped(expression: str) -> str:
    return f"${{__urlencode({expression})}}"
