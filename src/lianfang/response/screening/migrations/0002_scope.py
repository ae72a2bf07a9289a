"""Everything about a person of a round is seen where the roster places them; frozen is frozen."""

from django.db import migrations

from lianfang.core.access.migration import SERVING, AppendOnly, UnderScope

#: an exclusion changes once, when it is withdrawn; rounds are never removed
KEPT = f"""
REVOKE DELETE, TRUNCATE ON screening_round, screening_exclusion, screening_samplingsite FROM {SERVING};
"""


class Migration(migrations.Migration):
    dependencies = [("screening", "0001_initial"), ("access", "0002_scope")]
    operations = [
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
        UnderScope("screening_rosterentry"),
        UnderScope("screening_foundentry"),
        UnderScope("screening_exclusion"),
        UnderScope("screening_exclusionrecall"),
        UnderScope("screening_visit"),
        UnderScope("screening_missingentry"),
        AppendOnly("screening_rosterentry"),
        AppendOnly("screening_foundentry"),
        AppendOnly("screening_exclusionrecall"),
        AppendOnly("screening_visit"),
        AppendOnly("screening_missingentry"),
        AppendOnly("screening_visitassignment"),
        AppendOnly("screening_rounddecision"),
    ]
