"""Stands for the ``photochrom`` command inside GIMP: has the test start the server outside.

Where GIMP lives in a chroot it cannot start the tests' Python. Arguments: a folder in sight of
both, then the command's own. The token that the command would find is noted too.
"""

import json
import os
import sys
import time

FOLDER = sys.argv[1]
part = os.path.join(FOLDER, "wanted.part")
with open(part, "w", encoding="utf-8") as file:
    json.dump({"words": sys.argv[2:], "token": os.environ.get("PHOTOCHROM_TOKEN")}, file)
os.rename(part, os.path.join(FOLDER, "wanted.json"))
while not os.path.exists(os.path.join(FOLDER, "ended")):
    time.sleep(0.1)
