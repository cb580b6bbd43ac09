"""Near-duplicate recordings: what is found, what is wrongly taken for one, and what it costs.

Seeded music-like and speech-like recordings of half a second to half a minute, each in every way of `variants`; then, where
they are, the project's shared real recordings. Every recording is decoded as the check does. "Found" is what the index and
the sequential definition make surplus; the shares of wrong bits are of all pairs that overlap enough, so they show
what the limit parts. A cut is the worst one: it moves the frames by half a hop. Peer: fpcalc (chromaprint), for time.
"""

import io
import os
import shutil
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
import soundfile

from benchmarks.audio_check import _cpu_s, _in_turns
from dqv.core.settings import Limits
from dqv.measure import audio
from dqv.neardup import sounds

RATE_HZ = 44_100
SECONDS = (0.5, 1.0, 3.0, 10.0, 30.0)
EACH = 6
"""Recordings of every kind and length."""

CODECS = {
    "MP3 128": ("mp3", "libmp3lame", 44_100, 128_000),
    "MP3 64": ("mp3", "libmp3lame", 44_100, 64_000),
    "Opus 64": ("ogg", "libopus", 48_000, 64_000),
    "AAC 128": ("ipod", "aac", 44_100, 128_000),
}
"""Container, encoder, rate, bits a second."""

Sound = npt.NDArray[np.float32]


