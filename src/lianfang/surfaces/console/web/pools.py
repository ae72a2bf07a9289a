"""Positive pools: who is held where and until when, what is done, what is overdue, and what a person decides."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.kit.clock import response_now
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import NotFound, Refusal
from lianfang.response.cases import permissions as may
from lianfang.response.cases import queries
from lianfang.response.cases.queries import InformRow, MemberRow, PoolRow
from lianfang.response.cases.rules import EMERGENCY_PASSES
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import confirmed, instant_given, send, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest

#: the classes in which somebody of a pool is registered as a case, before doctors have seen them
CLASSES = ("asymptomatic_case", "confirmed_case")
#: states that a figure counts together with the one its link names
COUNTED_WITH = {
    "released": ("corrected", "cleared"),
    "retest_positive": ("confirmed", "not_held"),
    "case": ("found_positive",),
}
#: states in which another county may take somebody over: whoever is negative is let go here
TO_HAND_OVER = ("to_resample", "awaiting_result", "retest_positive")
TONES = {"to_resample": "warn", "retest_negative": "good", "retest_positive": "overdue", "confirmed": "overdue",
         "not_held": "overdue", "released": "good", "corrected": "good", "cleared": "good", "case": "overdue"}  # fmt: skip


def show_pools(request: ActingRequest) -> HttpResponse:
    """List the pools in which people of the area are, those where somebody waits first."""
    rows = queries.pools(by=request.actor, at=request.at, value=request.GET.get("value", ""))
    total, read = whole(rows)
    columns = [
        Column(_("Tube"), lambda p: p.code, lambda p: address(request, "pool", p.id)),
        Column(_("Result"), lambda p: _standing(p), look="mark", tone=lambda p: "overdue" if p.open else ""),
        Column(_("To be settled by"), lambda p: p.due_at, look="time"),
        Column(_("Time left"), lambda p: _left(p), tone=lambda p: _late(p)),
        Column(_("In it"), lambda p: p.members, lambda p: address(request, "pool", p.id), look="number"),
        Column(_("To sample"), lambda p: p.to_resample, lambda p: _people(request, p, "to_resample"), look="number"),
        Column(_("Awaited"), lambda p: p.awaiting_result, lambda p: _people(request, p, "awaiting_result"), look="number"),
        Column(_("To let go"), lambda p: p.to_release, lambda p: _people(request, p, "retest_negative"), look="number"),
        Column(_("To register"), lambda p: p.to_decide, lambda p: _people(request, p, "retest_positive"), look="number",
               tone=lambda p: "overdue" if p.to_decide else ""),
        Column(_("Let go"), lambda p: p.released, lambda p: _people(request, p, "released"), look="number"),
        Column(_("Cases"), lambda p: p.cases, lambda p: _people(request, p, "case"), look="number"),
        Column(_("Overdue"), lambda p: p.overdue, look="number", tone=lambda p: "overdue" if p.overdue else ""),
    ]  # fmt: skip
    listing = Listing(
        "pools", columns, total, read,
        _("No tube with people of your area stands as positive. When a laboratory reports one, it appears here at once."),
        (Filter("value", _("Result"), [("", _("all")), *((one, words.word(one)) for one in ("positive", "indeterminate"))]),),
    )  # fmt: skip
    lead = _("Everybody in a positive tube is held, sampled again singly, and then let go or registered as a case.")
    return answer_list(request, listing, heading=_("Positive pools"), lead=lead, figures=_sums(request, rows))


def show_pool(request: ActingRequest, pool: uuid.UUID) -> HttpResponse:
    """Show one pool: its people with how they stand, who knows of it, and what may be decided here and now."""
    row = queries.pool_row(pool, by=request.actor)
    people = queries.pool_members(pool, by=request.actor)
    wanted = request.GET.get("state", "")
    shown = [one for one in people if not wanted or one.state in (wanted, *COUNTED_WITH.get(wanted, ()))]
    sections = [
        Section(_("Who is in it"), _members(request, row, shown), _figures(request, row)),
        Section(_("Who knows of it"), _informs(request, pool)),
    ]
    facts = [
        (_("Result"), _standing(row), ""),
        (_("Reported"), as_text(row.reported_at), ""),
        (_("To be settled by"), as_text(row.due_at), ""),
        (_("Filled at"), place_names([row.division_code])[row.division_code], ""),
        (_("Round"), _("open the round"), address(request, "round", row.round)) if row.round else (_("Taken for"), words.word(row.purpose), ""),
    ]  # fmt: skip
    if row.withdrawn_at:
        facts.append((_("Corrected"), f"{as_text(row.withdrawn_at)} {row.withdrawn_why}", ""))
    lead, tone = _to_do(row, people)
    return answer_record(
        request, sections, template="console/pool.html", heading=_("Positive pool · tube %(code)s") % {"code": row.code},
        lead=lead, lead_tone=tone, facts=facts, pool=row, classes=CLASSES, **_decisions(request, row, people),
    )  # fmt: skip


def _to_do(row: PoolRow, people: list[MemberRow]) -> tuple[str, str]:
    """Return the two gravest things that have to happen next, and how grave they are; the figures below tell all."""
    if row.withdrawn_at or not row.open:
        return _("Nobody of this pool waits for anybody any more."), "good"
    late = sum(bool(_past(one.next_due_at)) for one in people)
    untold = sum(_to_tell(one) for one in people)
    steps = [
        (row.to_decide, _("Resample positive, to be registered as a case at once: %(n)s."), "overdue"),
        (late, _("People whose next step is overdue: %(n)s. See the list below."), "overdue"),
        (untold, _("Nobody has told them yet: %(n)s."), "warn"),
        (row.to_resample, _("To be sampled again by the rapid squad: %(n)s."), "warn"),
        (row.to_release, _("Resample negative, to be let go: %(n)s."), "warn"),
        (row.awaiting_result, _("Waiting for the laboratory: %(n)s."), ""),
    ]
    said = [(sentence % {"n": count}, tone) for count, sentence, tone in steps if count][:2]
    return " ".join(sentence for sentence, _tone in said), said[0][1] if said else ""


def show_member(request: ActingRequest, pool: uuid.UUID, member: uuid.UUID) -> HttpResponse:
    """Show one person of a pool: the hold in its own words, and the notice with which it ended."""
    row, one = queries.pool_row(pool, by=request.actor), _member(request, pool, member)
    facts = [
        (_("State"), words.word(one.state), ""),
        (_("Place"), one.place or "", ""),
        (_("Held since"), as_text(one.held_at), ""),
        (_("Ends"), as_text(one.ends_at), ""),
        (_("Reason"), one.reason or "", ""),
        (_("On whose authority"), one.authority or "", ""),
        (_("Where to appeal"), one.appeal_to or "", ""),
        (_("Told"), as_text(one.told_at) or one.unreached or _("not yet"), ""),
        (_("Lifted"), as_text(one.lifted_at), ""),
        (_("Why lifted"), one.lift_reason or one.handed_to or "", ""),
        (_("Told that nothing remains"), as_text(one.notified_at), ""),
        (_("Case"), one.case_number or "", address(request, "case", one.case) if one.case else ""),
    ]
    return answer_record(
        request, [], template="console/pool_member.html", heading=f"{one.name} · {row.code}", facts=facts,
        notice=one.notice(row.code), emergency=EMERGENCY_PASSES, back=address(request, "pool", pool),
        lead=_("The hold has run out and nobody has decided: decide now, or order it anew with its reason.") if one.past_end else "",
        lead_tone="overdue",
    )  # fmt: skip


@require_POST
def release(request: ActingRequest, pool: uuid.UUID) -> HttpResponse:
    """Let everybody go whose single resample was negative, after asking."""
    row = queries.pool_row(pool, by=request.actor)
    people = queries.pool_members(pool, by=request.actor)
    positives = _chosen(request)
    if not positives:
        raise Refusal(_("Nobody of this pool has a negative single resample yet. Wait for the laboratory."))
    reason = words_given(request, "reason", _("Reason"))
    return confirmed(
        request, "release_pool_members", {"positives": positives, "reason": reason},
        heading=_("Let people of tube %(code)s go") % {"code": row.code},
        question=_("You decide this in your own name. Each of them gets a notice that nothing remains. Is it so?"),
        yes=_("Yes, let them go"),
        facts=[(_("People"), "、".join(one.name for one in people if str(one.positive) in positives)), (_("Reason"), reason)],
        back=address(request, "pool", pool), done=_("They are free. The communities have it on their lists to tell them."),
    )  # fmt: skip


@require_POST
def register(request: ActingRequest, pool: uuid.UUID) -> HttpResponse:
    """Register somebody whose single resample was positive as a case, after asking."""
    row, one = queries.pool_row(pool, by=request.actor), _member(request, pool, _id(request.POST.get("member", "")))
    class_code = request.POST.get("class_code", "")
    if class_code not in CLASSES:
        raise Refusal(_("Choose a class: doctors may correct it later."))
    reason = words_given(request, "reason", _("Reason"))
    protocol = queries.pool_protocol(pool, by=request.actor)
    payload = {
        "incident": str(row.incident), "resident": str(one.resident), "protocol": protocol,
        "detected_by": "community_screening", "class_code": class_code, "reason": reason,
        "sampled_at": (one.resampled_at or one.joined_at).isoformat(),
        "screen_positive": str(one.positive) if one.positive else None,
    }  # fmt: skip
    return confirmed(
        request, "register_case", payload, heading=_("Register %(name)s as a case") % {"name": one.name},
        question=_("Ambulance, report and investigation become due at once. Is it so?"), yes=_("Yes, register the case"),
        facts=[(_("Name"), one.name), (_("Tube"), row.code), (_("Class"), words.word(class_code)), (_("Reason"), reason)],
        back=address(request, "pool", pool), done=_("The case is registered."),
    )  # fmt: skip


@require_POST
def tell(request: ActingRequest, pool: uuid.UUID) -> HttpResponse:
    """Record that everybody of the pool here was told, of the hold or of its end, after asking."""
    row = queries.pool_row(pool, by=request.actor)
    people = queries.pool_members(pool, by=request.actor)
    chosen = _chosen(request)
    if not chosen:
        raise Refusal(_("Everybody of this pool here has been told."))
    return confirmed(
        request, "tell_pool_members", {"members": chosen}, heading=_("Told: people of tube %(code)s") % {"code": row.code},
        question=_("Each of them heard it in person or by telephone: why, until when, and where to appeal. Is it so?"),
        yes=_("Yes, all of them were told"),
        facts=[(_("People"), "、".join(one.name for one in people if str(one.id) in chosen))],
        back=address(request, "pool", pool), done=_("It is recorded who was told."),
    )  # fmt: skip


@require_POST
def acknowledge(request: ActingRequest, pool: uuid.UUID) -> HttpResponse:
    """Record that the police of this area know of the pool, after asking."""
    row = queries.pool_row(pool, by=request.actor)
    return confirmed(
        request, "acknowledge_pool", {"pool": str(pool)}, heading=_("Acknowledge tube %(code)s") % {"code": row.code},
        question=_("You have read the list and help to find whoever nobody reaches. Is it so?"), yes=_("Yes, we know"),
        facts=[(_("People"), str(row.members))], back=address(request, "pool", pool), done=_("It is recorded that you know."),
    )  # fmt: skip


@require_POST
def hand_over(request: ActingRequest, pool: uuid.UUID) -> HttpResponse:
    """Hand somebody over to another county, whose post took them over, after asking."""
    row, one = queries.pool_row(pool, by=request.actor), _member(request, pool, _id(request.POST.get("member", "")))
    if one.positive is None:
        raise Refusal(_("Nobody is held for this tube, so there is nobody to hand over."))
    county_name = words_given(request, "county_name", _("County that takes over"))
    taken_over_by = words_given(request, "taken_over_by", _("Post there that took over"))
    reason = words_given(request, "reason", _("Reason"))
    payload = {
        "positive": str(one.positive),
        "county_name": county_name,
        "taken_over_by": taken_over_by,
        "reason": reason,
    }
    return confirmed(
        request, "hand_over_positive", payload,
        heading=_("Hand %(name)s over to another county") % {"name": one.name},
        question=_("That county has said that it takes this person over: sampling and decision are theirs from now on. The hold here ends. Is it so?"),
        yes=_("Yes, it has taken over"),
        facts=[(_("Name"), one.name), (_("Tube"), row.code), (_("County that takes over"), county_name),
               (_("Post there that took over"), taken_over_by), (_("Reason"), reason)],
        back=address(request, "pool", pool), done=_("It is recorded who has taken over."),
    )  # fmt: skip


@require_POST
def attempt(request: ActingRequest, pool: uuid.UUID) -> HttpResponse:
    """Record a visit for a single resample that ended without one, and when somebody comes again."""
    one = _member(request, pool, _id(request.POST.get("member", "")))
    reason, now = words_given(request, "reason", _("Reason")), response_now()
    next_at = instant_given(request, "next_at")
    if next_at < now:
        raise Refusal(
            _("The next visit lies in the past. Write when somebody comes again, or leave it empty for at once.")
        )
    id = derived_id("resample_attempt", request.POST.get("command", ""), one.id)
    entry = {"id": str(id), "member": str(one.id), "reason": reason, "next_at": next_at.isoformat()}
    send(request, "record_resample_attempts", {"attempts": [entry]}, now)
    messages.success(request, _("The visit is recorded. The next one is due at the time given."))
    return redirect(address(request, "pool", pool))


# ---------------------------------------------------------------------------------------------------- what pages show


def _standing(row: PoolRow) -> str:
    return _("corrected") if row.withdrawn_at else words.word(row.value)


def _left(row: PoolRow) -> str:
    if not row.open or row.withdrawn_at:
        return _("settled")
    minutes = int((row.due_at - response_now()).total_seconds() // 60)
    sign = "-" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02}"


def _late(row: PoolRow) -> str:
    return "overdue" if row.open and row.due_at < response_now() else ""


def _people(request: ActingRequest, row: PoolRow, state: str) -> str:
    return address(request, "pool", row.id, state=state)


def _sums(request: ActingRequest, rows: list[PoolRow]) -> list[Figure]:
    here = address(request, "pools")
    held = sum(row.open for row in rows if row.value == "positive")
    return [
        Figure(_("waiting for somebody"), held, here, tone="warn" if held else "good"),
        Figure(_("to be let go"), sum(row.to_release for row in rows), here),
        Figure(_("duties overdue"), sum(row.overdue for row in rows), address(request, "duties", overdue="yes"),
               tone="overdue" if any(row.overdue for row in rows) else ""),
    ]  # fmt: skip


def _figures(request: ActingRequest, row: PoolRow) -> list[Figure]:
    figures = [
        (_("awaits sampling"), row.to_resample, "to_resample", "warn"),
        (_("result awaited"), row.awaiting_result, "awaiting_result", ""),
        (_("to be let go"), row.to_release, "retest_negative", "good"),
        (_("to be registered"), row.to_decide, "retest_positive", "overdue"),
        (_("let go"), row.released, "released", "good"),
        (_("cases"), row.cases, "case", "overdue"),
    ]
    everybody = Figure(_("people"), row.members, address(request, "pool", row.id))
    return [everybody, *(Figure(label, count, _people(request, row, state), tone=tone if count else "")
                         for label, count, state, tone in figures)]  # fmt: skip


def _members(request: ActingRequest, row: PoolRow, people: list[MemberRow]) -> Listing:
    columns = [
        Column(_("Name"), lambda m: m.name, lambda m: address(request, "pool_member", row.id, m.id)),
        Column(_("State"), lambda m: words.word(m.state), look="mark", tone=lambda m: TONES.get(m.state, "")),
        Column(_("Phone"), lambda m: m.phone),
        Column(_("Village"), lambda m: m.village or m.division_code),
        Column(_("Held where"), lambda m: m.place),
        Column(_("Until"), lambda m: m.ends_at if m.state in queries.WAITING else "", look="time",
               tone=lambda m: "overdue" if m.past_end else ""),
        Column(_("Told"), lambda m: m.told_at or m.unreached or (_("not yet") if m.held_at else ""), look="time",
               tone=lambda m: "warn" if _to_tell(m) else ""),
        Column(_("Next step"), lambda m: words.in_language(m.next_zh, m.next_en)),
        Column(_("By"), lambda m: words.role_word(m.next_role) if m.next_role else ""),
        Column(_("Due"), lambda m: m.next_due_at, look="time", tone=lambda m: _past(m.next_due_at)),
    ]  # fmt: skip
    total, read = whole(people)
    return Listing("pool_members", columns, total, read, _("Nobody of this pool stands so in your area."))


def _past(due_at: datetime | None) -> str:
    return "overdue" if due_at and due_at < response_now() else ""


def _informs(request: ActingRequest, pool: uuid.UUID) -> Listing:
    rows = queries.pool_informs(pool, by=request.actor)
    places = place_names([row.division_code for row in rows])

    def known(row: InformRow) -> Any:
        return row.finished_at if row.state == "done" else _("not yet")

    columns = [
        Column(
            _("Duty"), lambda d: words.in_language(d.name_zh, d.name_en), lambda d: address(request, "duty", d.duty)
        ),
        Column(_("Place"), lambda d: places[d.division_code]),
        Column(_("Responsible"), lambda d: words.role_word(d.role)),
        Column(_("Due"), lambda d: d.due_at, look="time", tone=lambda d: "overdue" if d.overdue else ""),
        Column(_("Done"), known, look="time"),
    ]
    total, read = whole(rows)
    return Listing("pool_informs", columns, total, read, _("Nobody has to be told: nobody is held for this tube."))


def _decisions(request: ActingRequest, row: PoolRow, people: list[MemberRow]) -> dict[str, Any]:
    """Return what may be decided here and now; a look at the past decides nothing."""
    now, actor = request.at is None, request.actor
    free = sum(one.state == "retest_negative" for one in people)
    untold = sum(_to_tell(one) for one in people)
    return {
        "to_release": now and actor.may(may.RECORD_RETEST) and free,
        "free": ",".join(str(one.positive) for one in people if one.state == "retest_negative"),
        "untold": ",".join(str(one.id) for one in people if _to_tell(one)),
        "release_text": ngettext("Let %(n)s person go", "Let %(n)s people go", free) % {"n": free},
        "to_register": [one for one in people if one.state in ("retest_positive", "confirmed")]
        if now and actor.may(may.REGISTER_CASE) else [],
        "to_tell": now and actor.may(may.INFORM_POOL) and untold,
        "tell_text": ngettext("%(n)s person was told", "%(n)s people were told", untold) % {"n": untold},
        "to_hand_over": [one for one in people if one.positive and one.state in TO_HAND_OVER]
        if now and actor.may(may.HAND_OVER_POSITIVE) else [],
        "to_visit": [one for one in people if one.state == "to_resample"] if now and actor.may(may.RESAMPLE) else [],
        "to_acknowledge": now and actor.may(may.ACKNOWLEDGE_POOL) and any(one.held_at and not one.police_told_at for one in people),
    }  # fmt: skip


def _to_tell(one: MemberRow) -> bool:
    """Say whether somebody still has to be told: that they are held, or that nothing remains."""
    if one.state in ("released", "corrected"):
        return one.held_at is not None and one.notified_at is None
    return one.state in queries.WAITING and one.held_at is not None and one.told_at is None


def _member(request: ActingRequest, pool: uuid.UUID, member: uuid.UUID) -> MemberRow:
    for one in queries.pool_members(pool, by=request.actor):
        if one.id == member:
            return one
    raise NotFound(_("There is no such person of this pool in your area. Open the pool again."))


def _chosen(request: ActingRequest) -> list[str]:
    """Return whom the form names: those whom the page showed, whatever has happened since."""
    return [one for one in request.POST.get("people", "").split(",") if one]


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Refusal(_("Choose a person of the list.")) from None
