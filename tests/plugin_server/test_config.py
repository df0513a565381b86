"""Settings of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin_server.config import Config, ConfigError, is_loopback, library_folder


def test_the_defaults_suit_one_person_on_one_machine() -> None:
    config = Config()
    assert (config.host, config.port, config.token) == ("127.0.0.1", 18890, None)
    assert config.max_bytes == 512 * 1024 * 1024
    assert config.max_pixels == 100_000_000


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert Config(host=host).token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "photos.example", ""])
def test_every_other_host_needs_a_token(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigError, match="token"):
        Config(host=host)
    assert Config(host=host, token="abc").token == "abc"


@pytest.mark.parametrize(
    "settings",
    [
        {"port": -1},
        {"port": 65536},
        {"max_bytes": 0},
        {"max_pixels": 0},
        {"workers": 0},
        {"waiting": -1},
        {"token": ""},
        {"token": "two words"},
        {"token": "grün"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Config(**settings)  # type: ignore[arg-type]


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(Config(token="secret"))


def test_the_environment() -> None:
    config = Config.from_environment(
        {
            "PHOTOCHROM_HOST": "::1",
            "PHOTOCHROM_PORT": "9000",
            "PHOTOCHROM_TOKEN": "abc",
            "PHOTOCHROM_CLIP": "ViT-B-32/openai",
            "PHOTOCHROM_WEIGHTS": "mine.safetensors",
            "PHOTOCHROM_LIBRARY": "exemplars",
        }
    )
    assert config.library == Path("exemplars")
    assert (config.host, config.port, config.token) == ("::1", 9000, "abc")
    assert (config.clip, config.weights) == ("ViT-B-32/openai", Path("mine.safetensors"))
    assert Config.from_environment({}) == Config(library=library_folder({}))
    assert library_folder({}).is_absolute()
    with pytest.raises(ConfigError, match="PHOTOCHROM_PORT"):
        Config.from_environment({"PHOTOCHROM_PORT": "http"})
