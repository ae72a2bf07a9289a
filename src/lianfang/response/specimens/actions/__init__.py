"""Writing specimens: tubes with the people in them, seals, hand-overs, results and their corrections. All set-based."""

from lianfang.response.specimens.actions.custody import BoxReceipt, pack_box, seal_tubes
from lianfang.response.specimens.actions.differences import SearchReceipt, record_tube_found
from lianfang.response.specimens.actions.express import register_express
from lianfang.response.specimens.actions.handovers import HandOverReceipt, hand_over_tubes, receive_tubes
from lianfang.response.specimens.actions.labs import register_lab
from lianfang.response.specimens.actions.notices import ToldReceipt, record_told
from lianfang.response.specimens.actions.registration import TubesReceipt, register_tubes, registered_tubes
from lianfang.response.specimens.actions.result_files import (
    BadRow,
    FileReceipt,
    check_result_file,
    import_results,
)
from lianfang.response.specimens.actions.results import ResultsReceipt, correct_result, record_results
from lianfang.response.specimens.actions.voids import MoveReceipt, VoidReceipt, move_sample, void_samples

__all__ = [
    "BadRow",
    "BoxReceipt",
    "FileReceipt",
    "HandOverReceipt",
    "MoveReceipt",
    "ResultsReceipt",
    "SearchReceipt",
    "ToldReceipt",
    "TubesReceipt",
    "VoidReceipt",
    "check_result_file",
    "correct_result",
    "hand_over_tubes",
    "import_results",
    "move_sample",
    "pack_box",
    "receive_tubes",
    "record_results",
    "record_told",
    "record_tube_found",
    "register_express",
    "register_lab",
    "register_tubes",
    "registered_tubes",
    "seal_tubes",
    "void_samples",
]
