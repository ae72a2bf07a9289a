import os

import pytest
from click.testing import CliRunner
from small_table import TABLE, write_table

from lianfang.config.commands.imports import import_
from lianfang.core.territory.models import Division

pytestmark = pytest.mark.django_db


def run(*arguments: str):
    return CliRunner().invoke(import_, ["divisions", *arguments, "--database", os.environ["LIANFANG_DATABASE"]])


def test_a_table_is_imported_from_the_command_line(tmp_path):
    path = str(write_table(tmp_path))
    assert "11 added, 0 changed, 0 unchanged, 0 kept as overlaid, 1 repeated, 0 refused" in run(path).output
    assert "0 added, 0 changed, 11 unchanged" in run(path).output


def test_a_later_edition_from_the_command_line(tmp_path):
    run(str(write_table(tmp_path)))
    rows = [(code, name.replace("新竹镇", "新竹街道")) for code, name in TABLE]
    later = run(str(write_table(tmp_path, rows)), "--valid-from", "2023-01-01", "--source", "2023 edition")
    assert "1 changed" in later.output
    assert set(Division.objects.filter(code=469021101000000).values_list("name", "source")) == {
        ("新竹镇", "divisions.csv"),
        ("新竹街道", "2023 edition"),
    }


def test_bad_rows_are_listed_and_nothing_is_written(tmp_path):
    path = str(write_table(tmp_path, [*TABLE, *((f"x{number}", "甲") for number in range(60))]))
    result = run(path)
    assert result.exit_code == 1
    assert "divisions.csv, row 14, code: “x0” is not a code" in result.output
    assert "… and 10 more" in result.output
    assert "60 bad rows, nothing was written" in result.output
    assert not Division.objects.exists()
    assert "11 added" in run(path, "--accept-good").output


def test_what_is_no_table_is_told(tmp_path):
    result = run(str(write_table(tmp_path, [], header="a,b")))
    assert (result.exit_code, "no column code" in result.output) == (1, True)
