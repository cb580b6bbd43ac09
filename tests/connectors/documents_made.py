"""Cards as they come, written for these tests, and blocks of them."""

import io
from collections.abc import Iterator

from dqv.connectors.containers.blocks import read_blocks
from dqv.connectors.containers.model import Facts, Job
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.measure.datacards import Block
from tests.connectors.beats import Beats

CHINESE = """\
# 工业轴承故障文本数据集说明

## 一、基本信息
### 1. 数据规模
共 1,000 条记录，约 265 kB。
### 2. 数据格式
JSONL，UTF-8 编码。
### 3. 文件结构
```
├── data/
│   ├── train.jsonl
│   └── test.jsonl
```
### 4. 获取方式
经登记平台申请后下载。
### 5. 技术支持
联系邮箱：data@example.cn

## 二、内容特征
模态：文本

### 数据划分
| 划分 | 数量 |
|------|------|
| 训练集 | 800 |
| 测试集 | 200 |

### 标签统计
| 类别 | 数量 | 占比 |
|---|---|---|
| 内圈故障 | 400 | 40 % |
| 外圈故障 | 600 | 60 % |

### 样例
```json
{"id": "1", "text": "轴承异响"}
```
### 局限性
只含两类故障，不适用于其他设备。

## 三、建设过程
### 数据来源
来自本单位检修工单。
### 采集方式
采集时间：2024年1月至2024年9月，由巡检终端录入。
### 数据处理
经过去重与脱敏。
### 标注规范
由两名工程师独立标注，分歧由第三人裁定。
### 版本信息
V1.0.0，2024-10-01。

## 四、应用说明
**许可协议**：CC BY 4.0

### 应用场景
1. 故障问答；2. 工单生成。
### 评估方法
以准确率与 F1 评估。
### 基准结果
基线模型准确率 91.2 %。
### 应用案例
已用于两家工厂的检修助手。
"""

ENGLISH = """\
---
license: cc-by-4.0
size_categories:
- 1K<n<10K
task_categories:
- image-classification
---
# Dataset Card for Bearing Faults

<!-- Provide a quick summary of the dataset. -->

## Dataset Details

### Dataset Description

Photographs of bearings, taken on a test bench.

- **Curated by:** Example Ltd.
- **License:** CC-BY-4.0

### Dataset Sources

- **Repository:** https://example.org/bearings

## Uses

### Direct Use

Training classifiers of faults.

### Out-of-Scope Use

Anything but bearings.

## Dataset Structure

The dataset consists of 5,000 images in JPEG format, 4,000 for training and 1,000 for testing.

### Data Instances

One image with its caption.

### Data Splits

| split | images |
|-------|-------:|
| train | 4,000  |
| test  | 1,000  |

Modality: image

File format: JPEG

## Dataset Creation

### Source Data

Our own test bench.

#### Data Collection and Processing

Recorded with two cameras; blurred frames were filtered.

### Annotations

#### Annotation process

Two people looked at every image.

## Bias, Risks, and Limitations

One bench, two kinds of bearings.

## Results

A small network reaches 94.1 %.

## Dataset Card Contact

data@example.org
"""

SHELL = """\
# 数据集

## 数据规模

## 数据格式

## 文件结构

## 获取方式

## 联系方式

## Data Splits

## 局限性

## Source Data

## Annotations

## License

## 应用场景

## Evaluation
"""

TODO = (
    SHELL.replace("\n\n## ", "\n\nTODO\n\n[More Information Needed]\n\n待补充。\n\n## ")
    + "\n【待填写：评估方法】\n"
)

LOREM = """\
The licence of poetry is a matter of taste, and every source of a river has a version that somebody tells.
Of the formats of letters the longest is the best, and a label on a jar says less than a sample of it.
许多人谈论规模与格式，也谈论来源和许可，却没有说出任何一件具体的事。
评估与标注是两个常见的词，版本与案例也是，它们在这里只是被提到。
A collection of stamps has its limits; processing letters is a job, and support of a roof is a case for a carpenter.
Dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.
"""


def job_of(data: bytes, limits: Limits | None = None) -> Job:
    return Job(lambda: io.BytesIO(data), limits or Limits(), Beats(), Facts(), None, None)


def blocks_of(
    document: str | bytes, form: str, active: set[str] | None = None, *, empty: bool = False
) -> Iterator[Block]:
    """The blocks of a document; with `empty`, none where there is no text."""
    data = document.encode() if isinstance(document, str) else document
    try:
        yield from read_blocks(job_of(data), form, active if active is not None else set())
    except ItemError as error:
        if not empty or error.kind not in ("empty", "encoding"):
            raise
