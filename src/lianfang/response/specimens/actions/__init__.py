"""Writing specimens: tubes with the people in them, seals, hand-overs, results and their corrections. All set-based."""

from lianfang.response.specimens.actions.custody import hand_over_tubes, seal_tubes
from lianfang.response.specimens.actions.express import register_express
from lianfang.response.specimens.actions.registration import TubesReceipt, register_tubes
from lianfang.response.specimens.actions.results import ResultsReceipt, correct_result, record_results

__all__ = [
    "ResultsReceipt",
    "TubesReceipt",
    "correct_result",
    "hand_over_tubes",
    "record_results",
    "register_express",
    "register_tubes",
    "seal_tubes",
]
