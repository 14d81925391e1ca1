"""Two lists of the Cloud Quotas API, described in the form that Google's client reads.

The client brings descriptions of hundreds of APIs, and none of this one; its own package would bring gRPC.
"""

from __future__ import annotations

from typing import Any, Final


def _list(kind: str, parent: str) -> dict[str, Any]:
    """A method that lists a kind in pages."""
    text = {"location": "query", "type": "string"}
    return {
        "id": f"cloudquotas.{kind}.list",
        "path": f"v1/{{+parent}}/{kind}",
        "httpMethod": "GET",
        "parameterOrder": ["parent"],
        "parameters": {
            "parent": {"location": "path", "type": "string", "required": True, "pattern": parent},
            "pageSize": {"location": "query", "type": "integer", "format": "int32"},
            "pageToken": text,
        },
        "response": {"$ref": f"List{kind}"},
    }


def _page(kind: str) -> dict[str, Any]:
    """What such a method answers with; the client looks for the token in it."""
    fields = {"nextPageToken": {"type": "string"}, kind: {"type": "array", "items": {"type": "any"}}}
    return {"id": f"List{kind}", "type": "object", "properties": fields}


_PARENTS: Final = {
    "quotaInfos": "^projects/[^/]+/locations/[^/]+/services/[^/]+$",
    "quotaPreferences": "^projects/[^/]+/locations/[^/]+$",
}
DESCRIPTION: Final[dict[str, Any]] = {
    "kind": "discovery#restDescription",
    "name": "cloudquotas",
    "version": "v1",
    "rootUrl": "https://cloudquotas.googleapis.com/",
    "servicePath": "",
    "resources": {kind: {"methods": {"list": _list(kind, parent)}} for kind, parent in _PARENTS.items()},
    "schemas": {f"List{kind}": _page(kind) for kind in _PARENTS},
}
