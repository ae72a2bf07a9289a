"""What may be done with specimens."""

REGISTER_TUBES = "specimens.register_tubes"
VOID_SAMPLES = "specimens.void_samples"
SEAL_TUBES = "specimens.seal_tubes"
PACK_BOXES = "specimens.pack_boxes"
HAND_OVER_TUBES = "specimens.hand_over_tubes"
RECEIVE_TUBES = "specimens.receive_tubes"
FIND_TUBES = "specimens.find_tubes"
READ_CUSTODY = "specimens.read_custody"
REGISTER_LABS = "specimens.register_labs"
RECORD_RESULTS = "specimens.record_results"
CORRECT_RESULT = "specimens.correct_result"
RECORD_TOLD = "specimens.record_told"
READ_RESULTS = "specimens.read_results"

PERMISSIONS = {
    REGISTER_TUBES: ("登记采样", "register tubes and the people in them"),
    VOID_SAMPLES: ("作废误登样本", "void samples registered by mistake"),
    SEAL_TUBES: ("封管", "seal tubes"),
    PACK_BOXES: ("样本装箱", "pack tubes into boxes"),
    HAND_OVER_TUBES: ("交接样本", "hand over tubes"),
    RECEIVE_TUBES: ("实验室接收样本", "receive tubes at a laboratory"),
    FIND_TUBES: ("查找采样管", "record what came of looking for a tube"),
    READ_CUSTODY: ("查看样本去向与检测进度", "read where tubes are and how laboratories stand"),
    REGISTER_LABS: ("登记实验室", "register laboratories and what they can do"),
    RECORD_RESULTS: ("上报检测结果", "record results"),
    CORRECT_RESULT: ("更正检测结果", "correct a result"),
    RECORD_TOLD: ("登记结果告知", "record who was told a finding"),
    READ_RESULTS: ("查看个人检测结果", "read the results of people"),
}
