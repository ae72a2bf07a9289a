"""Every kind of duty that the rooms declare, in one list."""

from lianfang.core.duties.rules import Kind
from lianfang.response.cases import duties as cases
from lianfang.response.checkpoints import duties as checkpoints
from lianfang.response.command import duties as command
from lianfang.response.quarantine import duties as quarantine
from lianfang.response.sampling import duties as sampling
from lianfang.response.screening import duties as screening
from lianfang.response.specimens import duties as specimens
from lianfang.response.tasks import duties as tasks
from lianfang.response.workforce import duties as workforce
from lianfang.response.zones import duties as zones
from lianfang.surfaces.reports import duties as reports

KINDS: tuple[Kind, ...] = (
    *cases.KINDS,
    *checkpoints.KINDS,
    *command.KINDS,
    *sampling.KINDS,
    *screening.KINDS,
    *quarantine.KINDS,
    *reports.KINDS,
    *specimens.KINDS,
    *tasks.KINDS,
    *workforce.KINDS,
    *zones.KINDS,
)  # fmt: skip
