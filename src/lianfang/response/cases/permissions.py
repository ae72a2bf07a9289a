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
INFORM_POOL = "cases.inform_pool"
ACKNOWLEDGE_POOL = "cases.acknowledge_pool"
RESAMPLE = "cases.resample"
HAND_OVER_POSITIVE = "cases.hand_over_positive"
READ_POOLS = "cases.read_pools"
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
    INFORM_POOL: ("告知混管人员", "tell the people of a positive pool"),
    ACKNOWLEDGE_POOL: ("接收混管通报", "acknowledge a positive pool as police"),
    RESAMPLE: ("登记单采复核未果", "record a single resample that could not be taken"),
    HAND_OVER_POSITIVE: ("移交外县", "hand a preliminary positive over to another county"),
    READ_POOLS: ("查看混管", "read positive pools and who is in them"),
    READ_CASES: ("查看病例与接触者", "read cases and contacts"),
}
