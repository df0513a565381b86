"""What decoding in a process of its own costs an ordinary photo.

glibc is told to keep its heap, as it is in that process; else what is done here would have to fetch
its memory anew each time, and the way through the pipe would seem to cost less than nothing.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import skimage.data
from PIL import Image

from plugin_server.images.codec import decode
from plugin_server.images.layer import Limits
from plugin_server.images.sandbox import ENVIRONMENT, Decoders

RUNS = 60
PARTS = 10  # of which the quickest are compared: what else the machine does disturbs the others
MOST = 10.0  # milliseconds by which a request may be slower


def milliseconds(work: Callable[[], object]) -> float:
    """Measure one call."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def of_children() -> float:
    """Tell the processor time of this process's children, in milliseconds (Linux)."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text("ascii").split():
            fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Decode a photo of one megapixel here and apart, in turn, and print what each takes."""
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        os.execve(sys.executable, sys.orig_argv, dict(os.environ) | ENVIRONMENT)
    photo = Image.fromarray(skimage.data.astronaut()).resize((1000, 1000), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=92)
    data, limits = file.getvalue(), Limits()
    decoders = Decoders(1, limits)
    decode(data, limits=limits)
    decoders.decode(data)
    here, apart, here_busy, apart_busy = [], [], 0.0, -of_children()
    for _ in range(RUNS):
        begun = time.process_time()
        here.append(milliseconds(lambda: decode(data, limits=limits)))
        between = time.process_time()
        apart.append(milliseconds(lambda: decoders.decode(data)))
        here_busy += 1000 * (between - begun)
        apart_busy += 1000 * (time.process_time() - between)
    apart_busy += of_children()
    decoders.close()
    quick_here, quick_apart = (sum(sorted(times)[:PARTS]) / PARTS for times in (here, apart))
    print(f"a JPEG of 1 megapixel, {len(data):,} bytes, {RUNS} runs of each, in turn")
    print(
        f"processor, of both processes: here {here_busy / RUNS:.1f} ms, apart "
        f"{apart_busy / RUNS:.1f}; the difference {(apart_busy - here_busy) / RUNS:+.1f}"
    )
    print(f"clock, median: here {median(here):.1f} ms, apart {median(apart):.1f}")
    print(f"clock, the quickest {PARTS}: here {quick_here:.1f} ms, apart {quick_apart:.1f}")
    slower = quick_apart - quick_here
    print(f"a request is {slower:+.1f} ms slower by the decoding process; wanted: {MOST:g} at most")


if __name__ == "__main__":
    main()
