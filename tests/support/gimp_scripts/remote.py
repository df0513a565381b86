"""Runs inside a GIMP with a screen: answers the tests' questions until GIMP ends.

A question is a file ``N.question`` with code and values; the answer is what the code assigns to
``answer``.
"""

import glob
import json
import os
import sys
import time
import traceback

import pictures_in_gimp

FOLDER = sys.argv[1]
KEPT = {}  # what one question leaves for the next
SPACE = {
    "KEPT": KEPT,
    **vars(pictures_in_gimp),
    "Gimp": Gimp,  # noqa: F821  the interpreter of GIMP gives these names
    "Gegl": Gegl,  # noqa: F821
    "Gio": Gio,  # noqa: F821
}


def answer(question):
    space = {**SPACE, **question["values"]}
    try:
        exec(question["code"], space)
    except Exception:
        return {"problem": traceback.format_exc()}
    return {"answer": space.get("answer")}


while os.path.isdir(FOLDER):
    for name in glob.glob(os.path.join(FOLDER, "*.question")):
        with open(name, encoding="utf-8") as file:
            asked = json.load(file)
        os.remove(name)
        done = name.removesuffix(".question")
        with open(done + ".part", "w", encoding="utf-8") as file:
            json.dump(answer(asked), file)
        os.rename(done + ".part", done + ".answer")
    time.sleep(0.05)
