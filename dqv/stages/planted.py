"""The self-test: planted duplicates that go through the same stages as the data, behind it, and are not counted.

Half of the files are originals, the other half copies as a person would make them: texts with two words of four hundred
changed (J about 0.95), pictures larger and coded coarsely, recordings
and videos coded again; their bytes are the same in every run. A run in which one of them is not
found did not look for duplicates as it should.
"""

import io
import random
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import av
import numpy as np
import soundfile
from PIL import Image

PAIRS = {"text": 16, "image": 4, "audio": 4, "video": 2}
"""How many pairs are planted of a modality."""


def plant(folder: Path, modalities: Iterable[str]) -> None:
    """Write what is not there: `text-03-second.txt` repeats `text-03-first.txt`, and stands behind it.

    Args:
        folder: is made.
        modalities: of which pairs are planted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for modality in modalities:
        for number in range(PAIRS.get(modality, 0)):
            for name, content in _made(modality, number):
                path = folder / f"{modality}-{number:02d}{name}"
                if not path.exists() or path.read_bytes() != content:  # a run may have been stopped here
                    path.write_bytes(content)


@cache
def _made(modality: str, number: int) -> tuple[tuple[str, bytes], ...]:
    """Names and contents of a pair; of all of them 3 MB."""
    return tuple(_MAKERS[modality](number))


def is_copy(name: str) -> bool:
    """Whether a planted file repeats another."""
    return Path(name).stem.endswith("-second")


def _texts(number: int) -> Iterator[tuple[str, bytes]]:
    """Latin words, or Chinese characters where the number is odd."""
    rng = random.Random(number)
    if number % 2:
        words = [chr(rng.randrange(0x4E00, 0x9FA6)) for _ in range(400)]
        between = ""
    else:
        words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(400)]
        between = " "
    yield "-first.txt", between.join(words).encode()
    for at in (rng.randrange(0, 200), rng.randrange(200, 400)):
        words[at] = words[at - 1]
    yield "-second.txt", between.join(words).encode()


def _pictures(number: int) -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(number)

    def layer(rows: int, columns: int) -> Image.Image:
        small = Image.fromarray(rng.integers(0, 256, (rows, columns, 3), np.uint8))
        return small.resize((640, 480), Image.Resampling.BICUBIC)

    picture = Image.blend(layer(6, 8), layer(48, 64), 0.3)
    yield "-first.png", _encoded(picture, "PNG", compress_level=1)  # six times as fast
    yield "-second.jpg", _encoded(picture.resize((800, 600)), "JPEG", quality=50)


def _encoded(picture: Image.Image, form: str, **options: int) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, form, **options)
    return sink.getvalue()


def _recordings(number: int) -> Iterator[tuple[str, bytes]]:
    """A tune of forty short tones at 16 kHz, 4 s."""
    rng, rate_hz = np.random.default_rng(number), 16_000
    time = np.arange(rate_hz // 10) / rate_hz
    tones = [
        np.sin(2 * np.pi * rng.uniform(200, 2500, (3, 1)) * time).sum(0) / 6 + rng.normal(0, 0.01, time.size)
        for _ in range(40)
    ]
    for name, form in (("-first.wav", "WAV"), ("-second.mp3", "MP3")):
        sink = io.BytesIO()
        soundfile.write(sink, np.concatenate(tones), rate_hz, format=form)
        yield name, sink.getvalue()


def _videos(number: int) -> Iterator[tuple[str, bytes]]:
    """A window that moves over a picture, 3 s; the second one is larger, with key pictures at other places."""
    rng = np.random.default_rng(number)
    ground = np.asarray(
        Image.fromarray(rng.integers(0, 256, (24, 32), np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
    )
    frames = [ground[2 * at : 2 * at + 240, 3 * at : 3 * at + 320] for at in range(72)]
    for name, size, gop in (("-first.mp4", (320, 240), 12), ("-second.mkv", (400, 300), 30)):
        sink = io.BytesIO()
        form = "mp4" if name.endswith("mp4") else "matroska"
        with av.open(sink, "w", format=form, container_options={"fflags": "+bitexact"}) as container:
            stream = container.add_stream("mpeg4", rate=24)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.gop_size, stream.bit_rate = gop, 800_000
            for grey in frames:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey), format="gray")
                container.mux(stream.encode(frame.reformat(*size, format="yuv420p")))
            container.mux(stream.encode(None))
        yield name, sink.getvalue()


_MAKERS = {"text": _texts, "image": _pictures, "audio": _recordings, "video": _videos}
