"""The OpenAPI document against the app: generated requests, valid and not, and their answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.images.codec import Limits
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip, FakeColorizer

if TYPE_CHECKING:
    import schemathesis  # where it is used: it takes seconds, and every run collects this module

pytestmark = pytest.mark.slow

EXAMPLES = 10


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    import schemathesis

    clip = FakeClip()
    library = ExemplarLibrary.open(tmp_path_factory.mktemp("library"), clip=clip)
    service = Service(FakeColorizer(), clip, library=library, limits=Limits(max_pixels=1_000_000))
    app = create_app(Config(max_bytes=1_000_000, max_pixels=1_000_000), service)
    yield schemathesis.openapi.from_wsgi("/v1/openapi.json", app)
    service.close()


# Its own pytest plugin does not know this pytest, so the operations are walked here.
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_the_app_keeps_to_its_description(described: schemathesis.BaseSchema, mode: str) -> None:
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    tried = 0
    for result in described.get_all_operations():
        operation = result.ok()
        if mode == "negative" and not (operation.body or operation.query):
            continue  # no id is wrong but for being unknown

        # What a photo's bytes mean no schema can say: most generated ones are no pictures.
        @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        check()
        tried += 1
    assert tried >= 6
