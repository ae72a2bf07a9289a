"""Phones and tablets of the field: registered, enrolled with a code shown here, ended when they are lost."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.core.access.actions import open_enrolment_codes
from lianfang.core.access.permissions import MANAGE_DEVICES, REVOKE_DEVICE
from lianfang.core.access.queries import (
    DeviceRow,
    count_devices,
    desk_phones,
    device_owner,
    device_owners,
    device_row,
)
from lianfang.core.access.queries import devices as devices_of
from lianfang.core.access.rules import DEVICE_STATES, ENROL_WITHIN
from lianfang.core.territory.queries import standing
from lianfang.kit.clock import LOCAL, local_date, machine_now, response_now
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import confirmed, send, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, answer_record, as_text
from lianfang.surfaces.console.qr import qr
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest

TONES = {"waiting": "warn", "expired": "overdue", "enrolled": "good"}
#: codes on one page: a township's phones, still quick to scroll
MOST_CODES = 100
#: devices of one form; more are registered by program
MOST_LINES = 200
TITLE = 80


def show_devices(request: ActingRequest) -> HttpResponse:
    """List the area's devices with their states; above it the form that registers more."""
    title = request.GET.get("title", "").strip().replace("\x00", "")
    counted = count_devices(by=request.actor, title=title)
    state = request.GET.get("state", "")
    state = state if state in DEVICE_STATES else ""
    places: dict[int, str] = {}
    owners: dict[uuid.UUID, str] = {}

    def read(limit: int, offset: int) -> list[DeviceRow]:
        rows = devices_of(by=request.actor, state=state, title=title, limit=limit, offset=offset)
        places.update(place_names({row.division_code for row in rows}))
        owners.update(device_owners(rows))
        return rows

    may = request.actor.may(MANAGE_DEVICES) and request.at is None
    listing = Listing(
        "devices", _columns(request, places, owners), counted[state] if state else sum(counted.values()), read,
        _("No device here. Register the site's phones above, then show their codes.") if may
        else _("No device here. The township's desk registers them."),
        (
            Filter("state", _("State"), [("", _("all")), *((one, words.word(f"device_{one}")) for one in DEVICE_STATES)]),
            Filter("title", _("Title begins with")),
        ),
    )  # fmt: skip
    return answer_list(
        request, listing, template="console/devices.html", heading=_("Devices"), figures=_figures(request, counted),
        lead=_("Phones at a site or a door report only once they are enrolled. A lost phone is ended here, at once."),
        may_register=may, units=_units(request) if may else [], waiting=counted["waiting"] if may else 0,
        desk_phones=_desk_phones(request) if may else [],
    )  # fmt: skip


def _shown(moment: datetime | None) -> datetime | None:
    """Return a moment of the machine's clock as the response's shows it: in a drill the two differ."""
    return moment and moment + (response_now() - machine_now())


def _columns(request: ActingRequest, places: dict[int, str], owners: dict[uuid.UUID, str]) -> list[Column]:
    now = machine_now()
    return [
        Column(_("Title"), lambda d: d.title, lambda d: address(request, "device", d.id)),
        Column(
            _("State"), lambda d: words.word(f"device_{d.state(now)}"), look="mark",
            tone=lambda d: TONES.get(d.state(now), ""),
        ),
        Column(_("Unit"), lambda d: places.get(d.division_code, d.division_code)),
        Column(_("Whose"), lambda d: _whose(d, owners)),
        Column(_("Registered"), lambda d: _shown(d.registered_at), look="time"),
        Column(_("Enrolled"), lambda d: _shown(d.enrolled_at) or _("not yet"), look="time"),
        Column(_("Ended"), lambda d: _shown(d.revoked_at), look="time"),
        Column(_("Wipe"), _wipe_state),
        Column(_("Reason"), lambda d: d.revoked_reason),
    ]  # fmt: skip


def _wipe_state(row: DeviceRow) -> str:
    if row.wiped_at:
        return _("confirmed at %(at)s") % {"at": as_text(_shown(row.wiped_at))}
    return _("ordered at %(at)s") % {"at": as_text(_shown(row.wipe_ordered_at))} if row.wipe_ordered_at else ""


def _whose(row: DeviceRow, owners: dict[uuid.UUID, str]) -> str:
    return owners.get(row.account_id, "") if row.account_id else _("everybody of the unit")


