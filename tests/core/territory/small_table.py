"""A small table around Ding'an, written into a file as a county would send it, and whoever may keep the territory."""

from collections.abc import Sequence
from pathlib import Path

from conftest import make_actor
from lianfang.core.access.rules import Actor
from lianfang.core.territory import permissions
from lianfang.core.territory.actions import import_divisions
from lianfang.kit.codes import EVERYWHERE

TABLE = [
    ("46", "海南省"),
    ("4604", "儋州市"),
    ("460400", "儋州市"),
    ("460400100", "那大镇"),
    ("4690", "省直辖县级行政区划"),
    ("469021", "定安县"),
    ("469021100", "定城镇"),
    ("469021101", "新竹镇"),
    ("469021100003", "中南街社区居委会"),
    ("469021100004", "江南社区居委会"),
    ("469021101200", "禄地村委会"),
    ("469021101201", "新竹村委会"),
]
ZHONGNAN, JIANGNAN, LUDI, XINZHU = 469021100003000, 469021100004000, 469021101200000, 469021101201000
XINZHU_TOWN, DINGCHENG, DINGAN_COUNTY = 469021101000000, 469021100000000, 469021000000000
ALL = list(permissions.PERMISSIONS)


def keeper(*some: str, scope=EVERYWHERE) -> Actor:
    """Return somebody who may do the given things to the territory (all unless told), everywhere unless told."""
    return make_actor(*(some or ALL), scope=scope, role="administrator", line="administration")


def write_table(folder: Path, rows: Sequence[tuple[str, ...]] = TABLE, header: str = "code,name") -> Path:
    """Write rows into a CSV file and return its path."""
    path = folder / "divisions.csv"
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def import_small(folder: Path) -> Actor:
    """Import the small table and return who did."""
    import_divisions(write_table(folder), by=keeper())
    return keeper()
