import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from small_table import (
    DINGAN_COUNTY,
    DINGCHENG,
    JIANGNAN,
    LUDI,
    TABLE,
    XINZHU,
    XINZHU_TOWN,
    ZHONGNAN,
    import_small,
    keeper,
    write_table,
)

from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.territory import queries
from lianfang.core.territory.actions import (
    BadRows,
    import_divisions,
    lay_out_villages,
    name_responsibility_area,
    overlay_divisions,
    record_egress_check,
    register_buildings,
    register_compounds,
    register_places,
    set_up_headquarters,
)
from lianfang.core.territory.boundary import county_boundary, points_inside
from lianfang.core.territory.models import Building, ChainStep, Division, Place
from lianfang.core.territory.rules import (
    BEGINNING,
    AlreadyLaidOut,
    ChainRefused,
    DivisionUnknown,
    NewBuilding,
    NewCompound,
    NewPlace,
    Overlay,
    OverlayRefused,
    Period,
    level_of,
    own_range,
    split_village,
)
from lianfang.kit.codes import code_range

pytestmark = pytest.mark.django_db
REPORT, NEW = date(2022, 7, 13), date(2023, 1, 1)


@pytest.fixture
def dingan(tmp_path: Path):
    return import_small(tmp_path)


def table_now() -> list[tuple]:
    return list(
        Division.objects.order_by("code", "valid_from").values_list("code", "name", "valid_from", "valid_until")
    )


def audited() -> list[tuple[str, int, dict]]:
    """Read the audit as an auditor would, inside the running transaction."""
    auditor = replace(keeper(), line="audit")
    with acting(auditor), connection.cursor() as cursor:
        cursor.execute("SELECT verb, count, detail::text FROM access_auditentry ORDER BY seq")
        return [(verb, count, json.loads(detail)) for verb, count, detail in cursor.fetchall()]


# ------------------------------------------------------------------------------------------------------------ import


def test_a_table_is_imported_whole(tmp_path):
    summary = import_divisions(write_table(tmp_path), by=keeper())
    assert (summary.added, summary.changed, summary.unchanged, summary.folded) == (11, 0, 0, 1)
    assert queries.counts() == {"province": 1, "prefecture": 2, "county": 1, "township": 3, "village": 4}
    assert queries.division(469021101201).pinyin == "xinzhucunweihui"
    assert audited()[-1][:2] == ("territory.import_divisions", 11)


def test_importing_again_changes_nothing(tmp_path, dingan):
    before = table_now()
    summary = import_divisions(write_table(tmp_path), by=dingan)
    assert (summary.added, summary.changed, summary.unchanged, summary.kept) == (0, 0, 11, 0)
    assert table_now() == before


def test_a_corrected_table_corrects(tmp_path, dingan):
    rows = [(code, "新竹镇（订正）" if code == "469021101" else name) for code, name in TABLE]
    summary = import_divisions(write_table(tmp_path, rows), by=dingan)
    assert (summary.changed, summary.unchanged) == (1, 10)
    assert queries.division(469021101, on=REPORT).name == "新竹镇（订正）"


def test_a_later_edition_ends_the_former_on_its_day(tmp_path, dingan):
    rows = [(code, "新竹街道" if code == "469021101" else name) for code, name in TABLE]
    later = write_table(tmp_path, rows)
    assert import_divisions(later, by=dingan, valid_from=NEW).changed == 1
    assert queries.division(469021101, on=REPORT).name == "新竹镇"
    assert queries.division(469021101, on=NEW).name == "新竹街道"
    # both editions again, in either order, change nothing more
    assert import_divisions(later, by=dingan, valid_from=NEW).changed == 0
    assert import_divisions(write_table(tmp_path), by=dingan).changed == 0
    assert queries.division(469021101, on=NEW).name == "新竹街道"


def test_a_table_without_classes_does_not_erase_them(tmp_path, dingan):
    classed = write_table(tmp_path, [("469021101201", "新竹村委会", "220")], "code,name,urban_rural")
    assert import_divisions(classed, by=dingan).changed == 1
    assert import_divisions(write_table(tmp_path), by=dingan).changed == 0
    assert queries.division(XINZHU).urban_rural == "220"


def test_bad_rows_leave_nothing_half_written(tmp_path):
    rows = [*TABLE, ("46902x", "甲"), ("469021102201", "无镇村")]
    with pytest.raises(BadRows) as caught:
        import_divisions(write_table(tmp_path, rows), by=keeper())
    assert [problem.row for problem in caught.value.problems] == [14, 15]
    assert "neither in the table nor known" in str(caught.value.problems[1])
    assert not Division.objects.exists()


