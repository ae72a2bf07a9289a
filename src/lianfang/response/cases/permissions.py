"""What may be done with cases and contacts."""

REPORT_POSITIVE = "cases.report_positive"
HOLD_PERSON = "cases.hold_person"
RECORD_RETEST = "cases.record_retest"
REGISTER_CASE = "cases.register_case"
CLASSIFY_CASE = "cases.classify_case"
REPORT_CASE = "cases.report_case"
TRANSFER_CASE = "cases.transfer_case"
INVESTIGATE_CASE = "cases.investigate_case"
DETERMINE_CONTACT = "cases.determine_contact"
PLACE_CONTACT = "cases.place_contact"
READ_CASES = "cases.read_cases"

PERMISSIONS = {
    REPORT_POSITIVE: ("报告初筛阳性", "report a preliminary positive"),
    HOLD_PERSON: ("就地留置", "hold a person in place until the retest"),
    RECORD_RETEST: ("登记复核结果", "record a confirmatory retest"),
    REGISTER_CASE: ("登记病例", "register a case"),
    CLASSIFY_CASE: ("判定与订正分型", "classify and reclassify a case"),
    REPORT_CASE: ("网络直报", "report a case"),
    TRANSFER_CASE: ("转运阳性人员", "transfer a case by ambulance"),
    INVESTIGATE_CASE: ("流行病学调查", "investigate a case"),
    DETERMINE_CONTACT: ("判定接触者", "determine, upgrade and withdraw contacts"),
    PLACE_CONTACT: ("登记管控到位", "record that a contact is in quarantine"),
    READ_CASES: ("查看病例与接触者", "read cases and contacts"),
}
