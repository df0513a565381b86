"""The library: a person's own colour photos, found again by what they show.

The photos stay where they are. The library keeps where they lie and what it takes to find them;
only photos that come without a place of their own (over HTTP) are kept inside its folder.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.captions import clean
from models.guidance.condition import Embedder
from retrieval.database import queries
from retrieval.database.clip_model import (
    check_model,
    embed_captions,
    embed_photos,
    model_number,
    probe_of,
)
from retrieval.database.exemplar import ID_PATTERN, Exemplar, Place
from retrieval.database.store import Store
from retrieval.errors import LibraryError, MissingPhoto, UnknownExemplar
from retrieval.index.synced import LibraryIndexes
from retrieval.index.vector_index import EXACT_UP_TO
from retrieval.ingest.ingest import Ingest, best_caption
from retrieval.ingest.maintenance import CheckReport, clear, inspect, re_embed, renew_thumbnails
from retrieval.ingest.photos import DecodeSmall, PhotoLimits, decode_small, describe
from retrieval.ingest.preparing import Preparer
from retrieval.ingest.report import AddReport, Progress
from retrieval.ingest.samples import find_samples
from retrieval.ingest.uploads import keep_photo, place_of, shown_name
from retrieval.ingest.walk import Found, find_photos, found_again, read_place
from retrieval.search.search import Match, Query, Search

FloatArray = NDArray[np.float32]
Keys = NDArray[np.int64]

RE_EMBED: Final = "photochrom library check --re-embed"


class ExemplarLibrary:
    """Exemplars in one folder. Threads may share it, and processes may open the same folder.

    Readers never wait; writers take turns.
    """

    def __init__(
        self,
        store: Store,
        clip: Embedder | None,
        probe: FloatArray | None,
        limits: PhotoLimits,
        decode: DecodeSmall = decode_small,
    ) -> None:
        self._decode = decode
        self._store = store
        self._clip = clip
        self._probe = probe
        self._limits = limits
        self._indexes: LibraryIndexes | None = None
        if probe is not None:
            self._indexes = LibraryIndexes(store, dimension=len(probe), check=self._check)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clip: Embedder | None,
        limits: PhotoLimits | None = None,
        any_model: bool = False,
        decode: DecodeSmall = decode_small,
    ) -> ExemplarLibrary:
        """Open the library in ``folder``, making it if absent; ``decode`` reads its photos.

        Without ``clip`` it can be listed, read and pruned, but neither added to nor searched.
        ``any_model`` lets another model in, which may do nothing but ``re_embed``.

        Raises:
            WrongClip: its vectors were made by another model.
            LibraryUnusable: see retrieval/errors.py.
        """
        store = Store(Path(folder))
        probe = None if clip is None else probe_of(clip)
        library = cls(store, clip, probe, limits or PhotoLimits(), decode)
        if clip is not None and probe is not None and not any_model:
            try:
                with store.reading() as connection:
                    number = model_number(connection, clip.name, probe)
                    check_model(connection, clip.name, number, remedy=RE_EMBED)
            except LibraryError:
                store.close()
                raise
        return library

    def close(self) -> None:
        """Give back what the library holds open."""
        if self._indexes is not None:
            self._indexes.close()
        self._store.close()

    @property
    def folder(self) -> Path:
        """The folder that the library lives in."""
        return self._store.folder

    @property
    def clip(self) -> Embedder:
        """The model whose vectors the library holds."""
        assert self._clip is not None, "the library was opened without a CLIP model"
        return self._clip

    @property
    def revision(self) -> int:
        """A number that grows with every change, in this process or another."""
        with self._store.reading() as connection:
            return queries.revision(connection)

    def __len__(self) -> int:
        with self._store.reading() as connection:
            return queries.count(connection)

    def get(self, exemplar_id: str) -> Exemplar:
        """Return the exemplar with this id.

        Raises:
            UnknownExemplar: there is none.
        """
        with self._store.reading() as connection:
            return _get(connection, exemplar_id)

    def search(self, query: Query, *, k: int = 8, notices: list[str] | None = None) -> list[Match]:
        """Find up to k exemplars that fit, best first; see retrieval/search/search.py.

        What is to be said about the description is added to ``notices``.

        Raises:
            BadQuery: the query makes no sense.
            WrongClip: the library was made again with another model.
        """
        assert self._indexes is not None, "the library was opened without a CLIP model"
        return Search(self._store, self.clip, self._indexes).find(query, k=k, notices=notices)

    def list(self, *, offset: int = 0, limit: int = 100, containing: str = "") -> list[Exemplar]:
        """List exemplars in the order they came; ``containing`` filters captions and sources."""
        with self._store.reading() as connection:
            return queries.page(connection, offset=offset, limit=limit, containing=containing)

    def by_keys(self, keys: Iterable[int]) -> dict[int, Exemplar]:
        """Return the exemplars with these keys; those removed meanwhile are left out."""
        with self._store.reading() as connection:
            return queries.by_keys(connection, keys)

    def keys(self) -> Keys:
        """Return the keys of all exemplars, (N,) int64, ascending. A key is never used again."""
        with self._store.reading() as connection:
            return queries.all_keys(connection)

    def vectors(self, *, after: int = 0, limit: int | None = None) -> tuple[Keys, FloatArray]:
        """Return keys above ``after``, (N,) int64 ascending, and unit vectors, (N, D) float32.

        At most ``limit`` of them, so that a large library can be read piece by piece.
        """
        with self._store.reading() as connection:
            return queries.vectors(connection, after=after, limit=limit)

    def captions(self, exemplar_id: str) -> tuple[str, ...]:
        """Return all captions of an exemplar, the best first."""
        with self._store.reading() as connection:
            return queries.captions(connection, _get(connection, exemplar_id).key)

    def thumbnail(self, exemplar_id: str) -> bytes:
        """Return a small JPEG of an exemplar; it works without the photo too."""
        with self._store.reading() as connection:
            image = queries.thumbnail(connection, _get(connection, exemplar_id).key)
        if image is None:
            raise MissingPhoto(
                f"the thumbnail of {exemplar_id} is missing: run photochrom library check --repair"
            )
        return image

    def image(self, exemplar_id: str) -> bytes:
        """Return the photo's own bytes, exactly those that were added.

        Raises:
            UnknownExemplar: there is no such exemplar.
            MissingPhoto: the photo is gone, may not be read, or is another one now.
        """
        with self._store.reading() as connection:
            exemplar = _get(connection, exemplar_id)
            files = queries.files_of(connection, exemplar.key)
        problem = "is not in the library"
        for file in files:
            try:
                data = read_place(file.place, self.folder)
            except OSError as error:
                problem = (error.strerror or "cannot be read").lower()
                continue
            # Whatever lies there now, nothing but the photo that was added is ever given away.
            if hashlib.sha256(data).hexdigest() == exemplar.sha256:
                return data
            problem = "the file has changed since it was added"
        raise MissingPhoto(
            f"the photo {exemplar.source} of exemplar {exemplar.id} cannot be used: {problem}; "
            "photochrom library check --repair brings the library up to date"
        )

    def settle(self) -> None:
        """Make the search index of a large library now, not beside the next search."""
        if self._indexes is not None and len(self) > EXACT_UP_TO:
            self._indexes.settle()

    def add(
        self,
        paths: Sequence[Path],
        *,
        samples: bool = False,
        recaption: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        remote: Preparer | None = None,
    ) -> AddReport:
        """Add folders, photos and tar shards; what is known and unchanged is passed over.

        Photos that cannot be used are in the report with a reason. ``should_stop`` is asked for
        every file found and after every batch. ``recaption`` reads the captions of unchanged photos
        again; ``samples`` adds the free photos that come with scikit-image. ``remote`` decodes and
        embeds elsewhere; files are read and the library is written here.

        Raises:
            BadPath: a path does not exist; nothing was added then.
            LibraryUnusable: the disk is full, ...; the batches before are kept.
        """
        found = []
        for item in find_photos(paths, library=self.folder):
            found.append(item)
            if should_stop is not None and should_stop():  # a walk over a network may take minutes
                return AddReport(stopped=True)
        if samples:
            found += find_samples()
        report = self._ingest(recaption=recaption, remote=remote).run(
            found, on_progress=on_progress, should_stop=should_stop
        )
        if not report.stopped:
            self.settle()
        return report

    def add_photo(self, data: bytes, *, name: str, caption: str = "") -> Exemplar:
        """Keep a photo inside the library's folder; the exemplar that shows the same is returned.

        ``name`` is for people only. It says nothing about where the photo is kept.

        Raises:
            PhotoRefused: grey, broken, too large, ...
            LibraryUnusable: the disk is full, ...
        """
        sha256 = hashlib.sha256(data).hexdigest()
        with self._store.reading() as connection:
            known = queries.find_sha256(connection, sha256)
        if known is not None:
            return known
        small = self._decode(data, self._limits)
        photo = describe(data, small, clean([caption]))
        (vector,) = embed_photos(self.clip, [photo.rgb])
        (words,) = embed_captions(self.clip, [best_caption(photo)])
        relative = place_of(sha256, data)
        path = self.folder / relative
        source = shown_name(name) or path.name
        with self._store.writing() as connection:
            known = queries.find_sha256(connection, sha256)
            if known is not None:  # somebody was faster
                return known
            status = keep_photo(path, data)
            place = Place(relative, source, status.st_size, status.st_mtime_ns)
            exemplar = None
            try:
                exemplar = self._ingest().insert(connection, Found(place), photo, vector, words)
            finally:
                if exemplar is None or exemplar.sha256 != sha256:  # refused, or a near duplicate
                    path.unlink(missing_ok=True)
        return exemplar

    def remove(self, ids: Iterable[str]) -> int:
        """Remove exemplars and return how many; photos outside the library's folder stay.

        Raises:
            UnknownExemplar: one of them does not exist; nothing was removed then.
        """
        kept_here: list[str] = []
        with self._store.writing() as connection:
            exemplars = {_get(connection, one) for one in ids}
            for exemplar in exemplars:
                files = queries.files_of(connection, exemplar.key)
                kept_here += [f.place.path for f in files if not os.path.isabs(f.place.path)]
                queries.delete(connection, exemplar.key)
        for path in kept_here:
            with suppress(FileNotFoundError):
                (self.folder / path).unlink()
        return len(exemplars)

    def check(
        self,
        *,
        repair: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> CheckReport:
        """Compare the library with the photos and with itself; ``repair`` puts right what it can.

        The report says what was found; ``repaired`` whether it was put right. A repair forgets
        photos that were deleted, follows those that were renamed or moved inside the folder they
        were added from, reads changed ones again, and keeps those whose folder is absent.

        Raises:
            CorruptLibrary: the database is damaged.
        """
        report = inspect(self._store, on_progress=on_progress)
        if not repair:
            return report
        again = clear(self._store, report)
        renew_thumbnails(self._store, self._limits, self._decode)
        if report.without_vector:
            self.re_embed()
        if again:
            self._ingest().run(found_again(again))
        return replace(report, repaired=True)

    def re_embed(
        self,
        *,
        on_progress: Callable[[Progress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> int:
        """Embed every exemplar that has no vector of this model yet; return how many."""
        return re_embed(
            self._store, self.clip, model=self._new_model, limits=self._limits,
            decode=self._decode, on_progress=on_progress, should_stop=should_stop,
        )  # fmt: skip

    def under(self, folder: Path) -> tuple[Exemplar, ...]:
        """List the exemplars whose photos lie in a folder (or in a shard), there or not."""
        with self._store.reading() as connection:
            return tuple(queries.under(connection, os.path.abspath(folder)))

    def _ingest(self, *, recaption: bool = False, remote: Preparer | None = None) -> Ingest:
        return Ingest(
            self._store, self.clip, model=self._model, limits=self._limits, recaption=recaption,
            remote=remote, probe=self._probe, decode=self._decode,
        )  # fmt: skip

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse vectors of another model."""
        assert self._probe is not None
        number = model_number(connection, self.clip.name, self._probe)
        check_model(connection, self.clip.name, number, remedy=RE_EMBED)

    def _model(self, connection: sqlite3.Connection) -> int:
        """Return this model's number, making its row if needed, and refuse to mix models."""
        number = self._new_model(connection)
        check_model(connection, self.clip.name, number, remedy=RE_EMBED)
        return number

    def _new_model(self, connection: sqlite3.Connection) -> int:
        """Return this model's number, making its row if needed."""
        assert self._probe is not None
        number = model_number(connection, self.clip.name, self._probe)
        if number is None:
            number = queries.insert_model(connection, self.clip.name, self._probe)
        return number


def _get(connection: sqlite3.Connection, exemplar_id: str) -> Exemplar:
    found = queries.find(connection, exemplar_id) if ID_PATTERN.fullmatch(exemplar_id) else None
    if found is None:
        raise UnknownExemplar(exemplar_id)
    return found
