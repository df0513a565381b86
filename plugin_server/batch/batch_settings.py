"""What all photos of one run share, and the request that this makes of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace

from models.job import ColorizeJob
from plugin_server.batch.descriptions import Described, Descriptions
from plugin_server.batch.places import Places
from plugin_server.batch.relative_hint import RelativeHint
from plugin_server.engine.requests import ColorizeRequest, Exact
from plugin_server.images.codec import Limits, decode
from plugin_server.images.jpeg_stream import salvaged


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """What all photos of a run share.

    ``relative_hints`` are placed on each photo by its size. With ``salvage`` what can be read of a
    photo that is cut off is coloured. ``model`` names what colours, as far as
    the user chose it: with another one all is done again.
    """

    job: ColorizeJob = field(default_factory=ColorizeJob)
    descriptions: Descriptions = field(default_factory=Descriptions)
    mask: bytes | None = field(default=None, repr=False)
    reference: bytes | None = field(default=None, repr=False)
    model: str = ""
    relative_hints: tuple[RelativeHint, ...] = ()
    salvage: bool = False
    places: Places = field(default_factory=Places)

    def opened(self, data: bytes) -> tuple[bytes, tuple[str, ...]]:
        """Mend a photo that is cut off where that is wanted, and say so."""
        if not self.salvage or (mended := salvaged(data)) is None:
            return data, ()
        notice = (
            f"The file is cut off: the upper {mended.share:.0%} of the picture could be read, the "
            "rest is grey."
        )
        return mended.data, (notice,)

    def request(self, data: bytes, described: Described | None = None) -> ColorizeRequest:
        """Ask for one photo.

        Raises:
            JobError: its description is no text.
            ImageError: hints are placed by its size, and it cannot be read.
        """
        job = self.job if described is None else replace(self.job, description=described.text)
        if self.relative_hints:
            height, width = decode(data, limits=Limits()).pixels.shape[:2]
            placed = tuple(hint.on(width, height) for hint in self.relative_hints)
            job = replace(job, hints=job.hints + placed)
        request = ColorizeRequest(data, job, mask=self.mask, reference=self.reference)
        request = self.places.on(request)
        return request if described is None else described.places.on(request)

    def digest(self, described: Described | None, type: Exact) -> str:
        """Tell settings and the result's type apart; only what differs from the defaults counts.

        A caption inside the photo is not among them: the photo's own identity covers it.
        """
        usual = asdict(ColorizeJob())
        asked: dict[str, object] = {
            name: value for name, value in asdict(self.job).items() if value != usual[name]
        }
        asked["description"] = None if described is None else described.text
        asked |= {"mask": _sha256(self.mask), "reference": _sha256(self.reference)}
        asked |= {"model": self.model, "type": asdict(type)}
        own = None if described is None else described.places.digest()
        if own or self.places:
            asked["places"] = [self.places.digest(), own]
        if self.relative_hints:
            asked["relative_hints"] = [asdict(hint) for hint in self.relative_hints]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _sha256(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
