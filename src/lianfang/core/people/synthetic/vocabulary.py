"""The values that columns of a synthetic population take; a tuple's order is the code used inside the generator."""

#: a family household (家庭户), or one room of a collective one (集体户)
KINDS = ("family", "school_dormitory", "works_dormitory", "welfare_home")
FAMILY, SCHOOL_DORMITORY, WORKS_DORMITORY, WELFARE_HOME = range(4)

#: relation to the head of the household; ``member`` is for collective households, which have no head
RELATIONS = ("head", "spouse", "child", "child_in_law", "parent", "grandchild", "sibling", "other", "member")
HEAD, SPOUSE, CHILD, CHILD_IN_LAW, PARENT, GRANDCHILD, SIBLING, OTHER, MEMBER = range(9)
#: how many generations above the head's each relation stands
GENERATION_ABOVE = (0, 0, -1, -1, 1, -2, 0, 0, 0)

SEXES = ("male", "female")
MALE, FEMALE = range(2)

MARITAL = ("unmarried", "married", "divorced", "widowed")
UNMARRIED, MARRIED, DIVORCED, WIDOWED = range(4)

#: where somebody's household registration (户籍) lies, and, with the same values, where they are present
PLACES = ("here", "county", "province", "elsewhere")
HERE, COUNTY, PROVINCE, ELSEWHERE = range(4)

#: residents whom a sealed zone must not forget
VULNERABLE = (
    "lives_alone_70",
    "infant",
    "pregnant",
    "dialysis",
    "disabled",
    "bedridden",
    "regular_medicine",
)
