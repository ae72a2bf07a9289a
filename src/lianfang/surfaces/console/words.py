"""Plain words, in the reader's language, for the codes that records carry."""

from functools import cache

from django.utils.translation import get_language, gettext, gettext_noop

from lianfang.core.access.actions import read_roles
from lianfang.kit.sentences import in_chinese

_ = gettext_noop

#: code → English words, which the catalogue translates; a code that is missing is shown with blanks for underscores
WORDS = {
    # states and steps of duties
    "outstanding": _("outstanding"),
    "done": _("done"),
    "waived": _("waived"),
    "cancelled": _("cancelled"),
    "opened": _("opened"),
    "redated": _("re-dated"),
    "reassigned": _("reassigned"),
    "superseded": _("superseded by a correction"),
    "overdue": _("overdue"),
    "once": _("once"),
    # devices, residents' codes
    "device_waiting": _("waiting for its code"),
    "device_expired": _("code too old"),
    "device_enrolled": _("enrolled"),
    "device_revoked": _("ended"),
    "code_lost": _("lost"),
    "code_copied": _("copied by somebody"),
    "code_damaged": _("cannot be read"),
    "code_asked": _("its holder asked for it"),
    # paper sheets
    "printed": _("printed, still out"),
    "typed": _("typed in"),
    "agreed": _("agreed by two"),
    "differing": _("two typings differ"),
    "settled": _("settled"),
    "resident_id": _("ID card"),
    "passport": _("passport"),
    "travel_permit": _("travel permit"),
    "none": _("no document"),
    "guest": _("guest"),
    # outcomes
    "received": _("received"),
    "completed": _("completed"),
    "not_possible": _("could not be done"),
    "held": _("held in place"),
    "reported": _("reported"),
    "recorded": _("recorded"),
    "placed": _("in quarantine"),
    "transferred": _("transferred"),
    "negative": _("negative"),
    "positive": _("positive"),
    "seen": _("seen"),
    "nobody_home": _("nobody at home"),
    "visited": _("visited"),
    "sampled": _("sampled"),
    "released": _("released"),
    "well": _("well"),
    "unwell": _("unwell"),
    "found": _("found"),
    "not_found": _("not found"),
    "refused": _("refused"),
    "staffed": _("staffed"),
    # parcels from the field: states, and the rules that hold or note them
    "parcel_held": _("waits for a decision"),
    "parcel_noted": _("noted"),
    "parcel_set_aside": _("set aside"),
    "parcel_applied": _("recorded"),
    "parcel_repeated": _("recorded before"),
    "parcel_refused": _("not kept here"),
    "parcel_later": _("not taken yet"),
    "parcel_old_form": _("older app, cannot be read"),
    "parcel_id_taken": _("other content under the same id"),
    "parcel_token_unknown": _("sign-in unknown"),
    "parcel_other_device": _("done on another phone"),
    "parcel_device_revoked": _("done after the phone was lost"),
    "parcel_after_session": _("outside of its sign-in"),
    "parcel_after_grant": _("the post had ended"),
    "parcel_duty_done": _("somebody else did it"),
    "parcel_tried_in_vain": _("tried in vain, done by somebody else"),
    "parcel_alarming": _("alarming finding"),
    "parcel_duty_cancelled": _("duty cancelled meanwhile"),
    "parcel_person_moved": _("person moved"),
    "parcel_contradicts": _("contradicts the record"),
    "parcel_not_allowed": _("not this post's, or not there"),
    "parcel_not_found": _("record not found"),
    "parcel_clock_wrong": _("the phone's clock was wrong"),
    "parcel_against_rules": _("refused by a rule"),
    "parcel_broken": _("something broke on our side"),
    "unreadable": _("cannot be read"),
    # photos from the field
    "photo_place": _("the place"),
    "photo_door_notice": _("notice at the door"),
    "photo_goods": _("goods"),
    "photo_hazard": _("hazard"),
    "photo_before": _("before"),
    "photo_after": _("after"),
    "photo_vehicle": _("vehicle"),
    "photo_document": _("document"),
    "photo_other": _("something else"),
    # subjects
    "resident": _("resident"),
    "household": _("household"),
    "case": _("case"),
    "contact": _("contact"),
    "screen_positive": _("preliminary positive"),
    "directive_recipient": _("recipient of a directive"),
    "quarantine_order": _("quarantine order"),
    "order": _("quarantine order"),
    "zone": _("zone"),
    "round": _("round"),
    "screening_round": _("round"),
    "shift": _("shift"),
    "checkpoint": _("checkpoint"),
    "tube": _("tube"),
    # what the audit names
    "account": _("account"),
    "appeal": _("appeal"),
    "application": _("volunteer's offer"),
    "area": _("responsibility area"),
    "attendance": _("attendance"),
    "box": _("box"),
    "building": _("building"),
    "clock": _("clock"),
    "custody_step": _("step of custody"),
    "deployment": _("deployment"),
    "device": _("device"),
    "directive": _("directive"),
    "duty": _("duty"),
    "exclusion": _("exclusion"),
    "grant": _("grant"),
    "headquarters": _("headquarters"),
    "incident": _("incident"),
    "incident_area": _("area of an incident"),
    "lab": _("laboratory"),
    "list": _("list"),
    "meeting": _("meeting"),
    "organisation": _("organisation"),
    "parcel": _("parcel"),
    "passage": _("passage"),
    "photo": _("photo"),
    "post": _("post"),
    "quotation": _("quotation"),
    "report": _("report"),
    "responder": _("responder"),
    "result_file": _("file of results"),
    "result_list": _("list of results"),
    "round_decision": _("decision on rounds"),
    "sampling_site": _("sampling site"),
    "sheet": _("paper sheet"),
    "slot": _("slot"),
    "slot_plan": _("plan of slots"),
    "task_force": _("task force"),
    "team": _("team"),
    "tube_batch": _("batch of tubes"),
    # levels of the territory
    "province": _("province"),
    "prefecture": _("prefecture"),
    "county": _("county"),
    "township": _("township"),
    "village": _("village or community"),
    "grid": _("grid"),
    "hamlet": _("hamlet"),
    # people
    "male": _("male"),
    "female": _("female"),
    "head": _("head of household"),
    "spouse": _("spouse"),
    "child": _("child"),
    "parent": _("parent"),
    "grandchild": _("grandchild"),
    "grandparent": _("grandparent"),
    "sibling": _("sibling"),
    "other": _("other"),
    "lives_alone_70": _("70 or older and alone"),
    "infant": _("infant"),
    "pregnant": _("pregnant"),
    "dialysis": _("dialysis"),
    "disabled": _("disabled"),
    "bedridden": _("bedridden"),
    "regular_medicine": _("regular medicine"),
    "national_id": _("national ID"),
    "phone": _("phone"),
    # cases and contacts
    "confirmed": _("confirmed"),
    "confirmed_case": _("confirmed"),
    "asymptomatic": _("asymptomatic"),
    "asymptomatic_case": _("asymptomatic"),
    "suspected": _("suspected"),
    "suspected_case": _("suspected"),
    "probable": _("probable"),
    "ruled_out": _("ruled out"),
    "mild": _("mild"),
    "moderate": _("moderate"),
    "severe": _("severe"),
    "critical": _("critical"),
    "community_screening": _("community screening"),
    "fever_clinic": _("fever clinic"),
    "voluntary": _("own wish to be tested"),
    "hospital": _("hospital"),
    "key_group_testing": _("testing of key groups"),
    "cross_region": _("cross-region notice"),
    "contact_tracing": _("contact tracing"),
    "quarantine": _("quarantine"),
    "zone_screening": _("screening of a zone"),
    "close_contact": _("close contact"),
    "secondary_contact": _("contact of a contact"),
    "general_contact": _("general contact"),
    "venue_exposed": _("venue-exposed person"),
    "venue_exposed_person": _("venue-exposed person"),
    "co_presence": _("spatio-temporal co-presence"),
    "active": _("active"),
    "upgraded": _("upgraded"),
    "withdrawn": _("withdrawn"),
    "registered": _("registered"),
    "classified": _("classified"),
    "investigated": _("investigated"),
    "core_info": _("core information"),
    "preliminary_report": _("preliminary report"),
    "final_report": _("final report"),
    "open": _("open"),
    "closed": _("closed"),
    # command
    "emergency": _("emergency"),
    "routine": _("routine"),
    "dispatch": _("dispatch meeting"),
    "consultation": _("consultation"),
    # zones
    "high": _("high risk"),
    "medium": _("medium risk"),
    "low": _("low risk"),
    "sealed": _("sealed zone"),
    "controlled": _("controlled zone"),
    "precaution": _("precaution zone"),
    # people, further
    "child_in_law": _("child-in-law"),
    "member": _("member"),
    # tubes, custody and findings
    "custody_difference": _("difference at a hand-over"),
    "result_notice": _("finding to be told"),
    "indeterminate": _("indeterminate"),
    "insufficient": _("too little material"),
    "single": _("single tube"),
    "pooled": _("pooled tube"),
    "area_screening": _("area testing"),
    "confirmatory_retest": _("confirmatory retest"),
    "mandatory_testing": _("mandatory-group testing"),
    "voluntary_testing": _("voluntary testing"),
    "lost": _("lost"),
    "miscounted": _("miscounted"),
    "explained": _("explained"),
    "returned": _("returned"),
    "told": _("told"),
    "in_person": _("in person"),
    "message": _("by message"),
    "system": _("through another system"),
    "document": _("in writing"),
    # rounds
    "excluded": _("excluded with reason"),
    "missing": _("missing"),
    "away": _("away"),
    "quarantined": _("in quarantine"),
    "medical": _("medical reason"),
    "sampled_elsewhere": _("sampled elsewhere"),
    "deceased": _("deceased"),
    "moved_out": _("moved out"),
    "duplicate_record": _("entered twice"),
    "visitor": _("visitor"),
    "newcomer": _("moved here"),
    "unregistered": _("registered nowhere"),
    "counted": _("to be sampled"),
    "another_round": _("another round"),
    "wait": _("wait"),
    "final_round": _("one last round"),
    "stop": _("no further round"),
    "chain_unclear": _("chain of transmission unclear"),
    "chain_clear": _("chain of transmission clear"),
    "found_elsewhere": _("found elsewhere"),
    "appointment": _("appointment made"),
    "could_not": _("could not be done"),
    # positive pools
    "pool": _("positive pool"),
    "pool_member": _("member of a positive pool"),
    "to_resample": _("awaits sampling"),
    "awaiting_result": _("result awaited"),
    "retest_negative": _("resample negative"),
    "retest_positive": _("resample positive"),
    "not_held": _("not held yet"),
    "corrected": _("let go: result corrected"),
    "cleared": _("resample negative, nothing remains"),
    "found_positive": _("positive in a tube of their own"),
    "acknowledged": _("acknowledged"),
    # quarantine
    "testing_only": _("testing only"),
    "home_monitoring": _("home health monitoring"),
    "home_quarantine": _("home quarantine"),
    "medical_observation": _("medical observation"),
    "central_quarantine": _("central quarantine"),
    "in_force": _("in force"),
    "reordered": _("ordered anew"),
    "order_anew": _("ordered anew"),
    "lifted": _("lifted"),
    "granted": _("granted"),
    "upheld": _("upheld"),
    "normal": _("normal"),
    "abnormal": _("unwell"),
    "pending": _("pending"),
    "invalid": _("invalid"),
    "zone_leaver": _("zone leaver"),
    # checkpoints
    "vehicle": _("vehicle"),
    "person": _("person"),
    "in": _("in"),
    "out": _("out"),
    "let_through": _("let through"),
    "advised_back": _("advised to turn back"),
    "handed_over": _("handed over"),
    "going_home": _("going home"),
    "essential_freight": _("essential freight"),
    "work": _("work"),
    "study": _("study"),
    "visit": _("visit"),
    "transit": _("transit"),
    "leisure": _("leisure"),
    # field work
    "patrolled": _("patrolled"),
    "cleaned": _("cleaned and cleared"),
    "delivered": _("delivered"),
    "in_order": _("all in order"),
    "findings": _("with findings"),
    "fixed": _("put right"),
    "at_the_door": _("at the door, and told"),
    "neighbour": _("with a neighbour"),
    "put_off": _("put off"),
    "made_small": _("made small"),
    "task": _("field work"),
    "finding": _("finding"),
    "hazard": _("hazard"),
    # workforce
    "sent_down": _("sent down from above"),
    "support": _("lent in support"),
    "in_place": _("turned to the response in place"),
    "volunteer": _("volunteer"),
    "state": _("state"),
    "party_branch": _("party branch"),
    "temporary_branch": _("temporary party branch"),
    "pioneer": _("pioneer team"),
    "strike": _("strike team"),
    "sampling": _("sampling team"),
    "checkpoint_crew": _("checkpoint crew"),
    "four_on_one": _("four-on-one team"),
    "inspection": _("inspection team"),
    "shift_assignment": _("crew of a shift"),
    "under_way": _("under way"),
    # lanes of a sampling site, sampling at home
    "ordinary": _("ordinary lane"),
    "symptomatic": _("lane for symptoms"),
    "yellow_code": _("lane for yellow codes"),
    "over_80_alone": _("80 or older and alone"),
    "sealed_household": _("sealed household"),
    "unable": _("unable to come"),
    "ordered": _("ordered"),
    # zones, further
    "drawn": _("drawn"),
    "stepped_down": _("stepped down"),
    "raised": _("raised"),
    "renewed": _("renewed"),
    "high_risk": _("high risk"),
    "medium_risk": _("medium risk"),
    "low_risk": _("low risk"),
    "sealed_zone": _("sealed zone"),
    "controlled_zone": _("controlled zone"),
    "precaution_zone": _("precaution zone"),
    "division": _("unit"),
}

