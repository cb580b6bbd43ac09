"""Near-duplicate pictures: recall for each change, and wrong pairs among different pictures and fixed scenes.

Seeded scenes, and every picture of at least 256 px a side in some packages, as one of its own; those of at least
768 px also in quarters.
"""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from benchmarks.image_check import photo
from benchmarks.packages import unpacked
from dqv.neardup import pictures

PACKAGES = (
    "pip:scikit-image==0.26.0", "pip:scikit-learn==1.8.0", "apt:plasma-workspace-wallpapers", "apt:mate-backgrounds",
    "apt:gnome-backgrounds", "apt:lomiri-wallpapers-16.04", "apt:ukui-wallpapers", "apt:tuxpaint-stamps-default",
)  # fmt: skip
GIVEN_PX = 512
SCENES, TAKES = 100, 60
NOISES = (2, 8)
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def coded(picture: Image.Image, form: str, quality: int) -> Image.Image:
    """Encoded and decoded."""
    out = io.BytesIO()
    picture.save(out, form, quality=quality)
    return Image.open(out)


def cropped(picture: Image.Image, part: float) -> Image.Image:
    """Without this part on each side."""
    width, height = picture.size
    return picture.crop(
        (round(width * part), round(height * part), round(width * (1 - part)), round(height * (1 - part)))
    )


