"""The end of a round: a second person's call-backs, the sign-off that names who accepts a remainder, what comes next."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.engines.protocol import Pack, Proposal, RoundProposal, load_pack
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.refusals import Refusal
from lianfang.response.command.queries import incident_of
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import (
    CLOSE_ROUND,
    DECIDE_ROUND,
    OPEN_ROUND,
    READ_ROUNDS,
    RECALL_EXCLUSIONS,
)
from lianfang.response.screening.queries import Acceptor, RecallToMake, RoundRow
from lianfang.response.screening.rules import RoundAlreadyClosed
from lianfang.response.specimens.queries import count_positive_tubes
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import confirmed, send, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.rounds import percent, round_title
from lianfang.surfaces.session import ActingRequest


def show_recalls(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List the drawn exclusions that a second person has still to call back, with the two answers."""
    request.actor.require(READ_ROUNDS)
    row = queries.round_row(round, by=request.actor, at=request.at)
    rows = queries.recalls_to_make(round, by=request.actor)
    seen: list[RecallToMake] = []

    def read(limit: int, offset: int) -> list[RecallToMake]:
        seen[:] = rows[offset : offset + limit]
        return seen

    names = place_names({one.division_code for one in rows})
    columns = [
        Column(_("Name"), lambda r: r.name, lambda r: address(request, "resident", r.resident)),
        Column(_("Phone"), lambda r: r.phone),
        Column(_("Place"), lambda r: names[r.division_code]),
        Column(
            _("Reason"), lambda r: words.word(r.reason), lambda r: address(request, "exclusion", round, r.exclusion)
        ),
        Column(_("Where"), lambda r: r.where),
        Column(_("Written by"), lambda r: _own(request, r) or r.recorded_title),
        Column(_("Written at"), lambda r: r.recorded_at, look="time"),
    ]
    listing = Listing(
        "recalls", columns, len(rows), read,
        _("Nobody is left to call back: every exclusion that was drawn has been checked by a second person."),
    )  # fmt: skip
    lead = _(
        "A lot drawn from all exclusions, one of each writer at least. Call the person and ask whether it is true. Whoever is not what was written is missing again and visited."
    )
    return answer_list(
        request, listing, template="console/recalls.html", people=seen, round=round, lead=lead,
        heading=_("Call-backs of %(round)s") % {"round": round_title(row)},
        may_recall=request.at is None and request.actor.may(RECALL_EXCLUSIONS), me=request.actor.account_id,
        back=address(request, "round", round),
    )  # fmt: skip


def _own(request: ActingRequest, recall: RecallToMake) -> str:
    return _("yourself: somebody else calls") if recall.recorded_by == request.actor.account_id else ""


@require_POST
def record_recall(request: ActingRequest, round: uuid.UUID, exclusion: uuid.UUID) -> HttpResponse:
    """Record a second person's call: it is true, or it is not and the person is missing again."""
    answer = request.POST.get("answer", "")
    if answer not in ("true", "untrue"):
        raise Refusal(_("This form is not complete. Open the page again and send it again."))
    payload = {
        "round": str(round), "exclusion": str(exclusion), "confirmed": answer == "true",
        "note": request.POST.get("note", "").strip()[:200],
    }  # fmt: skip
    send(request, "record_recall", payload, response_now())
    said = _("Confirmed.") if answer == "true" else _("Not true: this person is missing again, and a visit is opened.")
    messages.success(request, said)
    return redirect(address(request, "recalls", round))


