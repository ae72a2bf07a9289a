"""Writing the workforce: registers and teams, deployments and volunteers, rosters and attendance."""

from lianfang.response.workforce.actions.deployments import (
    apply_as_volunteers,
    assign_volunteers,
    decide_applications,
    deploy,
    end_deployments,
    open_appeal,
)
from lianfang.response.workforce.actions.registers import (
    change_members,
    disband_teams,
    form_teams,
    register_organisations,
    register_responders,
    rest_responder,
)
from lianfang.response.workforce.actions.rosters import (
    cancel_shifts,
    check_in,
    check_out,
    open_shift_duties,
    plan_shifts,
    record_attendance,
    replace_crew,
)

__all__ = [
    "apply_as_volunteers",
    "assign_volunteers",
    "cancel_shifts",
    "change_members",
    "check_in",
    "check_out",
    "decide_applications",
    "deploy",
    "disband_teams",
    "end_deployments",
    "form_teams",
    "open_appeal",
    "open_shift_duties",
    "plan_shifts",
    "record_attendance",
    "register_organisations",
    "register_responders",
    "replace_crew",
    "rest_responder",
]