def music(rng: np.random.Generator, seconds: float) -> Sound:
    """(n, 2): notes of several voices with overtones that fade, drums of noise, a little room."""
    n = int(seconds * RATE_HZ)
    out = rng.normal(0, 0.002, (n, 2))
    for voice in range(4):
        at = 0
        while at < n:
            length = min(n - at, int(RATE_HZ * rng.choice([0.125, 0.25, 0.5, 1])))
            t = np.arange(length) / RATE_HZ
            tone = 110 * 2 ** ((int(rng.integers(0, 12)) + 12 * (voice % 3)) / 12)
            note = sum(np.sin(2 * np.pi * tone * h * t) / h for h in range(1, 9)) * np.exp(-2 * t)
            out[at : at + length] += note[:, None] * rng.uniform(0.2, 1, 2) * 0.3
            at += length
    for at in range(0, n, RATE_HZ // 4):
        beat = rng.normal(0, rng.uniform(0, 0.3), (min(n - at, RATE_HZ // 10), 1))
        out[at : at + len(beat)] += beat * np.exp(-np.arange(len(beat)) / 800)[:, None]
    return (out / np.abs(out).max() * 0.8).astype(np.float32)


def speech(rng: np.random.Generator, seconds: float) -> Sound:
    """(n, 2): syllables of a pulse train through moving formants, hisses between them, pauses, the room's noise."""
    n = int(seconds * RATE_HZ)
    out = np.zeros(n)
    pitch = rng.uniform(90, 220)
    at = 0
    while at < n:
        length = int(RATE_HZ * rng.uniform(0.08, 0.3))
        t = np.arange(length) / RATE_HZ
        tone = pitch * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.5, 4) * t)) * rng.uniform(0.85, 1.15)
        phase = 2 * np.pi * np.cumsum(tone) / RATE_HZ
        formants = rng.uniform((250, 800, 1800), (850, 2300, 3200))
        drift = rng.uniform(0.8, 1.25, 3)
        syllable = np.zeros(length)
        for h in range(1, 30):
            gain = sum(
                np.exp(-(((h * tone - f * d ** (t / t[-1])) / 150) ** 2)) / (k + 1)
                for k, (f, d) in enumerate(zip(formants, drift, strict=True))
            )
            syllable += np.sin(h * phase) * (gain + 0.01)
        syllable *= np.sin(np.pi * np.arange(length) / length)
        out[at : at + length] += syllable[: n - at]
        at += length
        if rng.random() < 0.5:
            hiss = np.diff(rng.normal(0, 0.1, int(RATE_HZ * rng.uniform(0.03, 0.1)) + 1))
            out[at : at + len(hiss)] += hiss[: max(0, n - at)]
            at += len(hiss)
        if rng.random() < 0.2:
            at += int(RATE_HZ * rng.uniform(0.1, 0.6))
    out = out / np.abs(out).max() * 0.7 + rng.normal(0, 0.001, n)
    return np.repeat(out[:, None], 2, 1).astype(np.float32)


def encoded(sound: Sound, container: str, codec: str, rate_hz: int, bits: int) -> bytes:
    """The sound in another codec, by FFmpeg."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream: Any = file.add_stream(cast(Any, codec), rate=rate_hz, layout="stereo")
        stream.bit_rate = bits
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        resampler = av.AudioResampler(stream.format, "stereo", rate_hz)
        for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(resampled))
        file.mux(stream.encode(None))
    return out.getvalue()


def written(sound: Sound, rate_hz: int = RATE_HZ, **how: str) -> bytes:
    """The sound in a container of libsndfile's; a second at a time, or libvorbis's encoder overflows the stack."""
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate_hz, sound.shape[1], **how) as file:
        for at in range(0, len(sound), rate_hz):
            file.write(sound[at : at + rate_hz])
    return out.getvalue()


def resampled(sound: Sound, rate_hz: int) -> Sound:
    """The sound at another rate, by FFmpeg."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), "flt", "stereo")
    frame.sample_rate = RATE_HZ
    resampler = av.AudioResampler("flt", "stereo", rate_hz)
    parts = [each.to_ndarray() for each in [*resampler.resample(frame), *resampler.resample(None)]]
    return np.concatenate(parts, 1).reshape(-1, 2).astype(np.float32)


def variants(sound: Sound) -> Iterator[tuple[str, bytes]]:
    """The recording in every way; the first is the original."""
    hop = RATE_HZ * sounds.HOP // sounds.RATE_HZ
    cut = round((len(sound) // 20 // hop + 0.5) * hop)
    pcm: dict[str, Any] = {"format": "WAV", "subtype": "PCM_16"}
    yield "WAV", written(sound, **pcm)
    for name, how in CODECS.items():
        yield name, encoded(sound, *how)
    yield "Ogg", written(sound, format="OGG", subtype="VORBIS")
    yield "FLAC", written(sound, format="FLAC", subtype="PCM_16")
    for rate_hz in (8_000, 16_000, 22_050, 48_000):
        yield f"{rate_hz} Hz", written(resampled(sound, rate_hz), rate_hz, **pcm)
    yield "mono", written(sound[:, :1] / 2 + sound[:, 1:] / 2, **pcm)
    yield "−6 dB", written(sound / 2, **pcm)
    yield "start cut 5 %", written(sound[cut:], **pcm)
    yield "end cut 5 %", written(sound[:-cut], **pcm)
    yield "start cut, MP3 64", encoded(sound[cut:], *CODECS["MP3 64"])


def heard(content: bytes) -> sounds.U32:
    """The frames of a recording, as the check keeps them; none where they are too few to tell anything."""
    found = audio.measure(io.BytesIO(content), len(content), Limits(), lambda: None, format="", full=True)
    return np.frombuffer(found.fingerprint or b"", np.uint32)


def decide(frames: list[sounds.U32]) -> sounds.Decision:
    """Kept and surplus of recordings."""
    starts = np.concatenate([[0], np.cumsum([each.size for each in frames])]).astype(np.int64)
    return sounds.decide(np.concatenate(frames), starts)


def _range(rates: list[float]) -> str:
    """Least, median and largest."""
    if not rates:
        return "-"
    return f"{min(rates):.3f} · {statistics.median(rates):.3f} · {max(rates):.3f}"


def seeded() -> str:
    """The tables of the seeded recordings."""
    ways: dict[str, list[float]] = defaultdict(list)
    found: dict[str, list[bool]] = defaultdict(list)
    lengths = ["| kind | s | found of | wrong pairs | wrong bits, same: least · median · largest | different, likewise |",
               "|---|---|---|---|---|---|"]  # fmt: skip
    for make in (music, speech):
        for seconds in SECONDS:
            frames, names = [], []
            for number in range(EACH):
                rng = np.random.default_rng([number, int(seconds * 10), make is music])
                for name, content in variants(make(rng, seconds)):
                    frames.append(heard(content))
                    names.append((number, name))
            decision, first, wrong = decide(frames), 0, 0
            same, different = [], []
            for row, (number, name) in enumerate(names):
                first = row if name == "WAV" else first
                original = int(decision.original[row])
                wrong += original >= 0 and names[original][0] != number
                if row != first:
                    found[name].append(original >= 0)
                    found[""].append(original >= 0)
                    ways[name].append(sounds.compare(frames[first], frames[row]).error_rate)
                    same.append(ways[name][-1])
                for other in range(row):
                    if names[other][0] != number:
                        match = sounds.compare(frames[other], frames[row])
                        if match.overlap >= 0.8:
                            different.append(match.error_rate)
            hits = found.pop("")
            lengths.append(
                f"| {make.__name__} | {seconds:g} | {sum(hits)} of {len(hits)} | {wrong} | {_range(same)} | {_range(different)} |"
            )
    table = ["| way | found of | wrong bits: least · median · largest |", "|---|---|---|"]
    table += [
        f"| {name} | {sum(found[name])} of {len(found[name])} | {_range(rates)} |"
        for name, rates in ways.items()
    ]
    return "\n".join([*lengths, "", *table])


def real(folder: Path) -> str:
    """One recording in twelve encodings, and 600 digits."""
    lines = [
        "| recordings | surplus | of | wrong bits of pairs that overlap enough: least · median · largest |",
        "|---|---|---|---|",
    ]
    for name in ("audio_one_recording", "audio_digits"):
        paths = [
            path for path in sorted((folder / name).iterdir()) if path.suffix not in (".json", ".md", ".txt")
        ]
        frames = [heard(path.read_bytes()) for path in paths]
        pairs = (sounds.compare(a, b) for n, a in enumerate(frames) for b in frames[:n])
        rates = [pair.error_rate for pair in pairs if pair.overlap >= 0.8]
        surplus = int((decide(frames).original >= 0).sum())
        lines.append(f"| {name} | {surplus} | {len(paths)} | {_range(rates)} |")
    return "\n".join(lines)


def _chromaprint(fpcalc: str, path: Path) -> None:
    """Run the peer; Debian's says 3 at every recording's end, with the fingerprint made."""
    done = subprocess.run([fpcalc, "-length", "0", str(path)], capture_output=True, check=False)
    assert b"FINGERPRINT=" in done.stdout, done.stderr


def cost(folder: Path) -> str:
    """The full check, which makes the fingerprint, and fpcalc; × real time of two minutes, CPU."""
    seconds, fpcalc = 120, shutil.which("fpcalc")
    sound = music(np.random.default_rng(65), seconds)
    contents = {
        "mp3": encoded(sound, *CODECS["MP3 128"]),
        "flac": written(sound, format="FLAC", subtype="PCM_16"),
        "ogg": written(sound, format="OGG", subtype="VORBIS"),
        "opus": encoded(sound, *CODECS["Opus 64"]),
        "m4a": encoded(sound, *CODECS["AAC 128"]),
        "wav": written(sound, format="WAV", subtype="PCM_16"),
    }
    lines = [
        "| two minutes, stereo | check and fingerprint, × real time | fpcalc -length 0, × | dqv against it |",
        "|---|---|---|---|",
    ]
    for suffix, content in contents.items():
        path = folder / f"a.{suffix}"
        path.write_bytes(content)
        mine = seconds / statistics.median(_in_turns([lambda: heard(content)], 9)[0])  # noqa: B023  run at once
        peer = ratio = "absent"
        if fpcalc:
            run = [lambda: _chromaprint(fpcalc, path)]  # noqa: B023  run at once
            theirs = seconds / statistics.median(_in_turns(run, 5)[0])
            peer, ratio = f"{theirs:,.0f}", f"{mine / theirs:.2f}"
        lines.append(f"| {suffix} | {mine:,.0f} | {peer} | {ratio} |")
    return "\n".join(lines)


def scale() -> str:
    """Seconds of `decide` over many recordings, and of one comparison of two hours."""
    rng = np.random.default_rng(65)
    lines = ["| recordings | kept | seconds |", "|---|---|---|"]
    hour, word = rng.integers(1, 2**32, 16 * 3600, np.uint32), rng.integers(1, 2**32, 32, np.uint32)
    common = rng.integers(1, 2**32, (200_000, 32), np.uint32)
    common[:, ::2] = word[::2]
    cases = {
        "1,000,000 copies of one of 2 s": np.tile(word, 1_000_000).reshape(-1, 32),
        "1,000,000 different ones of 2 s": rng.integers(1, 2**32, (1_000_000, 32), np.uint32),
        "200,000 different ones of 2 s that share half of their frames": common,
        "two copies of 1 h": np.stack([hour, hour]),
        "200 different ones of 1 h": rng.integers(1, 2**32, (200, hour.size), np.uint32),
    }
    decide([word])  # compiles
    for name, rows in cases.items():
        starts = np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1]
        began = _cpu_s()
        kept = int((sounds.decide(rows.ravel(), starts).original < 0).sum())
        lines.append(f"| {name} | {kept:,} | {_cpu_s() - began:.2f} |")
    other = rng.integers(1, 2**32, hour.size, np.uint32)
    began = _cpu_s()
    sounds.compare(hour, other)
    lines.append(f"| one comparison of two different ones of 1 h | | {_cpu_s() - began:.4f} |")
    return "\n".join(lines)


def measure(folder: Path) -> list[str]:
    """The tables, as Markdown: of real recordings where they are, cost, seeded ones, scale."""
    data = Path(os.environ.get("DQV_REALDATA", Path(__file__).parent.parent.parent / "shared" / "data"))
    return [*([real(data)] if data.is_dir() else []), cost(folder), seeded(), scale()]


def as_markdown(tables: list[str]) -> str:
    """The tables, one below the other."""
    return "\n\n".join(tables) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(measure(Path(name))))