def test_good_rows_are_taken_when_asked(tmp_path):
    rows = [*TABLE, ("46902x", "甲")]
    summary = import_divisions(write_table(tmp_path, rows), by=keeper(), accept_good=True)
    assert (summary.added, len(summary.problems)) == (11, 1)
    assert audited()[-1][2] == {
        "unchanged": 0, "kept": 0, "refused": 1, "valid_from": str(BEGINNING),
    }  # fmt: skip


def test_a_county_adds_to_what_is_known(tmp_path, dingan):
    rows = [("469021101201010", "中安村"), ("469021101201011", "中安村第一网格"), ("469021101207", "新村委会")]
    assert import_divisions(write_table(tmp_path, rows), by=keeper(scope="469021")).added == 3
    assert [one.name for one in queries.path(469021101201011)][-3:] == ["新竹村委会", "中安村", "中安村第一网格"]


def test_rows_outside_the_area_are_refused(tmp_path, dingan):
    rows = [("460400101", "和庆镇"), ("469021102", "龙湖镇")]
    with pytest.raises(BadRows, match="outside your area"):
        import_divisions(write_table(tmp_path, rows), by=keeper(scope="469021"))


def test_importing_needs_the_permission(tmp_path):
    with pytest.raises(NotPermitted):
        import_divisions(write_table(tmp_path), by=keeper("territory.something_else"))


# ---------------------------------------------------------------------------------------------------------- overlays


def rename(name="中南社区居委会", period=Period(BEGINNING, NEW), code=ZHONGNAN) -> Overlay:  # noqa: B008
    return Overlay("rename", code, period, "newspaper of 28 July 2022", name=name)


def test_a_reports_year_can_be_replayed(dingan):
    assert overlay_divisions([rename()], by=dingan) == 1
    assert queries.division(ZHONGNAN, on=REPORT).name == "中南社区居委会"
    assert queries.division(ZHONGNAN, on=NEW).name == "中南街社区居委会"
    assert queries.find("中南社区", within=469021, on=REPORT).code == ZHONGNAN
    assert audited()[-1][0] == "territory.rename_division"


def test_an_overlay_made_again_changes_nothing(dingan):
    overlay_divisions([rename()], by=dingan)
    before = table_now()
    assert overlay_divisions([rename()], by=dingan) == 0
    assert table_now() == before


def test_an_overlay_in_the_middle_leaves_both_ends(dingan):
    overlay_divisions([rename(period=Period(date(2021, 1, 1), NEW))], by=dingan)
    assert [(name, since) for code, name, since, _ in table_now() if code == ZHONGNAN] == [
        ("中南街社区居委会", BEGINNING),
        ("中南社区居委会", date(2021, 1, 1)),
        ("中南街社区居委会", NEW),
    ]


def test_the_table_does_not_undo_an_overlay(tmp_path, dingan):
    overlay_divisions([rename()], by=dingan)
    before = table_now()
    summary = import_divisions(write_table(tmp_path), by=dingan)
    assert (summary.added, summary.changed, summary.kept) == (0, 0, 1)
    assert table_now() == before


def test_a_correction_reaches_both_ends_of_an_overlaid_row(tmp_path, dingan):
    overlay_divisions([rename(period=Period(date(2021, 1, 1), NEW))], by=dingan)
    rows = [(code, "中南街居委会" if code == "469021100003" else name) for code, name in TABLE]
    import_divisions(write_table(tmp_path, rows), by=dingan)
    assert [name for code, name, *_ in table_now() if code == ZHONGNAN] == [
        "中南街居委会",
        "中南社区居委会",
        "中南街居委会",
    ]


def test_a_unit_added_for_a_while_stands_for_that_while(dingan):
    period = Period(date(2020, 1, 1), NEW)
    added = Overlay("add", 469021101208000, period, "civil affairs", name="旧村委会")
    assert overlay_divisions([added], by=dingan) == 1
    assert overlay_divisions([added], by=dingan) == 0
    assert queries.division(469021101208, on=REPORT).parent_code == XINZHU_TOWN
    with pytest.raises(DivisionUnknown):
        queries.division(469021101208, on=NEW)


def test_a_held_code_cannot_be_added(dingan):
    with pytest.raises(OverlayRefused, match="held by 新竹村委会"):
        overlay_divisions([Overlay("add", XINZHU, Period(REPORT), "civil affairs", name="另村")], by=dingan)


def test_what_has_nothing_above_it_cannot_be_added(dingan):
    with pytest.raises(OverlayRefused, match="469021109000000"):
        overlay_divisions([Overlay("add", 469021109200000, Period(REPORT), "?", name="孤村")], by=dingan)


