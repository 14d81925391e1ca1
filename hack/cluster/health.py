"""Whether a component answers that it is well."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Final

_TIMEOUT: Final = 3.0


def answers(url: str) -> bool:
    """Whether a GET gives 200. TLS certificates of 127.0.0.1 are self-signed and not checked."""
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
    )
    try:
        with opener.open(url, timeout=_TIMEOUT) as response:
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False
