"""What may be done with duties."""

READ_DUTIES = "duties.read_duties"
FINISH_DUTY = "duties.finish_duty"
WAIVE_DUTY = "duties.waive_duty"
ROLL_DAY = "duties.roll_day"

PERMISSIONS = {
    READ_DUTIES: ("查看任务", "read duties"),
    FINISH_DUTY: ("完成任务", "finish a duty"),
    WAIVE_DUTY: ("免除任务", "waive a duty"),
    ROLL_DAY: ("翻日", "roll the day over"),
}