def test_an_abolished_unit_no_longer_stands(dingan):
    gone = Overlay("abolish", LUDI, Period(NEW), "civil affairs")
    assert overlay_divisions([gone], by=dingan) == 1
    assert overlay_divisions([gone], by=dingan) == 0
    assert [one.code for one in queries.children(XINZHU_TOWN, on=REPORT)] == [LUDI, XINZHU]
    assert [one.code for one in queries.children(XINZHU_TOWN, on=NEW)] == [XINZHU]


def test_a_unit_with_others_under_it_is_not_abolished(dingan):
    before = table_now()
    with pytest.raises(OverlayRefused, match="禄地村委会, 新竹村委会 still stand under it"):
        overlay_divisions([rename(), Overlay("abolish", XINZHU_TOWN, Period(NEW), "?")], by=dingan)
    assert table_now() == before, "the overlay before it was undone too"


def test_a_unit_put_under_another_moves_with_its_scope(dingan):
    moved = Overlay("reparent", LUDI, Period(NEW), "civil affairs", parent=DINGCHENG)
    assert overlay_divisions([moved], by=dingan) == 1
    assert overlay_divisions([moved], by=dingan) == 0
    assert [one.name for one in queries.path(LUDI, on=NEW)][-2:] == ["定城镇", "禄地村委会"]
    assert LUDI in queries.scope_of(XINZHU_TOWN, on=REPORT) and LUDI not in queries.scope_of(DINGCHENG, on=REPORT)
    assert LUDI not in queries.scope_of(XINZHU_TOWN, on=NEW) and LUDI in queries.scope_of(DINGCHENG, on=NEW)
    assert LUDI in queries.scope_of(DINGAN_COUNTY, on=NEW) and XINZHU in queries.scope_of(XINZHU_TOWN, on=NEW)


@pytest.mark.parametrize("kind", ["rename", "reparent"])
def test_what_does_not_stand_cannot_change(dingan, kind):
    with pytest.raises(OverlayRefused, match="no division of that code stands"):
        overlay_divisions([Overlay(kind, 469021109000000, Period(REPORT), "?", "名", DINGCHENG)], by=dingan)


def test_overlays_keep_to_the_area(dingan):
    with pytest.raises(NotPermitted):
        overlay_divisions([rename()], by=keeper(scope="469021101"))
    taken = Overlay("reparent", LUDI, Period(NEW), "?", parent=DINGCHENG)
    with pytest.raises(NotPermitted):
        overlay_divisions([taken], by=keeper(scope="469021101"))


# ----------------------------------------------------------------------------------------------- hamlets and grids


def plan(per_grid=40):
    return split_village(XINZHU, hamlets=[("中安村", 480)], households=90, households_per_grid=per_grid)


def test_villages_are_laid_out_once(dingan):
    assert lay_out_villages([plan()], by=dingan) == 1 + 12 + 3
    assert lay_out_villages([plan()], by=dingan) == 0
    zhongan = queries.find("中安村", within=XINZHU)
    assert (zhongan.level, zhongan.code_hi - zhongan.code) == ("hamlet", 19)
    assert [one.name for one in queries.children(zhongan.code)][-1] == "中安村第12网格"
    assert queries.counts(XINZHU) == {"village": 1, "hamlet": 1, "grid": 15}
    assert audited()[-1][:2] == ("territory.lay_out_villages", 16)


def test_a_village_is_not_laid_out_twice_otherwise(dingan):
    lay_out_villages([plan()], by=dingan)
    with pytest.raises(AlreadyLaidOut, match="not into the"):
        lay_out_villages([plan(per_grid=30)], by=dingan)


def test_an_unknown_village_is_not_laid_out(dingan):
    with pytest.raises(DivisionUnknown, match="469021101299000"):
        lay_out_villages([split_village(469021101299, households=10, households_per_grid=5)], by=dingan)


def test_laying_out_keeps_to_the_area(dingan):
    with pytest.raises(NotPermitted):
        lay_out_villages([plan()], by=keeper(scope="469021100"))


# --------------------------------------------------------------------------------------------------- on the ground


def test_places_are_registered_once(dingan):
    lon, lat = points_inside(county_boundary(469021), 1)[0]
    clinic = NewPlace(XINZHU, "village_clinic", "新竹卫生室", float(lon), float(lat))
    assert register_places([clinic, clinic], by=dingan) == 1
    assert register_places([clinic], by=dingan) == 0
    assert [one.name for one in queries.places(code_range(469021), "village_clinic")] == ["新竹卫生室"]
    assert not queries.places(code_range(469021), "school").exists()
    assert audited()[-1][:2] == ("territory.register_places", 1)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (NewPlace(XINZHU, "village_clinic", "海上卫生室", 112.0, 18.0), "lon, lat"),
        (NewPlace(XINZHU, "moon_base", "新竹", 110.3, 19.5), "kind"),
        (NewPlace(XINZHU, "school", " ", 110.3, 19.5), "name"),
        (NewPlace(469021101299000, "school", "小学", 110.3, 19.5), "division_code"),
        (NewPlace(460400100000000, "school", "小学", 110.3, 19.5), "division_code"),
    ],
)
def test_a_place_that_cannot_be_is_told(dingan, place, field):
    with pytest.raises(BadRows) as caught:
        register_places([place], by=keeper(scope="469021"))
    assert [problem.field for problem in caught.value.problems] == [field]
    assert not Place.objects.exists()


