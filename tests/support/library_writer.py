"""Add folders to a library, as a process of its own: ``python FILE LIBRARY FOLDER...``.

It writes a line when it starts to work and one after each batch.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip


def main() -> None:
    folder, *paths = map(Path, sys.argv[1:])
    library = ExemplarLibrary.open(folder, clip=FakeClip())
    print("ready", flush=True)
    report = library.add(paths, on_progress=lambda at: print(at.done, flush=True))
    print("added", len(report.added), "duplicates", len(report.duplicates), flush=True)


if __name__ == "__main__":
    main()
