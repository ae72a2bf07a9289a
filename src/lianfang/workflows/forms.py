"""Every form that the rooms declare, who gets it, and what it reads; and which kinds of duty are done at a desk only."""

import hashlib
import json
from collections.abc import Collection, Iterable
from functools import lru_cache

from lianfang.kit.forms import Form, sources, templates
from lianfang.response.cases import forms as cases
from lianfang.response.checkpoints import forms as checkpoints
from lianfang.response.command import forms as command
from lianfang.response.quarantine import forms as quarantine
from lianfang.response.sampling import forms as sampling
from lianfang.response.screening import forms as screening
from lianfang.response.specimens import forms as specimens
from lianfang.response.tasks import forms as tasks
from lianfang.response.workforce import forms as workforce
from lianfang.response.zones import forms as zones

FORMS: tuple[Form, ...] = (
    *quarantine.FORMS,
    *cases.FORMS,
    *sampling.FORMS,
    *screening.FORMS,
    *specimens.FORMS,
    *checkpoints.FORMS,
    *workforce.FORMS,
    *zones.FORMS,
    *command.FORMS,
    *tasks.FORMS,
)  # fmt: skip

#: kinds of duty without a form, and why
DESK_ONLY = {
    "overstay": "somebody's freedom is decided with the whole file at hand",
    "release_decision": "a decision about somebody's freedom is taken with the whole file at hand",
    "appeal_decision": "an appeal is decided by somebody else than the issuer, with both sides read",
    "checkpoint_review": "an order for a checkpoint is written anew with its reason, authority and end",
    "case_report": "the direct report is entered where the national network is",
    "core_info": "an investigation is written from notes and records",
    "preliminary_report": "an investigation is written from notes and records",
    "zone_end_decision": "a zone is stepped down, renewed or lifted by the commander",
    "zone_review": "the conditions are read from counts of other rooms",
    "daily_report": "figures are counted by the house and confirmed beside the lists behind them",
}


@lru_cache(maxsize=256)
def _forms_for(permissions: frozenset[str]) -> tuple[Form, ...]:
    return tuple(form for form in FORMS if form.permission in permissions)


def forms_for(permissions: Collection[str]) -> tuple[Form, ...]:
    """Return the forms of somebody who holds these permissions."""
    return _forms_for(frozenset(permissions))


def form_of(kind: str, subject_kind: str, permissions: Collection[str]) -> str | None:
    """Return the code of the form that finishes a duty of this kind about such a subject, or None where nobody may."""
    for form in forms_for(permissions):
        if kind in form.duties and (not form.subject_kinds or subject_kind in form.subject_kinds):
            return form.code
    return None


def needs(form: Form) -> dict[str, frozenset[str]]:
    """Return what a form reads of its duty, of the duty's subject and of whoever acts, by ``duty``, ``subject``, ``me``."""
    read = [source for template in templates(form) for source in sources(template)]
    return {
        name: frozenset(path.partition(".")[0] for source, path in read if source == f"${name}")
        for name in ("duty", "subject", "me")
    }


def digest_of(forms: Iterable[Form]) -> str:
    """Return a short text that changes whenever one of these forms does."""
    text = json.dumps([form.model_dump(mode="json") for form in forms], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
