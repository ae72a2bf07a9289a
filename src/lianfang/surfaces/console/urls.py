"""The console's addresses."""

from django.urls import path

from lianfang.surfaces.console.web import audit, cases, command, duties, entry, people, situation

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
    path("directives/", command.show_directives, name="directives"),
    path("audit/", audit.show_audit, name="audit"),
]
