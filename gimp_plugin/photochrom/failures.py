"""What can go wrong between GIMP and the server, in words for the person who waits.

::

    Failure
    |- Cancelled              on_progress returned False
    |- TimedOut               the whole took longer than it may
    |- ServerMissing          nothing answers at the address
    |  `- NotStarted          the server was started and ended, or never answered
    |- ForeignServer          something answers there, and it is not Photochrom
    |  `- SilentServer        something listens there and says nothing
    |- WrongVersion           Photochrom, but another version than this plug-in's
    |- BrokenConnection       the server ended, or hung up, in the middle
    |- BadAnswer              an answer that makes no sense
    `- Refused                the server said no: status, and its own detail
       |- Unauthorized  401
       |- Busy          429, 503 with Retry-After: after waiting and trying again
       `- Unavailable   404, 405, 501, 503: this server cannot do that, or has no such thing

The message of every one can be shown as it is: what happened, and what to do.
"""

from __future__ import annotations


class Failure(Exception):
    """The layer was not coloured; nothing was changed."""


class Cancelled(Failure):
    """The person pressed Cancel."""


class TimedOut(Failure):
    """The server did not finish in time."""


class ServerMissing(Failure):
    """Nothing listens at the address."""


class NotStarted(ServerMissing):
    """The server was started and did not come up."""


class ForeignServer(Failure):
    """Another program has the port."""


class SilentServer(ForeignServer):
    """A program has the port and does not answer; ours may be that slow for a moment."""


class WrongVersion(Failure):
    """The server's version does not fit this plug-in's."""


class BrokenConnection(Failure):
    """The server hung up before it had answered."""


class BadAnswer(Failure):
    """The server's answer cannot be used."""


class Refused(Failure):
    """The server refused.

    Attributes:
        status: HTTP's.
        detail: the server's explanation, which is the message too.
        retry_after: seconds after which it asks to be tried again, if it does.
    """

    def __init__(self, status: int, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class Unauthorized(Refused):
    """The token is missing or wrong."""


class Busy(Refused):
    """Too many photos are waiting, or memory is short."""


class Unavailable(Refused):
    """The server does not know this call, or what it names."""


def refusal(status: int, detail: str, retry_after: float | None = None) -> Refused:
    """Make the exception for a status."""
    match status:
        case 401:
            return Unauthorized(status, detail, retry_after)
        case 429:
            return Busy(status, detail, retry_after)
        case 503 if retry_after is not None:
            return Busy(status, detail, retry_after)
        case 404 | 405 | 501 | 503:
            return Unavailable(status, detail, retry_after)
        case _:
            return Refused(status, detail, retry_after)
