"""What may be done with the people on duty."""

REGISTER_WORKFORCE = "workforce.register_workforce"
FORM_TEAM = "workforce.form_team"
DEPLOY = "workforce.deploy"
APPEAL_FOR_VOLUNTEERS = "workforce.appeal_for_volunteers"
APPLY_AS_VOLUNTEER = "workforce.apply_as_volunteer"
PLAN_SHIFTS = "workforce.plan_shifts"
WAIVE_REST = "workforce.waive_rest"
CHECK_IN = "workforce.check_in"
READ_WORKFORCE = "workforce.read_workforce"

PERMISSIONS = {
    REGISTER_WORKFORCE: ("登记单位和人员", "register organisations and responders"),
    FORM_TEAM: ("组建队伍", "form and disband teams"),
    DEPLOY: ("下沉、支援调派", "deploy responders and end deployments"),
    APPEAL_FOR_VOLUNTEERS: ("招募志愿者", "appeal for volunteers and decide on applications"),
    APPLY_AS_VOLUNTEER: ("报名志愿服务", "enter applications of volunteers"),
    PLAN_SHIFTS: ("编排值守班次", "plan shifts and their crews"),
    WAIVE_REST: ("批准突破休息规定", "allow a shift against the rules of rest"),
    CHECK_IN: ("签到签退", "check people in and out"),
    READ_WORKFORCE: ("查看队伍和值守", "read teams, deployments and rosters"),
}
