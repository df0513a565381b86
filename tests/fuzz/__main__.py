"""``python -m tests.fuzz``: damage files and requests at random, and measure what they cost.

A file that takes longer than linear time, or a fault, is kept in ``tests/corpus`` and fed again to
every run; ``--requests`` sends whole requests of every call to a server with small models instead,
``--places`` those with regions, things and hint images.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from typing import Final

from tests.fuzz.corpus import CORPUS, name_of
from tests.fuzz.readers import Read, readers
from tests.support.hostile import any_change, mutated

SECONDS: Final = 0.5  # of processor time for any file, on a machine of today
SECONDS_PER_MEGABYTE: Final = 5.0
MEMORY: Final = 150 * 1024 * 1024  # bytes by which the process may have grown in the end
SLOWEST: Final = 5.0  # seconds until an answer


def fuzz_readers(rng: random.Random, seconds: float) -> int:
    """Feed readers damaged files; return how many faults there were."""
    table = readers()
    ends, faults, tried = time.monotonic() + seconds, 0, 0
    while time.monotonic() < ends:
        name = rng.choice(sorted(table))
        read, files = table[name]
        data = mutated(rng.choice(files), [any_change(rng) for _ in range(rng.randrange(4))])
        tried += 1
        if problem := problem_with(read, data):
            faults += 1
            file = CORPUS / name_of(name, data)
            file.write_bytes(data)
            print(f"{name}: {problem[:200]} ({file.name})", flush=True)
    print(f"{tried:,} damaged files, {faults} faults")
    return faults


def problem_with(read: Read, data: bytes) -> str:
    """Say what is wrong with how a reader takes a file; nothing where all is well."""
    started = time.thread_time()
    try:
        read(data)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    taken = time.thread_time() - started
    is_slow = taken > SECONDS + SECONDS_PER_MEGABYTE * len(data) / 1e6
    return f"{taken:.1f} s for {len(data):,} bytes" if is_slow else ""


def fuzz_requests(rng: random.Random, count: int, *, places: bool = False) -> int:
    """Send damaged requests, of every call or with places alone; return the number of faults."""
    from tests.fuzz.server import memory, serving
    from tests.support.hostile import any_attack, valid_files
    from tests.support.hostile_places import any_place_attack

    make = any_place_attack if places else any_attack
    files, faults, slowest = list(valid_files().values()), 0, 0.0
    statuses: Counter[int] = Counter()
    with serving() as send:
        before, begun = 0, time.monotonic()
        for number in range(count):
            if number == min(500, count // 2):
                before = memory()
            attack = make(rng, files)
            started = time.monotonic()
            status = send(attack)
            slowest = max(slowest, time.monotonic() - started)
            statuses[status] += 1
            if (status >= 500 and status != 501) or time.monotonic() - started > SLOWEST:
                faults += 1
                print(f"{status} after {time.monotonic() - started:.1f} s: {attack}"[:500])
        growth, seconds = memory() - before, time.monotonic() - begun
    print(f"{count:,} requests in {seconds:.0f} s: {dict(sorted(statuses.items()))}")
    print(f"the slowest took {slowest:.2f} s; memory {growth / 1e6:+.1f} MB")
    return faults + (growth > MEMORY)


def main() -> None:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--places", type=int, default=0, help="requests with regions and things")
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    if asked.requests:
        sys.exit(fuzz_requests(rng, asked.requests) > 0)
    if asked.places:
        sys.exit(fuzz_requests(rng, asked.places, places=True) > 0)
    sys.exit(fuzz_readers(rng, asked.seconds) > 0)


if __name__ == "__main__":
    main()
