"""What decoding in a process of its own costs an ordinary photo."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from statistics import median

import skimage.data
from PIL import Image

from plugin_server.images.codec import decode
from plugin_server.images.layer import Limits
from plugin_server.images.sandbox import Decoders

RUNS = 60


def milliseconds(work: Callable[[], object]) -> float:
    """Measure one call."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Decode a photo of one megapixel here and apart, in turn, and print the medians."""
    photo = Image.fromarray(skimage.data.astronaut()).resize((1000, 1000), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=92)
    data, limits = file.getvalue(), Limits()
    decoders = Decoders(1, limits)
    decoders.decode(data)
    pairs = [
        (milliseconds(lambda: decode(data, limits=limits)),
         milliseconds(lambda: decoders.decode(data)))
        for _ in range(RUNS)
    ]  # fmt: skip
    decoders.close()
    here, apart = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    between = median(pair[1] - pair[0] for pair in pairs)
    print(f"a JPEG of 1 megapixel, {len(data):,} bytes, {RUNS} runs of each, in turn")
    print(
        f"in this process {here:.1f} ms, apart {apart:.1f} ms; the median difference {between:.1f}"
    )
    print(f"the quickest {min(p[0] for p in pairs):.1f} and {min(p[1] for p in pairs):.1f} ms")


if __name__ == "__main__":
    main()
