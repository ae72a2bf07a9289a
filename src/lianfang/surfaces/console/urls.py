"""The console's addresses."""

from django.urls import path

from lianfang.surfaces.console.web import (
    audit,
    cases,
    checkpoints,
    command,
    duties,
    entry,
    people,
    quarantine,
    rounds,
    situation,
    workforce,
)

urlpatterns = [
    path("", situation.show_situation, name="situation"),
    path("sign-in", entry.sign_in, name="sign_in"),
    path("sign-out", entry.sign_out, name="sign_out"),
    path("language", entry.choose_language, name="choose_language"),
    path("grant", entry.choose_grant, name="choose_grant"),
    path("duties/", duties.show_duties, name="duties"),
    path("duties/branches", duties.show_branches, name="duty_branches"),
    path("duties/<int:duty>", duties.show_duty, name="duty"),
    path("duties/<int:duty>/finish", duties.finish, name="finish_duty"),
    path("duties/<int:duty>/waive", duties.waive, name="waive_duty"),
    path("people/", people.show_people, name="people"),
    path("people/<uuid:resident>", people.show_resident, name="resident"),
    path("people/<uuid:resident>/open", people.open_one, name="open_identifier"),
    path("cases/", cases.show_cases, name="cases"),
    path("cases/<uuid:case>", cases.show_case, name="case"),
    path("contacts/", cases.show_contacts, name="contacts"),
    path("rounds/", rounds.show_rounds, name="rounds"),
    path("rounds/<uuid:round>", rounds.show_round, name="round"),
    path("rounds/<uuid:round>/missing", rounds.show_missing, name="missing"),
    path("rounds/<uuid:round>/people", rounds.show_people, name="round_people"),
    path("quarantine/", quarantine.show_orders, name="quarantine"),
    path("quarantine/<uuid:order>", quarantine.show_order, name="order"),
    path("checkpoints/", checkpoints.show_checkpoints, name="checkpoints"),
    path("checkpoints/passages", checkpoints.show_passages, name="passages"),
    path("workforce/", workforce.show_deployments, name="deployments"),
    path("workforce/teams", workforce.show_teams, name="teams"),
    path("workforce/attendances", workforce.show_attendances, name="attendances"),
    path("directives/", command.show_directives, name="directives"),
    path("audit/", audit.show_audit, name="audit"),
]
