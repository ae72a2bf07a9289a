"""Divisions with their dates, what stands on the ground, headquarters and chains of responsibility.

Nothing here is about a person, so no table is under row-level security: who lives where is kept by the people room.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.core.territory.rules import BEGINNING, LEVELS, Period
from lianfang.kit.codes import EVERYWHERE, CodeRange
from lianfang.kit.ids import new_id

TABLE, OVERLAY, LOCAL = "table", "overlay", "local"


def _range_check(name: str, lo: str, hi: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{lo}__gte": 0, f"{hi}__gte": F(lo), f"{hi}__lte": EVERYWHERE.hi}), name=name
    )


def _validity_check(name: str) -> models.CheckConstraint:
    later = Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from"))
    return models.CheckConstraint(condition=later, name=name)


def _in_china(name: str) -> models.CheckConstraint:
    nowhere = Q(lon__isnull=True, lat__isnull=True)
    inside = Q(lon__gte=70, lon__lte=140, lat__gte=0, lat__lte=60)
    return models.CheckConstraint(condition=nowhere | inside, name=name)


@declare(plain="id code code_hi level name pinyin urban_rural parent_code valid_from valid_until origin source")
class Division(models.Model):
    """A unit of the territory, from province to grid, for the days on which it bore this name and parent.

    ``code_hi`` is the last code inside; ``parent_code`` differs from the digits only where a unit was put under
    another; ``urban_rural`` is the three-digit class of the statistics office (111 … 220) where known; ``origin`` is
    the national or another table, an overlay, or local (hamlets and grids laid out here).
    """

    code = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    level = models.CharField(max_length=10, choices=[(level, level) for level in LEVELS])
    name = models.CharField(max_length=100)
    pinyin = models.CharField(max_length=400)
    urban_rural = models.CharField(max_length=3, blank=True, default="")
    parent_code = models.BigIntegerField(null=True)
    valid_from = models.DateField(default=BEGINNING)
    valid_until = models.DateField(null=True)
    origin = models.CharField(max_length=8, choices=[(o, o) for o in (TABLE, OVERLAY, LOCAL)])
    source = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "valid_from"], name="division_once"),
            models.CheckConstraint(condition=Q(code__gte=10**14), name="division_has_province"),
            models.CheckConstraint(condition=~Q(name=""), name="division_named"),
            models.CheckConstraint(condition=Q(level__in=LEVELS), name="division_level_known"),
            models.CheckConstraint(condition=Q(origin__in=[TABLE, OVERLAY, LOCAL]), name="division_origin_known"),
            _range_check("division_range", "code", "code_hi"),
            _validity_check("division_validity"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["parent_code"], name="division_parent"),
            models.Index(fields=["name"], name="division_name", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["pinyin"], name="division_pinyin", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def range(self) -> CodeRange:
        """Return the range of everything inside this unit."""
        return CodeRange(self.code, self.code_hi)

    @property
    def period(self) -> Period:
        """Return the days on which this row holds."""
        return Period(self.valid_from, self.valid_until)


@declare(plain="id division_code name lon lat")
class Compound(models.Model):
    """A residential compound (小区) inside a village or community; degrees of longitude and latitude."""

    id = models.UUIDField(primary_key=True, default=new_id)
    division_code = models.BigIntegerField()
    name = models.CharField(max_length=100)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["division_code", "name"], name="compound_once"),
            _in_china("compound_in_china"),
        ]


class BuildingKind(models.TextChoices):
    """What a building is."""

    RESIDENTIAL = "residential", "住宅楼"
    RURAL_HOUSE = "rural_house", "农房"
    DORMITORY = "dormitory", "宿舍"
    COMMERCIAL = "commercial", "商住楼"
    PUBLIC = "public", "公共建筑"


@declare(plain="id compound division_code kind name units floors egress_clear egress_checked_on lon lat")
class Building(models.Model):
    """A building (楼栋) in one grid, with its number of stairwell units and floors.

    ``egress_clear`` says what the last check of its ways out found, and ``egress_checked_on`` when; both empty
    until somebody has looked.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    compound = models.ForeignKey(Compound, models.PROTECT, null=True, related_name="buildings")
    division_code = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=BuildingKind.choices)
    name = models.CharField(max_length=100)
    units = models.SmallIntegerField(default=1)
    floors = models.SmallIntegerField(default=1)
    egress_clear = models.BooleanField(null=True)
    egress_checked_on = models.DateField(null=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["division_code", "compound", "name"], name="building_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(units__gte=1, floors__gte=1), name="building_size"),
            models.CheckConstraint(condition=Q(kind__in=BuildingKind.values), name="building_kind_known"),
            models.CheckConstraint(
                condition=Q(egress_clear__isnull=True, egress_checked_on__isnull=True)
                | Q(egress_clear__isnull=False, egress_checked_on__isnull=False),
                name="building_egress_paired",
            ),
            _in_china("building_in_china"),
        ]


