"""What requests takes from the environment, read once per session and host.

requests asks for proxies, exceptions and CA bundle before every request, which is a fifth of what a
request costs. The variables mean what they mean to requests, whose own functions read them.
"""

from __future__ import annotations

import os

from requests.utils import get_environ_proxies


class Environment:
    """Proxies by host, and the CA bundle, as they were when they were first needed."""

    def __init__(self) -> None:
        self._proxies: dict[str, dict[str, str]] = {}
        self._bundle: str | None = None

    def proxies(self, url: str) -> dict[str, str]:
        """The proxies for the host of a URL, by scheme; not to be changed."""
        place = "/".join(url.split("/", 3)[:3])
        if place not in self._proxies:
            self._proxies[place] = get_environ_proxies(url)
        return self._proxies[place]

    @property
    def bundle(self) -> str | None:
        """The file or folder of certificates to trust, None where the environment names none."""
        if self._bundle is None:
            named = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
            self._bundle = next(filter(None, named), "")
        return self._bundle or None
