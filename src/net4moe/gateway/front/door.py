"""Who may come in: clients with a key, or, where the gateway is said to be insecure, any program.

A browser adds `Origin` to what a page sends and `Host` as the page named it. Without keys both are checked, so
that no web page can use the devices through the browser of someone who runs a gateway.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.types import Scope

from net4moe.gateway.front.errors import Refusal, Refused
from net4moe.gateway.front.keys import Keys

__all__ = ["Door", "is_loopback"]


class Door:
    """Lets requests in.

    Args:
      keys: the keys of clients.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def opened(self, scope: Scope) -> str:
        """Let a request in and tell whose it is; empty where nobody needs a key.

        Raises:
          Refused: 401 without a right key, 403 for a web page's request where no key is needed.
        """
        if self._keys.insecure:
            self._refuse_pages(scope)
            return ""
        token = _header(scope, b"authorization")
        kind, _, secret = token.partition(" ")
        name = self._keys.name_of(secret.strip()) if kind.lower() == "bearer" else None
        if name is None:
            raise Refused(_no_key() if not token else _wrong_key())
        return name

    def opened_for_metrics(self, scope: Scope) -> None:
        """Let a scraper in: with a key, or from this computer.

        Raises:
          Refused: as `opened`.
        """
        client = scope.get("client")
        if not (client and is_loopback(client[0]) and not _header(scope, b"x-forwarded-for")):
            self.opened(scope)

    def _refuse_pages(self, scope: Scope) -> None:
        origin, host = _header(scope, b"origin"), _header(scope, b"host")
        foreign_page = bool(origin) and urlsplit(origin).netloc != host
        if foreign_page or not _is_plain_host(host):
            message = "Web pages may not use a gateway without keys; give it a key and send that."
            raise Refused(Refusal(status=403, message=message, type="permission_error", code="foreign_page"))


def is_loopback(host: str) -> bool:
    """Tell whether only this computer can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _header(scope: Scope, wanted: bytes) -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            return value.decode("latin-1")
    return ""


def _is_plain_host(host: str) -> bool:
    """A page behind a name that its owner points here (DNS rebinding) carries that name; addresses do not."""
    name = urlsplit(f"//{host}").hostname or ""
    return (
        not name
        or "." not in name
        or name.endswith(".local")
        or name.replace(".", "").isdigit()
        or ":" in name
    )


def _no_key() -> Refusal:
    message = "No key was sent: it goes into the header `Authorization: Bearer <key>`."
    return Refusal(status=401, message=message, type="authentication_error", code="missing_api_key")


def _wrong_key() -> Refusal:
    message = "The key is not one of this gateway's."
    return Refusal(status=401, message=message, type="authentication_error", code="invalid_api_key")
