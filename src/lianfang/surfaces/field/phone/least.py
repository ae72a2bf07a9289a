"""What a phone of each role may carry: pure. No role gets more than its permissions, and no phone an ID number."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from lianfang.core.people.permissions import CALL_RESIDENTS, CARRY_REGISTER, READ_PEOPLE
from lianfang.kit.codes import CodeRange
from lianfang.response.checkpoints.permissions import RECORD_PASSAGE
from lianfang.response.sampling.permissions import READ_SITES
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.specimens.permissions import HAND_OVER_TUBES, SEAL_TUBES

#: what a village's codes have in common: below it a phone may carry lists of people
VILLAGE = 1000

#: kinds of duties whose name tells what somebody has or may have, and what they are called where nobody need know
PLAIN_KINDS = {
    "hold_in_place": ("stay_with", "陪同等候", "wait with somebody"),
    "confirmatory_retest": ("sampling_again", "复采", "sample once more"),
    "pool_resample": ("sampling_again", "复采", "sample once more"),
    "inform_pool_community": ("bring_word", "送达告知", "bring somebody word"),
    "inform_pool_police": ("bring_word", "送达告知", "bring somebody word"),
    "tell_release": ("bring_word", "送达告知", "bring somebody word"),
    "tell_result": ("bring_word", "送达告知", "bring somebody word"),
    "positive_transfer": ("transport", "人员转运", "drive somebody"),
    "transfer_to_hospital": ("transport", "人员转运", "drive somebody"),
    "closed_loop_transfer": ("transport", "人员转运", "drive somebody"),
    "contact_in_quarantine": ("visit", "上门", "visit"),
    "quarantine_test": ("sampling", "上门采样", "sample at the door"),
    "missed_test_visit": ("visit", "上门", "visit"),
    "daily_check": ("visit", "上门", "visit"),
    "door_visit": ("visit", "上门", "visit"),
    "round_visit": ("visit", "上门", "visit"),
    "home_sampling": ("sampling", "上门采样", "sample at the door"),
    "overstay": ("decision", "到期事项", "something at its end"),
    "release_decision": ("decision", "到期事项", "something at its end"),
    "appeal_decision": ("decision", "到期事项", "something at its end"),
    "case_report": ("report", "报告", "report"),
    "core_info": ("report", "报告", "report"),
    "preliminary_report": ("report", "报告", "report"),
}
#: subjects that are people, whatever list they stand on
PEOPLE = ("resident", "order", "contact", "case", "screen_positive", "pool_member")


@dataclass(frozen=True)
class Carried:
    """What a phone carries: ``plain`` duties say nothing of anybody's health, ``register`` is everybody of a village."""

    plain: bool
    register: bool
    calls: bool
    rounds: bool
    sites: bool
    missing: bool
    tubes: bool
    checkpoints: bool


def carried(permissions: AbstractSet[str], scope: CodeRange) -> Carried:
    """Return what a grant's permissions and range let a phone carry; lists of people only inside of one village."""
    local = scope.lo // VILLAGE == scope.hi // VILLAGE
    return Carried(
        plain=READ_PEOPLE not in permissions,
        register=local and CARRY_REGISTER in permissions,
        calls=CALL_RESIDENTS in permissions,
        rounds=READ_ROUNDS in permissions,
        sites=bool({READ_SITES, HAND_OVER_TUBES} & permissions),
        missing=local and {READ_ROUNDS, READ_PEOPLE, SEAL_TUBES} <= permissions,
        tubes=bool({SEAL_TUBES, HAND_OVER_TUBES} & permissions),
        checkpoints=RECORD_PASSAGE in permissions,
    )
