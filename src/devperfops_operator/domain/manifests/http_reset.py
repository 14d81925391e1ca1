"""What the container of `spec.data.http` runs: the agent, which calls the service."""

from __future__ import annotations

from typing import Any, Final

from devperfops_operator.api.data import HTTPReset
from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.domain.manifests.common import literal
from devperfops_operator.domain.observed import RunSettings
from devperfops_operator.wire.call import VARIABLE, Call, Poll, header_variable

_SHARE: Final = 0.9  # of the time, so that its last words are told before its pod is stopped


def http_container(reset: HTTPReset, timeout: str, settings: RunSettings) -> dict[str, Any]:
    """Headers' values are variables of their own: those from Secrets are read by the kubelet."""
    headers, poll = reset.headers or (), reset.poll
    call = Call(
        url=reset.url,
        method=reset.method.value,
        headers=tuple(header.name for header in headers),
        body=reset.body,
        statuses=reset.statuses or (),
        timeout_s=parse_duration(timeout).total_seconds() * _SHARE,
        poll=None
        if poll is None
        else Poll(poll.url, poll.contains or "", parse_duration(poll.every).total_seconds()),
    )
    values = [
        {"name": header_variable(at)}
        | ({"value": literal(header.value)} if header.value is not None else {})
        | ({"valueFrom": header.value_from.to_json()} if header.value_from is not None else {})
        for at, header in enumerate(headers)
    ]
    return {
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["devperfops-agent", "reset"],
        "env": [*values, {"name": VARIABLE, "value": literal(call.to_json())}],
        "resources": {"requests": {"cpu": "20m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}},
    }
