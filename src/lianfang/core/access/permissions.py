"""What may be done with accounts, devices, the clock and the audit."""

MANAGE_ACCOUNTS = "access.manage_accounts"
MANAGE_DEVICES = "access.manage_devices"
REVOKE_DEVICE = "access.revoke_device"
ACT_WITHOUT_DEVICE = "access.act_without_device"
MOVE_CLOCK = "access.move_clock"
READ_AUDIT = "access.read_audit"

PERMISSIONS = {
    MANAGE_ACCOUNTS: ("管理账号与授权", "manage accounts and grants"),
    MANAGE_DEVICES: ("登记设备", "register devices and show their enrolment codes"),
    REVOKE_DEVICE: ("停用设备", "revoke a lost device"),
    ACT_WITHOUT_DEVICE: (
        "无登记设备也可上报",
        "send field records from a program or a desk without a registered device",
    ),
    MOVE_CLOCK: ("调整响应时钟", "move the response clock"),
    READ_AUDIT: ("查看审计", "read the audit"),
}
