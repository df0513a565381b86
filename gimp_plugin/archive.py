"""``python -m gimp_plugin.archive FOLDER`` packs the plug-in for people who install it by hand."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from gimp_plugin.install import build_zip

if __name__ == "__main__":
    (folder,) = sys.argv[1:]
    number = version("photochrom")
    print(build_zip(Path(folder) / f"photochrom-gimp-{number}.zip", version=number))
