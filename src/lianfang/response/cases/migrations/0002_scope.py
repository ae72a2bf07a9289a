"""Cases and contacts are seen where the persons were; classes and determinations are never rewritten."""

from django.db import migrations

from lianfang.core.access.migration import AppendOnly, UnderScope


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial"), ("access", "0002_scope")]
    operations = [
        UnderScope("cases_screenpositive"),
        UnderScope("cases_hold"),
        UnderScope("cases_case"),
        UnderScope("cases_classification"),
        UnderScope("cases_casereport"),
        UnderScope("cases_investigation"),
        UnderScope("cases_trajectoryentry", "division_code", "place_code"),
        UnderScope("cases_risksite"),
        UnderScope("cases_contact"),
        UnderScope("cases_contacthistory"),
        AppendOnly("cases_classification"),
        AppendOnly("cases_casereport"),
        AppendOnly("cases_investigation"),
        AppendOnly("cases_trajectoryentry"),
        AppendOnly("cases_contacthistory"),
    ]
