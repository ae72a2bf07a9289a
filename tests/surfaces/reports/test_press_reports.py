"""A press report's words beside counts: entered once, judged by their comparator, and moving with every record."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local
from lianfang.surfaces.reports import actions, queries
from lianfang.surfaces.reports.permissions import QUOTE_REPORT
from lianfang.surfaces.reports.rules import NewQuotation, QuotationRefused
from lianfang.surfaces.reports.schemas import COMMANDS
from surfaces.reports.report_making import FOUR, MORNING, VILLAGE, audited, make_case, make_county

pytestmark = pytest.mark.django_db

PUBLISHED = local("2022-07-28 08:00")
TWO = NewQuotation("two-cases", 2, "新增2例", "2", "=", "new_cases", {"place": VILLAGE, "until": "2022-07-14"})
TOLD = NewQuotation("corrected", 1, "12时59分订正", "2022-07-13 12:59", "=", "case_reclassified")


@pytest.fixture
def county():
    return make_county()


@pytest.fixture(autouse=True)
def four():
    with clock_at(FOUR):
        yield


def quote(by, *quotations, scenario="dingan-2022"):
    return actions.quote(
        by=by, scenario=scenario, published_at=PUBLISHED, quotations=quotations, valid_at=FOUR, cause=uuid.uuid4()
    )


def figure(by, name="two-cases", **asked):
    found = {one.id: one for one in queries.figures(by=by, scenario="dingan-2022", **asked)}
    return found[name]


def test_figures_stand_in_the_reports_order_with_their_lists(county):
    make_case(county)
    quote(county, TWO, TOLD)
    assert [one.id for one in queries.figures(by=county, scenario="dingan-2022")] == ["corrected", "two-cases"]
    two = figure(county)
    assert (two.quote, two.value, two.comparator, two.counted, two.agrees) == ("新增2例", "2", "=", 1, False)
    assert two.list_url == f"/counts/new_cases?place={VILLAGE}&until=2022-07-14T00%3A00%3A00%2B08%3A00"
    corrected = figure(county, "corrected")
    assert (corrected.counted, corrected.agrees, corrected.list_url) == (None, False, "/counts/case_reclassified")
    assert queries.figures(by=county, scenario="elsewhere") == []
    assert queries.scenarios(by=county) == [("dingan-2022", 2)]


def test_removing_a_record_changes_the_figure(county):
    quote(county, TWO)
    make_case(county)
    removed = make_case(county)
    assert (figure(county).counted, figure(county).agrees) == (2, True)
    # records outlive every mistake: only whoever owns the database could remove one, and the count sees it
    with acting(county), connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute("DELETE FROM cases_classification WHERE case_id = %s", [removed.id])
    with acting(county), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_case SET division_code = division_code + 1000 WHERE id = %s", [removed.id])
    assert (figure(county).counted, figure(county).agrees) == (1, False)


def test_figures_are_counted_as_known_at_the_instant_looked_at(county):
    quote(county, TWO)
    make_case(county)
    make_case(county, at=MORNING, recorded_at=FOUR - timedelta(hours=1))
    assert [figure(county, at=at).counted for at in (MORNING - timedelta(hours=1), MORNING, FOUR)] == [0, 1, 2]
    assert "at=2022-07-13T08" in figure(county, at=MORNING).list_url


def test_what_was_quoted_before_stays(county):
    assert quote(county, TWO) == 1
    changed = NewQuotation("two-cases", 2, "新增9例", "9", "=", "new_cases")
    assert quote(county, changed, TOLD) == 1
    assert figure(county).value == "2"
    assert audited("reports.quote") == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"value": "nearly 400"}, "neither a number nor a local time"),
        ({"comparator": "≈"}, "no comparator"),
        ({"value": "2022-07-13 12:59", "comparator": "~"}, "not with ~"),
        ({"count": "rumours"}, "no count “rumours”"),
        ({"params": {"colour": "red"}}, "colour: Extra inputs"),
        ({"quote": " "}, "no words"),
    ],
)
def test_what_cannot_be_compared_is_refused_whole(county, change, says):
    plain = {"name": "wrong", "order": 1, "quote": "新增2例", "value": "2", "comparator": "=", "count": "new_cases"}
    with pytest.raises(QuotationRefused, match="Quotation “wrong”") as refused:
        quote(county, TWO, NewQuotation(**plain | change))
    assert says in str(refused.value)
    assert queries.figures(by=county, scenario="dingan-2022") == []


def test_quoting_and_reading_need_their_permissions(county):
    with pytest.raises(NotPermitted):
        quote(make_actor(), TWO)
    quote(make_actor(QUOTE_REPORT), TWO)
    with pytest.raises(NotPermitted):
        queries.figures(by=make_actor(QUOTE_REPORT), scenario="dingan-2022")


def test_the_command_carries_quotations_and_refuses_unknown_fields(county):
    model, handler = COMMANDS["quote"]
    entry = {"name": "two-cases", "order": 1, "quote": "新增2例", "value": "2", "comparator": "=", "count": "new_cases"}
    payload = {"scenario": "dingan-2022", "published_at": PUBLISHED.isoformat(), "quotations": [entry]}
    envelope = Envelope(uuid.uuid4(), "quote", FOUR, payload)
    receipt = apply_command(envelope, lambda by, e: handler(by, e, model.model_validate(payload)), by=county)
    assert receipt.result == {"count": 1}
    with pytest.raises(ValueError, match="colour"):
        model.model_validate(payload | {"quotations": [entry | {"colour": "red"}]})


@pytest.mark.parametrize("change", ["comparator = '≈'", "quote = ''", "value = ''"])
def test_the_database_refuses_what_cannot_be_compared(county, change):
    columns = 'id, scenario, name, "order", quote, value, comparator, count, params, published_at, recorded_at, account'
    values = {"comparator": "=", "quote": "words", "value": "2"} | {change.split(" = ")[0]: change.split("'")[1]}
    with acting(county), pytest.raises(DatabaseError, match="quotation_"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO reports_quotation ({columns}) VALUES (gen_random_uuid(), 's', 'n', 1, %(quote)s, %(value)s,"
                " %(comparator)s, 'c', '{}', now(), now(), gen_random_uuid())",
                values,
            )


def test_words_once_entered_are_not_rewritten(county):
    quote(county, TWO)
    with acting(county), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE reports_quotation SET value = '9'")
