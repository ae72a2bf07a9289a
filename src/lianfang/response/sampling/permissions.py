"""What may be done at sampling sites."""

PLAN_SLOTS = "sampling.plan_slots"
CALL_SLOTS = "sampling.call_slots"
RECORD_QUEUE = "sampling.record_queue"
OPEN_LANES = "sampling.open_lanes"
ASSIGN_LANE = "sampling.assign_lane"
ASSIGN_CREW = "sampling.assign_crew"
ORDER_HOME_SAMPLING = "sampling.order_home_sampling"
RECORD_HOME_SAMPLING = "sampling.record_home_sampling"
READ_CANDIDATES = "sampling.read_candidates"
READ_SITES = "sampling.read_sites"

PERMISSIONS = {
    PLAN_SLOTS: ("编排采样时段", "plan, confirm and change the slots of sampling sites"),
    CALL_SLOTS: ("通知楼栋采样", "call a building to its sampling site"),
    RECORD_QUEUE: ("登记排队人数", "record how many people wait at a site"),
    OPEN_LANES: ("设置采样通道", "open lanes at a sampling site"),
    ASSIGN_LANE: ("分流采样人员", "say which lane somebody belongs to"),
    ASSIGN_CREW: ("安排采样点人员", "assign the crew of a sampling site"),
    ORDER_HOME_SAMPLING: ("安排上门采样", "order sampling at home"),
    RECORD_HOME_SAMPLING: ("登记上门采样情况", "record why somebody could not be sampled at home"),
    READ_CANDIDATES: ("查看上门采样建议名单", "read who might need to be sampled at home, and why"),
    READ_SITES: ("查看采样点运行", "read how sampling sites run"),
}
