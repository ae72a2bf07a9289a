import numpy as np
import pytest
import shapely

from lianfang.core.territory.boundary import (
    BoundaryUnknown,
    counties,
    county_boundary,
    points_inside,
    share_out,
)

VILLAGES = [469021100000000 + 1000 * at for at in range(1, 30)] + [469021101200000 + 1000 * at for at in range(7)]


def test_dingan_lies_where_it_lies():
    shape = county_boundary(469021)
    # 定安县: 19°13′–19°44′N, 110°07′–110°31′E and 1,196.6 km² by the county's own figures
    west, south, east, north = shape.bounds
    assert (west, south, east, north) == pytest.approx((110.12, 19.21, 110.55, 19.73), abs=0.01)
    square_km = shape.area * 110.66 * 111.32 * np.cos(np.radians(19.5))
    assert square_km == pytest.approx(1196.6, rel=0.02)


def test_every_county_has_a_valid_shape():
    shapes = [county_boundary(code) for code in counties()]
    assert len(shapes) > 2800
    assert all(shape.is_valid and not shape.is_empty for shape in shapes)
    assert all(shape.bounds[0] > 70 and shape.bounds[2] < 140 for shape in shapes)


def test_neighbours_do_not_overlap():
    dingan, qionghai = county_boundary(469021), county_boundary(469002)
    assert dingan.intersection(qionghai).area < 1e-4 * dingan.area


def test_a_longer_code_finds_its_county():
    assert county_boundary(469021101201011).equals(county_boundary("469021"))


def test_a_county_without_a_shape_is_told():
    with pytest.raises(BoundaryUnknown, match="460999"):
        county_boundary(460999)


def test_points_lie_inside_apart_and_are_always_the_same():
    shape = county_boundary(469021)
    points = points_inside(shape, 500)
    assert shapely.contains_xy(shape, points).all()
    assert len(np.unique(points, axis=0)) == 500
    assert np.array_equal(points, points_inside(shape, 500))


def test_places_of_one_village_and_of_one_township_lie_together():
    shape = county_boundary(469021)
    spots = share_out(shape, VILLAGES, 25)
    assert set(spots) == set(VILLAGES)
    assert {len(points) for points in spots.values()} == {25}
    assert all(shapely.contains_xy(shape, points).all() for points in spots.values())
    county_wide = np.vstack(list(spots.values())).std(axis=0).sum()
    assert all(points.std(axis=0).sum() < county_wide / 3 for points in spots.values())
    hulls = [
        shapely.MultiPoint(np.vstack([spots[code] for code in VILLAGES if code // 10**6 == town])).convex_hull
        for town in (469021100, 469021101)
    ]
    assert hulls[0].intersection(hulls[1]).area < 0.05 * hulls[1].area


def test_one_unit_takes_all():
    assert len(share_out(county_boundary(469021), [469021101201000], 7)[469021101201000]) == 7
