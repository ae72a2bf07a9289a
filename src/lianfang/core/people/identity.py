"""What tells one person from another: resident ID numbers, phones, names, and how much of each may be shown.

Pure: no Django, no database.
"""

import re
import unicodedata
from datetime import date, datetime
from functools import cache

from pypinyin import Style, pinyin

#: ISO 7064 MOD 11-2 as GB 11643 writes it: weight of each of the 17 digits, check character by remainder
CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"

COMPOUND_SURNAMES = frozenset(
    re.findall(
        "..",
        "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶"
        "太叔申屠公孙慕容仲孙钟离长孙宇文司徒鲜于司空令狐呼延",
    )
)
#: surnames that are not read the way the same character is read elsewhere
SURNAME_READINGS = {
    "曾": "zeng",
    "单": "shan",
    "解": "xie",
    "仇": "qiu",
    "查": "zha",
    "区": "ou",
    "任": "ren",
    "朴": "piao",
    "盖": "ge",
    "覃": "qin",
    "翟": "zhai",
    "华": "hua",
    "纪": "ji",
    "乐": "yue",
    "缪": "miao",
    "召": "shao",
    "尉迟": "yu chi",
    "万俟": "mo qi",
    "长孙": "zhang sun",
    "澹台": "tan tai",
}
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_DOTS = re.compile(r"[·•・.．‧∙]")
_HIDDEN_IN_ADDRESS = re.compile(r"[0-9A-Za-z]+|[〇零一二三四五六七八九十百]+(?=[号院栋幢座楼单层室户组队弄门巷])")


def check_character(body: str) -> str:
    """Return the check character (0-9 or X) of the first 17 digits of a resident ID number (GB 11643)."""
    if len(body) != 17 or not (body.isascii() and body.isdigit()):
        raise ValueError("A check character is computed from exactly 17 digits.")
    total = sum(int(digit) * weight for digit, weight in zip(body, CHECK_WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def normalise_resident_id(text: str) -> str:
    """Return a resident ID number in plain digits and capital X, without blanks or separators."""
    return re.sub(r"[\s\-_]", "", unicodedata.normalize("NFKC", text)).upper()


def resident_id_fault(text: str, *, today: date) -> str | None:
    """Return why a text is no resident ID number, as a sentence without the number itself, or None when it is one."""
    number = normalise_resident_id(text)
    if len(number) != 18:
        return f"A resident ID number has 18 characters; this one has {len(number)}."
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return "A resident ID number is 17 digits and a digit or X; this one has other characters."
    born = born_on(number)
    if born is None or born.year < 1850 or born > today:
        return "Digits 7 to 14 of a resident ID number are a date of birth; these are not one."
    if number[17] != check_character(number[:17]):
        return "The last character of this resident ID number does not fit the others; copy it again from the card."
    return None


def born_on(resident_id: str) -> date | None:
    """Return the date of birth inside an 18-character resident ID number, or None where there is no such day."""
    try:
        return datetime.strptime(resident_id[6:14], "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None


def sex_of(resident_id: str) -> str:
    """Return ``male`` or ``female`` by the 17th digit of a resident ID number."""
    return "male" if int(resident_id[16]) % 2 else "female"


def normalise_phone(text: str) -> str:
    """Return a phone number in plain digits, without blanks, separators or the country code 86."""
    digits = re.sub(r"[\s\-()]", "", unicodedata.normalize("NFKC", text))
    return re.sub(r"^(\+86|0086|86(?=1[3-9][0-9]{9}$))", "", digits)


def phone_fault(text: str) -> str | None:
    """Return why a text is no phone number of the mainland, as a sentence, or None when it is one.

    Mobile numbers are 1, then 3-9, then nine digits; fixed ones are 0, area code, and seven or eight digits.
    """
    number = normalise_phone(text)
    if not (number.isascii() and number.isdigit()):
        return "A phone number is made of digits; this one has other characters."
    if re.fullmatch(r"1[3-9][0-9]{9}", number) or re.fullmatch(r"0[1-9][0-9]{9,10}", number):
        return None
    if number.startswith("1"):
        return f"A mobile number has 11 digits beginning 13 to 19; this one has {len(number)} beginning {number[:2]}."
    return "A fixed number begins with 0 and its area code and has 11 or 12 digits; write it so, or give a mobile one."


def normalise_name(text: str) -> str:
    """Return a name in one spelling: full-width letters narrowed, middle dots alike, no blanks between characters."""
    plain = _DOTS.sub("·", unicodedata.normalize("NFKC", text).strip())
    if _HAN.search(plain):
        return re.sub(r"\s+", "", plain)
    return re.sub(r"\s+", " ", plain)


def split_name(name: str) -> tuple[str, str]:
    """Return surname and given name of a normalised Chinese name; other names have no surname to tell."""
    if not _HAN.match(name) or "·" in name:
        return "", name
    length = 2 if name[:2] in COMPOUND_SURNAMES and len(name) > 2 else 1
    return name[:length], name[length:]


@cache
def _reading(character: str) -> str:
    return pinyin(character, style=Style.NORMAL, v_to_u=False)[0][0].lower()


def _syllables(name: str) -> tuple[list[str], list[str]]:
    surname, given = split_name(name)
    known = SURNAME_READINGS.get(surname)
    first = known.split() if known else [_reading(character) for character in surname]
    if not _HAN.search(given):
        return first, re.split(r"[\s·]+", given.lower()) if given else []
    return first, [_reading(character) for character in given if character != "·"]


def pinyin_key(name: str) -> str:
    """Return what names are sorted by: toneless syllables in lower case with blanks between, surname first (ü is v)."""
    surname, given = _syllables(normalise_name(name))
    return " ".join(surname + given)


def name_tokens(name: str) -> list[str]:
    """Return the beginnings under which a name is found: itself, its given name, both in pinyin, and its initials."""
    plain = normalise_name(name)
    surname, given = _syllables(plain)
    tokens = [plain.lower(), split_name(plain)[1].lower(), "".join(surname + given), "".join(given)]
    tokens.append("".join(syllable[0] for syllable in surname + given))
    tokens += [part.lower() for part in re.split(r"[\s·]+", plain)]
    return list(dict.fromkeys(token for token in tokens if token))


def mask_name(name: str) -> str:
    """Return a name of which only the surname can be read: 王小明 → 王**; of other names the first letter."""
    plain = normalise_name(name)
    shown = split_name(plain)[0] or plain[:1]
    return shown + "*" * (len(plain) - len(shown))


def mask_resident_id(number: str) -> str:
    """Return a resident ID number of which only the last four characters can be read.

    The first six would tell where somebody comes from, which is what people were shunned for.
    """
    plain = normalise_resident_id(number)
    return "*" * max(len(plain) - 4, 0) + plain[-4:] if len(plain) > 8 else "*" * len(plain)


def mask_phone(number: str) -> str:
    """Return a phone number without its middle: 13800001234 → 138****1234."""
    plain = normalise_phone(number)
    return plain[:3] + "*" * (len(plain) - 7) + plain[-4:] if len(plain) > 8 else "*" * len(plain)


def mask_address(address: str) -> str:
    """Return an address down to its village or street, every number of house, unit and room hidden by one star."""
    return _HIDDEN_IN_ADDRESS.sub("*", unicodedata.normalize("NFKC", address))
