"""What may be done with reports."""

FREEZE_REPORTS = "reports.freeze_reports"
SUBMIT_REPORT = "reports.submit_report"
READ_REPORTS = "reports.read_reports"
QUOTE_REPORT = "reports.quote_report"

PERMISSIONS = {
    FREEZE_REPORTS: ("固化与订正日报告", "freeze and revise daily reports"),
    SUBMIT_REPORT: ("确认上报日报告、零报告", "confirm a daily or nil report"),
    READ_REPORTS: ("查看报告", "read reports and the lists behind them"),
    QUOTE_REPORT: ("登记报道原文", "enter the words of a press report"),
}
