"""Small chroma joined with a full-size picture: the one step that works at full size.

The chroma is upsampled bilinearly, and where lightness and chroma change together in the small
picture, the lightness of the full-size one tells where exactly: the linear model of the guided
filter (He, Sun and Tang 2013; fitted at the small size as by He and Sun 2015), applied to the
detail that a lightness as soft as the network's chroma lacks. Unlike the plain guided filter
this leaves chroma alone that the lightness does not explain, which on photographs is most of
it: a line's slope counts by the share of the chroma's variance that the line explains. The result
is held within the chroma of its surroundings, so grain and highlights make neither blotches nor
halos.

Work goes block by block; no full-size array but the result is ever made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import A_SCALE, B_SCALE, f_of, joined, srgb_to_lab
from models.color.mask import Mask

FloatArray = NDArray[np.float32]

SOFTNESS = 0.9  # sigma of the blur the network's chroma is taken to have, in small pixels
RADIUS = 1  # of the window a line is fitted to, in small pixels
REACH = 2  # of the surroundings whose chroma bounds the result, in small pixels
EPSILON = 4.0  # L squared: detail weaker than 2 L is taken for grain
CERTAIN = 3  # power of the share that lightness explains of chroma: a half counts as an eighth
SPAN = 60.0  # ab between which a mask is taken to change, beside EPSILON
COLUMNS = 2048  # a block is this wide at most
BLOCK = 1 << 16  # pixels in a block: its dozen planes stay near a core, its calls are few
WORKERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Chroma that counts only where a mask of full size says so.

    ``ab`` is (h, w, 2) float32, of the whole picture: the colours that the place would have if it
    were everywhere, so that nothing of its surroundings gets in at its edge.
    """

    ab: FloatArray
    mask: Mask


