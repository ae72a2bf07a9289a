"""What may be done with field work."""

GIVE_TASK = "tasks.give_task"
READ_TASKS = "tasks.read_tasks"
RECORD_PATROL = "tasks.record_patrol"
RECORD_CLEAN_UP = "tasks.record_clean_up"
RECORD_DELIVERY = "tasks.record_delivery"
RECORD_INSPECTION = "tasks.record_inspection"
RECORD_FIXED = "tasks.record_fixed"
REPORT_HAZARD = "tasks.report_hazard"
TELL_REPORTER = "tasks.tell_reporter"

PERMISSIONS = {
    GIVE_TASK: ("交办现场工作", "give and withdraw field work"),
    READ_TASKS: ("查看现场工作", "read field work, findings and hazards"),
    RECORD_PATROL: ("登记巡查", "record patrols"),
    RECORD_CLEAN_UP: ("登记清运消杀", "record clean-up and disinfection"),
    RECORD_DELIVERY: ("登记配送", "record deliveries"),
    RECORD_INSPECTION: ("登记督查", "record inspections"),
    RECORD_FIXED: ("登记整改", "record that a finding was put right"),
    REPORT_HAZARD: ("上报隐患", "report hazards"),
    TELL_REPORTER: ("回告隐患上报人", "tell whoever reported a hazard"),
}
