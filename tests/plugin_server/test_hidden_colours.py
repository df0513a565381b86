"""What lies hidden below alpha 0 has no say in the visible colours, whichever way a photo comes.

The third way, GIMP's, is in tests/gimp_plugin/test_client.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plugin_server.images.codec import Limits, decode
from tests.support.command import run
from tests.support.forms import post
from tests.support.pictures import encoded, random_pixels, tiff_of

TYPES = [("PNG", np.uint8), ("TIFF", np.uint16), ("npy", np.float32)]
SHOWN = np.s_[20:, :, :3]  # rows


def photos(channels: int, dtype: type) -> list[np.ndarray]:
    """Make photos that look the same and hide other things in the upper rows."""
    photo = random_pixels(60, 80, channels, dtype)
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    photo[..., -1] = top
    photo[:20, :, -1] = 0
    hiding = []
    for hidden in (0, top, photo[::-1][:20, :, :-1]):
        hiding.append(photo.copy())
        hiding[-1][:20, :, :-1] = hidden
    return hiding


def pixels_of(file: bytes) -> np.ndarray:
    return decode(file, limits=Limits()).pixels


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize(("kind", "dtype"), TYPES)
@pytest.mark.parametrize("way", ["command line", "folder", "HTTP"])
def test_what_is_hidden_has_no_say(
    way: str, kind: str, dtype: type, channels: int, tmp_path: Path, make_client: Callable
) -> None:
    client = make_client()
    results = []
    for number, photo in enumerate(photos(channels, dtype)):
        data = (
            tiff_of(photo, extrasamples=["unassalpha"]) if kind == "TIFF" else encoded(photo, kind)
        )
        if way == "HTTP":
            results.append(pixels_of(post(client, data, accept="application/x-npy").data))
            continue
        (folder := tmp_path / str(number)).mkdir()
        (file := folder / f"photo.{kind.lower()[:3]}").write_bytes(data)
        if way == "folder":
            assert run("colorize", folder, "-o", tmp_path / f"out{number}").exit_code == 0
            results.append(pixels_of((tmp_path / f"out{number}" / file.name).read_bytes()))
        else:
            assert run("colorize", file, "-o", tmp_path / f"{number}.npy").exit_code == 0
            results.append(pixels_of((tmp_path / f"{number}.npy").read_bytes()))
    for other in results[1:]:
        np.testing.assert_array_equal(results[0][SHOWN], other[SHOWN])