#: why an identifier is opened: the code is logged, the words are shown
REASONS = {
    "verify_identity": _("verify who the person is"),
    "call_person": _("call the person about a duty"),
    "medical_emergency": _("medical emergency"),
    "report_case": _("direct report of a case"),
    "cross_region_request": _("cross-region request"),
    "answer_appeal": _("answer an appeal or a question of the person"),
}


def word(code: object) -> str:
    """Return the words for a code in the reader's language, or the code with blanks for underscores."""
    text = "" if code is None else str(code)
    return gettext(WORDS[text]) if text in WORDS else text.replace("_", " ")


def reason_word(code: str) -> str:
    """Return the words for a reason to open an identifier."""
    return gettext(REASONS[code])


def chinese() -> bool:
    """Say whether the reader reads Chinese."""
    return (get_language() or "zh").startswith("zh")


def said(sentence: object) -> str:
    """Return a sentence with which a room refuses something, in the reader's language as far as it is translated."""
    text = str(sentence)
    return (in_chinese(text) or text) if chinese() else text


def in_language(zh: str, en: str) -> str:
    """Return the one of two names that the reader reads, or the other when it is empty."""
    return (zh or en) if chinese() else (en or zh)


@cache
def _roles() -> dict[str, dict[str, str]]:
    return dict(read_roles()["roles"])


@cache
def _lines() -> dict[str, list[str]]:
    return dict(read_roles()["lines"])


def role_word(code: str) -> str:
    """Return a role's name in the reader's language."""
    role = _roles().get(code)
    return in_language(role["zh"], role["en"]) if role else code.replace("_", " ")


def line_word(code: str) -> str:
    """Return the name of a line of work in the reader's language."""
    line = _lines().get(code)
    return in_language(*line) if line else code.replace("_", " ")
