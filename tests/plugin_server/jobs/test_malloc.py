"""Heaps of the C library."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from plugin_server.jobs.malloc import nothing_collected

# Forty threads that each allocate a little: how many heaps are there in the end?
SCRIPT = """
import ctypes, re, sys, threading
from plugin_server.jobs.malloc import share_heaps
if sys.argv[1] == "shared":
    assert share_heaps()
gate = threading.Barrier(40)
def work():
    gate.wait()
    kept.append([bytearray(1000) for _ in range(2000)])
    gate.wait()
kept = []
threads = [threading.Thread(target=work) for _ in range(40)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
print(len(re.findall("<heap nr", open(sys.argv[2]).read())))
"""


# A block at the heap's end keeps all that is free below it, until it is trimmed.
TRIMMED = """
from pathlib import Path
from plugin_server.jobs.malloc import trim
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20
kept = [bytearray(2000) for _ in range(100_000)]
del kept[:-1]
before = resident()
assert trim()
print(before - resident())
"""

# How many pages are cleared for the arrays of a photo, when others of its size came before?
KEPT = """
import resource, sys
from plugin_server.jobs.malloc import share_heaps
if sys.argv[1] == "kept":
    assert share_heaps()
def photo():
    arrays = [bytearray(8_000_000) for _ in range(4)]
    large = bytearray(30_000_000)
for _ in range(3):
    photo()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
photo()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def heaps(how: str, report: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how, str(report)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_threads_share_two_heaps(tmp_path: Path) -> None:
    assert heaps("shared", tmp_path / "shared.xml") <= 2
    assert heaps("each its own", tmp_path / "own.xml") > 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_what_is_free_inside_a_heap_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRIMMED], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_what_one_photo_leaves_is_there_for_the_next() -> None:
    cleared = {}
    for how in ("kept", "as usual"):
        command = [sys.executable, "-c", KEPT, how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        cleared[how] = int(done.stdout)
    assert 10 * cleared["kept"] < cleared["as usual"]


def test_nothing_is_collected_while_modules_come_in_nor_looked_at_again() -> None:
    frozen = gc.get_freeze_count()
    with nothing_collected():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    gc.unfreeze()
    gc.disable()
    with nothing_collected():
        pass
    assert not gc.isenabled()
    gc.enable()
    gc.unfreeze()
    # What earlier tests left, frozen until now, goes here and not in the middle of the next test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
