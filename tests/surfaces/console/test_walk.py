"""A walk over every page in the middle of a round: Chinese on Chinese pages, words for codes, no link into nothing."""

import html
import re

import pytest
from django.conf import settings

from conftest import XINZHU
from lianfang.surfaces.console import urls
from surfaces.console.browsing import account, signed_in
from surfaces.console.county_at_work import county_at_work
from surfaces.console.test_gates import FORMS, OPEN, address

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

#: who looks at a page: the first of them who may
WHO = (
    ("task_force_lead", "testing", "469021"), ("community", "community", str(XINZHU)),
    ("township", "community", "469021101"), ("epidemiologist", "epidemiology", "469021"), ("lab", "testing", "469021"),
    ("auditor", "audit", "469021"),
)  # fmt: skip
#: paper is in both languages, a notice leads on to its tube, the audit names its records
NOT_READ = {"result_notice", "print_sheet", "print_round", "print_codes", "audit"}
#: a number of one before several: the plural form is missing
ONE_OF_MANY = re.compile(
    r"(?<![\d.,:/-])1 (?:people|persons|residents|tubes|sites|cards|sheets|days|boxes|homes|rows|visits|duties)\b"
)
#: no page, but a picture
PICTURES = {"photo"}
#: made up by the scene, or a name that is the same in both languages
SCENE = (
    r"English|covid19-cn-ed9|round in 竹|round in 江|zone \d|county HQ|met a case|the duty desk|just found|ill and positive|"
    r"CSV|XLSX|Lianfang|PAPER1|console-[0-9a-f-]+|second|\b[A-Z0-9]{3}(-[A-Z0-9]{3})+\b|\b(?:DA|PP|T)[0-9a-f]{4,}\b|"
    r"\b(?:task_force_lead|community|township|grid_worker|epidemiologist|lab|auditor|commander)\b|\bed9_\w+|core_info|\bhotel\b|\bopen\b|screening\.rounds\.\w+"
)


@pytest.fixture
def county(db, afternoon):
    return county_at_work()


@pytest.fixture
def browsers(county):
    return [signed_in(account(who)[0]) for who in WHO]


def pages():
    return [one for one in urls.urlpatterns if one.name not in FORMS | OPEN | PICTURES]


def first_look(browsers, path):
    """The first browser to whom the page answers, and what it says."""
    for browser in browsers:
        answer = browser.get(path)
        if answer.status_code == 200:
            return browser, answer.content.decode()
    raise AssertionError(f"{path} answers to none of {WHO}")


def read(page):
    """What a page says: its title, masthead, content and foot, and what is said of its fields and pictures."""
    aside = re.findall(r'\b(?:title|aria-label|placeholder|alt)="([^"]*)"', page)
    body = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(" · ".join([re.sub(r"<[^>]+>", " · ", body), *aside])))


def test_every_page_speaks_chinese_and_leads_somewhere(browsers, county):
    foreign, dead, seen = {}, [], set()
    for route in pages():
        if route.name in NOT_READ:
            continue
        path = address(route, county.numbers)
        browser, page = first_look(browsers, path)
        if words := re.findall(r"[A-Za-z][A-Za-z_' -]{2,}", re.sub(SCENE, "", read(page))):
            foreign[route.name] = words
        for link in map(html.unescape, re.findall(r'<a [^>]*href="(/[^"#]+)"', page)):
            pattern = re.sub(r"[0-9a-f-]{36}|\d{15}|\d+", "_", link)
            if pattern not in seen and "export=" not in link:
                seen.add(pattern)
                dead += [(route.name, link)] * (browser.get(link, follow=True).status_code != 200)
    assert foreign == {} and dead == [] and len(seen) > 60


def test_the_audit_names_records_in_chinese(browsers, county):
    _browser, page = first_look(browsers, "/audit/")
    records = re.findall(r"<td[^>]*>\s*(?:<[^>]+>)*([^<]*?) [0-9a-f]{8}-[0-9a-f]{4}-", page)
    assert records and [one for one in records if re.search("[A-Za-z]", one)] == []


def test_no_page_shows_a_bare_code_or_a_wrong_plural_in_english(browsers, county):
    for browser in browsers:
        browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    bare, plural = {}, {}
    for route in pages():
        if route.name not in NOT_READ:
            _browser, page = first_look(browsers, address(route, county.numbers))
            if codes := re.findall(r"\b[a-z]+_[a-z_]+\b", re.sub(SCENE, "", read(page))):
                bare[route.name] = codes
            if several := ONE_OF_MANY.findall(read(page)):
                plural[route.name] = several
    assert bare == {} and plural == {}