def recolor(
    pixels: NDArray[Any],
    ab: NDArray[Any],
    guide: NDArray[Any],
    *,
    patches: Sequence[Patch] = (),
    mask: NDArray[Any] | None = None,
    report: Callable[[float], None] = lambda share: None,
    may_overwrite: bool = False,
) -> NDArray[Any]:
    """Give `pixels` the chroma `ab`, keeping their lightness.

    pixels: (H, W, C), C = 1..4 (grey, grey + alpha, RGB, RGBA), uint8, uint16 or float32 in
        [0, 1], sRGB-encoded, straight alpha.
    ab: (h, w, 2) float32, Lab chroma of the whole picture; guide: (h, w) float32, its L.
    patches: chroma over that, later ones on top. Where no mask of theirs reaches, the result is
        to the last bit that without them.
    mask: (H, W) float32 in [0, 1] or None; 0 keeps the input's pixel, 1 takes the new colour.
    report: hears, from several threads, the share of the picture where a block begins; what it
        raises ends the work within a block.
    may_overwrite: nobody needs the pixels any more, so the result may take their place; a large
        picture then needs no memory but its own.

    Returns (H, W, 3), or (H, W, 4) where there is alpha, of the same dtype. L is the input's;
    chroma that does not fit sRGB is lowered. Alpha and pixels under mask 0 are copied.
    Raises ValueError where shapes or dtypes do not fit together.
    """
    height, width, channels = _check(pixels, ab, guide, mask)
    chroma = ChromaField.fit(ab, guide, height=height, width=width)
    over = [
        (ChromaField.fit(patch.ab, guide, height=height, width=width), patch.mask)
        for patch in patches
    ]
    out = pixels
    if channels < 3 or not (may_overwrite and pixels.flags.writeable):
        out = np.empty((height, width, 4 if channels in (2, 4) else 3), pixels.dtype)
    area = width * height

    with ThreadPoolExecutor(WORKERS) as pool:
        for columns in _slices(width, COLUMNS):
            field = chroma.at_columns(columns)
            fields = [
                (part, part.at_columns(columns), place)
                for part, place in over
                if _meet(place, columns)
            ]

            def work(
                rows: slice,
                columns: slice = columns,
                field: FloatArray = field,
                fields: Sequence[tuple[ChromaField, FloatArray, Mask]] = fields,
            ) -> None:
                report(
                    (columns.start * height + rows.start * (columns.stop - columns.start)) / area
                )
                part = (rows, columns)
                out[part] = _recolor_block(
                    pixels[part],
                    chroma.at_rows(field, rows),
                    None if mask is None else np.asarray(mask[part], np.float32),
                    [
                        (one.at_rows(at_columns, rows), share)
                        for one, at_columns, place in fields
                        if (share := place.within(rows, columns)) is not None
                    ],
                )

            rows = max(1, BLOCK // (columns.stop - columns.start))
            for _ in pool.map(work, _slices(height, rows)):
                pass
    return out


def upsampled(plane: NDArray[Any], pixels: NDArray[Any], guide: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring (h, w) values in [0, 1] to the size of `pixels`, along its edges as chroma goes.

    pixels: (H, W, C) as for `recolor`; guide: (h, w) float32, their L on the coarse grid.

    Returns (H, W) uint8, 255 for 1.
    """
    height, width = pixels.shape[:2]
    scaled = np.asarray(plane, np.float32) * np.float32(SPAN)
    values = ChromaField.fit(np.dstack([scaled, scaled]), guide, height=height, width=width)
    out = np.empty((height, width), np.uint8)
    for columns in _slices(width, COLUMNS):
        field = values.at_columns(columns)
        for rows in _slices(height, max(1, BLOCK // (columns.stop - columns.start))):
            planes = _split(pixels[rows, columns])
            if len(planes) in (2, 4):
                planes.pop()
            f = f_of(planes[:1] if len(planes) == 1 or _is_grey(planes) else planes)
            level, _ = _chroma(values.at_rows(field, rows), f)
            level *= np.float32(255 / (SPAN * A_SCALE))
            out[rows, columns] = np.rint(level.clip(0, 255))
    return out


@dataclass(frozen=True)
class ChromaField:
    """Chroma as a linear function of lightness, everywhere in a picture.

    planes: (h, 8, w) float32: for a / 500 and b / 200 each the slope over f_y, the offset, and
    the lowest and the highest value allowed, in the order slope a, slope b, offset a, ...
    """

    planes: FloatArray
    height: int
    width: int

    @classmethod
    def fit(cls, ab: NDArray[Any], guide: NDArray[Any], *, height: int, width: int) -> ChromaField:
        """Fit the lines: ab (h, w, 2) over guide (h, w), for a picture of this size."""
        ab, guide = np.ascontiguousarray(ab, np.float32), np.ascontiguousarray(guide, np.float32)
        h, w = min(guide.shape[0], height), min(guide.shape[1], width)
        if (h, w) != guide.shape:  # the picture is smaller than the network's view of it
            ab = cv2.resize(ab, (w, h), interpolation=cv2.INTER_AREA).reshape(h, w, 2)
            guide = cv2.resize(guide, (w, h), interpolation=cv2.INTER_AREA).reshape(h, w)
        soft = _plane(
            cv2.GaussianBlur(guide, (0, 0), SOFTNESS, borderType=cv2.BORDER_REPLICATE), guide
        )
        mean = _mean(soft)
        variance: FloatArray = np.maximum(_mean(soft * soft) - mean * mean, 0)
        window = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
        both = np.moveaxis(ab, -1, 0)
        covariances = [_mean(soft * plane) - mean * _mean(plane) for plane in both]
        trust = _explained(covariances, variance, both) ** CERTAIN
        slopes, offsets, low, high = [], [], [], []
        for covariance, plane in zip(covariances, both, strict=True):
            slope = _mean(trust * covariance / (variance + np.float32(EPSILON)))
            slopes.append(slope)
            offsets.append(plane - slope * soft)
            low.append(_plane(cv2.erode(plane, window), guide))
            high.append(_plane(cv2.dilate(plane, window), guide))
        planes = np.stack(slopes + offsets + low + high, axis=1)
        planes = _over_f(planes)
        return cls(np.ascontiguousarray(planes, np.float32), height, width)

    def at_columns(self, columns: slice) -> FloatArray:
        """Interpolate across: (h, 8, columns) float32."""
        left, right, share = _neighbours(columns, self.width, self.planes.shape[2])
        planes: FloatArray = np.take(self.planes, left, axis=2)
        planes += (np.take(self.planes, right, axis=2) - planes) * share
        return planes

    def at_rows(self, field: FloatArray, rows: slice) -> FloatArray:
        """Interpolate what `at_columns` gave downwards: (rows, 8, columns) float32."""
        above, below, share = _neighbours(rows, self.height, len(field))
        out = np.empty((len(share), *field.shape[1:]), np.float32)
        for row, (i, j, part) in enumerate(zip(above, below, share, strict=True)):
            cv2.addWeighted(field[i], 1 - float(part), field[j], float(part), 0, dst=out[row])
        return out


def _recolor_block(
    pixels: NDArray[Any],
    field: FloatArray,
    mask: FloatArray | None,
    over: Sequence[tuple[FloatArray, FloatArray]] = (),
) -> NDArray[Any]:
    """Recolour (rows, columns, C).

    field (rows, 8, columns), mask (rows, columns) or None; ``over`` are fields with the share that
    each has, (rows, columns), later ones on top.
    """
    planes = _split(pixels)
    alpha = [planes.pop()] if len(planes) in (2, 4) else []
    grey = len(planes) == 1 or _is_grey(planes)
    own = planes if len(planes) == 3 else planes * 3
    if mask is not None and not mask.any():
        return _merged(own + alpha)

    f = f_of(planes[:1] if grey else planes)

    def finished(a: FloatArray, b: FloatArray) -> list[NDArray[Any]]:
        if mask is not None:
            a, b = a * mask, b * mask
            if not grey:
                own_ab = srgb_to_lab(_to_unit(pixels[..., :3]))[..., 1:] * (1 - mask[..., None])
                a += own_ab[..., 0] * A_SCALE
                b += own_ab[..., 1] * B_SCALE
        if grey and not (a.any() or b.any()):  # float32 pixels come back as they are
            return [plane.copy() for plane in own]
        new = joined(f, a, b, pixels.dtype)
        if mask is not None:
            for plane, before in zip(new, own, strict=True):
                np.copyto(plane, before, where=mask == 0)
        return new

    a, b = _chroma(field, f)
    if not over:
        return _merged(finished(a, b) + alpha)
    a_over, b_over, touched = a, b, np.zeros(f.shape, bool)
    for patch, share in over:
        a_patch, b_patch = _chroma(patch, f)
        # Exact at both ends, which a + (b - a) * share is not for colours far out of sRGB.
        a_over = a_over * (1 - share) + a_patch * share
        b_over = b_over * (1 - share) + b_patch * share
        touched |= share > 0
    new = finished(a_over, b_over)
    if not touched.all():
        for plane, plain in zip(new, finished(a, b), strict=True):
            np.copyto(plane, plain, where=~touched)
    return _merged(new + alpha)


def _chroma(field: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a / 500 and b / 200 of a block, (rows, columns), by its field and its f_y."""
    chroma = []
    for channel in range(2):
        slope, offset, low, high = (field[:, at + channel] for at in range(0, 8, 2))
        plane = slope * f
        plane += offset
        np.maximum(plane, low, out=plane)
        chroma.append(np.minimum(plane, high, out=plane))
    return chroma[0], chroma[1]


def _meet(mask: Mask, columns: slice) -> bool:
    left, _, width, _ = mask.box
    return bool(left < columns.stop and left + width > columns.start)


def _over_f(planes: NDArray[Any]) -> NDArray[Any]:
    """Turn a and b as lines over L into a / 500 and b / 200 as lines over f_y = (L + 16) / 116."""
    scaled: NDArray[Any] = planes * np.array([A_SCALE, B_SCALE] * 4)[:, None]
    scaled[:, 2:4] -= 16 * scaled[:, :2]
    scaled[:, :2] *= 116
    return scaled


def _split(pixels: NDArray[Any]) -> list[NDArray[Any]]:
    """Part (rows, columns, C) into C planes."""
    pixels = np.ascontiguousarray(pixels)
    shape = pixels.shape[:2]
    return [np.asarray(plane).reshape(shape) for plane in cv2.split(pixels)]


def _merged(planes: list[NDArray[Any]]) -> NDArray[Any]:
    """Join planes to (rows, columns, C)."""
    return np.asarray(cv2.merge(planes)).reshape(*planes[0].shape, len(planes))


def _to_unit(pixels: NDArray[Any]) -> FloatArray:
    """Turn uint8, uint16 or float32 into float32 in [0, 1]."""
    if pixels.dtype == np.float32:
        return pixels
    return pixels * np.float32(1 / np.iinfo(pixels.dtype).max)


def _is_grey(planes: list[NDArray[Any]]) -> bool:
    """Tell whether three planes are equal: the commonest form of a grey photo."""
    return np.array_equal(planes[0], planes[1]) and np.array_equal(planes[0], planes[2])


def _explained(
    covariances: Sequence[FloatArray], variance: FloatArray, both: NDArray[Any]
) -> FloatArray:
    """Return the share of the variance of ``both`` a and b that a line over L explains.

    ``covariances`` are those of (2, h, w) a and b with L in a window, ``variance`` is that of L.
    """
    own = [np.maximum(_mean(plane * plane) - _mean(plane) ** 2, 0) for plane in both]
    explained = sum(covariance * covariance for covariance in covariances)
    share: FloatArray = explained / (variance * sum(own) + np.float32(EPSILON))
    return share.clip(0, 1)


def _mean(plane: NDArray[Any]) -> FloatArray:
    """Return the mean over a window of RADIUS, the border repeated."""
    size = (2 * RADIUS + 1, 2 * RADIUS + 1)
    return _plane(cv2.blur(plane, size, borderType=cv2.BORDER_REPLICATE), plane)


def _plane(result: Any, like: NDArray[Any]) -> FloatArray:
    """Give back to OpenCV's result the shape it drops where a side is one pixel."""
    plane: FloatArray = result.reshape(like.shape)
    return plane


def _neighbours(part: slice, size: int, small: int) -> tuple[Any, Any, FloatArray]:
    """Place `part` of `size` pixels on a grid of `small`: the two neighbours and the share."""
    at = (np.arange(part.start, part.stop) + 0.5) * (small / size) - 0.5
    at = np.clip(at, 0, small - 1)
    first = at.astype(np.intp)
    return first, np.minimum(first + 1, small - 1), (at - first).astype(np.float32)


def _slices(size: int, step: int) -> Iterator[slice]:
    """Cut `size` into slices of at most `step`."""
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


def _check(
    pixels: NDArray[Any], ab: NDArray[Any], guide: NDArray[Any], mask: NDArray[Any] | None
) -> tuple[int, int, int]:
    """Return (H, W, C) after checking that everything fits together."""
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or 0 in pixels.shape:
        raise ValueError(f"pixels have the shape {pixels.shape}; it must be (H, W, 1..4)")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"pixels are {pixels.dtype}; they must be uint8, uint16 or float32")
    if guide.ndim != 2 or 0 in guide.shape or ab.shape != (*guide.shape, 2):
        raise ValueError(f"ab {ab.shape} and guide {guide.shape} must be (h, w, 2) and (h, w)")
    if mask is not None and mask.shape != pixels.shape[:2]:
        raise ValueError(f"the mask is {mask.shape}; the pixels need {pixels.shape[:2]}")
    height, width, channels = pixels.shape
    return height, width, channels