def _figures(request: ActingRequest, counted: dict[str, int]) -> list[Figure]:
    notes = {
        "waiting": _("show the code, type it in on the phone"), "expired": _("register these again"),
        "enrolled": _("may report"), "revoked": _("refused since then"),
    }  # fmt: skip
    return [
        Figure(
            words.word(f"device_{state}"), counted[state], address(request, "devices", state=state), notes[state],
            TONES.get(state, "") if counted[state] else "",
        )
        for state in DEVICE_STATES
    ]  # fmt: skip


def _units(request: ActingRequest) -> list[tuple[str, str]]:
    """Return the units of the actor's area that devices may belong to, the widest first, villages set in."""
    units = standing(request.actor.scope, local_date(response_now()))
    depth = {"county": "", "township": "", "village": "　"}
    return [
        (str(code), depth[level] + name)
        for code, name, level in units.filter(level__in=depth).values_list("code", "name", "level")
    ]


@require_POST
def register(request: ActingRequest) -> HttpResponse:
    """Register the devices that the form names, one in each line."""
    titles = [line.strip() for line in words_given(request, "titles", _("Titles")).splitlines() if line.strip()]
    _check_titles(titles)
    entry: dict[str, Any] = {"division_code": _unit_given(request)}
    if username := request.POST.get("username", "").strip():
        entry["account"] = str(_owner(request, username))
    receipt = send(request, "register_devices", {"devices": [entry | {"title": one} for one in titles]}, response_now())
    registered = receipt.result["devices"]
    messages.success(
        request,
        ngettext(
            "%(n)s device is registered. Show its code and type it in within a day.",
            "%(n)s devices are registered. Show their codes and type them in within a day.",
            len(registered),
        )
        % {"n": len(registered)},
    )
    if len(registered) == 1:
        return redirect(address(request, "device", uuid.UUID(registered[0])))
    return redirect(address(request, "devices", state="waiting"))


def _desk_phones(request: ActingRequest) -> list[tuple[str, str]]:
    found = desk_phones(by=request.actor)
    names = place_names(set(found))
    return [(names.get(code, str(code)), phone) for code, phone in found.items()]


@require_POST
def set_phone(request: ActingRequest) -> HttpResponse:
    """Set the telephone that the phones of a unit show as their duty desk's; an empty one takes it away."""
    receipt = send(
        request, "set_desk_phone",
        {"division_code": _unit_given(request), "phone": request.POST.get("phone", "").strip()[:40]}, response_now(),
    )  # fmt: skip
    said = _("Set. Every phone of the unit shows it from its next sync.") if receipt.result["set"] else _("Taken away.")
    messages.success(request, said)
    return redirect(address(request, "devices"))


def _unit_given(request: ActingRequest) -> int:
    code = request.POST.get("unit", "")
    if not code.isascii() or not code.isdigit() or len(code) != 15:
        raise Refusal(_("Choose the unit that it belongs to."))
    return int(code)


def _check_titles(titles: list[str]) -> None:
    if len(titles) > MOST_LINES:
        raise Refusal(_("These are more than %(most)s lines: register them in parts.") % {"most": MOST_LINES})
    if long := [one for one in titles if len(one) > TITLE]:
        raise Refusal(_("“%(title)s…” is longer than %(most)s characters.") % {"title": long[0][:20], "most": TITLE})
    if twice := {one for one in titles if titles.count(one) > 1}:
        raise Refusal(_("“%(title)s” stands twice: give each device a title of its own.") % {"title": min(twice)})


def _owner(request: ActingRequest, username: str) -> uuid.UUID:
    account = device_owner(username, by=request.actor)
    if account is None:
        raise Refusal(
            _("No account “%(name)s” works in your area. Correct it, or leave it empty: then everybody of the unit may use the device.")
            % {"name": username[:40]}
        )  # fmt: skip
    return account


