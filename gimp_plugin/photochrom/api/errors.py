"""What can go wrong between GIMP and the server, in words for the person who waits.

::

    Failure
    |- Cancelled          on_progress returned False, or the dialog was closed
    |- Unusable           the selected layers cannot be colored
    |- ServerMissing      nothing answers at the address, or it could not be started
    |- ForeignServer      something answers there, and it is not our Photochrom
    |  `- SilentServer    something listens there and says nothing
    |- BrokenConnection   the server ended, or hung up, in the middle
    `- Refused            the server said no: its status and its own detail

The message of every one can be shown as it is: what happened, and what to do.
"""

from __future__ import annotations


class Failure(Exception):
    """The layer was not colored; nothing was changed."""


class Cancelled(Failure):
    """The person pressed Cancel."""


class Unusable(Failure):
    """What is selected cannot be colored; the message says what to select instead."""


class ServerMissing(Failure):
    """Nothing listens at the address, or what was started there did not come up."""


class ForeignServer(Failure):
    """Another program has the port."""


class SilentServer(ForeignServer):
    """A program has the port and does not answer; ours may be that slow for a moment."""


class BrokenConnection(Failure):
    """The server hung up before it had answered."""


class Refused(Failure):
    """The server refused.

    Attributes:
        status: HTTP's.
        retry_after: seconds after which it asks to be tried again, if it does.
    """

    def __init__(self, status: int, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_after = retry_after

    @property
    def is_busy(self) -> bool:
        """Whether too many photos are waiting, or memory is short, for the moment."""
        return self.status in (429, 503) and self.retry_after is not None
