"""Who asks: the schemes of a document, and what a request carries for them.

A secret is never in the plan: it is a property JMeter is started with, named after its scheme.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from devperfops_operator.scenario.document import Document
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.model import Kind, Offer, Operation, Scheme, Where
from devperfops_operator.scenario.template import Secret, Stored, Template, plain

_UNFIT: Final = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Credentials:
    """What a request carries. `basic`: name and password."""

    headers: Sequence[tuple[str, Template]] = ()
    query: Sequence[tuple[str, Template]] = ()
    cookies: Sequence[tuple[str, Template]] = ()
    basic: tuple[Secret, Secret] | None = None


def schemes(document: Document) -> tuple[dict[str, Scheme], dict[str, str]]:
    """Those that can be used, and why the others cannot, by name."""
    components = document.mapping(document.root.get("components"))
    given = document.root.get("securityDefinitions", components.get("securitySchemes"))
    usable: dict[str, Scheme] = {}
    others: dict[str, str] = {}
    for name, node in document.mapping(given).items():
        try:
            usable[name] = _scheme(name, document.mapping(node))
        except Unusable as trouble:
            others[name] = str(trouble)
    return usable, others


def alternatives(document: Document, node: Mapping[str, Any]) -> list[list[str]]:
    """What the operation asks for, or else the document."""
    given = node.get("security", document.root.get("security"))
    listed = given if isinstance(given, list) else []
    return [[str(name) for name in each] for each in listed if isinstance(each, Mapping)]


def chosen(offer: Offer, operation: Operation) -> list[Scheme]:
    """The first alternative that can be used; to ask as nobody comes last.

    Raises:
        Unusable: no alternative can be used.
    """
    for names in sorted(operation.security, key=lambda each: not each):
        if all(name in offer.schemes for name in names):
            return [offer.schemes[name] for name in names]
    unusable = [name for names in operation.security for name in names if name not in offer.schemes]
    if unusable:
        raise Unusable(
            f"its security {unusable[0]}: {offer.other_schemes.get(unusable[0], 'is not described')}"
        )
    return []


def credentials(used: Sequence[Scheme]) -> Credentials:
    """What a request carries for schemes that are all needed."""
    basic = next((each for each in used if each.kind is Kind.BASIC), None)
    pair = None
    if basic is not None:
        user, password = secrets(basic)
        pair = (Secret(user), Secret(password))
    return Credentials(
        headers=[*_keys(used, Where.HEADER), *_bearer(used)],
        query=list(_keys(used, Where.QUERY)),
        cookies=list(_keys(used, Where.COOKIE)),
        basic=pair,
    )


def secrets(scheme: Scheme) -> list[str]:
    """The properties it asks for."""
    own = _UNFIT.sub("_", scheme.key)
    match scheme.kind:
        case Kind.BASIC:
            return [f"{own}_username", f"{own}_password"]
        case Kind.CLIENT_CREDENTIALS:
            return [f"{own}_client_id", f"{own}_client_secret"]
        case Kind.BEARER:
            return [f"{own}_token"]
        case Kind.API_KEY:
            return [f"{own}_key"]


def token_variable(scheme: Scheme) -> str:
    return f"{_UNFIT.sub('_', scheme.key)}_token"


def _scheme(name: str, node: Mapping[str, Any]) -> Scheme:
    kind = str(node.get("type", "")).lower()
    match kind, str(node.get("scheme", "")).lower():
        case "apikey", _:
            if str(node.get("in")) not in set(Where) - {Where.PATH}:
                raise Unusable(f"an API key in {node.get('in')!r} is not supported")
            return Scheme(name, Kind.API_KEY, str(node.get("name")), Where(node["in"]))
        case ("basic", _) | ("http", "basic"):
            return Scheme(name, Kind.BASIC)
        case "http", "bearer":
            return Scheme(name, Kind.BEARER)
        case "oauth2", _:
            return _oauth(name, node)
        case "openidconnect", _:
            return Scheme(name, Kind.BEARER)
    raise Unusable(f"type {node.get('type')!r} {node.get('scheme', '')} is not supported")


def _oauth(name: str, node: Mapping[str, Any]) -> Scheme:
    """Client credentials where the target itself hands out tokens; else a token is given."""
    flows = node.get("flows")
    flow = flows.get("clientCredentials") if isinstance(flows, Mapping) else None
    if node.get("flow") == "application":
        flow = node
    address = str(flow.get("tokenUrl") or "") if isinstance(flow, Mapping) else ""
    if not isinstance(flow, Mapping) or not address or urlsplit(address).netloc:
        return Scheme(name, Kind.BEARER)
    return Scheme(
        name,
        Kind.CLIENT_CREDENTIALS,
        token_url=address if address.startswith("/") else f"/{address}",
    )


def _keys(used: Sequence[Scheme], where: Where) -> Iterator[tuple[str, Template]]:
    for each in used:
        if each.kind is Kind.API_KEY and each.where is where:
            yield each.name, Template((Secret(secrets(each)[0]),))


def _bearer(used: Sequence[Scheme]) -> Iterator[tuple[str, Template]]:
    for each in used:
        if each.kind is Kind.BEARER:
            yield "Authorization", plain("Bearer ") + Template((Secret(secrets(each)[0]),))
        elif each.kind is Kind.CLIENT_CREDENTIALS:
            yield "Authorization", plain("Bearer ") + Template((Stored(token_variable(each)),))