class PlaceKind(models.TextChoices):
    """What a place is for in a response."""

    SAMPLING_SITE = "sampling_site", "采样点"
    HOSPITAL = "hospital", "医院"
    FEVER_CLINIC = "fever_clinic", "发热门诊"
    VILLAGE_CLINIC = "village_clinic", "卫生室"
    LABORATORY = "laboratory", "核酸检测实验室"
    PHARMACY = "pharmacy", "药店"
    SCHOOL = "school", "学校"
    MARKET = "market", "农贸市场"
    RESTAURANT = "restaurant", "餐饮店"
    WORKPLACE = "workplace", "工作单位"
    CHECKPOINT = "checkpoint", "卡口"
    QUARANTINE_SITE = "quarantine_site", "集中隔离点"
    VILLAGE_COMMITTEE = "village_committee", "村(居)委会"
    GOVERNMENT = "government", "政府机关"
    STATION = "station", "车站"


@declare(plain="id division_code kind name lon lat")
class Place(models.Model):
    """A place the response works with or looks into; degrees of longitude and latitude."""

    id = models.UUIDField(primary_key=True, default=new_id)
    division_code = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=PlaceKind.choices)
    name = models.CharField(max_length=100)
    lon = models.FloatField()
    lat = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["division_code", "kind", "name"], name="place_once"),
            models.CheckConstraint(condition=Q(kind__in=PlaceKind.values), name="place_kind_known"),
            _in_china("place_in_china"),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "division_code"], name="place_kind_code")]


@declare(plain="id name code_lo code_hi reports_to post_title valid_from valid_until")
class Headquarters(models.Model):
    """A command headquarters (指挥部), the range it answers for, and the one it reports to."""

    id = models.UUIDField(primary_key=True, default=new_id)
    name = models.CharField(max_length=100)
    code_lo = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    reports_to = models.ForeignKey("self", models.PROTECT, null=True, related_name="subordinates")
    post_title = models.CharField(max_length=100)
    valid_from = models.DateField(default=BEGINNING)
    valid_until = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "valid_from"], name="headquarters_once"),
            models.CheckConstraint(
                condition=Q(reports_to__isnull=True) | ~Q(reports_to=F("id")), name="headquarters_not_its_own"
            ),
            _range_check("headquarters_range", "code_lo", "code_hi"),
            _validity_check("headquarters_validity"),
        ]


#: levels a step of a chain may name: divisions, and responsibility areas (a building's party group, a named 责任区)
CHAIN_LEVELS = (*LEVELS, "area")


@declare(plain="id headquarters order level post_title")
class ChainStep(models.Model):
    """One step of a headquarters' chain of responsibility, from the ground (order 1) up to it."""

    id = models.UUIDField(primary_key=True, default=new_id)
    headquarters = models.ForeignKey(Headquarters, models.CASCADE, related_name="steps")
    order = models.SmallIntegerField()
    level = models.CharField(max_length=10)
    post_title = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["headquarters", "order"], name="chain_step_once"),
            models.CheckConstraint(condition=Q(level__in=CHAIN_LEVELS, order__gte=1), name="chain_step_known"),
        ]


@declare(plain="id name code_lo code_hi responsible_post valid_from valid_until")
class ResponsibilityArea(models.Model):
    """A responsibility area (责任区): a named code range, or buildings in it, and its post."""

    id = models.UUIDField(primary_key=True, default=new_id)
    name = models.CharField(max_length=100)
    code_lo = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    responsible_post = models.UUIDField(null=True)
    valid_from = models.DateField(default=BEGINNING)
    valid_until = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code_lo", "name", "valid_from"], name="area_once"),
            _range_check("area_range", "code_lo", "code_hi"),
            _validity_check("area_validity"),
        ]


@declare(plain="id area building")
class AreaBuilding(models.Model):
    """One building of a responsibility area that does not hold its whole code range."""

    area = models.ForeignKey(ResponsibilityArea, models.CASCADE, related_name="buildings")
    building = models.ForeignKey(Building, models.PROTECT, related_name="areas")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["area", "building"], name="area_building_once")]
