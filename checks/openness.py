"""8(四): no open-sourced high-quality dataset of the industry is contained (openness)."""

from fractions import Fraction

import polars as pl

from dqv.checks.attestations import Fact, evidence, judge_statement, said, worst
from dqv.checks.engine import Case, Outcome, join
from dqv.checks.legality import licences_of
from dqv.core.licences import is_open
from dqv.core.policy import Words
from dqv.core.units import decimal_string
from dqv.core.verdicts import Verdict

HOSTS = (
    "huggingface.co", "hf.co", "hf-mirror.com", "modelscope.cn", "opendatalab.com", "opendatalab.org.cn", "openi.org.cn",
    "openi.pcl.ac.cn", "wisemodel.cn", "kaggle.com", "zenodo.org", "figshare.com", "dataverse.org", "commoncrawl.org",
    "openslr.org", "image-net.org", "cocodataset.org", "paperswithcode.com", "archive.ics.uci.edu", "openml.org",
    "registry.opendata.aws", "tianchi.aliyun.com", "scidb.cn", "baai.ac.cn", "data.gov", "wikipedia.org", "wikimedia.org",
    "github.com", "gitee.com", "laion.ai",
)  # fmt: skip
"""Where open datasets are published; a source that names one is a finding, no proof."""

_HOST = rf"(?:^|[^a-z0-9-])({'|'.join(host.replace('.', '[.]') for host in HOSTS)})(?:[^a-z0-9.-]|[.]?$)"

_WHY = Words(
    zh="是否包含已开源的数据集，须与公开数据集比对，此版本不作比对。",
    en="Whether open-sourced datasets are contained needs a comparison with them, which this version does not make.",
)
_METHOD = Words(
    zh="可测者：开放许可（允许任何人使用、修改、共享）的条目与文件；来源字段中出现已知开放数据集站点的条目。",
    en="What can be measured: items and files under an open licence (anyone may use, change and share); items whose source "
    "names a known host of open datasets.",
)


def openness(case: Case) -> Outcome:
    """8(四) 不得包含已开源的行业高质量数据集: for a person, with what points at open data."""
    found = judge_statement(case, "openness")
    rows = [*_open_licences(case), *_hosts(case)]
    items = sum(row["items"] for row in rows if row["kind"] == "open-licence" and "items" in row)
    files = len([row for row in rows if row["kind"] == "open-licence" and "items" not in row])
    sources = sum(row["items"] for row in rows if row["kind"] == "open-host")
    words = [_WHY, *found.words]
    if rows:
        words.append(
            Words(
                zh=f"指向开放数据的线索：开放许可 {items} 个条目、{files} 份文件；来源为开放数据集站点 {sources} 个条目。",
                en=f"What points at open data: {items} items and {files} files under an open licence, {sources} items from hosts "
                "of open datasets.",
            )
        )
    else:
        none = Words(
            zh="许可与来源字段中未见线索。", en="No licence and no source in the data points at open data."
        )
        words.append(none)
    return Outcome(
        "openness", worst([Verdict.REVIEW, found.verdict]), method=join([said(case), _METHOD]), message=join(words),
        evidence=evidence([*found.rows, *rows]),
        next_step=Words(
            zh="请评审人员对照公开数据集查看。", en="Have a reviewer compare it with published datasets."
        ),
    )  # fmt: skip


def _open_licences(case: Case) -> list[Fact]:
    return [
        {
            "kind": "open-licence",
            **{name: row[name] for name in ("name", "place", "items", "share") if name in row},
        }
        for row in licences_of(case).rows
        if "name" in row and is_open(row["name"])
    ]


def _hosts(case: Case) -> list[Fact]:
    """How many items name each host as their source, the first that stands in it."""
    source = pl.col("source").str.to_lowercase()
    counts = (
        case.descriptions.group_by(host=source.str.extract(_HOST), told=source.is_not_null())
        .agg(items=pl.len())
        .collect(engine="streaming")
    )
    whole = int(counts.filter(pl.col("told"))["items"].sum())
    found = dict(counts.drop_nulls("host").select("host", "items").iter_rows())
    return [
        {
            "kind": "open-host",
            "name": host,
            "items": found[host],
            "share": decimal_string(Fraction(found[host], whole), 6),
        }
        for host in HOSTS
        if host in found
    ]
