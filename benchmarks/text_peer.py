"""One peer of the text benchmarks, run by its own interpreter: `python text_peer.py TOOL TOKENS CORPUS OUT`.

Imports nothing of dqv, which is not installed there. TOKENS is the pattern of a token; CORPUS a JSONL file of texts. OUT.bin
gets an int64 a document, the document that it repeats or −1; OUT.json the CPU seconds of every step and the peak memory.

Of rensa, datasketch and FastSketchLSH, which are libraries, signatures and candidates are used, and the same definition
then decides: in their order, a document is surplus if its exact Jaccard similarity with one that was kept is at least 0.8.
Datatrove and text-dedup are run as they come, but for their splitting of words: they get the same tokens, with a space
between any two. They report clusters, of which the first document counts as kept.
"""

import array
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

SLOTS, BANDS, SHINGLE, BATCH = 128, 16, 5, 1000

seconds: dict[str, float] = {"shingles": 0.0, "signatures": 0.0, "candidates": 0.0, "verify": 0.0}


@contextmanager
def clock(step: str) -> Iterator[None]:
    """Add the CPU time of what is done inside to a step."""
    began = sum(os.times()[:4])
    fine = time.process_time()
    yield
    own, all_ = time.process_time() - fine, sum(os.times()[:4]) - began
    seconds[step] += all_ if all_ > own + 0.1 else own  # children count; their clock is coarse


def shingles(words: Callable[[str], list[str]], text: str) -> list[str]:
    """Its shingles as strings, in their order."""
    found = words(text.lower())
    return [" ".join(found[at : at + SHINGLE]) for at in range(max(1, len(found) - SHINGLE + 1))]


def verified(words: Callable[[str], list[str]], texts: list[str], candidates: list[list[int]]) -> list[int]:
    """What each document repeats, by the sequential definition with exact similarity; −1 where it was kept."""

    @lru_cache(8192)
    def of(number: int) -> set[str]:
        return set(shingles(words, texts[number]))

    original = [-1] * len(texts)
    for number, found in enumerate(candidates):
        for other in sorted(found):
            if other >= number:
                break
            if original[other] < 0:
                a, b = of(number), of(other)
                shared = len(a & b)
                if 5 * shared >= 4 * (len(a) + len(b) - shared):
                    original[number] = other
                    break
    return original


def library(words: Callable[[str], list[str]], texts: list[str], tool: str) -> list[int]:
    """By rensa, datasketch or FastSketchLSH."""
    sign, candidates = {"rensa": rensa, "datasketch": datasketch, "FastSketchLSH": fastsketch}[tool]()
    signatures = []
    for first in range(0, len(texts), BATCH):
        with clock("shingles"):
            batch = [shingles(words, text) for text in texts[first : first + BATCH]]
        with clock("signatures"):
            signatures.append(sign(batch))
    with clock("candidates"):
        found = candidates(signatures)
    with clock("verify"):
        return verified(words, texts, found)


def rensa() -> tuple[Callable, Callable]:
    """RMinHash, in bulk."""
    from rensa import RMinHash, RMinHashLSH

    def candidates(signatures: list) -> list[list[int]]:
        index = RMinHashLSH(0.8, SLOTS, BANDS)
        every = [each for batch in signatures for each in batch]
        index.insert_many(every)
        return index.query_all(every)

    return lambda batch: RMinHash.from_token_sets(batch, SLOTS, 42), candidates


