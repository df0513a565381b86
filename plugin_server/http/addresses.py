"""Under which addresses other machines reach a server, to show to people."""

from __future__ import annotations

import io
import ipaddress
import socket
from collections.abc import Iterator
from typing import Final

EVERYWHERE: Final = ("0.0.0.0", "::", "")  # hosts that mean every address
# Documentation addresses (RFC 5737, RFC 3849): a datagram socket that is connected to one learns
# its own address on the way out, and nothing is sent.
_OUTSIDE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def reachable(host: str, port: int) -> list[str]:
    """List the URLs that others on the network can open; ``host`` itself where it is a name."""
    if host.strip("[]") not in EVERYWHERE:
        return [url_of(host, port)]
    families = (socket.AF_INET6, socket.AF_INET) if ":" in host else (socket.AF_INET,)
    found = dict.fromkeys(address for address in _own() if _family(address) in families)
    return [url_of(address, port) for address in found] or [url_of("127.0.0.1", port)]


def url_of(host: str, port: int) -> str:
    """Write an address as a URL."""
    name = host.strip("[]")
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def qr_code(text: str) -> str:
    """Draw a QR code for a terminal, two modules in a letter."""
    import segno

    drawn = io.StringIO()
    segno.make(text, micro=False).terminal(drawn, compact=True, border=2)
    return drawn.getvalue().rstrip("\n")


def _own() -> Iterator[str]:
    """Find this machine's own addresses, the one towards the network first."""
    for family, outside in _OUTSIDE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((outside, 9))
                yield from _useful(probe.getsockname()[0])
        except OSError:
            continue
    try:
        names = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return
    for _, _, _, _, address in names:
        yield from _useful(str(address[0]))


def _useful(address: str) -> Iterator[str]:
    """Pass on what others can open: no loopback, nothing that needs a zone."""
    known = ipaddress.ip_address(address.partition("%")[0])
    if not (known.is_loopback or known.is_link_local or known.is_unspecified):
        yield str(known)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
