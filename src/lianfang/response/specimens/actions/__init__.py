"""Writing specimens: tubes with the people in them, seals, hand-overs, results and their corrections. All set-based."""

from lianfang.response.specimens.actions.custody import hand_over_tubes, seal_tubes
from lianfang.response.specimens.actions.express import register_express
from lianfang.response.specimens.actions.registration import TubesReceipt, register_tubes
from lianfang.response.specimens.actions.results import ResultsReceipt, correct_result, record_results
from lianfang.response.specimens.actions.voids import MoveReceipt, VoidReceipt, move_sample, void_samples

__all__ = [
    "MoveReceipt",
    "ResultsReceipt",
    "TubesReceipt",
    "VoidReceipt",
    "correct_result",
    "hand_over_tubes",
    "move_sample",
    "record_results",
    "register_express",
    "register_tubes",
    "seal_tubes",
    "void_samples",
]
