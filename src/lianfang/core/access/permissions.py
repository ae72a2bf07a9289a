"""What may be done with accounts, the clock and the audit."""

MANAGE_ACCOUNTS = "access.manage_accounts"
MOVE_CLOCK = "access.move_clock"
READ_AUDIT = "access.read_audit"

PERMISSIONS = {
    MANAGE_ACCOUNTS: ("管理账号与授权", "manage accounts and grants"),
    MOVE_CLOCK: ("调整响应时钟", "move the response clock"),
    READ_AUDIT: ("查看审计", "read the audit"),
}
