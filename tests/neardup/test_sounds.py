import gc
import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.measure import audio
from dqv.neardup import sounds
from dqv.neardup.sounds import Fingerprint, Match, compare, decide

Sound = npt.NDArray[np.float32]


def fingerprint(sound: Sound, rate_hz: int = 44_100) -> sounds.U32:
    taker = Fingerprint(rate_hz, sound.shape[1])
    taker.add(sound)
    return taker.finish()


def melody(seed: int, seconds: float, rate_hz: int = 44_100) -> Sound:
    """(n, 1): a sum of tones, another one every eighth of a second; the same at every rate."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    tones_hz = rng.uniform(250, 2100, (int(seconds * 8) + 1, 12))
    gains = rng.uniform(0, 0.08, tones_hz.shape)
    part = (t * 8).astype(int)
    out = sum(gains[part, n] * np.sin(2 * np.pi * tones_hz[part, n] * t) for n in range(12))
    return np.asarray(out, np.float32)[:, None]


def frames(seed: int, count: int) -> sounds.U32:
    return np.random.default_rng(seed).integers(2, 2**32, count, np.uint32)


def flipped(values: sounds.U32, wrong: int) -> sounds.U32:
    """With so many bits changed, spread evenly over the frames from the end; some frames stay whole."""
    bits = np.unpackbits(values.view(np.uint8))
    bits[bits.size - wrong :] ^= 1
    return np.packbits(bits).view(np.uint32)


def decided(recordings: list[sounds.U32]) -> list[int]:
    starts = np.concatenate([[0], np.cumsum([each.size for each in recordings])]).astype(np.int64)
    values = np.concatenate([np.zeros(0, np.uint32), *recordings])
    return [int(each) for each in decide(values, starts).original]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 30_000), max_size=8), st.sampled_from([(44_100, 2), (8000, 1), (11_025, 3)]))
def test_how_samples_are_cut_into_blocks_changes_nothing(cuts: list[int], form: tuple[int, int]) -> None:
    rate_hz, channels = form
    sound = np.random.default_rng(7).normal(0, 0.2, (100_000, channels)).astype(np.float32)
    taker, at = Fingerprint(rate_hz, channels), 0
    for count in cuts:
        taker.add(sound[at : at + count])
        at += count
    taker.add(sound[at:])
    assert taker.finish().tolist() == fingerprint(sound, rate_hz).tolist()


def test_samples_one_by_one_are_the_same_as_all_at_once() -> None:
    sound = melody(1, 0.5, 8000)
    taker = Fingerprint(8000, 1)
    for sample in sound:
        taker.add(sample[None])
    assert taker.finish().tolist() == fingerprint(sound, 8000).tolist()


def test_sixteen_frames_a_second() -> None:
    assert fingerprint(melody(1, 10)).size == 161


@pytest.mark.parametrize("rate_hz", [4800, 8000, 11_025, 16_000, 22_050, 44_056, 48_000, 96_000])
def test_all_rates_give_comparable_frames(rate_hz: int) -> None:
    match = compare(fingerprint(melody(1, 3)), fingerprint(melody(1, 3, rate_hz), rate_hz))
    assert match.offset == 0
    assert match.is_verified
    assert match.error_rate < 0.05


@pytest.mark.parametrize("rate_hz", [1, 3999, 768_001, 2**31 - 1])
def test_rates_beyond_the_limits_have_no_frames(rate_hz: int) -> None:
    assert fingerprint(np.ones((1000, 1), np.float32), rate_hz).size == 0


@pytest.mark.parametrize("rate_hz", [4000, 768_000])
def test_rates_at_the_limits_have_frames(rate_hz: int) -> None:
    noise = np.random.default_rng(3).normal(0, 0.2, (rate_hz, 1)).astype(np.float32)
    assert (fingerprint(noise, rate_hz) != sounds.SILENT).sum() > 10


def test_quieter_louder_and_more_channels_are_the_same() -> None:
    sound = melody(2, 3)
    plain = fingerprint(sound)
    for other in (sound / 2, sound * 2, np.repeat(sound, 2, 1), np.repeat(sound, 6, 1)):
        match = compare(plain, fingerprint(other.astype(np.float32)))
        assert match.is_verified
        assert match.error_rate < 0.02


def test_another_recording_is_none() -> None:
    match = compare(fingerprint(melody(1, 3)), fingerprint(melody(2, 3)))
    assert match.overlap >= 0.8
    assert match.error_rate > 0.35
    assert not match.is_verified


def test_a_cut_is_found_at_its_offset() -> None:
    sound = melody(1, 10)
    match = compare(fingerprint(sound), fingerprint(sound[44_100 * 5 // 8 :]))
    assert (match.offset, match.is_verified) == (-10, True)


def test_silence_never_matches_itself() -> None:
    silent = fingerprint(np.zeros((100_000, 2), np.float32))
    assert set(silent.tolist()) == {sounds.SILENT}
    assert compare(silent, silent) == Match(0, 0, 0, 0, 0)
    assert not compare(silent, silent).is_verified
    assert decided([silent, silent]) == [-1, -1]


@pytest.mark.parametrize(("dbfs", "is_silent"), [(-66, True), (-48, False)])
def test_noise_below_the_level_is_silent(dbfs: int, is_silent: bool) -> None:
    noise = np.random.default_rng(3).normal(0, 1, (44_100, 1)) * 10 ** (dbfs / 20)
    # 1,700 of 22,050 Hz is within the bands: 11 dB less than all of it
    inside = fingerprint((noise * 10 ** (11 / 20)).astype(np.float32))
    assert (inside[2:-2] == sounds.SILENT).all() == is_silent


@pytest.mark.parametrize("tone_hz", [440, 1000, 1234.5])
def test_a_steady_tone_says_nothing(tone_hz: float) -> None:
    t = np.arange(44_100 * 3) / 44_100
    tone = fingerprint((0.5 * np.sin(2 * np.pi * tone_hz * t)).astype(np.float32)[:, None])
    assert (tone[8:-4] == sounds.STEADY).all()
    assert not compare(tone, tone).is_verified


def test_steady_frames_belong_to_what_sounds_and_match_nothing() -> None:
    a = frames(1, 100)
    a[80:] = sounds.STEADY
    assert compare(a, a) == Match(0, 80, 100, 0, 80)
    a[79] = sounds.STEADY
    assert not compare(a, a).is_verified


def test_silence_around_and_within_changes_nothing() -> None:
    sound, pause = melody(1, 5), np.zeros((44_100 * 3, 1), np.float32)
    match = compare(fingerprint(sound), fingerprint(np.concatenate([pause, sound, pause])))
    assert (match.offset, match.is_verified) == (48, True)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_break_nothing(value: float) -> None:
    sound = melody(1, 1)
    sound[1000:2000] = value
    assert fingerprint(sound).size == 17


def test_no_sample_and_one_sample_match_nothing() -> None:
    for count in (0, 1):
        short = fingerprint(np.ones((count, 1), np.float32))
        assert short.size <= 1
        assert decided([short, short]) == [-1, -1]
    assert compare(frames(1, 0), frames(1, 0)) == Match(0, 0, 0, 0, 0)


def test_memory_does_not_depend_on_the_length() -> None:
    block = np.random.default_rng(1).normal(0, 0.2, (65_536, 1)).astype(np.float32)
    fingerprint(block[:8000], 8000)  # compiles
    taker = Fingerprint(8000, 1)
    gc.collect()
    tracemalloc.start()
    for _ in range(8000 * 3600 // len(block)):
        taker.add(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taker.finish().size >= 57_000
    assert peak < 2 << 20  # an hour: its samples are 115 MB, its frames 230 KB


@pytest.mark.parametrize(("extra", "count"), [(0, 161), (300, 0)])
def test_longer_than_the_limit_has_no_frames(monkeypatch: pytest.MonkeyPatch, extra: int, count: int) -> None:
    monkeypatch.setattr(sounds, "LONGEST_S", 161 / 16)
    noise = np.random.default_rng(1).normal(0, 0.2, (48_000 + extra, 1)).astype(np.float32)
    assert fingerprint(noise, 4800).size == count


def test_two_long_ones_are_aligned() -> None:
    a = frames(1, 200_000)
    assert compare(a, a[12_345:]) == Match(-12_345, 187_655, 200_000, 0, np.unique(a[12_345:]).size)


def test_the_same_input_gives_the_same_frames() -> None:
    sound = melody(4, 2)
    assert fingerprint(sound).tobytes() == fingerprint(sound.copy()).tobytes()


@pytest.mark.parametrize(("kept", "is_near"), [(79, False), (80, True), (81, True)])
def test_eight_tenths_of_the_longer_is_enough(kept: int, is_near: bool) -> None:
    whole = frames(1, 100)
    for pair in ((whole, whole[:kept]), (whole[:kept], whole)):
        assert compare(*pair).is_verified == is_near
        assert (decided(list(pair)) == [-1, 0]) == is_near


@pytest.mark.parametrize(("wrong", "is_near"), [(607, True), (608, False), (609, False)])
def test_wrong_bits_are_fewer_than_the_limit(wrong: int, is_near: bool) -> None:
    """100 frames: a fifth of 3,200 bits, less the 32 of doubt."""
    a = frames(1, 100)
    b = flipped(a, wrong)
    assert compare(a, b).wrong == wrong
    assert compare(a, b).is_verified == is_near
    assert decided([a, b]) == [-1, 0 if is_near else -1]


@pytest.mark.parametrize(("count", "is_near"), [(4, False), (5, False), (6, True)])
def test_five_frames_prove_nothing(count: int, is_near: bool) -> None:
    assert compare(frames(1, count), frames(1, count)).is_verified == is_near


@pytest.mark.parametrize(("distinct", "is_near"), [(5, False), (6, True)])
def test_what_repeats_itself_proves_no_more(distinct: int, is_near: bool) -> None:
    a = np.tile(frames(1, distinct), 30)
    assert compare(a, a).distinct == distinct
    assert compare(a, a).is_verified == is_near


def test_beeps_of_another_pitch_are_no_copies() -> None:
    t = np.arange(16_000 * 8) / 16_000
    beeps = [
        fingerprint((0.5 * np.sin(2 * np.pi * hz * t) * (t % 1 < 0.1)).astype(np.float32)[:, None], 16_000)
        for hz in range(400, 1600, 50)
    ]
    assert decided(beeps) == [-1] * len(beeps)


def test_frames_with_one_wrong_bit_each_are_found_where_short() -> None:
    a = frames(1, 40)
    assert decided([a, a ^ np.uint32(1 << 31)]) == [-1, 0]


def test_what_sounds_where_the_other_is_silent_is_no_overlap() -> None:
    a = frames(1, 100)
    b = a.copy()
    b[40:61] = sounds.SILENT
    assert not compare(a, b).is_verified
    b[40] = a[40]
    assert compare(a, b) == Match(0, 80, 100, 0, 80)


def test_the_original_is_the_first_kept_one() -> None:
    a = frames(1, 100)
    assert decided([frames(2, 100), a, a, frames(3, 100), a[5:], a]) == [-1, -1, 1, -1, 1, 1]


def test_a_repetition_of_a_surplus_one_alone_is_kept() -> None:
    """The third overlaps the second by 85 %, the first by 70 %."""
    whole = frames(1, 130)
    assert decided([whole[:100], whole[15:115], whole[30:130]]) == [-1, 0, -1]


def sequential(recordings: list[sounds.U32]) -> list[int]:
    """The definition itself, over what may be compared: pairs that share a frame, to one bit."""
    fate: list[int] = []
    for mine in recordings:
        kept = (k for k, found in enumerate(fate) if found < 0)
        near = (k for k in kept if (np.bitwise_count(recordings[k][:, None] ^ mine) <= 1).any())
        fate.append(next((k for k in near if compare(recordings[k], mine).is_verified), -1))
    return fate


_NOTHING_SHARED = (
    [(0, 0, 60, 2)] * 2 + [(0, 0, 60, 3)] * 2 + [(0, 0, 60, 4), (0, 0, 60, 7), (0, 0, 60, 7), (0, 0, 60, 7)]
)
"""Eight before two that are near-duplicates, every frame of which differs by two bits and more."""


@example([*_NOTHING_SHARED, (2, 23, 60, 8), (2, 15, 65, 7)])
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(60, 100), st.integers(0, 8)), max_size=25
    )
)
def test_the_index_gives_the_sequential_definition(pieces: list[tuple[int, int, int, int]]) -> None:
    rng = np.random.default_rng(0)
    recordings = []
    for seed, begin, length, noise in pieces:
        piece = frames(seed, 130)[begin : begin + length].copy()
        for _ in range(noise * 20):
            piece[rng.integers(piece.size)] ^= np.uint32(1 << int(rng.integers(32)))
        recordings.append(piece)
    assert decided(recordings) == sequential(recordings)


def test_a_value_that_many_have_in_common_proposes_a_few_only() -> None:
    recordings = [frames(seed, 20) for seed in range(3000)]
    for each in recordings:
        each[::2] = 12_345
    copies = [recordings[2999].copy(), recordings[0].copy()]
    assert decided(recordings + copies) == [-1] * 3000 + [2999, 0]


def test_many_copies_of_one_are_compared_with_it_alone() -> None:
    values = np.tile(frames(1, 40), 100_000)
    ticks: list[int] = []
    original = decide(values, np.arange(100_001, dtype=np.int64) * 40, lambda: ticks.append(1)).original
    assert original[0] == -1
    assert (original[1:] == 0).all()
    assert len(ticks) == 1563


def test_nothing_to_decide() -> None:
    assert decided([]) == []
    assert decided([frames(1, 0), frames(1, 0)]) == [-1, -1]


def test_how_a_surplus_one_fits_is_told() -> None:
    a = frames(1, 100)
    values, starts = np.concatenate([a, a[10:]]), np.array([0, 100, 190])
    decision = decide(values, starts)
    assert decision.match(1) == compare(a[10:], a) == Match(10, 90, 100, 0, 90)


class Heard(audio._Sound):
    """What the check decodes, with its fingerprint."""

    takers: list[Fingerprint]

    def __init__(self, sample_rate_hz: int, channels: int, heard: Any = None) -> None:
        super().__init__(sample_rate_hz, channels, heard)
        Heard.takers.append(Fingerprint(sample_rate_hz, channels))

    def add(self, block: audio.Samples) -> None:
        super().add(block)
        Heard.takers[-1].add(block)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Frames of a file as the check decodes it."""

    def frames_of(path: Path) -> sounds.U32:
        content = path.read_bytes()
        Heard.takers = []
        try:
            audio.measure(io.BytesIO(content), len(content), Limits(), lambda: None, format="", full=True)
        except ItemError:
            return np.zeros(0, np.uint32)  # a damaged recording has no frames
        return Heard.takers[-1].finish()

    monkeypatch.setattr(audio, "_Sound", Heard)
    return frames_of


@pytest.mark.realdata
def test_twelve_encodings_of_one_recording_are_eleven_too_many(realdata: Path, heard: Any) -> None:
    paths = sorted(path for path in (realdata / "audio_one_recording").iterdir() if path.suffix != ".json")
    assert decided([heard(path) for path in paths]) == [-1, *[0] * 11]


@pytest.mark.realdata
def test_the_same_word_spoken_again_is_another_recording(realdata: Path, heard: Any) -> None:
    paths = sorted((realdata / "audio_digits").glob("*.wav"))
    found = [heard(path) for path in paths]
    assert decided(found) == [-1] * 600
    # that is no blindness: each is found again, but for those too short to tell
    again = decided(found + found)[600:]
    tellable = [n for n, each in enumerate(found) if np.unique(each[each > sounds.STEADY]).size >= 6]
    assert [again[n] for n in tellable] == tellable
    assert len(tellable) > 400
