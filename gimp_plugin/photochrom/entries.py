"""The menu entries: their names, words and arguments."""

from __future__ import annotations

from dataclasses import dataclass

from api.request import AUTO
from api.texts import _
from arguments import GUIDANCE, LOOK

WORDS = _(
    "It is sent to the Photochrom server, which runs on this computer, and comes back colored."
)
RESULT = _(
    "The result is a new layer above it; its lightness, transparency and size are the photo's own. "
    "Only what is selected is colored. One undo takes all back."
)


@dataclass(frozen=True)
class Entry:
    """A procedure that colors, and its menu entry.

    Attributes:
        page: the part of the dialog that is ready when it opens; "" for no dialog.
        needs: the argument without which it makes no sense.
        exemplar: the default of the argument.
    """

    name: str
    label: str
    blurb: str
    help: str
    arguments: tuple[str, ...] = (*GUIDANCE, *LOOK)
    page: str = ""
    needs: str = ""
    exemplar: str = ""
    is_again: bool = False

    @property
    def title(self) -> str:
        """The label as a dialog's title."""
        return self.label.replace("_", "").rstrip(".… ")


COLORIZERS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "plug-in-photochrom-automatic",
            _("_Colorize"),
            _("Color the selected layer of a black-and-white photo"),
            f"{WORDS} {RESULT}",
            LOOK,
        ),
        Entry(
            "plug-in-photochrom-colorize",
            _("C_olorize..."),
            _("Color the selected layer after everything that you can say or show"),
            _("Words, dabs, a reference, exemplars, a palette and regions together.")
            + f" {WORDS} {RESULT}",
            page="description",
        ),
        Entry(
            "plug-in-photochrom-description",
            _("Colorize from _Description..."),
            _("Color the selected layer after a description"),
            _("Say what the photo shows and which colors it has.") + f" {WORDS} {RESULT}",
            page="description",
        ),
        Entry(
            "plug-in-photochrom-reference",
            _("Colorize from _Reference..."),
            _("Color the selected layer like another photo"),
            _("Give a color photo of a similar scene, a file or a layer of an open image.")
            + f" {RESULT}",
            page="reference",
            needs="reference",
        ),
        Entry(
            "plug-in-photochrom-exemplars",
            _("Find E_xemplar Photos..."),
            _("Color the selected layer like photos of your library that fit it"),
            _("The library is searched with the layer and, if you like, with words.")
            + f" {RESULT}",
            page="exemplar",
            exemplar=AUTO,
        ),
        Entry(
            "plug-in-photochrom-hints",
            _("Colorize with _Hints..."),
            _("Color a layer after dabs of color painted on dab layers"),
            _(
                "Make a dab layer with New Dab Layer, paint dabs where you know the color, and "
                "run this. Paint that is less than half opaque does not count."
            )
            + f" {RESULT}",
            page="hint-layer",
            needs="hint-layer",
        ),
        Entry(
            "plug-in-photochrom-again",
            _("Colorize _Again with..."),
            _("Color once more, beginning with the settings that made the selected layer"),
            _(
                "Reference, exemplar, dabs and region stay as they were, and the new layer takes "
                "the place of the old one. Without a dialog, arguments that differ from their "
                "defaults replace the settings."
            )
            + f" {RESULT}",
            ("description", *LOOK),
            page="description",
            is_again=True,
        ),
    )
}
HINT_LAYER = Entry(
    "plug-in-photochrom-dab-layer",
    _("New Da_b Layer"),
    _("Add a layer above the photo for dabs of color"),
    _("Paint dabs on it where you know the color. A gray image becomes RGB."),
    (),
)
REGION = Entry(
    "plug-in-photochrom-region",
    _("New Re_gion..."),
    _("Say what the selected place shows"),
    _("The place and its words are kept with the image as a channel and guide later results."),
    ("description",),
)
SETTINGS = Entry(
    "plug-in-photochrom-settings",
    _("_Settings and Server Status..."),
    _("Show how the Photochrom server stands, where it is, and where its log is"),
    _("Returns the status as a sentence. With a dialog, the server can be started from it."),
    (),
)
