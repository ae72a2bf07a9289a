"""The typed HTTP interface: sign in, send commands, read duties, rounds and tubes. Errors are problem details (RFC 9457)."""

from lianfang.surfaces.field import (
    checkpoint_look,
    commands,
    custody,
    devices,
    duties,
    forms,
    notices,
    parcels,
    pools,
    round_lists,
    rounds,
    sites,
    sync,
    table,
    tubes,
)
from lianfang.surfaces.field.bodies import BoundedJson
from lianfang.surfaces.field.gate import Bearer
from lianfang.surfaces.field.openapi import DescribedAPI
from lianfang.surfaces.field.problems import answer_problems

api = DescribedAPI(
    title="Lianfang 联防", version="1", auth=Bearer(), urls_namespace="api", docs_url=None, parser=BoundedJson()
)
answer_problems(api)
api.add_router("", devices.router)
api.add_router("commands", commands.router)
api.add_router("duties", duties.router)
api.add_router("rounds", rounds.router)
api.add_router("rounds", round_lists.router)
api.add_router("", sites.router)
api.add_router("table", table.router)
api.add_router("tubes", tubes.router)
api.add_router("custody", custody.router)
api.add_router("pools", pools.router)
api.add_router("field", forms.router)
api.add_router("field", parcels.router)
api.add_router("field", notices.router)
api.add_router("field", sync.router)
api.add_router("field", checkpoint_look.router)
