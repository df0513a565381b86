"""Adding photos: all cores decode, the image tower embeds batches, each batch is one transaction.

Whatever interrupts it (Ctrl-C, a full disk, a killed process), the batches before are kept and the
same command goes on where it stopped: a file that was looked at is not read again until its size
or time of change differs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.guidance.condition import Embedder
from models.shown import shown
from retrieval.database import queries
from retrieval.database.clip_model import embed_captions, embed_photos
from retrieval.database.exemplar import Exemplar, Place, Prepared
from retrieval.database.queries import FileRow
from retrieval.database.store import Store
from retrieval.ingest.examine import Examined, Examiner, Ready, Refused, Unchanged
from retrieval.ingest.moved import gone_file
from retrieval.ingest.near_duplicates import NearDuplicates
from retrieval.ingest.photos import DecodeSmall, PhotoLimits, decode_small
from retrieval.ingest.preparing import Embedded, Preparer
from retrieval.ingest.report import AddReport, AddTally, Progress, Refusal
from retrieval.ingest.walk import Found, SkippedFile

FloatArray = NDArray[np.float32]

BATCH: Final = 32  # photos in one pass of the image tower and in one transaction
AHEAD: Final = 3  # batches that may be decoded before they are embedded


class Ingest:
    """One run of ``add``."""

    def __init__(
        self,
        store: Store,
        clip: Embedder,
        *,
        model: Callable[[sqlite3.Connection], int],
        limits: PhotoLimits,
        recaption: bool = False,
        remote: Preparer | None = None,
        probe: FloatArray | None = None,
        decode: DecodeSmall = decode_small,
    ) -> None:
        """``model`` returns the number of ``clip`` in the library, making the row if needed.

        With ``remote`` photos are decoded and embedded elsewhere; ``probe`` is then compared.
        """
        self._examiner = Examiner(store, limits=limits, remote=remote, probe=probe, decode=decode)
        self._store = store
        self._clip = clip
        self._model = model
        self._recaption = recaption
        self._twins = NearDuplicates()
        self._tally = AddTally()

    def run(
        self,
        found: Iterable[Found | SkippedFile],
        *,
        on_progress: Callable[[Progress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> AddReport:
        """Add photos, batch by batch, in their order."""
        photos: list[Found] = []
        for item in found:
            if isinstance(item, Found):
                photos.append(item)
            else:
                self._tally.refused.append(Refusal(queries.as_text(item.source), item.reason))
        if on_progress is not None:
            on_progress(Progress(0, len(photos), 0))
        stopped = False
        done = 0
        with closing(self._examiner.outcomes(photos, ahead=AHEAD * BATCH)) as outcomes:
            for batch in _batches(outcomes):
                self._keep(batch)
                done += len(batch)
                if on_progress is not None:
                    on_progress(Progress(done, len(photos), len(self._tally.added)))
                if should_stop is not None and should_stop() and done < len(photos):
                    stopped = True
                    break
        return self._tally.report(stopped=stopped)

    def _keep(self, batch: Sequence[Examined]) -> None:
        """Embed what is new of a batch and write all of it in one transaction."""
        results = [outcome.result for outcome in batch]
        self._tally.photos += sum(not isinstance(result, Unchanged) for result in results)
        self._tally.decode_seconds += sum(outcome.seconds for outcome in batch)
        ready = [
            result.photo
            for result in results
            if isinstance(result, Ready) and result.embedded is None
        ]
        vectors = iter(embed_photos(self._clip, [p.rgb for p in ready]) if ready else ())
        words = iter(embed_captions(self._clip, [best_caption(p) for p in ready]))
        if all(isinstance(result, Unchanged) for result in results) and not self._recaption:
            for result in results:
                assert isinstance(result, Unchanged)
                self._pass_unchanged(result)
            return  # nothing to write: others need not wait, and the revision stays
        with self._store.writing() as connection:
            for result in results:
                match result:
                    case Unchanged():
                        self._pass_unchanged(result)
                        if self._recaption:
                            self._renew_captions(connection, result)
                    case Ready(found, photo, None):
                        self.insert(connection, found, photo, next(vectors), next(words))
                    case Ready(found, photo, Embedded() as remote):
                        self.insert(connection, found, photo, remote.vector, remote.words)
                    case Refused():
                        self._refuse(connection, result)
            self._twins.written(connection)

    def _pass_unchanged(self, result: Unchanged) -> None:
        self._tally.unchanged += 1
        if result.row.verdict == queries.REFUSED:  # the person should hear of it every time
            source = queries.as_text(result.found.place.source)
            self._tally.refused.append(Refusal(source, result.row.reason))

    def _renew_captions(self, connection: sqlite3.Connection, result: Unchanged) -> None:
        row = result.row
        if row.verdict != queries.EXEMPLAR or row.exemplar is None:
            return
        texts = result.found.captions()
        if texts and texts != queries.captions(connection, row.exemplar):
            queries.set_captions(connection, row.exemplar, texts)
            (words,) = embed_captions(self._clip, texts[:1])
            if words is not None:
                model = self._model(connection)
                queries.put_vector(
                    connection,
                    row.exemplar,
                    model=model,
                    vector=words,
                    table=queries.CAPTION_VECTORS,
                )
            self._tally.recaptioned += 1

    def _refuse(self, connection: sqlite3.Connection, result: Refused) -> None:
        place = result.found.place
        self._tally.refused.append(Refusal(queries.as_text(place.source), result.reason))
        if result.remember:
            release_file(connection, place)
            queries.put_file(connection, FileRow(place, queries.REFUSED, result.reason, None))

    def insert(
        self,
        connection: sqlite3.Connection,
        found: Found,
        photo: Prepared,
        vector: FloatArray,
        caption_vector: FloatArray | None,
    ) -> Exemplar:
        """Insert a photo, or remember whose duplicate it is; return the exemplar it became."""
        place, source = found.place, queries.as_text(found.place.source)
        self._twins.refresh(connection)
        known = queries.find_sha256(connection, photo.sha256)
        before = queries.find_file(connection, place.path, place.member)
        gone = None if known is None else gone_file(connection, known.key)
        is_known = known is not None and before is not None and before.exemplar == known.key
        if known is not None and gone is not None:
            if before is not None and not is_known:
                release_file(connection, place)
            return self._follow(connection, known, gone, place)
        if known is not None and before is not None and is_known:
            queries.put_file(connection, replace(before, place=place))  # only its date is new
            self._tally.unchanged += 1
            return known
        if before is not None:
            release_file(connection, place)
        if known is not None:
            reason = f"the same bytes as {shown(known.source)}"
            queries.put_file(connection, FileRow(place, queries.DUPLICATE, reason, known.key))
            self._tally.duplicates.append(Refusal(source, reason))
            return known
        twin = self._twins.find(connection, photo)
        if twin is not None:
            reason = f"the same picture as {shown(twin.source)}"
            queries.put_file(connection, FileRow(place, queries.NEAR, reason, twin.key))
            self._tally.near_duplicates.append(Refusal(source, reason))
            return twin
        model = self._model(connection)
        exemplar = queries.insert(
            connection, photo, place, model=model, vector=vector, caption_vector=caption_vector
        )
        self._twins.add(exemplar.key, photo.dhash)
        self._tally.added.append(exemplar)
        return exemplar

    def _follow(
        self, connection: sqlite3.Connection, known: Exemplar, gone: FileRow, place: Place
    ) -> Exemplar:
        """Note that an exemplar's photo lies somewhere else now."""
        queries.delete_file(connection, gone.place)
        queries.put_file(connection, replace(gone, place=place))
        source = queries.as_text(place.source)
        queries.set_source(connection, known.key, source)
        self._tally.moved.append(Refusal(source, f"it was {shown(known.source)}"))
        return replace(known, source=source)


def best_caption(photo: Prepared) -> str:
    """Return the caption that describes a photo best; empty where there is none."""
    return photo.captions[0] if photo.captions else ""


def release_file(connection: sqlite3.Connection, place: Place) -> None:
    """Forget a file; an exemplar without any file that has its bytes goes with it."""
    row = queries.find_file(connection, place.path, place.member)
    if row is None:
        return
    queries.delete_file(connection, place)
    if row.exemplar is not None and not queries.files_of(connection, row.exemplar):
        queries.delete(connection, row.exemplar)


def _batches(outcomes: Iterable[Examined]) -> Iterator[list[Examined]]:
    batch: list[Examined] = []
    for outcome in outcomes:
        batch.append(outcome)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
