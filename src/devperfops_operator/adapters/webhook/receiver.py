"""Posts the JSON report (`domain.report`) to one address with httpx."""

from __future__ import annotations

from typing import Final

import httpx

from devperfops_operator.adapters.tokenfile import read_bearer
from devperfops_operator.api.settings import WebhookReceiver
from devperfops_operator.domain.errors import Refused, Unavailable
from devperfops_operator.domain.report import Message

TIMEOUT_SECONDS: Final = 10.0
_LATER: Final = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS})


class Webhook:
    """Implements `domain.ports.Receiver`.

    The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) is the run's uid for every try.
    """

    def __init__(self, settings: WebhookReceiver) -> None:
        self._settings = settings

    async def send(self, message: Message) -> None:
        """Any 2xx is an acknowledgement; redirects are not followed, since a token may go with it.

        Raises:
            Refused: a 3xx or 4xx answer.
            Unavailable: no answer, or one that says "later".
        """
        token = self._settings.token_file and read_bearer(self._settings.token_file)
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        headers = {"Idempotency-Key": f'"{message.key}"', **authorization}
        try:
            async with (
                httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client,
                client.stream("POST", self._settings.url, json=message.document, headers=headers) as response,
            ):
                pass  # the body is not read: nobody knows how long it is
        except httpx.HTTPError as error:
            raise Unavailable(f"the webhook does not answer: {error or type(error).__name__}") from None
        if response.is_success:
            return
        said = f"the webhook answers {response.status_code}"
        if response.status_code in _LATER or response.is_server_error:
            raise Unavailable(said)
        raise Refused(f"HTTP{response.status_code}", f"{said}; correct notifications.webhook in the settings")
