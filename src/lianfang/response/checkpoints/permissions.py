"""What may be done with checkpoints."""

OPEN_CHECKPOINT = "checkpoints.open_checkpoint"
RECORD_PASSAGE = "checkpoints.record_passage"
READ_CHECKPOINTS = "checkpoints.read_checkpoints"
OPEN_IDENTIFIER = "checkpoints.open_identifier"

PERMISSIONS = {
    OPEN_CHECKPOINT: ("设置、续期和撤除卡口", "open, renew and close checkpoints"),
    RECORD_PASSAGE: ("登记通行查验", "record passages"),
    READ_CHECKPOINTS: ("查看卡口和通行", "read checkpoints and passages"),
    OPEN_IDENTIFIER: ("打开通行登记的证件或车牌号", "open the identifier of a passage"),
}