def show_device(request: ActingRequest, device: uuid.UUID) -> HttpResponse:
    """Show one device: how it stands, what is next, and the form that ends it."""
    row = device_row(device, by=request.actor)
    state, until = row.state(machine_now()), row.registered_at + ENROL_WITHIN
    facts: list[tuple[str, Any, str]] = [
        (_("State"), words.word(f"device_{state}"), ""),
        (_("Unit"), place_names([row.division_code])[row.division_code], ""),
        (_("Whose"), _whose(row, device_owners([row])), ""),
        (_("Registered"), as_text(_shown(row.registered_at)), ""),
        (_("Enrolled"), as_text(_shown(row.enrolled_at)) or _("not yet"), ""),
        (_("Ended"), as_text(_shown(row.revoked_at)), ""),
        (_("Reason"), row.revoked_reason, ""),
        (_("Wipe"), _wipe_state(row), ""),
        (_("Why it is wiped"), row.wipe_reason, ""),
    ]
    return answer_record(
        request, [], template="console/device.html", heading=row.title, facts=facts, device=row,
        lead=_advice(state, as_text(_shown(until))), lead_tone=TONES.get(state, ""),
        may_show=state == "waiting" and request.actor.may(MANAGE_DEVICES) and request.at is None,
        may_revoke=state != "revoked" and request.actor.may(REVOKE_DEVICE) and request.at is None,
        may_wipe=row.enrolled_at is not None and (row.wipe_ordered_at is None or row.wiped_at is not None)
        and request.actor.may(REVOKE_DEVICE) and request.at is None,
        now=response_now().astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M"),
    )  # fmt: skip


def _advice(state: str, until: str) -> str:
    return {
        "waiting": _("Not enrolled yet: show its code and type it in on the phone before %(until)s.")
        % {"until": until},
        "expired": _("Its code was not used within a day. Register the device again."),
        "enrolled": _("Enrolled: whoever signs in on it may report. Lost or given back? End it below."),
        "revoked": _("Ended: it is refused. What it had sent stays on record."),
    }[state]


@require_POST
def show_enrolment(request: ActingRequest) -> HttpResponse:
    """Show the codes of one device, or of those that wait; the look is logged."""
    if text := request.POST.get("device", ""):
        try:
            asked = [uuid.UUID(text)]
        except ValueError:
            raise Refusal(_("This form is not complete. Open the page again and send it again.")) from None
    else:
        asked = [row.id for row in devices_of(by=request.actor, state="waiting", limit=MOST_CODES)]
    codes = [
        {"id": id, "title": title, "code": code, "until": as_text(_shown(until)), "picture": qr(code)}
        for id, title, code, until in open_enrolment_codes(asked, by=request.actor)
    ]
    if not codes:
        raise Refusal(
            _("No device waits for its code: it is enrolled already, ended, or its code is older than a day.")
        )
    return render(request, "console/device_codes.html", {"codes": codes, "heading": _("Codes to enrol with")})


@require_POST
def revoke(request: ActingRequest, device: uuid.UUID) -> HttpResponse:
    """End a device, asked once more: with a reason, and since when it was out of hand."""
    row = device_row(device, by=request.actor)
    reason = words_given(request, "reason", _("Reason"))[:200]
    return confirmed(
        request, "revoke_device", {"device": str(device), "reason": reason},
        heading=_("End %(title)s") % {"title": row.title},
        question=_("End this device? It is refused from its very next request on, and cannot be taken up again."),
        yes=_("Yes, end it"),
        facts=[
            *_facts(row, reason),
            (_("Out of hand since"), request.POST.get("valid_at", "").replace("T", " ")[:16]),
        ],
        back=address(request, "device", device), done=_("The device is ended. Register another one if the work goes on."),
    )  # fmt: skip


@require_POST
def wipe(request: ActingRequest, device: uuid.UUID) -> HttpResponse:
    """Tell a device to empty its readable store at its next contact, asked once more."""
    row = device_row(device, by=request.actor)
    reason = words_given(request, "reason", _("Reason"))[:200]
    return confirmed(
        request, "order_wipe", {"device": str(device), "reason": reason},
        heading=_("Wipe %(title)s") % {"title": row.title},
        question=_("Wipe what can be read on this phone at its next contact? What was done on it is sent first; nothing is lost."),
        yes=_("Yes, wipe it"),
        facts=_facts(row, reason),
        back=address(request, "device", device), done=_("Ordered. The page shows when the phone has confirmed it."),
    )  # fmt: skip


def _facts(row: DeviceRow, reason: str) -> list[tuple[str, str]]:
    unit = place_names([row.division_code])[row.division_code]
    return [(_("Device"), row.title), (_("Unit"), unit), (_("Reason"), reason)]