def datasketch() -> tuple[Callable, Callable]:
    """MinHash with xxh32 in place of sha1, which is slower."""
    from datasketch import MinHash, MinHashLSH
    from xxhash import xxh32_intdigest

    def sign(batch: list[list[str]]) -> list:
        encoded = [[each.encode() for each in document] for document in batch]
        return MinHash.bulk(encoded, num_perm=SLOTS, hashfunc=xxh32_intdigest)

    def candidates(signatures: list) -> list[list[int]]:
        index = MinHashLSH(num_perm=SLOTS, params=(BANDS, SLOTS // BANDS))
        every = [each for batch in signatures for each in batch]
        with index.insertion_session() as session:
            for number, each in enumerate(every):
                session.insert(number, each, check_duplication=False)
        return [index.query(each) for each in every]

    return sign, candidates


def fastsketch() -> tuple[Callable, Callable]:
    """FastSimilaritySketch, in bulk."""
    import numpy as np
    from FastSketchLSH import LSH, FastSimilaritySketch

    sketcher = FastSimilaritySketch(size=SLOTS, seed=42)

    def candidates(signatures: list) -> list[list[int]]:
        index, every = LSH(num_perm=SLOTS, num_bands=BANDS, num_threads=1), np.concatenate(signatures)
        index.insert(every)
        return index.query(every)

    return lambda batch: sketcher.batch(batch, num_threads=1), candidates


def datatrove(words: Callable[[str], list[str]], texts: list[str], folder: Path) -> list[int]:
    """MinhashDedup's three steps in one process, 14 buckets of 8; words are split at spaces."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup import minhash

    class Split:
        word_tokenize = staticmethod(str.split)

    minhash.load_word_tokenizer = lambda language: Split()
    config = minhash.MinhashConfig()
    sign = minhash.MinhashDedupSignature(f"{folder}/a", config)
    documents = [Document(text=" ".join(words(text)), id=str(at)) for at, text in enumerate(texts)]
    with clock("signatures"):
        sign.run(iter(documents), 0, 1)
    with clock("candidates"):
        for bucket in range(config.num_buckets):
            step = minhash.MinhashDedupBuckets(f"{folder}/a", f"{folder}/b", config=config)
            step.run(None, bucket, config.num_buckets)
        minhash.MinhashDedupCluster(f"{folder}/b", f"{folder}/c", config, save_cluster_id=True).run()
    numbers = array.array("I", (folder / "c" / "000000.clusters").read_bytes())
    return firsts(len(texts), dict(zip(numbers[::2], numbers[1::2], strict=True)))


def text_dedup(words: Callable[[str], list[str]], texts: list[str], folder: Path) -> list[int]:
    """Its command for MinHash, in this process."""
    import pickle

    os.environ.update(HF_HUB_OFFLINE="1", HF_HOME=f"{folder}/home", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    from text_dedup import minhash

    steps: dict[str, float] = {}

    class Timer(minhash.Timer):
        @contextmanager
        def __call__(self, name: str) -> Iterator[None]:
            began = sum(os.times()[:4])  # its own takes wall time
            yield
            steps[name] = sum(os.times()[:4]) - began

    minhash.Timer = Timer
    source = folder / "tokens.jsonl"
    source.write_text("".join(json.dumps({"text": " ".join(words(text))}) + "\n" for text in texts), "utf-8")
    options = {
        "path": "json", "data_files": source, "split": "train", "cache_dir": folder / "cache", "column": "text",
        "output": folder / "out", "ngram": SHINGLE, "min_length": 0, "num_perm": SLOTS, "b": BANDS,
        "r": SLOTS // BANDS, "hash_func": "xxh3", "num_proc": 1,
    }  # fmt: skip
    minhash.main(
        ["--debug", *(part for name, value in options.items() for part in (f"--{name}", str(value)))],
        standalone_mode=False,
    )
    seconds.update(signatures=steps["MinHashing"], candidates=steps["Clustering"] + steps["Filtering"])
    with (folder / "out" / "uf.pkl").open("rb") as file:
        trees = pickle.load(file)
    return firsts(len(texts), {number: trees.find(number) for number in list(trees.parent)})


def firsts(count: int, clusters: dict[int, int]) -> list[int]:
    """The first document of each one's cluster; −1 where it is the first itself."""
    first: dict[int, int] = {}
    original = [-1] * count
    for number in sorted(clusters):
        known = first.setdefault(clusters[number], number)
        if known != number:
            original[number] = known
    return original


def peak_bytes() -> int:
    """Peak resident size of this process; of `getrusage`, a child begins with its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def main() -> None:
    """Run the tool."""
    tool, pattern, corpus, out = sys.argv[1:]
    words = re.compile(pattern).findall
    with Path(corpus).open("rb") as file:
        texts = [json.loads(line)["text"] for line in file]
    if tool in ("datatrove", "text-dedup"):
        with tempfile.TemporaryDirectory() as name:
            original = (datatrove if tool == "datatrove" else text_dedup)(words, texts, Path(name))
    else:
        original = library(words, texts, tool)
    Path(f"{out}.bin").write_bytes(array.array("q", original).tobytes())
    found = {"seconds": seconds, "peak_bytes": peak_bytes()}
    Path(f"{out}.json").write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
