"""What may be done with zones."""

CHECK_ZONE = "zones.check_zone"
DRAW_ZONE = "zones.draw_zone"
REVIEW_ZONE = "zones.review_zone"
DECIDE_ZONE = "zones.decide_zone"
READ_ZONES = "zones.read_zones"

PERMISSIONS = {
    CHECK_ZONE: ("封控前需求核查", "record the check of needs before sealing"),
    DRAW_ZONE: ("划定风险区", "draw a zone"),
    REVIEW_ZONE: ("评估解除条件", "evaluate the conditions for lifting a zone"),
    DECIDE_ZONE: ("调整、延续或解除风险区", "step down, raise, renew or lift a zone"),
    READ_ZONES: ("查看风险区", "read zones"),
}
