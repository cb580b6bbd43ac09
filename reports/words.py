"""The words that report.html, report.pdf and the terminal say themselves, in Chinese and English."""

from collections.abc import Mapping
from typing import Literal

from dqv.core.policy import Words
from dqv.core.schema import FLAG_WORDS

Lang = Literal["zh", "en"]


def words_of(table: Mapping[str, tuple[str, str]]) -> dict[str, Words]:
    """Pairs of Chinese and English as words."""
    return {key: Words(zh=zh, en=en) for key, (zh, en) in table.items()}


LABELS: dict[str, Words] = words_of(
    {
        # the page
        "report": ("高质量数据集符合性报告", "Conformance report for a high-quality dataset"),
        "unnamed": ("未命名数据集", "Unnamed dataset"),
        "colon": ("：", ": "),
        "and": ("；", "; "),
        "yes": ("是", "yes"),
        "no": ("否", "no"),
        "none": ("无", "none"),
        "not_given": ("未提供", "not given"),
        "total": ("合计", "Total"),
        "contents": ("目录", "Contents"),
        # the verdict
        "conclusion": ("总体结论", "Overall verdict"),
        "report.does_not_conform": ("存在不符合的条款", "Does not conform"),
        "report.does_not_conform.means": (
            "至少有一项要求经检查未达到。",
            "At least one requirement was checked and is not met.",
        ),
        "report.incomplete": ("检测未完成", "Incomplete"),
        "report.incomplete.means": (
            "没有测得不符合项，但至少有一项要求无法测定，因此不能得出结论。",
            "Nothing was found to fail, but at least one requirement could not be measured, "
            "so there is no conclusion yet.",
        ),
        "report.needs_review": ("须人工复核", "Needs review"),
        "report.needs_review.means": (
            "没有测得不符合项，但至少有一项须由人员查看后判断。",
            "Nothing was found to fail, but a person must look at one requirement or more.",
        ),
        "report.no_clause_fails": ("未发现不符合的条款", "No clause fails"),
        "report.no_clause_fails.means": (
            "凡可测量的要求均未测得不符合；仅由申报方声明的事项见下表。",
            "No requirement that can be measured was found to fail; "
            "what rests on a declaration is marked below.",
        ),
        "experts_decide": (
            "dqv 只测量，不认定。数据集是否认定为高质量数据集，由形式审查和专家评审决定。",
            "dqv measures; it does not certify. Whether the dataset is certified is decided by "
            "the formal check and the experts’ review.",
        ),
        "pass": ("符合", "Pass"),
        "fail": ("不符合", "Fail"),
        "not_applicable": ("不适用", "Not applicable"),
        "review": ("须复核", "Review"),
        "attested": ("已声明", "Attested"),
        "indeterminate": ("无法测定", "Indeterminate"),
        "pass.means": ("已检查，达到要求", "checked, and met"),
        "fail.means": ("已检查，未达到要求", "checked, and not met"),
        "not_applicable.means": ("此要求不适用于本数据集", "does not apply to this dataset"),
        "review.means": ("须由人员查看", "a person must look"),
        "attested.means": (
            "申报方已声明并附材料，无法由数据测得",
            "declared, with evidence; not measurable from data",
        ),
        "indeterminate.means": ("未能测得结果", "could not be measured"),
        # first screen
        "role": ("报告性质", "Kind of report"),
        "role.self-check": ("申报方自查", "Self-check by the applicant"),
        "role.self-check.means": (
            "由申报方自行运行，不是主管部门的结论。",
            "Run by the applicant; not a finding of the authority.",
        ),
        "role.verification": ("主管部门核验", "Verification by the authority"),
        "role.verification.means": (
            "由数据主管部门对申报材料所指数据运行。",
            "Run by the data bureau on the submitted data.",
        ),
        "assurance": ("保证级别", "Assurance"),
        "assurance.full": ("完整（full）", "Full"),
        "assurance.full.means": ("要求逐字节读取并计算摘要。", "Set to read and hash every byte."),
        "assurance.identity": ("仅文件头（identity）", "Headers only (identity)"),
        "assurance.identity.means": (
            "只读取图像、音频、视频的文件头，其余只计名称与大小；不能用于申报或认定。",
            "Only headers of images, audio and video were read, and names and sizes of all else; "
            "not fit for filing or certification.",
        ),
        "reference_date": ("基准日期", "Reference date"),
        "so_many_objects": ("{} 个对象，共 ", "{} objects, "),
        "incomplete_run": (
            "本次检测没有读完全部数据，未读部分见“未读与损坏”。",
            "This run did not read all of the data; see “Unread and defective”.",
        ),
        "decided_by": ("结论依据", "What decides the verdict"),
        "decided_by.nothing": (
            "没有不符合、无法测定或须复核的要求。",
            "No requirement fails, is indeterminate or needs review.",
        ),
        "notices": ("特别提示", "Please note"),
        "next": ("下一步", "What to do next"),
        "next.nothing": (
            "没有需要申报方或核验人员处理的事项。",
            "Nothing remains for the applicant or the verifier to do.",
        ),
        # all rules
        "rules": ("各项要求", "All requirements"),
        "rule": ("要求", "Requirement"),
        "clause": ("条款", "Clause"),
        "measured": ("实测", "Measured"),
        "threshold": ("门槛", "Threshold"),
        "verdict": ("判定", "Verdict"),
        "legend": ("判定含义", "What the verdicts mean"),
        "depends_short": ("判定取决于读法", "depends on the reading"),
        # findings
        "findings": ("逐项说明", "Findings"),
        "readings": ("各种读法", "Readings"),
        "reading": ("读法", "Reading"),
        "numerator": ("分子", "Numerator"),
        "denominator": ("分母", "Denominator"),
        "deciding": ("据此判定", "decides"),
        "depends": (
            "判定取决于读法：按所列另一种读法，结果不同。请复核人员明确采用哪一种。",
            "The verdict depends on the reading: another of the readings shown gives another result. "
            "A reviewer should settle which one applies.",
        ),
        "does_not_depend": (
            "判定与读法无关：所列各种读法结果一致。",
            "The verdict does not depend on the reading: every reading shown agrees.",
        ),
        "fraction": ("分子 / 分母", "Numerator / denominator"),
        "population": ("统计范围", "Population"),
        "method": ("方法", "Method"),
        "evidence": ("证据文件", "Evidence"),
        "rows": ("行数", "Rows"),
        "places": ("证据的前几行：{} / {}", "First rows of the evidence: {} of {}"),
        "rows_of": ("完整应有", "of a full"),
        "digest": ("SHA-256 摘要", "SHA-256 digest"),
        "path": ("文件", "File"),
        "to_scale": ("按比例绘制；绿色一侧为符合", "drawn to scale; the green side conforms"),
        "to_do": ("下一步", "Next step"),
        # measurements
        "measurements": ("测量结果", "Measurements"),
        "text": ("文本", "Text"),
        "audio": ("音频", "Audio"),
        "image": ("图像", "Image"),
        "video": ("视频", "Video"),
        "other": ("其他", "Other"),
        "table": ("表格", "Table"),
        "declared": ("已登记声明", "declared in the registration"),
        "undeclared": ("未登记声明", "not declared in the registration"),
        "decides": ("其要求参与判定", "its requirements decide"),
        "does_not_decide": ("其要求不参与判定", "its requirements do not decide"),
        "items": ("条目", "Items"),
        "objects": ("对象", "Objects"),
        "stored_bytes": ("存储字节", "Stored bytes"),
        "payload_bytes": ("有效载荷字节", "Payload bytes"),
        "text_bytes": ("文本字段字节", "Bytes of text fields"),
        "tokens": ("词元", "Tokens"),
        "share_of_payload": ("占全部载荷", "Share of all payload"),
        "hours": ("时长（小时）", "Hours"),
        "silent_hours": ("其中静音（小时）", "Hours of silence"),
        "undecoded_items": ("只读文件头的条目", "Items of which only headers were read"),
        "flagged": ("带标记的条目", "Flagged items"),
        "defective_items": ("损坏条目", "Defective items"),
        "unread_items": ("未读条目", "Unread items"),
        "unread_bytes": ("未读字节", "Unread bytes"),
        "chart_note": ("条目数 · 有效载荷", "items · payload"),
        "no_measurements": ("没有可测量的条目。", "There was no item to measure."),
        # excerpts and witnesses
        "excerpts": ("摘录", "Excerpts"),
        "excerpts.means": (
            "证据前若干项的缩略图、关键帧、波形（不含元数据）或文本开头（已找到的个人信息已遮盖）；只因使用 --excerpts 而显示，"
            "不属于 report.json。",
            "Thumbnails, key frames, waveforms (without metadata) or beginnings of texts (personal values that are found are "
            "masked) of the first items of the evidence; shown because of --excerpts, not part of report.json.",
        ),
        "witnesses": ("独立核验", "Independent witnesses"),
        "witnesses.means": (
            "由其他软件对抽样条目重新测量；不一致者须人工查看。",
            "Other software measures a sample of items anew; where it disagrees a person must look.",
        ),
        "self_test": (
            "自检：预置的重复项与数据走同一流程，找到数 / 预置数",
            "Self-test: planted duplicates went through the same stages as the data; found / planted",
        ),
        "mean_difference": (
            "相似度的平均差（dqv 减核验软件）",
            "Mean difference of similarity (dqv less the witness)",
        ),
        "witness": ("核验软件", "Witness"),
        "witness_status": ("状态", "Status"),
        "witness.run": ("已运行", "run"),
        "witness.not_run": ("未运行：未安装", "not run: not installed"),
        "sample": ("抽样", "Sample"),
        "agreed": ("一致", "Agree"),
        "disagreed": ("不一致", "Disagree"),
        "unanswered": ("未答", "No answer"),
        "tolerance": ("容差", "Tolerance"),
        "fact": ("事实", "Fact"),
        "ours": ("dqv", "dqv"),
        "theirs": ("核验软件", "Witness"),
        "no_witnesses": (
            "没有可供核验的音频、视频或近似重复的文本。",
            "There was no audio, video or pair of near-duplicate texts to ask about.",
        ),
        # crosswalk
        "crosswalk": ("与其他标准的对照", "Beside other standards"),
        "crosswalk.means": (
            "仅供参考，不作判定：其他标准的指标与本报告中的规则、测量结果的对应关系。",
            "Informative, nothing is decided by it: which rules and measurements of this report speak to indicators of other "
            "standards.",
        ),
        "indicator": ("指标", "Indicator"),
        "crosswalk.status": ("状态", "Status"),
        "crosswalk.measured": ("已测量", "measured"),
        "crosswalk.attested": ("已声明", "attested"),
        "crosswalk.not_assessed": ("未评估", "not assessed"),
        "speaks": ("规则与测量结果", "Rules and measurements"),
        # accounting
        "accounting": ("对象核算", "Accounting"),
        "accounting.means": (
            "来源中的每个对象、归档中的每个成员恰好归入一行；各行之和等于来源。",
            "Every object of the source, and every member of an archive, ends in exactly one row; the rows add up to the source.",
        ),
        "members": ("归档成员", "Members of archives"),
        "member_bytes": ("解包后字节数", "Bytes unpacked"),
        "outcome": ("去向", "Outcome"),
        "because": ("依据", "Because of"),
        "size": ("大小", "Size"),
        "bytes": ("字节数", "Bytes"),
        "source": ("来源", "Source"),
        "balanced": ("各行之和与来源相等。", "The rows add up to the source."),
        "unbalanced": (
            "各行之和与来源不相等：本报告有误，请勿使用。",
            "The rows do not add up to the source: this report is faulty; do not use it.",
        ),
        "outcome.measured": ("已测量", "Measured"),
        "outcome.defective": ("损坏", "Defective"),
        "outcome.unread": ("未读", "Unread"),
        "outcome.not_data": ("非数据", "Not data"),
        "outcome.ignored": ("已忽略", "Ignored"),
        # unread and defective
        "errors": ("未读与损坏", "Unread and defective"),
        "errors.means": (
            "损坏：字节已读取，但内容无法解码，不计入规模。未读：没能读到末尾，其影响按上限计算。",
            "Defective: the bytes were read but do not decode; they add nothing to scale. "
            "Unread: could not be read to the end; what they could hold is bounded.",
        ),
        "defective": ("损坏", "Defective"),
        "unread": ("未读", "Unread"),
        "modality": ("模态", "Modality"),
        "kind": ("种类", "Kind"),
        "no_errors": ("没有未读或损坏的条目。", "No item is unread or defective."),
        "kind.empty": ("空", "empty"),
        "kind.encoding": ("字符编码无效", "invalid character encoding"),
        "kind.json": ("JSON 无效", "invalid JSON"),
        "kind.csv": ("CSV 无效", "invalid CSV"),
        "kind.xml": ("XML 无效", "invalid XML"),
        "kind.html": ("HTML 无效", "invalid HTML"),
        "kind.parquet": ("Parquet 无效", "invalid Parquet"),
        "kind.arrow": ("Arrow 无效", "invalid Arrow"),
        "kind.archive": ("归档文件损坏", "damaged archive"),
        "kind.compression": ("压缩流损坏", "damaged compression"),
        "kind.document": ("文档损坏", "damaged document"),
        "kind.image": ("图像无法解码", "image does not decode"),
        "kind.audio": ("音频无法解码", "audio does not decode"),
        "kind.video": ("视频无法解码", "video does not decode"),
        "kind.truncated": ("文件不完整：短于其声明的长度", "incomplete: shorter than it says itself"),
        "kind.io": ("读取错误", "read error"),
        "kind.changed": ("读取期间被改动", "changed while being read"),
        "kind.unsupported": ("格式不支持", "unsupported format"),
        "kind.not-read": ("未读取", "not read"),
        "kind.too-large": ("超出大小上限", "over the size limit"),
        "kind.memory": ("超出内存上限", "over the memory limit"),
        "kind.hang": ("解码无进展", "decoder made no progress"),
        "kind.cpu": ("超出处理器时间上限", "over the CPU limit"),
        "kind.crash": ("解码器崩溃", "decoder crashed"),
        "kind.bomb": ("压缩炸弹", "decompression bomb"),
        # subject, policy, run
        "subject": ("检测对象", "Subject"),
        "dataset": ("数据集", "Dataset"),
        "applicant": ("申报单位", "Applicant"),
        "uscc": ("统一社会信用代码", "Unified social credit code"),
        "registration_sha256": ("登记文件 sha256", "sha256 of the registration file"),
        "barred_sha256": ("第十二条名单 sha256", "sha256 of the bar list (article 12)"),
        "platform": ("登记平台（经 TLS）", "Platform (over TLS)"),
        "layout": ("数据组织方式", "Layout"),
        "layout.folder": ("文件夹", "folders of files"),
        "layout.imagefolder": ("图像文件夹（附元数据表）", "pictures in folders, with a table (ImageFolder)"),
        "layout.webdataset": ("WebDataset 分片", "shards of a WebDataset"),
        "layout.huggingface": ("Hugging Face 数据仓库", "a Hugging Face repository"),
        "layout.croissant": ("由 Croissant 描述", "described by Croissant"),
        "layout.tc609": ("TC609-5-2025-02 数据记录", "records of TC609-5-2025-02"),
        "platform_sha256": ("平台返回内容 sha256", "sha256 of the platform's answers"),
        "certificate": ("登记证书编号", "Registration certificate"),
        "category": ("申报类别", "Category"),
        "declared_scale": ("登记规模", "Declared scale"),
        "root": ("默克尔根（SHA-256）", "Merkle root (SHA-256)"),
        "root_sm3": ("默克尔根（SM3）", "Merkle root (SM3)"),
        "no_root": (
            "无：并非每个对象都已读取并计算摘要，本报告未绑定到数据内容。",
            "none: not every object was read and hashed, so this report is not bound to the data's content.",
        ),
        "policy": ("所用规则", "Policy"),
        "document": ("文件", "Document"),
        "status": ("效力", "Status"),
        "in_force": ("施行", "In force"),
        "in_force.from": ("自 {} 起", "from {}"),
        "in_force.until": ("，{} 起不再施行", ", no longer from {}"),
        "version": ("版本", "Version"),
        "run": ("检测运行", "Run"),
        "complete": ("已读完全部数据", "All data read"),
        "settings_digest": ("设置摘要", "Digest of the settings"),
        "settings": ("设置", "Settings"),
        "versions": ("软件版本", "Versions"),
        "environment": ("运行环境", "Environment"),
        "environment.means": (
            "只有这一部分在重复检测相同数据时可以不同。",
            "The only part that may differ when the same data is measured again.",
        ),
        "name": ("名称", "Name"),
        "value": ("值", "Value"),
        "evidence_files": ("证据文件清单", "Evidence files"),
        # how to verify
        "verify": ("如何核验本报告", "How to verify this report"),
        "verify.1": (
            "本页只是展示。以 report.json 为准；签名在 report.dsse.json 中，本页本身不含签名，可能被改动。",
            "This page only shows. report.json is the truth; the signature stands in report.dsse.json. "
            "The page itself is not signed and could have been altered.",
        ),
        "verify.2": (
            "用从可信渠道取得的签署方公钥（下称 signer.pub）核对签名：",
            "Check the signature against the signer's public key, here signer.pub, obtained through a channel you trust:",
        ),
        "verify.3": (
            "加上 --data 和数据位置，可重新计算默克尔根，确认数据正是当时检测的数据。",
            "Add --data and the place of the data to recompute the Merkle root and confirm "
            "that the data is what was measured.",
        ),
        "verify.keys": ("签署密钥的标识", "Ids of the keys that signed"),
        "verify.unsigned": (
            "本报告未签名：没有可核验的签名信封，由谁得出、是否被改动，均无从证明。以 report.json 为准，本页只是展示。",
            "This report is not signed: there is no envelope to verify, and nothing proves who made the report or that it "
            "was not altered. report.json is the truth; this page only shows.",
        ),
        # report.pdf
        "pdf.signed": (
            "本 PDF 附有签名信封 report.dsse.json，与所签文件逐字节相同。",
            "The signed envelope, report.dsse.json, is attached to this PDF, byte for byte.",
        ),
        "pdf.unsigned": (
            "本报告未签名；本 PDF 附有 report.json，逐字节相同。",
            "This report is not signed; report.json is attached to this PDF, byte for byte.",
        ),
        "pdf.glyphs": (
            "字体（Noto Sans SC，SIL OFL 1.1）没有字形的字符写作 [U+XXXX]：共 {} 个。",
            "Characters for which the font (Noto Sans SC, SIL OFL 1.1) has no glyph are written as [U+XXXX]: {} in all.",
        ),
    }
) | {f"flag.{name}": words for name, words in FLAG_WORDS.items()}
"""Every word that the pages themselves say; the rest comes from the report."""


def label(key: str, lang: Lang) -> str:
    """One of these words."""
    words = LABELS[key]
    return words.zh if lang == "zh" else words.en