def smaller(picture: Image.Image, times: int) -> Image.Image:
    """Resized."""
    return picture.resize((picture.width // times, picture.height // times), Image.Resampling.LANCZOS)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "sides to 1/2": lambda picture: smaller(picture, 2),
    "sides to 1/4": lambda picture: smaller(picture, 4),
    "JPEG q50": lambda picture: coded(picture, "JPEG", 50),
    "WebP q60": lambda picture: coded(picture, "WEBP", 60),
    "2 % off each side, q85": lambda picture: coded(cropped(picture, 0.02), "JPEG", 85),
    "15 % brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.15),
    "15 % darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.85),
    "15 % more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.15),
    "gamma 0.85": lambda picture: picture.point([round(255 * (v / 255) ** 0.85) for v in range(256)] * 3),
    "crop, 1/2, darker, q60": lambda picture: coded(
        smaller(ImageEnhance.Brightness(cropped(picture, 0.02)).enhance(0.9), 2), "JPEG", 60
    ),
}


def grey(picture: Image.Image) -> pictures.U8:
    """As a worker would give it: grey, at most GIVEN_PX on its long side."""
    small = picture.convert("L")
    if max(small.size) > GIVEN_PX:
        small.thumbnail((GIVEN_PX, GIVEN_PX), Image.Resampling.BOX)
    return np.asarray(small)


def scene(seed: int) -> Image.Image:
    """A picture like a photo with shapes and a line of text on it."""
    random = np.random.default_rng(seed)
    picture = photo(seed, 800, 600)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, side = (int(v) for v in random.integers((0, 0, 20), (760, 560, 200)))
        shape = (draw.ellipse, draw.rectangle)[int(random.integers(2))]
        shape((x, y, x + side, y + side), fill=tuple(int(v) for v in random.integers(0, 256, 3)))
    draw.text((40, 40), f"scene {seed} " * 5, fill=(255, 255, 255))
    return picture


def take(seed: int, noise: float) -> Image.Image:
    """A production line's picture: one fixture, other light and noise, one small object somewhere else."""
    random = np.random.default_rng(seed)
    picture = scene(7)
    size = int(800 * random.uniform(0.02, 0.04))
    x, y = int(random.integers(60, 700)), int(random.integers(60, 500))
    level = int(np.asarray(picture.convert("L"))[y : y + size, x : x + size].mean())
    level += int(random.integers(35, 80)) * (1 if level < 128 else -1)
    ImageDraw.Draw(picture).ellipse((x, y, x + size, y + size), fill=(level, level, level))
    values = np.asarray(picture, np.float64) * random.uniform(0.98, 1.02)
    values += random.normal(0, noise, values.shape)
    return coded(Image.fromarray(values.clip(0, 255).astype(np.uint8)), "JPEG", 90)


def corpus(folders: list[Path]) -> Iterator[Image.Image]:
    """Different pictures: seeded scenes, those found, and quarters of the large ones."""
    for seed in range(SCENES):
        yield scene(seed)
    for path in sorted(
        file for folder in folders for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES
    ):
        picture = Image.open(path).convert("RGB")
        width, height = picture.size
        if min(width, height) < 256:
            continue
        yield picture
        if min(width, height) >= 768:
            for x, y in ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)):
                yield picture.crop((x, y, x + width // 2, y + height // 2))


def proposed(a: pictures.U8, b: pictures.U8) -> bool:
    """Whether any hash of one, whole or inner, is near any of the other."""
    ours, theirs = (
        [pictures.phash(pictures.coefficients(g, inner=i)) for i in (False, True)] for g in (a, b)
    )
    return any(int(x ^ y).bit_count() <= pictures.MOST_BITS for x in ours for y in theirs)


def wrong_pairs(greys: list[pictures.U8]) -> tuple[int, list[tuple[int, int, pictures.Similarity]]]:
    """How many pairs are proposed among different pictures, and which are taken for the same."""
    low = [[pictures.coefficients(g, inner=inner) for g in greys] for inner in (False, True)]
    kept = np.array([i for i, values in enumerate(low[0]) if not pictures.is_flat(values)])
    hashes = np.array([pictures.phash(rows[i]) for rows in low for i in kept], np.uint64)
    distinct, group = pictures.groups(hashes)
    members: list[list[int]] = [[] for _ in distinct]
    for row, number in enumerate(group):
        members[number].append(int(kept[row % kept.size]))
    pairs = {(i, k) for inside in members for i in inside for k in inside if i < k}
    for block in pictures.candidates(distinct):
        for earlier, later in block:
            pairs |= {(min(i, k), max(i, k)) for i in members[earlier] for k in members[later] if i != k}
    found = ((i, k, pictures.same(greys[i], greys[k])) for i, k in sorted(pairs))
    return len(pairs), [(i, k, result) for i, k, result in found if result.same]


def recall(folders: list[Path]) -> str:
    """How often a changed picture is found, of every twelfth one that is not flat."""
    counts = {name: np.zeros(4, np.int64) for name in CHANGES}
    parts: dict[str, list[float]] = {name: [] for name in CHANGES}
    flat = 0
    for number, picture in enumerate(corpus(folders)):
        if number % 12:
            continue
        first = grey(picture)
        if pictures.fingerprint(first)[1]:
            flat += 1
            continue
        for name, change in CHANGES.items():
            second = grey(change(picture))
            near, result = proposed(first, second), pictures.same(first, second)
            counts[name] += (1, near, result.same, near and result.same)
            parts[name].append(result.difference / result.limit)
    lines = [
        f"| change ({flat} flat left out) | pictures | proposed | judged same | both | difference ÷ limit, median, 98 % |",
        "|---|---|---|---|---|---|",
    ]
    for name, (of, near, alike, both) in counts.items():
        middle, high = np.quantile(parts[name], (0.5, 0.98))
        lines.append(
            f"| {name} | {of} | {near / of:.3f} | {alike / of:.3f} | {both / of:.3f} | {middle:.2f}, {high:.2f} |"
        )
    return "\n".join(lines)


def precision(folders: list[Path]) -> str:
    """How many different pictures are taken for the same."""
    lines = ["| different pictures | pictures | proposed pairs | wrong pairs |", "|---|---|---|---|"]
    greys = [grey(picture) for picture in corpus(folders)]
    proposals, wrong = wrong_pairs(greys)
    lines.append(f"| corpus | {len(greys)} | {proposals} | {len(wrong)} |")
    for noise in NOISES:
        proposals, wrong = wrong_pairs([grey(take(seed, noise)) for seed in range(TAKES)])
        lines.append(f"| one fixed scene, noise {noise} | {TAKES} | {proposals} | {len(wrong)} |")
    return "\n".join(lines)


def speed() -> str:
    """Times of single steps, in CPU milliseconds."""
    first, second = grey(scene(1)), grey(CHANGES["JPEG q50"](scene(1)))
    lines = ["| step | CPU ms |", "|---|---|"]
    for name, step in (
        ("fingerprint", lambda: pictures.fingerprint(first)),
        ("comparison", lambda: pictures.same(first, second)),
    ):
        step()  # compiles
        start = time.process_time()
        for _ in range(20):
            step()
        lines.append(f"| {name} | {50 * (time.process_time() - start):.2f} |")
    return "\n".join(lines)


def measure() -> list[str]:
    """The tables, as Markdown: recall, wrong pairs, times; without the packages that cannot be had."""
    folders = []
    for package in PACKAGES:
        try:
            folders.append(unpacked(package))
        except RuntimeError as error:
            print(error, flush=True)
    return [recall(folders), precision(folders), speed()]


def as_markdown(tables: list[str]) -> str:
    """The tables, one below the other."""
    return "\n\n".join(tables) + "\n"


if __name__ == "__main__":
    print(as_markdown(measure()))
