"""Photos of a library prepared by workers: what comes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin_server.engine.requests import Answer, IndexRequest
from plugin_server.errors import NoBroker, NoSpace, RemoteProblem
from plugin_server.jobs.remote_preparer import RemotePreparer
from retrieval.database.exemplar import Prepared
from retrieval.errors import LibraryUnusable, PhotoRefused
from retrieval.ingest.preparing import Embedded, to_bytes


class Asked:
    """Has a photo prepared, or raises what it was given."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem

    def run(self, request: IndexRequest) -> Answer:
        assert request == IndexRequest(b"photo", ("a boat",))
        if self.problem is not None:
            raise self.problem
        photo = Prepared("ab", 4, 4, np.zeros((4, 4, 3), np.uint8), b"jpeg", ("#808080",), 1)
        vector = np.ones(1, np.float32)
        return Answer(to_bytes(Embedded(photo, vector, None, vector)), "application/octet-stream")


def test_a_photo_comes_back_prepared() -> None:
    client: Any = Asked()
    assert RemotePreparer(client)(b"photo", ("a boat",)).photo.sha256 == "ab"


@pytest.mark.parametrize(
    ("problem", "raised"),
    [
        (RemoteProblem("it is grey", status=422), PhotoRefused),
        (NoBroker("away"), LibraryUnusable),
        (NoSpace("full"), LibraryUnusable),
    ],
)
def test_what_goes_wrong_is_the_librarys_word_for_it(
    problem: Exception, raised: type[Exception]
) -> None:
    client: Any = Asked(problem)
    with pytest.raises(raised, match=str(problem)):
        RemotePreparer(client)(b"photo", ("a boat",))
