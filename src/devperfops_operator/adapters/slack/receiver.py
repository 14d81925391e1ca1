"""Posts to one channel with slack-sdk (method chat.postMessage; the bot needs the scope chat:write)."""

from __future__ import annotations

import html
from http import HTTPStatus
from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from devperfops_operator.adapters.tokenfile import read_bearer
from devperfops_operator.api.settings import SlackReceiver
from devperfops_operator.domain.errors import Refused, Unavailable
from devperfops_operator.domain.report import Message

TIMEOUT_SECONDS: Final = 10
_REMEDIES: Final = {
    "invalid_auth": "put a valid bot token into the Secret",
    "not_authed": "put a valid bot token into the Secret",
    "token_revoked": "put a valid bot token into the Secret",
    "channel_not_found": "correct notifications.slack.channel, or invite the bot to the private channel",
    "not_in_channel": "invite the bot to the channel",
    "is_archived": "name another channel in notifications.slack.channel",
    "missing_scope": "give the bot the scope chat:write",
}


class SlackChannel:
    """Implements `domain.ports.Receiver`."""

    def __init__(self, settings: SlackReceiver) -> None:
        self._settings = settings

    async def send(self, message: Message) -> None:
        """Post it as plain text: nothing in it is markup, a link or a mention.

        Raises:
            Refused: Slack does not take it; the text says what to mend.
            Unavailable: no answer, or one that says "later".
        """
        client = AsyncWebClient(
            token=read_bearer(self._settings.token_file),
            base_url=f"{self._settings.api_url}/",
            timeout=TIMEOUT_SECONDS,
            retry_handlers=[],  # trying again is the caller's business
        )
        try:
            await client.chat_postMessage(
                channel=self._settings.channel,
                text=html.escape(message.text, quote=False),  # Slack's own escapes: & < >
                mrkdwn=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        except SlackApiError as error:
            raise _translated(error) from None
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable(f"Slack does not answer: {error or type(error).__name__}") from None


def _translated(error: SlackApiError) -> Refused | Unavailable:
    status, answer = error.response.status_code, error.response.data
    said = str(answer.get("error")) if isinstance(answer, dict) else "without JSON"  # a gateway before Slack
    later = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if later or said in {"ratelimited", "rate_limited", "internal_error", "service_unavailable"}:
        return Unavailable(f"Slack answers {said} (HTTP {status})")
    remedy = _REMEDIES.get(said)
    return Refused(said, f"Slack answers {said}{f': {remedy}' if remedy else ''}")