def show_sign_off(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Show what a sign-off would say: who remains where, which call-backs are outstanding, who may accept the rest."""
    request.actor.require(READ_ROUNDS)
    row = queries.round_row(round, by=request.actor, at=request.at)
    recalls = queries.count_recalls_to_make(round, by=request.actor)
    account = row.account
    figures = [
        Figure(_("Sampled"), account.found, address(request, "round_people", round, standing="sampled"), percent(account)),
        Figure(_("Excluded with reason"), account.reasoned, address(request, "round_people", round, standing="excluded")),
        Figure(_("Remaining"), account.missing, address(request, "missing", round), tone="overdue" if account.missing else "good"),
        Figure(_("Call-backs outstanding"), recalls, address(request, "recalls", round), tone="warn" if recalls else "good"),
    ]  # fmt: skip
    remaining = Listing("remaining", _remaining_columns(request, round), *whole(queries.missing_by_grid(round, by=request.actor, at=request.at)), _("Nobody remains."))  # fmt: skip
    acceptors = queries.possible_acceptors(round, by=request.actor) if account.missing else []
    return answer_record(
        request, [Section(_("Who remains"), remaining, figures)], template="console/sign_off.html",
        heading=_("Sign off %(round)s") % {"round": round_title(row)}, lead=_sign_off_lead(row),
        round=round, row=row, acceptors=[(one.account, acceptor_title(one)) for one in acceptors],
        may_close=request.at is None and row.closed_at is None and request.actor.may(CLOSE_ROUND),
        back=address(request, "round", round),
    )  # fmt: skip


def _sign_off_lead(row: RoundRow) -> str:
    if row.closed_at:
        return _("Signed off at %(at)s with %(n)s people remaining.") % {
            "at": as_text(row.closed_at),
            "n": row.remaining,
        }
    return _(
        "Signing off hides nobody: whoever remains is listed by name, somebody answers for them, and they are carried on as visits until a later round has sampled them."
    )


def _remaining_columns(request: ActingRequest, round: uuid.UUID) -> list[Column]:
    return [
        Column(_("Grid"), lambda g: g.name or g.code, lambda g: address(request, "missing", round, within=g.code)),
        Column(
            _("Remaining"), lambda g: g.missing, lambda g: address(request, "missing", round, within=g.code),
            look="number", tone=lambda g: "overdue",
        ),
        Column(_("Responsible post"), lambda g: g.post_title or _("nobody: name one")),
        Column(_("Held by"), lambda g: g.holder),
    ]  # fmt: skip


def acceptor_title(one: Acceptor) -> str:
    """Return what somebody who accepts a remainder is called: the post they fill, or their role, and who they are."""
    post = one.post or words.role_word(one.role)
    return post if post == one.holder else f"{post} · {one.holder}"


@require_POST
def close_round(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Sign a round off, after asking: who remains, who accepts them, what is still to be called back."""
    row = queries.round_row(round, by=request.actor)
    if row.closed_at is not None and request.POST.get("confirmed") != "yes":
        raise RoundAlreadyClosed(_("This round was signed off before: open its page."))
    payload: dict[str, Any] = {"round": str(round)}
    title = _("nobody has to: nobody remains")
    if row.account.missing or request.POST.get("accepted_by"):
        chosen = words_given(request, "accepted_by", _("Who accepts them"))
        titles = {str(one.account): acceptor_title(one) for one in queries.possible_acceptors(round, by=request.actor)}
        if chosen not in titles:
            raise Refusal(
                _(
                    "Whoever accepts a remainder must be able to sign this round off or to order its visits. Choose somebody from the list."
                )
            )
        title = titles[chosen]
        payload |= {"accepted_by": chosen, "accepted_title": title[:120]}
    return confirmed(
        request, "close_round", payload,
        heading=_("Sign off %(round)s") % {"round": round_title(row)},
        question=_("A sign-off is kept for good. Whoever remains is carried on as visits. Is it so?"),
        yes=_("Yes, sign it off"),
        facts=[
            (_("Sampled"), f"{row.account.found} ({percent(row.account)})"),
            (_("Excluded with reason"), str(row.account.reasoned)), (_("Remaining"), str(row.account.missing)),
            (_("Accepted by"), title),
            (_("Call-backs outstanding"), str(queries.count_recalls_to_make(round, by=request.actor))),
        ],
        back=address(request, "round", round), done=_("The round is signed off."),
    )  # fmt: skip


def show_next(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Show what the pack proposes after the rounds of an area, with its rule and source, and what people decided."""
    request.actor.require(READ_ROUNDS)
    row = queries.round_row(round, by=request.actor, at=request.at)
    pack = _pack(request, row)
    proposals = [
        (situation, queries.propose_next_round(
            by=request.actor, incident=row.incident, area_code=row.area_code, pack=pack, situation=situation,
            on=local_date(request.instant),
        ))
        for situation in (pack.screening.rounds if pack.screening else {})
    ]  # fmt: skip
    return answer_record(
        request, [_closed(request, row), _decided(request, row)], template="console/round_next.html",
        heading=_("After %(round)s: what next") % {"round": round_title(row)},
        lead=_("The protocol proposes, a person decides. Which situation holds is for the epidemiologists to say."),
        proposals=[_shown(situation, one) for situation, one in proposals], round=round,
        decisions=[(one.value, words.word(one.value)) for one in Proposal],
        may_decide=request.at is None and request.actor.may(DECIDE_ROUND, row.area_code),
        opening=address(request, "round_opening") if request.actor.may(OPEN_ROUND) else "",
        back=address(request, "round", round),
    )  # fmt: skip


def _pack(request: ActingRequest, row: RoundRow) -> Pack:
    return load_pack(row.pack, overlays=_overlays(request, row), on=local_date(row.opened_at))


def _overlays(request: ActingRequest, row: RoundRow) -> tuple[str, ...]:
    """Return the local rules of a round's incident, as far as the actor's area knows the incident."""
    try:
        return incident_of(row.incident, by=request.actor).overlays
    except Refusal:
        return ()


def _shown(situation: str, one: RoundProposal) -> dict[str, str]:
    return {
        "code": situation, "situation": words.word(situation), "proposal": one.proposal.value,
        "word": words.word(one.proposal.value), "sentence": proposal_sentence(one), "rule": one.rule, "source": one.source,
        "day": as_text(one.not_before),
    }  # fmt: skip


def proposal_sentence(one: RoundProposal) -> str:
    """Return a proposal in a sentence in the reader's language; the record keeps the sentence of the pack."""
    if not words.chinese():
        return one.sentence
    day = {"day": as_text(one.not_before)}
    return {
        Proposal.ANOTHER_ROUND: _("Not enough clean rounds in a row yet: one more round, from %(day)s on.") % day,
        Proposal.WAIT: _("Enough clean rounds in a row: wait until %(day)s, then one more round.") % day,
        Proposal.FINAL_ROUND: _("The days of waiting have passed: one more round, from %(day)s on.") % day,
        Proposal.STOP: _("Enough clean rounds in a row: no further round."),
    }[one.proposal]


def _closed(request: ActingRequest, row: RoundRow) -> Section:
    rows = queries.rounds(by=request.actor, incident=row.incident, at=request.at)
    closed = [one for one in rows if one.area_code == row.area_code and one.closed_at]
    positive = count_positive_tubes(by=request.actor, rounds=[one.id for one in closed])
    columns = [
        Column(_("Round"), round_title, lambda r: address(request, "round", r.id)),
        Column(_("Signed off"), lambda r: r.closed_at, look="time"),
        Column(_("Missing"), lambda r: r.account.missing, lambda r: address(request, "missing", r.id), look="number"),
        Column(_("Positive tubes"), lambda r: positive.get(r.id, 0), look="number"),
        Column(
            _("Clean"), lambda r: _("yes") if not (r.account.missing or positive.get(r.id)) else _("no"), look="mark",
            tone=lambda r: "overdue" if r.account.missing or positive.get(r.id) else "good",
        ),
    ]  # fmt: skip
    empty = _("No round of this area is signed off yet: sign one off first.")
    return Section(_("Rounds signed off so far"), Listing("closed_rounds", columns, *whole(closed), empty))


def _decided(request: ActingRequest, row: RoundRow) -> Section:
    rows = queries.round_decisions(row.incident, row.area_code, by=request.actor, at=request.at)
    columns = [
        Column(_("Decided at"), lambda d: d.decided_at, look="time"),
        Column(_("The pack proposed"), lambda d: words.word(d.proposal)),
        Column(_("Decided"), lambda d: words.word(d.decision), look="mark"),
        Column(_("Reason"), lambda d: d.reason),
        Column(_("Not before"), lambda d: d.not_before, look="day"),
        Column(_("By the rule"), lambda d: d.rule),
        Column(_("By"), lambda d: d.decided_by),
    ]
    return Section(
        _("Decisions"), Listing("round_decisions", columns, *whole(rows), _("Nothing has been decided yet."))
    )


@require_POST
def decide_round(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Record what a person decides after the rounds so far, after asking."""
    row = queries.round_row(round, by=request.actor)
    situation, decision = (
        words_given(request, "situation", _("Situation")),
        words_given(request, "decision", _("Decision")),
    )
    reason = request.POST.get("reason", "").strip()[:300]
    payload = {
        "incident": str(row.incident), "area_code": row.area_code, "pack": row.pack,
        "overlays": list(_overlays(request, row)), "situation": situation, "decision": decision, "reason": reason,
    }  # fmt: skip
    return confirmed(
        request, "decide_next_round", payload,
        heading=_("Decide after %(round)s") % {"round": round_title(row)},
        question=_("The proposal of the pack is kept beside your decision, with your name. Is it so?"),
        yes=_("Yes, decide"),
        facts=[
            (_("Situation"), words.word(situation)), (_("Decision"), words.word(decision)), (_("Reason"), reason or "—"),
        ],
        back=address(request, "round_next", round), done=_("The decision is recorded."),
    )  # fmt: skip
