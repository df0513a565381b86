"""Who may use the server: its host names, web pages of its own, and holders of the token."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, request

from plugin_server.config import Config, is_loopback
from plugin_server.errors import ForeignOrigin, Misdirected, Unauthorized

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HEALTH = "/v1/health"
NONCE = "Photochrom-Nonce"
PROOF = "Photochrom-Proof"
DOCS = "/v1/docs"
PROOF_CONTEXT = b"photochrom proof 1\n"  # so that no other use of the token gives the same digest
_NONCE = re.compile(r"[A-Za-z0-9_-]{22,128}")  # 128 random bits in base64 are 22 letters

Header = Callable[[str], str | None]  # gives the value of a request's header


def install(app: Flask, config: Config) -> None:
    """Check every request before its view runs, and harden every answer.

    Our own server has checked it before it took the body in; another one that runs the app has not.
    """

    def harden(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path == HEALTH:
            response.headers.update(proof(config, request.headers.get))
        return response

    app.before_request(lambda: check(config, request.path, request.headers.get))
    app.after_request(harden)


def check(config: Config, path: str, header: Header) -> None:
    """Decide from a request's path and headers alone whether it is answered.

    Raises:
        Misdirected, ForeignOrigin, Unauthorized: it is not.
    """
    check_host(config, header)
    check_origin(config, header)
    if path.startswith("/v1/"):
        check_site(header)
        if path != DOCS:  # which says nothing of this server's own
            check_token(config, header)


def check_host(config: Config, header: Header) -> None:
    """Refuse names that a stranger's DNS could point at this machine (DNS rebinding).

    A server with a token is safe without this check: no page elsewhere knows the token.
    """
    host = header("Host")
    if host is None or config.token is not None or _is_ours(_host_name(host), config):
        return
    raise Misdirected(
        f"this server does not answer to the name {host[:200]!r}; use http://127.0.0.1:PORT or "
        "http://localhost:PORT, or start it with a token"
    )


def check_origin(config: Config, header: Header) -> None:
    """Refuse requests that a web page of another site makes in somebody's browser."""
    origin = header("Origin")
    if origin is None:
        return
    try:
        parts = urlsplit(origin)
        name, place = parts.hostname or "", parts.netloc
    except ValueError:
        name, place = "", ""
    if place and (place.lower() == (header("Host") or "").lower()):
        return
    if name and _is_ours(name, config):
        return
    raise ForeignOrigin(
        f"the web page {origin[:200]!r} may not use this server; only pages of this machine may"
    )


def check_site(header: Header) -> None:
    """Refuse what a page of another site makes a browser fetch without an Origin, such as images.

    Every browser of today says so itself (W3C Fetch Metadata); other programs send no such header.
    """
    if (header("Sec-Fetch-Site") or "").lower() == "cross-site":
        raise ForeignOrigin(
            "a web page of another site may not use this server; only pages of this machine may"
        )


def check_token(config: Config, header: Header) -> None:
    """Require ``Authorization: Bearer TOKEN`` where a token is set."""
    if config.token is None:
        return
    scheme, _, sent = (header("Authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        sent.strip().encode(), config.token.encode()
    ):
        raise Unauthorized(
            "this server needs its token; send the header 'Authorization: Bearer TOKEN' with the "
            "token that `photochrom serve` printed or was given"
        )


def proof(config: Config, header: Header) -> dict[str, str]:
    """Give the header that proves a knowledge of the token, where a client asks for it."""
    nonce = header(NONCE) or ""
    if config.token is None or not _NONCE.fullmatch(nonce):
        return {}
    return {PROOF: proof_of(config.token, nonce)}


def proof_of(token: str, nonce: str) -> str:
    """Prove to a client that this server knows the token, before the client sends it.

    Args:
        token: the server's.
        nonce: what the client made up for this once, 22 to 128 of ``A-Za-z0-9_-``.

    Returns:
        HMAC-SHA256 (RFC 2104) of the context and the nonce, keyed with the token, in hexadecimal.
    """
    return hmac.new(token.encode(), PROOF_CONTEXT + nonce.encode(), hashlib.sha256).hexdigest()


def _is_ours(name: str, config: Config) -> bool:
    return name.lower() == config.host.strip("[]").lower() or is_loopback(name)


def _host_name(host: str) -> str:
    """Take the name out of a ``Host`` header, which may hold a port and an IPv6 address."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
