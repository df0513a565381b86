"""Who may use the server: its host names, web pages of its own, and holders of the token."""

from __future__ import annotations

import hashlib
import hmac
import re
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


def install(app: Flask, config: Config) -> None:
    """Check every request before its view runs, and harden every answer."""

    def check() -> None:
        check_host(config)
        check_origin(config)
        if request.path.startswith("/v1/"):
            check_site()
            if request.path != DOCS:  # which says nothing of this server's own
                check_token(config)

    def harden(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        nonce = request.headers.get(NONCE, "")
        if config.token is not None and request.path == HEALTH and _NONCE.fullmatch(nonce):
            response.headers[PROOF] = proof_of(config.token, nonce)
        return response

    app.before_request(check)
    app.after_request(harden)


def check_host(config: Config) -> None:
    """Refuse names that a stranger's DNS could point at this machine (DNS rebinding).

    A server with a token is safe without this check: no page elsewhere knows the token.
    """
    host = request.headers.get("Host")
    if host is None or config.token is not None or _is_ours(_host_name(host), config):
        return
    raise Misdirected(
        f"this server does not answer to the name {host!r}; use http://127.0.0.1:PORT or "
        "http://localhost:PORT, or start it with a token"
    )


def check_origin(config: Config) -> None:
    """Refuse requests that a web page of another site makes in somebody's browser."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    try:
        parts = urlsplit(origin)
        name, place = parts.hostname or "", parts.netloc
    except ValueError:
        name, place = "", ""
    if place and (place.lower() == request.headers.get("Host", "").lower()):
        return
    if name and _is_ours(name, config):
        return
    raise ForeignOrigin(
        f"the web page {origin!r} may not use this server; only pages of this machine may"
    )


def check_site() -> None:
    """Refuse what a page of another site makes a browser fetch without an Origin, such as images.

    Every browser of today says so itself (W3C Fetch Metadata); other programs send no such header.
    """
    if request.headers.get("Sec-Fetch-Site", "").lower() == "cross-site":
        raise ForeignOrigin(
            "a web page of another site may not use this server; only pages of this machine may"
        )


def check_token(config: Config) -> None:
    """Require ``Authorization: Bearer TOKEN`` where a token is set."""
    if config.token is None:
        return
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        sent.strip().encode(), config.token.encode()
    ):
        raise Unauthorized(
            "this server needs its token; send the header 'Authorization: Bearer TOKEN' with the "
            "token that `photochrom serve` printed or was given"
        )


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
    return is_loopback(name) or name.lower() == config.host.strip("[]").lower()


def _host_name(host: str) -> str:
    """Take the name out of a ``Host`` header, which may hold a port and an IPv6 address."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
