"""``python -m gimp_plugin.archive FOLDER`` packs the plug-in for people who install it by hand.

It makes a zip to be unpacked into a folder for plug-ins, and a ``.gex`` file, GIMP's own format
for extensions: a zip with AppStream metadata.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from xml.sax.saxutils import escape

from gimp_plugin.install import NAME, PROGRAM, build_zip

IDENTIFIER = "org.photochrom.gimp"
METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<component type="addon">
  <id>{id}</id>
  <extends>org.gimp.GIMP</extends>
  <name>Photochrom</name>
  <summary>Color for black-and-white photos, from words, photos and dabs of paint</summary>
  <description>
    <p>Colors a black-and-white layer after a description, a reference photo, photos of your own
    library, a palette, or a few dabs of paint. Everything happens on your computer.</p>
  </description>
  <metadata_license>CC0-1.0</metadata_license>
  <project_license>Apache-2.0</project_license>
  <developer_name>The Photochrom authors</developer_name>
  <releases>
    <release version="{version}"/>
  </releases>
  <requires>
    <id version="3.0" compare="ge">org.gimp.GIMP</id>
  </requires>
  <custom>
    <value key="GIMP::plug-in-path">plug-ins/{name}/{program}</value>
  </custom>
</component>
"""


def build_extension(file: Path, *, version: str) -> Path:
    """Pack the plug-in as an extension of GIMP."""
    metadata = METADATA.format(id=IDENTIFIER, version=escape(version), name=NAME, program=PROGRAM)
    return build_zip(
        file,
        version=version,
        folder=f"{IDENTIFIER}/plug-ins/{NAME}/",
        beside={f"{IDENTIFIER}/{IDENTIFIER}.metainfo.xml": metadata.encode()},
    )


if __name__ == "__main__":
    (folder,) = sys.argv[1:]
    number = version("photochrom")
    print(build_zip(Path(folder) / f"photochrom-gimp-{number}.zip", version=number))
    print(build_extension(Path(folder) / f"{IDENTIFIER}-{number}.gex", version=number))
