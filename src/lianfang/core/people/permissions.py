"""What may be done with the register of people."""

REGISTER_PEOPLE = "people.register_people"
READ_PEOPLE = "people.read_people"
OPEN_IDENTIFIER = "people.open_identifier"
RECORD_PRESENCE = "people.record_presence"
ISSUE_CODES = "people.issue_codes"
REGISTER_VISITOR = "people.register_visitor"
CARRY_REGISTER = "people.carry_register"
CALL_RESIDENTS = "people.call_residents"

PERMISSIONS = {
    REGISTER_PEOPLE: ("登记住户居民", "register households and residents"),
    READ_PEOPLE: ("查看住户居民", "read households and residents"),
    OPEN_IDENTIFIER: ("打开证件号与电话", "open an identifier"),
    RECORD_PRESENCE: ("登记现居地", "record where somebody is now"),
    ISSUE_CODES: ("发放与注销居民采样码", "issue and revoke residents' codes"),
    CARRY_REGISTER: ("手机携带本村居名册", "carry the register of the village on a phone"),
    CALL_RESIDENTS: ("拨打任务对象电话", "call the people of today's duties"),
    REGISTER_VISITOR: ("登记外来人员", "register visitors from elsewhere"),
}