def test_buildings_are_checked_for_their_ways_out(dingan):
    compound = NewCompound(JIANGNAN, "江南花园")
    assert register_compounds([compound], by=dingan) == 1
    block = NewBuilding(JIANGNAN, "1栋", "residential", units=2, floors=11, compound_id=compound.id)
    assert register_buildings([block, NewBuilding(JIANGNAN, "1栋", "rural_house")], by=dingan) == 2
    assert queries.egress_doubtful(code_range(469021)).count() == 2
    record_egress_check(block.id, by=dingan, clear=True, on=REPORT)
    assert [one.kind for one in queries.egress_doubtful(code_range(469021))] == ["rural_house"]
    record_egress_check(block.id, by=dingan, clear=False, on=NEW)
    assert queries.egress_doubtful(code_range(469021)).count() == 2
    with pytest.raises(NotPermitted):
        record_egress_check(block.id, by=keeper(scope="469021101"), clear=True, on=NEW)


# --------------------------------------------------------------------------------------- headquarters and areas


def test_an_unknown_step_of_a_chain_is_refused(dingan):
    with pytest.raises(ChainRefused, match="no level of a chain"):
        set_up_headquarters(
            by=dingan, name="县指挥部", scope=code_range(469021), post_title="值班室", steps=[("galaxy", "皇帝")]
        )
    assert not ChainStep.objects.exists()


def test_setting_a_chain_keeps_to_the_area(dingan):
    with pytest.raises(NotPermitted):
        set_up_headquarters(by=keeper(scope="469021"), name="省指挥部", scope=code_range(46), post_title="值班室")


def test_an_area_holds_only_buildings_of_its_range(dingan):
    block = NewBuilding(JIANGNAN, "1栋", "residential")
    register_buildings([block], by=dingan)
    with pytest.raises(ChainRefused, match="1 of its buildings"):
        name_responsibility_area(by=dingan, name="新竹责任区", scope=own_range(XINZHU), buildings=[block.id])


# --------------------------------------------------------------------------------------------------- the database


def division(code=469021105000000, **wrong) -> Division:
    values = {
        "code": code, "code_hi": own_range(code).hi, "level": level_of(code), "name": "某镇", "pinyin": "mouzhen",
        "origin": "table", "source": "test", "valid_from": BEGINNING,
    }  # fmt: skip
    return Division(**{**values, **wrong})


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"code_hi": 469021104999999}, "division_range"),
        ({"code_hi": 469021105000009}, "division_range_follows_level"),
        ({"level": "county"}, "division_level_follows_digits"),
        ({"level": "planet"}, "division_level"),
        ({"name": ""}, "division_named"),
        ({"valid_until": BEGINNING}, "division_validity"),
        ({"origin": "hearsay"}, "division_origin_known"),
        ({"code": XINZHU + 10, "code_hi": XINZHU + 17, "level": "hamlet"}, "division_range_follows_level"),
    ],
)
def test_the_database_refuses_nonsense(dingan, wrong, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        division(**wrong).save()


@pytest.mark.parametrize(
    ("since", "until", "clashes"),
    [(date(2020, 1, 1), None, True), (date(2019, 1, 1), date(2020, 6, 1), True), (date(2021, 1, 1), None, False)],
)
def test_no_two_rows_hold_a_code_on_one_day(dingan, since, until, clashes):
    division(valid_from=date(2020, 1, 1), valid_until=date(2021, 1, 1)).save()
    second = division(valid_from=since, valid_until=until, name="后镇")
    if not clashes:
        second.save()
        return
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()


def test_a_row_cannot_grow_into_another(dingan):
    first = division(valid_until=NEW)
    first.save()
    division(valid_from=NEW).save()
    first.valid_until = None
    with pytest.raises(IntegrityError, match="same codes on the same days"), transaction.atomic():
        first.save()


def test_hamlets_do_not_share_blocks(dingan):
    lay_out_villages([plan()], by=dingan)
    with pytest.raises(IntegrityError, match="same codes"), transaction.atomic():
        division(XINZHU + 20).save()
    division(XINZHU + 30).save()


def test_egress_is_found_on_a_day(dingan):
    with pytest.raises(IntegrityError, match="building_egress_paired"), transaction.atomic():
        Building(division_code=JIANGNAN, kind="residential", name="2栋", egress_clear=True).save()
