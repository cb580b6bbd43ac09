"""Documents for the demo: a seeded generator of factory reports in Chinese and English, and their likeness.

Nothing here uses dqv's measuring code, so what the demo plants is an independent witness of what dqv finds.
"""

import re
import unicodedata
from fractions import Fraction
from random import Random

_WORDS: dict[str, tuple[str, ...]] = {
    "地": ("嘉善", "平湖", "海宁", "桐乡", "海盐", "秀洲", "南湖", "乍浦", "濮院", "王店"),
    "厂": ("经编车间", "化纤二厂", "光伏组件线", "紧固件厂", "皮革后整理车间", "箱包总装线", "冷链仓库", "锂电池试制线", "染整分厂", "注塑车间"),
    "机": ("整经机", "卷绕头", "串焊机", "冷镦机", "定型机", "堆垛机", "涂布机", "喷气织机", "层压机", "空压机", "码垛机器人", "在线测厚仪"),
    "障": ("断纱频繁", "主轴温升过快", "焊带偏移", "模具崩口", "气压波动", "编码器丢步", "张力失衡", "冷却水流量不足", "门幅收缩超差", "传感器误报"),
    "因": ("轴承润滑脂老化", "来料含水率偏高", "导轨间隙变大", "参数表未随换批更新", "滤芯堵塞", "夜班环境湿度骤升", "接地电阻不合格", "操作步骤遗漏"),
    "办": ("更换同型号备件并重新校准", "把升温曲线改为三段", "加装除湿机组", "在工艺卡上增加复核栏", "改由视觉检测逐片判定", "缩短保养周期", "回退到上一版程序", "与供应商约定到货抽检"),
    "人": ("设备科沈工", "当班班长陆师傅", "质检员小范", "工艺组", "外协工程师", "仓储调度员", "安全员老顾", "见习技师"),
    "货": ("涤纶低弹丝", "单晶组件", "高强螺栓", "牛皮沙发革", "登机箱", "冷冻虾仁", "软包电芯", "毛衫面料", "汽车内饰件", "热轧盘条"),
    "place": ("Jiashan", "Pinghu", "Haining", "Tongxiang", "Haiyan", "Xiuzhou", "Nanhu", "Zhapu", "Puyuan", "Wangdian"),
    "site": ("warp-knitting hall", "second fibre plant", "module line", "fastener works", "leather finishing shop", "luggage assembly line", "cold-chain warehouse", "battery pilot line", "dye house", "moulding shop"),
    "machine": ("warper", "winding head", "stringer", "cold header", "stenter", "stacker crane", "coater", "air-jet loom", "laminator", "compressor", "palletising robot", "thickness gauge"),
    "fault": ("frequent yarn breaks", "a hot spindle bearing", "drifting ribbons", "a chipped die", "unsteady air pressure", "lost encoder steps", "uneven tension", "too little cooling water", "narrow cloth", "false sensor alarms"),
    "cause": ("aged grease", "damp raw material", "a worn guide rail", "a parameter sheet nobody had updated", "a clogged filter", "a sudden rise of humidity at night", "poor earthing", "a step left out by the operator"),
    "cure": ("fitted a spare and calibrated it again", "split the heating curve into three stages", "installed a dehumidifier", "added a second signature to the work card", "let the camera judge every piece", "shortened the service interval", "went back to the previous program", "agreed on sampling with the supplier"),
    "who": ("engineer Shen", "shift leader Lu", "inspector Fan", "the process group", "an outside contractor", "the dispatcher", "safety officer Gu", "a trainee technician"),
    "goods": ("polyester yarn", "solar modules", "high-tensile bolts", "upholstery leather", "cabin luggage", "frozen shrimp", "pouch cells", "knitted cloth", "car trim", "wire rod"),
}  # fmt: skip
"""What may stand in a template's gap of that name."""

