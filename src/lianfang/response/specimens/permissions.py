"""What may be done with specimens."""

REGISTER_TUBES = "specimens.register_tubes"
VOID_SAMPLES = "specimens.void_samples"
SEAL_TUBES = "specimens.seal_tubes"
HAND_OVER_TUBES = "specimens.hand_over_tubes"
RECORD_RESULTS = "specimens.record_results"
CORRECT_RESULT = "specimens.correct_result"
READ_RESULTS = "specimens.read_results"

PERMISSIONS = {
    REGISTER_TUBES: ("登记采样", "register tubes and the people in them"),
    VOID_SAMPLES: ("作废误登样本", "void samples registered by mistake"),
    SEAL_TUBES: ("封管", "seal tubes"),
    HAND_OVER_TUBES: ("交接样本", "hand over tubes"),
    RECORD_RESULTS: ("上报检测结果", "record results"),
    CORRECT_RESULT: ("更正检测结果", "correct a result"),
    READ_RESULTS: ("查看个人检测结果", "read the results of people"),
}
