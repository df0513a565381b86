"""What dabs count, where they are laid, and what is kept when a person goes on meanwhile.

Argument: the report to write.
"""

import os
import sys

from pictures_in_gimp import Gimp, Gio, make_image, packed
from pictures_in_gimp import call_here as call
from telling import brief, paint, place, story, tell_all

FOLDER = os.path.dirname(sys.argv[1])
sys.path.append(os.path.join(Gimp.directory(), "plug-ins", "photochrom"))
import coloring  # noqa: E402
import history  # noqa: E402
import photochrom  # noqa: E402
import run  # noqa: E402
from layers import hint_layer, parasites, reference  # noqa: E402
from layers.photo import Photo  # noqa: E402


def read(name, image, layer, **arguments):
    """Read the arguments of a procedure as its dialog does at every change."""
    name = "plug-in-photochrom-" + name
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    for argument, value in arguments.items():
        config.set_property(argument, value)
    entry = photochrom.COLORIZERS[name]
    return run.read_run(run.Call(procedure, config, image, entry.arguments, entry.needs), layer)


@story
def thin_paint():
    image, layer = make_image(base="rgb")
    dabs = call("dab-layer", image, [layer])["layer"]
    paint(dabs, 2, 2, 3, (208, 32, 32), alpha=200)
    paint(dabs, 12, 6, 3, (32, 64, 192), alpha=100)
    found = brief(call("hints", image, [layer], description="red and thin paint"))
    small = hint_layer.read_hints([dabs], Photo(image, layer), 0.125)
    return {**found, "reduced": max(small.data[3::4])}


class Clicked:
    """Stands for the server: answers at once, and notes what it was shown."""

    def ask(self, question, show):
        show(question(self, None))

    def suggest(self, pixels, _request, x, y, _count):
        self.seen = [pixels.width, pixels.height, x, y]
        return ["#d02020"]

    def copy(self):
        return self


@story
def a_click_where_all_that_is_visible_is_shown():
    from dialogs.suggestions import Suggestions

    found = {}
    for name, has_dabs in (("no dab layer", False), ("one of the layer alone", True)):
        image, layer = make_image(base="rgb", size=(12, 8), canvas=(48, 32), offset=(30, 20))
        if has_dabs:
            call("dab-layer", image, [layer])
        shown, clicked = read("colorize", image, layer, visible=True), Clicked()
        suggestions = Suggestions(clicked, lambda: None)
        suggestions._show = lambda colors, *rest: suggestions._chosen(None, colors[0], *rest[:-1])  # noqa: B023
        suggestions.ask(shown, (0.25, 0.5), clicked)
        dabs = parasites.hint_layers(image, layer)
        found[name] = {
            "seen": clicked.seen,
            "extents": [
                [*list(one.get_offsets())[1:], one.get_width(), one.get_height()] for one in dabs
            ],
            "upper": packed(dabs[0], "R'G'B'A u8"),
        }
    return found


@story
def what_is_needed_is_deleted_meanwhile():
    found = {}
    check, tried = coloring.check_unchanged, ("description", "again", "dabs")
    for name in tried:
        image, layer = make_image(base="rgb")
        dabs = call("dab-layer", image, [layer])["layer"]
        paint(dabs, 2, 2, 3, (208, 32, 32))
        old = call("description", image, [layer], description="a red first one")["layer"]
        gone = dabs if name == "dabs" else old

        def lose(*given, image=image, gone=gone):
            image.remove_layer(gone)
            check(*given)

        coloring.check_unchanged = lose
        try:
            if name == "again":
                made = call("again", image, [old], description="a blue second one")
            else:
                words = "a blue second one"
                made = call("description", image, [layer], description=words, replace=True)
        finally:
            coloring.check_unchanged = check
        found[name] = {**brief(made), "stack": made["done"] and place(made["layer"])}
    return found


@story
def a_reference_in_the_preview():
    """Note what counts as used after a refusal, after previews and after a result."""
    image, layer = make_image(base="rgb")
    file = Gio.File.new_for_path(os.path.join(FOLDER, "reference.png"))
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
    whole, reads = reference._read_regular, []

    def noting(path):
        reads.append(path)
        return whole(path)

    def is_used():
        return file.get_uri() in history.load(history.Path(Gimp.directory()), history.REFERENCES)

    found = {}
    made = call("reference", image, [layer], reference=file, exemplar="one")
    found["refused"] = [made["done"], is_used()]
    reference._read_regular = noting
    try:
        with open(file.get_path(), "ab") as stream:
            stream.write(b"\0")
        for strength in (0.2, 0.4, 0.6):
            read("reference", image, layer, reference=file, strength=strength)
        found["previewed"] = [len(reads), is_used()]
        with open(file.get_path(), "ab") as stream:
            stream.write(b"\0")
        read("reference", image, layer, reference=file)
        found["changed"] = [len(reads), is_used()]
    finally:
        reference._read_regular = whole
    made = call("reference", image, [layer], reference=file)
    found["colored"] = [made["done"], is_used()]
    return found


tell_all()
