"""What may be done with quarantine orders."""

ISSUE_ORDER = "quarantine.issue_order"
START_ORDER = "quarantine.start_order"
CHECK_PERSON = "quarantine.check_person"
RECORD_TEST = "quarantine.record_test"
VISIT_DOOR = "quarantine.visit_door"
TRANSPORT_PERSON = "quarantine.transport_person"
RELEASE_ORDER = "quarantine.release_order"
FILE_APPEAL = "quarantine.file_appeal"
DECIDE_APPEAL = "quarantine.decide_appeal"
READ_ORDERS = "quarantine.read_orders"

PERMISSIONS = {
    ISSUE_ORDER: ("签发隔离决定", "issue quarantine orders"),
    START_ORDER: ("登记隔离开始", "record that quarantine has begun"),
    CHECK_PERSON: ("健康监测", "record daily checks"),
    RECORD_TEST: ("登记隔离期核酸", "record tests in quarantine"),
    VISIT_DOOR: ("上门", "record door visits"),
    TRANSPORT_PERSON: ("闭环转运", "record closed-loop transfers"),
    RELEASE_ORDER: ("解除隔离或另行决定", "release from quarantine, order anew or lift"),
    FILE_APPEAL: ("提出申诉", "file an appeal"),
    DECIDE_APPEAL: ("答复申诉", "decide an appeal"),
    READ_ORDERS: ("查看隔离人员", "read quarantine orders"),
}
