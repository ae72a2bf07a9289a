import pytest
from pypinyin import lazy_pinyin

from lianfang.core.territory.pinyin import pinyin_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("新竹村委会", "xinzhucunweihui"),
        ("重庆市", "chongqingshi"),
        ("乐清市", "yueqingshi"),
        ("乐东黎族自治县", "ledonglizuzizhixian"),
        ("A区（二）", "aqu（er）"),
        ("", ""),
    ],
)
def test_names_are_read_as_they_are_spoken(name, key):
    assert pinyin_key(name) == key


@pytest.mark.parametrize(
    "name", ["厦门海沧保税港区", "东阿县", "千佛山社区居委会", "南尉迟村民委员会", "单县", "仙沟社区居委会"]
)
def test_the_short_cut_reads_as_the_library_does(name):
    assert pinyin_key(name) == "".join(lazy_pinyin(name)).lower()
