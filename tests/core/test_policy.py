from fractions import Fraction
from importlib import resources
from pathlib import Path

import pytest

from dqv.core.errors import PolicyError
from dqv.core.policy import RULES, dump_policy, load_policy, parse_policy, policy_ids

TEXT = (resources.files("dqv") / "policies" / "jiaxing-2025-65.toml").read_text("utf-8")


def test_the_city_rule_is_there_and_holds_every_rule() -> None:
    assert policy_ids() == ["jiaxing-2025-65"]
    assert set(load_policy("jiaxing-2025-65").rules) == set(RULES)


def test_the_thresholds_are_those_of_the_regulation() -> None:
    rules = load_policy("jiaxing-2025-65").rules
    found = {name: (rule.comparator, rule.threshold) for name, rule in rules.items() if rule.threshold}
    assert found == {
        "scale.text": (">=", "30 GB"),
        "scale.audio": (">=", "1000 h"),
        "scale.image": (">=", "30 GB"),
        "scale.video": (">=", "8 TB"),
        "resolution.image": (">=", "100 %"),
        "resolution.video": (">=", "100 %"),
        "duplicates.text": ("<=", "5 %"),
        "duplicates.audio": ("<=", "5 %"),
        "duplicates.image": ("<=", "5 %"),
        "duplicates.video": ("<=", "5 %"),
        "recency": (">=", "50 %"),
        "scenarios": (">=", "2 items"),
    }


def test_a_dumped_policy_reads_back_to_the_same() -> None:
    policy = load_policy("jiaxing-2025-65")
    again = parse_policy(dump_policy(policy), "dumped")
    assert again == policy
    assert again.digest == policy.digest


def test_one_changed_word_is_another_digest() -> None:
    other = parse_policy(TEXT.replace("文本规模", "文本数量"), "x")
    assert other.digest != load_policy("jiaxing-2025-65").digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"30 GB"', '"30 GX"', r"line 46, field rules\.scale\.text\.threshold: .*'30 GX'"),
        ('deciding = "near"', 'deciding = "far"', r"line 127, field rules\.duplicates\.text: .*'far'"),
        ("issued = 2025-10-23", "isued = 2025-10-23", "line 13, field isued"),
        ('version = "1.3.0"', "version = ", "line 8"),
        ('"cc0-1.0"', '"CC0 1.0"', r"field metadata\.licences: .*lower case"),
        ('required = ["id"', 'required = ["name"', r"field metadata\.required"),
        ('clause = "8(四)"', 'clause = "9"', r"line 191, field rules\.recency\.clause: .*'9'"),
        ('floor = "768 x 1024 px"', "", r"line 96, field rules\.resolution\.image\.floor: .*required"),
        ('threshold = "30 GB"', 'threshold = "30 h"', r"line 46, field rules\.scale\.text\.threshold: .*byte"),
        ('threshold = "30 GiB"', 'threshold = "30 h"',
         r"line 50, field rules\.scale\.text\.readings\.1\.threshold: .*byte"),
        ('threshold = "1000 h"', 'threshold = "30 GB"', r"line 60, field rules\.scale\.audio\.threshold: .*hour"),
        ('threshold = "8 TB"', 'threshold = "8 h"', r"line 86, field rules\.scale\.video\.threshold: .*byte"),
        ('threshold = "100 %"', 'threshold = "100 B"', r"line 100, field rules\.resolution\.image\.threshold: .*ratio"),
        ('threshold = "5 %"', 'threshold = "5 h"', r"line 131, field rules\.duplicates\.text\.threshold: .*ratio"),
        ('threshold = "5 %"', 'threshold = "500 %"', r"line 131, field rules\.duplicates\.text\.threshold: .*0 and 1"),
        ('threshold = "50 %"\ndeciding', 'threshold = "50 h"\ndeciding', r"line 194, field rules\.recency\.threshold: .*ratio"),
        ('threshold = "2 items"', 'threshold = "2 h"', r"line 244, field rules\.scenarios\.threshold: .*item"),
        ('threshold = "2 items"', "", r"line 240, field rules\.scenarios\.threshold: .*required"),
        ('defective_share = "0.1 %"', 'defective_share = "10 MB"', "line 16, field defective_share: .*ratio"),
        ('undeclared_share = "1 %"', 'undeclared_share = "101 %"', "line 21, field undeclared_share: .*0 and 1"),
        ('compared_share = "50 %"', 'compared_share = "1 h"', "line 20, field compared_share: .*ratio"),
        ("unread_factor_compressed = 1000", "unread_factor_compressed = 0", "line 18, field unread_factor_compressed"),
        ("unread_bytes_per_second = 500", "unread_bytes_per_second = 0", "line 19, field unread_bytes_per_second"),
        ('floor = "720 x 1280 px"', 'floor = "wide"', r"field rules\.resolution\.video\.readings\.2\.floor: .*'wide'"),
        ('item = "1 MB"', 'item = "1 h"', r"line 28, field long_text\.item: .*byte"),
        ("slots = 128", "slots = 100", r"line 32, field near_text\.slots: .*256"),
        ("simplified = false", "simplified = 2", r"line 33, field near_text\.simplified"),
        ('share = "10 %"', 'share = "10 MB"', r"line 29, field long_text\.share: .*ratio"),
        ('"Asia/Shanghai"', '"Nowhere/X"', r"line 25, field recency\.timezone: .*'Nowhere/X'"),
        ('"Asia/Shanghai"', '"../../etc/passwd"', r"line 25, field recency\.timezone"),
        ('"Asia/Shanghai"', '"Asia"', r"line 25, field recency\.timezone"),
        ('"Asia/Shanghai"', '""', r"line 25, field recency\.timezone"),
        ("unread_factor = 10", "unread_factor = 0", "line 17, field unread_factor"),
        ('[rules."value"]', '[rules."worth"]', "rules missing: .*value.*rules unknown: .*worth"),
    ],
)  # fmt: skip
def test_a_broken_policy_names_line_and_field(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=message):
        parse_policy(TEXT.replace(old, new, 1), "broken.toml")


def test_the_shares_are_fractions_of_one() -> None:
    policy = load_policy("jiaxing-2025-65")
    assert policy.share("defective_share") == Fraction(1, 1000)
    assert policy.share("undeclared_share") == Fraction(1, 100)
    assert policy.share("compared_share") == Fraction(1, 2)
    assert policy.unread_factor_compressed == 1000


def test_an_unknown_policy_tells_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="jiaxing-2025-65"):
        load_policy("nowhere-2030")
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match="UTF-8"):
        load_policy(str(tmp_path / "p.toml"))
