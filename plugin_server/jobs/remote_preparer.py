"""Photos of a library prepared by workers: the library's side."""

from __future__ import annotations

from typing import Final

from plugin_server.engine.requests import IndexRequest
from plugin_server.errors import NoBroker, NoSpace, RemoteProblem
from plugin_server.jobs.patient_client import PatientClient
from retrieval.errors import LibraryUnusable, PhotoRefused
from retrieval.ingest.preparing import Embedded, from_bytes

IN_FLIGHT: Final = 16


class RemotePreparer:
    """Lets workers prepare photos; see ``retrieval.ingest.preparing.Preparer``."""

    in_flight = IN_FLIGHT

    def __init__(self, client: PatientClient) -> None:
        self._client = client

    def __call__(self, data: bytes, captions: tuple[str, ...]) -> Embedded:
        """Prepare a photo.

        Raises:
            PhotoRefused: it cannot be an exemplar.
            LibraryUnusable: no worker could be had.
        """
        try:
            return from_bytes(self._client.run(IndexRequest(data, captions)).body)
        except RemoteProblem as problem:
            raise PhotoRefused(str(problem)) from problem
        except (NoBroker, NoSpace) as problem:
            raise LibraryUnusable(str(problem)) from problem
