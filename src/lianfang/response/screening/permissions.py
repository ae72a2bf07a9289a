"""What may be done with rounds of area testing."""

OPEN_ROUND = "screening.open_round"
CLOSE_ROUND = "screening.close_round"
DECIDE_ROUND = "screening.decide_round"
OPEN_SITES = "screening.open_sites"
RECORD_FOUND = "screening.record_found"
EXCLUDE_PEOPLE = "screening.exclude_people"
RECALL_EXCLUSIONS = "screening.recall_exclusions"
ORDER_VISITS = "screening.order_visits"
RECORD_VISITS = "screening.record_visits"
READ_ROUNDS = "screening.read_rounds"
LOOK_UP = "screening.look_up"
REGISTER_WALK_IN = "screening.register_walk_in"
PRINT_SHEETS = "screening.print_sheets"
TYPE_IN_SHEETS = "screening.type_in_sheets"

#: whoever holds one of these in all of a round's places can see to whoever remains
ANSWERS_FOR_REMAINDER = (CLOSE_ROUND, ORDER_VISITS)

PERMISSIONS = {
    OPEN_ROUND: ("开启轮次", "open a round and freeze its roster"),
    CLOSE_ROUND: ("轮次签结", "sign a round off"),
    DECIDE_ROUND: ("决定下一轮", "decide on the next round"),
    OPEN_SITES: ("设置采样点", "open sampling sites"),
    RECORD_FOUND: ("补录在册外人员", "add people found who are not on the roster"),
    EXCLUDE_PEOPLE: ("登记免检原因", "exclude people from a round with a reason"),
    RECALL_EXCLUSIONS: ("复核免检原因", "call back excluded people as a second person"),
    ORDER_VISITS: ("安排漏检上门", "order visits to the missing"),
    RECORD_VISITS: ("登记漏检上门结果", "record visits to the missing"),
    READ_ROUNDS: ("查看轮次人员", "read the people of a round"),
    LOOK_UP: ("采样台查人", "look up who stands before a sampling table"),
    REGISTER_WALK_IN: ("登记外来受检人员", "register a walk-in at a sampling table"),
    PRINT_SHEETS: ("打印纸质登记表", "print paper sheets of a round"),
    TYPE_IN_SHEETS: ("补录纸质登记表", "type paper sheets in and settle differences"),
}