_ZH = (
    "{地}{厂}的{机}运行到第{n}小时出现{障}，{人}在{m}分钟内赶到现场。",
    "初步排查认为与{因}有关，{人}随后{办}。",
    "这一批{货}共{n}件，抽检{m}件，其中{k}件须返工。",
    "处理之后{机}连续运转{n}分钟，没有再次记录到{障}。",
    "{人}提出，若{因}，则应当优先{办}，而不是停线等待。",
    "发往{地}的{货}因道路管制推迟{k}天，客户接受分{m}批交付。",
    "{厂}本周用电{n}千瓦时，比上周下降{k}个百分点，主要得益于{机}错峰开机。",
    "{人}把{机}的振动值从{m}.{k}毫米每秒调到{k}.{m}，噪声随之变小。",
    "根据台账，同类的{障}在{地}分厂一年内发生过{m}次，其中{k}次源于{因}。",
    "培训记录显示，{n}名员工学习了如何识别{障}，考核平均分{m}。",
    "换产{货}时需清洗管路{k}遍，每遍用水{n}升，由{人}签字确认。",
    "仓库第{k}排第{m}位存放的{货}，批号尾数{n}，已经先于新料出库。",
    "质检报告编号{n}指出，{机}的{障}并不影响{货}的强度。",
    "经讨论，{地}的{厂}决定{办}，预计节省{n}元。",
    "{人}建议每{k}个班次核对一次{机}的参数，以免{因}再次发生。",
    "客户反馈{货}外观良好，只是第{m}箱的标签与装箱单相差{k}件。",
    "环境监测点{m}的读数为{n}，{人}认为{因}是唯一合理的解释。",
    "当天{k}时{m}分，{厂}恢复正常节拍，日产{货}{n}件。",
    "为验证效果，{人}选取{m}个样本对比，{障}的比例由{n}降至{k}。",
    "附图{k}给出{机}的接线方式，第{m}号端子须在断电{n}秒后再拆。",
)
_EN = (
    "After {n} hours the {machine} in the {site} at {place} showed {fault}, and {who} arrived within {m} minutes.",
    "A first look pointed to {cause}, so {who} {cure}.",
    "Of {n} pieces of {goods}, {m} were sampled and {k} rejected.",
    "The {machine} then ran for {n} minutes without {fault}.",
    "{who} argued that {cause} explains lot {n} better than {fault} does.",
    "The {goods} for {place} left {k} days late in {m} lots because the road was closed.",
    "Power in the {site} came to {n} kWh this week, {k} points less, thanks to the {machine} starting off-peak.",
    "Vibration of the {machine} fell from {m}.{k} to {k}.{m} mm/s once {who} {cure}.",
    "The log at {place} lists {m} cases of {fault} in a year, {k} of them from {cause}.",
    "A class of {n} learnt to recognise {fault}; the mean mark was {m}.",
    "Changing over to {goods} takes {k} rinses of {n} litres, signed for by {who}.",
    "Row {k}, bay {m} holds {goods} of lot {n}, which left before newer stock.",
    "Report {n} calls the {goods} sound in spite of {fault} on the {machine}.",
    "The {site} at {place} {cure} and expects to save {n} yuan.",
    "Every {k} shifts {who} should compare the settings of the {machine}, lest {cause} return.",
    "Box {m} of the {goods} carried a label that was {k} pieces off, the customer wrote on form {n}.",
    "Station {m} read {n}, and {who} saw no cause but {cause}.",
    "At {k}:{m} the {site} was back at pace with {n} pieces of {goods} a day.",
    "Over {m} samples {fault} fell from {n} to {k} after {who} {cure}.",
    "Figure {k} shows the wiring: wait {n} seconds before touching terminal {m} of the {machine}.",
)
_GAP = re.compile(r"\{(.+?)\}")
_TOKEN = re.compile(r"[㐀-鿿]|[A-Za-z0-9]+")


def document(random: Random, *, chinese: bool) -> str:
    """A report of 10 to 14 sentences in two paragraphs; hardly ever like another one."""

    def fill(gap: re.Match[str]) -> str:
        name = gap[1]
        limit = {"n": 9000, "m": 90, "k": 9}.get(name)
        return random.choice(_WORDS[name]) if limit is None else str(random.randint(limit // 9, limit))

    templates = random.sample(_ZH if chinese else _EN, random.randint(10, 14))
    sentences = [
        sentence[0].upper() + sentence[1:] for sentence in (_GAP.sub(fill, each) for each in templates)
    ]
    half, space = len(sentences) // 2, "" if chinese else " "
    return f"{space.join(sentences[:half])}\n{space.join(sentences[half:])}"


def edited(text: str, changes: int, *, offset: int = 0) -> str:
    """A copy with so many words changed, evenly spread; each lies in up to five shingles."""
    tokens = list(_TOKEN.finditer(text))
    step = len(tokens) // changes
    at, pieces = 0, []
    for token in tokens[offset % step : step * changes : step]:
        pieces += [text[at : token.start()], "某" if len(token[0].encode()) == 3 else "revised"]
        at = token.end()
    return "".join([*pieces, text[at:]])


def restyled(text: str) -> str:
    """A copy in other case, width and punctuation: equal once normalised."""
    wide = {code: code + 0xFEE0 for code in range(ord("0"), ord("9") + 1)}
    return text.upper().translate(wide).replace("，", "、").replace(", ", " – ").replace("\n", "\n\n")


def words(text: str) -> list[str]:
    """Latin words and numbers in lower case and plain width, Chinese characters one by one."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def shingles(text: str) -> set[tuple[str, ...]]:
    """Every run of five words."""
    found = words(text)
    return {tuple(found[at : at + 5]) for at in range(len(found) - 4)}


def similarity(a: str, b: str) -> Fraction:
    """Exact Jaccard similarity of the shingle sets."""
    first, second = shingles(a), shingles(b)
    return Fraction(len(first & second), len(first | second))
