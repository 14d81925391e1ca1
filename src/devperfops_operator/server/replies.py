"""JSON answers. Every refusal is `{"message": "what is wrong and what to do"}`."""

from __future__ import annotations

import json

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from devperfops_operator.domain.errors import Refused, Unauthenticated, Unavailable


def refusal(kind: type[web.HTTPError], message: str) -> web.HTTPError:
    """An HTTP error to raise."""
    return kind(text=json.dumps({"message": message}), content_type="application/json")


@web.middleware
async def refuse_in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of the house, and the framework's own, become answers of the one form."""
    try:
        return await handler(request)
    except Unauthenticated as error:
        answer = refusal(web.HTTPUnauthorized, str(error))
        answer.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
        raise answer from error
    except (Unavailable, Refused) as error:  # refused to the operator, which the caller cannot mend
        raise refusal(web.HTTPServiceUnavailable, str(error)) from error
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        if error.content_type == "application/json":
            raise
        error.text = json.dumps({"message": f"{request.method} {request.path}: {error.reason}"})
        error.content_type = "application/json"
        raise
