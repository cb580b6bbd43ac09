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
        ('"30 GB"', '"30 GX"', r"line 39, field rules\.scale\.text\.threshold: .*'30 GX'"),
        ('deciding = "near"', 'deciding = "far"', r"line 103, field rules\.duplicates\.text: .*'far'"),
        ("issued = 2025-10-23", "isued = 2025-10-23", "line 13, field isued"),
        ('version = "1.0.0"', "version = ", "line 8"),
        ('clause = "8(四)"', 'clause = "9"', r"rules\.recency\.clause"),
        ('threshold = "30 GiB"', 'threshold = "30 h"', "different units"),
        ('floor = "768 x 1024 px"', "", r"rules\.resolution\.image\.floor"),
        ("unread_factor = 10", "unread_factor = 0", "line 17, field unread_factor"),
        ('[rules."value"]', '[rules."worth"]', "rules missing: .*value.*rules unknown: .*worth"),
    ],
)
def test_a_broken_policy_names_line_and_field(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=message):
        parse_policy(TEXT.replace(old, new, 1), "broken.toml")


def test_an_unknown_policy_tells_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="jiaxing-2025-65"):
        load_policy("nowhere-2030")
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match="UTF-8"):
        load_policy(str(tmp_path / "p.toml"))
