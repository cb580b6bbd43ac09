"""The twenty aspects of a data card, and the terms by which they are known: data, no code.

Source of the aspects: 说明文档 (0101 … 0104) of TC609-5-2025-04, as known second-hand; the terms are those that Chinese
cards, Hugging Face's cards and datasheets (Gebru et al. 2018, arXiv:1803.09010) use.
"""

from dataclasses import dataclass

from dqv.core.policy import Words


@dataclass(frozen=True, slots=True)
class Aspect:
    """One aspect.

    Attributes:
        name: by which rows and findings call it.
        group: 0101 … 0104.
        words: for people.
        terms: of headings, keys and cells, as `datacards.folded` gives them; a Chinese one counts wherever it stands, another
            one as whole words. The longest term at a place is the one that counts there.
    """

    name: str
    group: str
    words: Words
    terms: tuple[str, ...]


def _aspect(name: str, group: str, zh: str, en: str, *terms: str) -> Aspect:
    split = tuple(term for line in terms for term in line.split("|"))
    return Aspect(name, group, Words(zh=zh, en=en), split)


ASPECTS: tuple[Aspect, ...] = (
    _aspect(
        "scale", "0101", "规模", "scale",
        "规模|数据量|样本量|样本数|样本数量|数据总量|数据大小|数据条数|数据集大小|总量|总数|时长|总时长|数据集体量|容量",
        "size|dataset size|data size|size of the dataset|number of samples|number of examples|number of instances|"
        "size categories|total size|scale|volume|number of images|number of records|total duration",
    ),
    _aspect(
        "format", "0101", "格式", "format",
        "格式|数据格式|文件格式|存储格式|文件类型|数据类型",
        "format|formats|data format|file format|file formats|file type|file types|storage format|encoding format",
    ),
    _aspect(
        "structure", "0101", "文件结构", "file structure",
        "文件结构|目录结构|数据结构|数据集结构|文件组织|目录说明|文件说明|文件列表|字段说明|字段定义|数据字典|字段列表|数据字段|组织结构|文件目录",
        "structure|dataset structure|data structure|file structure|directory structure|folder structure|data fields|"
        "fields|features|schema|columns|data dictionary|file organization|file organisation|directory layout|layout|"
        "files|repository structure|data files",
    ),
    _aspect(
        "access", "0101", "访问渠道", "access",
        "访问渠道|获取方式|访问方式|下载方式|下载地址|下载链接|获取渠道|数据获取|数据访问|数据下载|下载|使用方法|使用方式|如何获取|如何使用|快速开始|加载方式|数据加载",
        "access|download|downloads|how to download|how to access|how to load|how to use|usage|availability|"
        "data access|loading|getting started|quick start|quickstart|distribution channel|repository|homepage|getting the data",
    ),
    _aspect(
        "support", "0101", "技术支持", "support",
        "技术支持|联系方式|联系人|联系我们|联系邮箱|联系电话|支持与反馈|问题反馈|反馈|维护|维护方|维护者|维护单位|客服",
        "support|contact|contact information|contacts|point of contact|dataset card contact|maintainer|maintainers|"
        "maintenance|dataset curators|curators|feedback|help|questions|dataset card authors|issues",
    ),
    _aspect(
        "modality", "0102", "模态", "modality",
        "模态|数据模态|模态类型|媒体类型",
        "modality|modalities|data modality|data modalities|media type|media types",
    ),
    _aspect(
        "distribution", "0102", "分布", "distribution",
        "分布|数据分布|数据划分|数据集划分|划分|数据统计|统计信息|数据构成|数据组成|领域分布|语种分布|语言分布|时间分布|构成|数据比例",
        "distribution|distributions|data distribution|data splits|splits|split|statistics|dataset statistics|data statistics|"
        "composition|dataset composition|language distribution|breakdown|dataset summary statistics|demographics",
    ),
    _aspect(
        "labels", "0102", "标签统计", "label statistics",
        "标签统计|标签分布|类别分布|类别统计|标签数量|类别数量|标签体系|类别列表|类别说明|标签说明|标签类别|标签|类别",
        "labels|label statistics|label distribution|class distribution|classes|class statistics|label set|categories|"
        "number of classes|label counts|class counts|targets",
    ),
    _aspect(
        "samples", "0102", "样例", "samples",
        "样例|示例|数据样例|数据示例|样本示例|样例数据|示例数据|样本展示|数据预览|样本说明|数据实例",
        "sample|samples|example|examples|data instances|instances|sample data|data sample|data samples|example data|"
        "data example|data examples|preview|sample record",
    ),
    _aspect(
        "limitations", "0102", "局限", "limitations",
        "局限|局限性|限制|不足|已知问题|偏差|偏见|风险|注意事项|使用限制|偏差与局限|风险与局限",
        "limitation|limitations|known limitations|other known limitations|bias|biases|discussion of biases|"
        "bias, risks, and limitations|risks|known issues|caveats|considerations for using the data|out-of-scope use|"
        "out of scope use|recommendations|ethical considerations|social impact of dataset",
    ),
    _aspect(
        "source", "0103", "来源", "source",
        "来源|数据来源|数据源|来源说明|原始数据|数据出处|出处",
        "source|sources|data source|data sources|source data|dataset sources|origin|provenance|who are the source data producers|"
        "who are the source language producers|source datasets",
    ),
    _aspect(
        "collection", "0103", "采集", "collection",
        "采集|采集方式|采集方法|数据采集|采集过程|采集设备|采集时间|数据收集|收集|收集方式|采集工具|采集环境|时间范围|时间跨度",
        "collection|data collection|collection process|how the data was collected|acquisition|data acquisition|collected|"
        "data collection and processing|initial data collection and normalization|collection period|time span|"
        "temporal coverage|collection method|recording setup",
    ),
    _aspect(
        "processing", "0103", "加工", "processing",
        "加工|处理|数据加工|数据处理|预处理|数据清洗|清洗|加工过程|处理流程|处理过程|脱敏|去重|数据预处理|质量控制|质检",
        "processing|data processing|preprocessing|pre-processing|cleaning|data cleaning|filtering|deduplication|"
        "normalization|normalisation|curation|quality control|data collection and processing|anonymization|"
        "anonymisation|initial data collection and normalization|curation process",
    ),
    _aspect(
        "annotation", "0103", "标注规范", "annotation",
        "标注|标注规范|标注方法|标注方式|标注过程|标注流程|标注说明|标注指南|标注标准|标注质量|标注格式|标注工具|标注人员",
        "annotation|annotations|annotation process|annotation guidelines|annotation guideline|labeling|labelling|"
        "labeling process|labelling process|annotators|who are the annotators|annotation format|annotation scheme|"
        "labeling guidelines|labelling guidelines|annotation creators|annotations creators",
    ),
    _aspect(
        "version", "0103", "版本", "version",
        "版本|版本号|版本说明|版本记录|版本历史|更新日志|更新记录|版本信息|变更记录|当前版本|数据版本|更新说明",
        "version|versions|version history|changelog|change log|release notes|releases|release|history|revision history|versioning|"
        "whats new|dataset version",
    ),
    _aspect(
        "licence", "0104", "许可", "licence",
        "许可|许可证|许可协议|授权|授权协议|使用许可|版权|版权声明|开源协议|使用协议|数据许可|知识产权|协议",
        "license|licence|licensing|licensing information|license information|licence information|terms of use|copyright|"
        "terms|terms and conditions|rights|data license",
    ),
    _aspect(
        "scenarios", "0104", "场景", "scenarios",
        "场景|应用场景|使用场景|适用场景|用途|应用|适用任务|支持任务|任务|应用领域|应用范围|使用说明|预期用途|应用说明|适用范围",
        "use cases|use case|uses|direct use|intended use|intended uses|supported tasks|tasks|applications|application|"
        "supported tasks and leaderboards|task categories|scenarios|purpose|motivation|intended application",
    ),
    _aspect(
        "evaluation", "0104", "评估方法", "evaluation",
        "评估|评估方法|评测|评测方法|评价指标|评估指标|评测指标|评价方法|评估方案|评估协议|测评",
        "evaluation|evaluation method|evaluation methods|evaluation metrics|evaluation protocol|metrics|metric|"
        "how to evaluate|evaluation procedure|evaluation criteria",
    ),
    _aspect(
        "benchmarks", "0104", "基准", "benchmarks",
        "基准|基线|基准测试|基线结果|基准结果|基线模型|实验结果|评测结果|评估结果|测试结果|模型效果|排行榜|榜单|性能表现",
        "benchmark|benchmarks|baseline|baselines|results|leaderboard|leaderboards|baseline results|benchmark results|"
        "experimental results|performance|evaluation results|experiments|supported tasks and leaderboards",
    ),
    _aspect(
        "cases", "0104", "案例", "cases",
        "案例|应用案例|使用案例|成功案例|典型案例|应用实例|落地案例|应用成效|应用效果",
        "case study|case studies|success stories|success story|showcase|projects using this dataset|used by|in production|"
        "cases|application examples|adopters",
    ),
)  # fmt: skip

BY_NAME = {aspect.name: aspect for aspect in ASPECTS}

PLACEHOLDERS = (
    "more information needed", "information needed", "not specified", "not provided", "to be determined", "to be added",
    "to be completed", "coming soon", "fill in here", "fill in", "lorem ipsum", "placeholder", "needs more information",
    "待补充", "待填写", "待完善", "待定", "待添加", "请填写", "请补充", "此处填写", "请在此填写", "待更新", "敬请期待", "暂无", "暂缺", "略",
    "todo", "tbd", "tba", "n/a", "na", "none", "null", "nil", "无", "fixme", "xxx", "xxxx", "empty", "optional",
)  # fmt: skip
"""A content that is nothing but these says nothing, as a form that nobody filled in."""
