"""What names have in common: `orderId`, `order_id` and `/orders` speak of one thing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

GAP: Final = re.compile(r"\{([^{}]+)\}")
GENERIC: Final = frozenset(
    {"id", "uuid", "guid", "key", "name", "slug", "code", "number", "ref", "identifier"}
)
"""Names that say nothing of what they are the name of."""

_SPLIT: Final = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_ID_ENDINGS: Final = (
    "ids",
    "id",
    "uuid",
    "guid",
    "key",
    "name",
    "slug",
    "code",
    "number",
    "ref",
    "identifier",
)
_IDS: Final = frozenset({"id", "uuid", "guid"})
_NAMES: Final = frozenset({"name", "slug", "key", "code", "number"})
_CHOSEN: Final = ("name", "slug", "key", "id")
_ES: Final = ("sses", "xes", "zes", "ches", "shes")


def squeezed(name: str) -> str:
    """Letters and digits only, lower case."""
    return "".join(words(name))


def words(name: str) -> list[str]:
    return [word.lower() for word in _SPLIT.split(name) if word]


def singular(word: str) -> str:
    """`categories` -> `category`, `boxes` -> `box`, `orders` -> `order`."""
    if word.endswith("ies") and len(word) > len("series"):
        return f"{word[:-3]}y"
    if word.endswith(_ES):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def noun(collection: str) -> str:
    """What a collection holds: `/v1/shop-orders` -> `shoporder`; empty when its path says nothing."""
    static = [part for part in collection.split("/") if part and "{" not in part]
    return singular(squeezed(static[-1])) if static else ""


def stem(name: str) -> str:
    """Of what a name is the id: `orderId` -> `order`; empty for `id` alone, or when it is no id."""
    parts = words(name)
    if len(parts) > 1 and parts[-1] in _ID_ENDINGS:
        return singular("".join(parts[:-1]))
    joined = "".join(parts)
    ending = next(
        (each for each in ("uuid", "id") if joined.endswith(each) and len(joined) > len(each) + 2), ""
    )
    return singular(joined[: -len(ending)]) if ending and len(parts) == 1 and name.endswith("Id") else ""


def is_reference(name: str) -> bool:
    """Whether a property's name says that it holds another thing's id."""
    parts = words(name)
    return len(parts) > 1 and parts[-1] in _IDS


def one_of(name: str) -> str:
    """What a list's name says of each of its values: `customerIds` -> `customerId`; empty: nothing."""
    last = words(name)[-1:]
    return name[:-1] if last and last[0][:-1] in _IDS | _NAMES and last[0].endswith("s") else ""


def kind(name: str) -> str:
    """By what a name calls its thing, where that is not its id: `projectName` -> `name`."""
    last = words(name)[-1:]
    return last[0] if last and last[0] in _NAMES else ""


def template_key(path: str) -> str:
    """A path with the names of its gaps left out, and a slash at its end."""
    return GAP.sub("{}", path).rstrip("/") or "/"


def items(path: str) -> Iterator[tuple[str, str]]:
    """Each gap's name, and the key of the thing it names: the path up to it, and what it is called by.

    `/users/{id}` and `/users/{name}` want different words of the same thing.
    """
    for gap in GAP.finditer(path):
        yield gap[1], template_key(path[: gap.end()]) + _called(gap[1])


def item_key(collection: str, name: str) -> str:
    """The key of what is in a collection under such a name."""
    return f"{collection.rstrip('/')}/{{}}{_called(name)}"


def _called(name: str) -> str:
    return f"#{kind(name)}" if kind(name) else ""


def place(key: str) -> str:
    """The path of a thing, whatever it is called by."""
    return key.partition("#")[0]


def collection_of(key: str) -> str:
    """`/orders/{}` -> `/orders`."""
    return key.rpartition("/")[0]


def own_names(name: str, thing: str) -> Sequence[str]:
    """What an id is called where somebody chooses it: `projectName` is the project's `name`.

    So is `project`, where a path calls the thing itself so.
    """
    last = words(name)[-1:]
    found = [squeezed(name), *(word for word in last if word in GENERIC)]
    if singular(squeezed(name)) == thing:
        found += _CHOSEN
    return list(dict.fromkeys(found))


def id_names(name: str, thing: str) -> Sequence[str]:
    """What the id may be called where the thing itself is shown, best first, squeezed."""
    own = squeezed(name)
    last = words(name)[-1] if words(name) else own
    about = stem(name) or thing
    kinds = [last] if last in GENERIC else []
    found = [own, *kinds, *(f"{about}{kind}" for kind in kinds), "id", f"{about}id", f"{thing}id"]
    if last == own or last in {"id", "uuid", "guid"} or last not in GENERIC:
        found += [
            "uuid",
            "guid",
            f"{about}uuid",
            "identifier",
            "slug",
            "key",
            f"{about}key",
            "name",
            f"{about}name",
        ]
        found += ["code", "number", f"{about}number", about]
    return list(dict.fromkeys(each for each in found if each))
