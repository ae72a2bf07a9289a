"""What may be done in command."""

DECLARE_INCIDENT = "command.declare_incident"
CLOSE_INCIDENT = "command.close_incident"
SET_RESPONSE_LEVEL = "command.set_response_level"
FORM_TASK_FORCE = "command.form_task_force"
RECORD_MEETING = "command.record_meeting"
ISSUE_DIRECTIVE = "command.issue_directive"
ACKNOWLEDGE_DIRECTIVE = "command.acknowledge_directive"
READ_COMMAND = "command.read_command"

PERMISSIONS = {
    DECLARE_INCIDENT: ("宣布事件并划定范围", "declare an incident and its areas"),
    CLOSE_INCIDENT: ("宣布事件结束", "close an incident"),
    SET_RESPONSE_LEVEL: ("调整应急响应级别与平急转换", "set the response level and mode"),
    FORM_TASK_FORCE: ("组建专班", "form and dissolve task forces"),
    RECORD_MEETING: ("记录会商研判", "record a consultation"),
    ISSUE_DIRECTIVE: ("下达调度令", "issue and withdraw directives"),
    ACKNOWLEDGE_DIRECTIVE: ("签收并反馈调度令", "acknowledge a directive and report back"),
    READ_COMMAND: ("查看指挥信息", "read incidents, levels and directives"),
}
