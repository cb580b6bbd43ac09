"""One recording: read in full, or by its header alone.

The content decides what it is, not its name. In full means: the container walked (`audio_structure`), every sample
decoded in blocks, so that memory does not depend on length, and the silence and the hashes of what was decoded. Of
several tracks the first one counts.

Which decoder: the faster one of those that give the right samples (× real time of the bare decoder, mono, 44.1 or
48 kHz, one core; the numbers of samples are system FFmpeg's, of gapless MP3, pre-skip and edit lists too).

| format | decoder | × | the other | why |
|---|---|---|---|---|
| WAV, RF64, AIFF, CAF, raw | libsndfile | 14,400 | 15,200 | opens in 0.1 ms, FFmpeg a WAV in up to 32 ms; FFmpeg 8 cuts ALAC in CAF twice |
| WAV whose writer left a size of 0 | FFmpeg | | | libsndfile takes it for no samples |
| FLAC | FFmpeg | 2,540 | 2,800 | libsndfile puts silence for lost frames, stops at a total that is too low, fails at tags behind |
| MP3 | FFmpeg | 2,600 | 2,310 | the same samples, gapless |
| Ogg Vorbis | FFmpeg | 2,820 | 1,770 | the same samples |
| Opus | FFmpeg | 1,100 | 425 | the same samples |
| AAC, ALAC, WMA, AMR; WebM and other containers | FFmpeg | 3,400 (AAC) | - | libsndfile knows them not |

What damage is found, beside a missing end, and what cannot be:

- FLAC: every flipped bit (frames carry checksums; STREAMINFO's MD5 is not computed: a quarter of the time of decoding
  for what the checksums find), every lost frame (without a total in STREAMINFO, not of the last two). Ogg: every flipped bit, by the pages' checksums.
- MP3, ADTS, AMR: a frame that does not stand where the one before it ends; AAC also half of the bits flipped within
  frames. Of MP3, WMA, Opus and Vorbis in WebM and AMR, decoders take any bits within frames for sound.
- PCM of any kind (WAV, AIFF, CAF, raw): nothing can tell a flipped bit of a sample.
- A file cut exactly between two frames or fragments whose container counts nothing (ADTS, AMR, MP3 without Xing,
  fragmented MP4, live WebM, MPEG streams) is a shorter file.
"""

import io
import re
import struct
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import chain
from typing import Any, BinaryIO

import av
import av.error
import numba
import numpy as np
import numpy.typing as npt
import soundfile
import xxhash

from dqv.core.errors import DqvError, ItemError
from dqv.core.registration import RawSound
from dqv.core.settings import Limits
from dqv.measure import audio_structure, demux
from dqv.measure.media import LOCATION_TAGS, MOST_S, Media, Tick, flicks, texts_of
from dqv.measure.structure import truncated
from dqv.measure.timestamps import parse_day
from dqv.neardup import sounds

SILENT_DBFS = -60
"""A window in which every channel stays within less than this around some constant (an offset is no sound) is silent."""

SILENT_LEVEL = np.float32(10 ** (SILENT_DBFS / 20))
WINDOWS_PER_SECOND = 50

BLOCK_SAMPLES = 1 << 16
"""Samples (of all channels) decoded at a time, at least: it fits into the caches."""

BEYOND_SAMPLES = 8192
"""So much at most is decoded beyond what a container states, and left out: a block of Vorbis holds no more (I, 4.2.2)."""


STATED_SLACK_S = 1
"""How much shorter than stated a container's only sound may be: edges of packets, rounded durations."""

LEAST_HZ = 4000
"""No recording has a lower rate (codecs of speech begin at 8000 Hz): a header that states one makes hours of nothing."""

Samples = npt.NDArray[np.float32]


class HoldsPictures(Exception):
    """The container holds moving pictures."""


ENCODINGS = {
    "pcm_s8": ("PCM_S8", "FILE", 1),
    "pcm_u8": ("PCM_U8", "FILE", 1),
    "pcm_s16le": ("PCM_16", "LITTLE", 2),
    "pcm_s16be": ("PCM_16", "BIG", 2),
    "pcm_s24le": ("PCM_24", "LITTLE", 3),
    "pcm_s24be": ("PCM_24", "BIG", 3),
    "pcm_s32le": ("PCM_32", "LITTLE", 4),
    "pcm_s32be": ("PCM_32", "BIG", 4),
    "pcm_f32le": ("FLOAT", "LITTLE", 4),
    "pcm_f32be": ("FLOAT", "BIG", 4),
    "pcm_f64le": ("DOUBLE", "LITTLE", 8),
    "pcm_f64be": ("DOUBLE", "BIG", 8),
    "pcm_mulaw": ("ULAW", "FILE", 1),
    "pcm_alaw": ("ALAW", "FILE", 1),
}
"""FFmpeg's name → libsndfile's subtype and order of bytes, bytes of a sample."""

_NAMES = {(subtype, order): name for name, (subtype, order, _) in ENCODINGS.items()}
_DATES = ("bext", "creation_time", "icrd", "tdrc", "date", "tyer", "year")
"""Tags that may hold a date, the most telling first."""


def measure(
    file: BinaryIO,
    size_bytes: int,
    limits: Limits,
    tick: Tick,
    *,
    format: str,
    full: bool,
    raw: RawSound | None = None,
    heard: Callable[[Samples, int], None] | None = None,
) -> Media:
    """Measure one recording.

    Args:
        file: seekable, anywhere; it is not closed.
        size_bytes: of the object.
        limits: of one item; memory needs none here, as blocks bound it.
        tick: called at every block.
        format: the name's suffix; it decides nothing but whether samples are raw.
        full: decode everything; else the header alone is read, and `duration_flicks` is what it states, None where
            it states nothing (ADTS, AMR, MP3 without a Xing header, FLAC without a total, MPEG streams).
        raw: what raw samples are.
        heard: given every decoded block, (n, channels) between −1 and 1, and its rate in Hz.

    Returns:
        The record without `xxh3_128`: the payload is the object, which its caller reads anyhow to bind it.

    Raises:
        ItemError: "empty", "audio", "truncated", "unsupported".
        HoldsPictures: it is a video.
        OSError: the stream's own.
    """
    if size_bytes == 0:
        raise ItemError("empty", "no bytes")
    job = _Job(file, size_bytes, tick, full, heard)
    if format == "pcm":
        if raw is None:
            raise ItemError("unsupported", "raw samples without a declared rate, channels and encoding")
        return _raw(job, raw)
    kind, begin = audio_structure.sniff(file)
    if begin and kind not in ("mp3", "adts", "flac"):
        raise ItemError("audio", f"the {kind} header stands behind {begin} bytes of something else")
    tags: dict[str, str] = {}
    if kind == "wav":
        tags["bext"], is_open = audio_structure.riff(file, size_bytes)
        by_sndfile = not is_open
    elif kind in ("aiff", "caf"):
        audio_structure.iff(file, size_bytes) if kind == "aiff" else audio_structure.caf(file, size_bytes)
        by_sndfile = True
    else:
        by_sndfile = False
    return (_by_sndfile(job, tags) if by_sndfile else None) or _by_ffmpeg(job, tags, kind, begin)


@dataclass(frozen=True, slots=True)
class _Job:
    """The arguments of `measure` that every step needs."""

    file: BinaryIO
    size_bytes: int
    tick: Tick
    full: bool
    heard: Callable[[Samples, int], None] | None


class _Sound:
    """What is kept of decoded samples while they pass: their number, silence, hash and fingerprint.

    Raises:
        ItemError: "audio" for a rate that is none, for samples that are no numbers, and for more than MOST_S.
    """

    def __init__(
        self, sample_rate_hz: int, channels: int, heard: Callable[[Samples, int], None] | None = None
    ) -> None:
        _must_be_rate(sample_rate_hz)
        self.sample_rate_hz, self.channels, self._heard = sample_rate_hz, channels, heard
        self.samples = 0
        self._window = max(1, sample_rate_hz // WINDOWS_PER_SECOND)
        self._state = np.zeros(3, np.int64)
        self._low, self._high = np.zeros((2, channels), np.float32)
        self._hash = xxhash.xxh3_128(struct.pack("<II", sample_rate_hz, channels))
        self._fingerprint = sounds.Fingerprint(sample_rate_hz, channels)

    def add(self, block: Samples) -> None:
        """Take (n, channels) samples, C-contiguous."""
        self.samples += len(block)
        if self.samples > MOST_S * self.sample_rate_hz:
            raise ItemError("audio", f"it sounds longer than {MOST_S} s")
        if not finite(block.reshape(-1)):
            raise ItemError("audio", f"a sample that is no number, before sample {self.samples}")
        if self._heard is not None:
            self._heard(block, self.sample_rate_hz)
        self._hash.update(block.data)
        self._fingerprint.add(block)
        silence(block, self._window, SILENT_LEVEL, self._state, self._low, self._high)

    def media(self, job: _Job, codec: str, mode: str, tags: dict[str, str]) -> Media:
        """The record of a recording that was decoded.

        Raises:
            ItemError: "empty".
        """
        if self.samples == 0:
            raise ItemError("empty", f"no samples in {job.size_bytes} bytes")
        day, refused = _day(tags)
        silent, in_window, loud = (int(value) for value in self._state)
        silent += 0 if loud else in_window
        frames = self._fingerprint.finish()
        return Media(
            modality="audio",
            codec=codec,
            mode=mode,
            payload_bytes=job.size_bytes,
            duration_flicks=flicks(Fraction(self.samples, self.sample_rate_hz)),
            silent_flicks=flicks(Fraction(silent, self.sample_rate_hz)),
            sample_rate_hz=self.sample_rate_hz,
            channels=self.channels,
            day=day,
            day_refused=refused,
            located=not LOCATION_TAGS.isdisjoint(tags),
            texts=texts_of(tags),
            flags=("silent",) if silent * 2 > self.samples else (),
            normalised=self._hash.digest(),
            fingerprint=frames.tobytes() if sounds.tells(frames) else None,
            decoded=True,
        )


@numba.njit(nogil=True, cache=True, fastmath={"reassoc"})
def finite(samples: Any) -> bool:
    """Whether these float32 are all numbers: 0 times NaN or infinity is NaN. A third of the time of np.isfinite."""
    total = np.float32(0)
    for t in range(samples.size):
        total += samples[t] * np.float32(0)
    return bool(total == 0)


@numba.njit(nogil=True, cache=True)
def silence(block: Any, window: int, level: Any, state: Any, low: Any, high: Any) -> None:
    """Count the silent samples of a stream that comes in blocks.

    Args:
        block: (n, channels) float32, finite.
        window: samples of a window.
        level: a channel whose samples span less than twice this is silent.
        state: silent samples in whole windows, samples in the window begun, 1 where that one is not silent.
        low: per channel, the lowest sample of the window begun.
        high: the highest.
    """
    at, n, channels, span = 0, block.shape[0], block.shape[1], level + level
    while at < n:
        end = min(n, at + window - state[1])
        if state[1] == 0:
            for c in range(channels):
                low[c] = high[c] = block[at, c]
        state[1] += end - at
        while not state[2] and at < end:  # sound that is not silent costs next to nothing
            part_end = min(end, at + 32)
            for c in range(channels):
                lowest, highest = low[c], high[c]
                for t in range(at, part_end):
                    lowest, highest = min(lowest, block[t, c]), max(highest, block[t, c])
                low[c], high[c] = lowest, highest
                if highest - lowest >= span:
                    state[2] = 1
            at = part_end
        at = end
        if state[1] == window:
            if not state[2]:
                state[0] += window
            state[1] = state[2] = 0


def _day(tags: dict[str, str]) -> tuple[date | None, bool]:
    """The day in the first tag that says anything, and whether it was refused.

    A date of zeros says nothing beside another tag, and is refused alone.
    """
    is_zeros = False
    for name in _DATES:
        if not (text := (tags.get(name) or "").strip("\0 ")):
            continue
        if not text.strip("0-_:. "):
            is_zeros = True
            continue
        try:
            # bext allows -, _, :, space and . between the parts
            return parse_day(re.sub(r"[_: .]", "-", text) if name == "bext" else text), False
        except ValueError:
            return None, True
    return None, is_zeros


def _must_be_rate(sample_rate_hz: int) -> None:
    """Raise "audio" for a rate that is none of a recording."""
    if sample_rate_hz < LEAST_HZ:
        raise ItemError("audio", f"a sample rate of {sample_rate_hz} Hz: below {LEAST_HZ} Hz is no recording")


def _header(
    job: _Job,
    codec: str,
    mode: str | None,
    sample_rate_hz: int,
    channels: int,
    seconds: Fraction | None,
    tags: dict[str, str],
) -> Media:
    """The record of a recording of which only the header was read.

    Raises:
        ItemError: "audio" for what cannot be.
    """
    _must_be_rate(sample_rate_hz)
    if channels < 1 or (seconds is not None and seconds > MOST_S):
        raise ItemError("audio", "the header states no channels or more than a year")
    day, refused = _day(tags)
    return Media(
        modality="audio",
        codec=codec,
        mode=mode,
        payload_bytes=job.size_bytes,
        duration_flicks=None if seconds is None else flicks(seconds),
        sample_rate_hz=sample_rate_hz,
        channels=channels,
        day=day,
        day_refused=refused,
        located=not LOCATION_TAGS.isdisjoint(tags),
        texts=texts_of(tags),
    )


class _Source:
    """The stream for libsndfile: its callbacks cannot raise, so an error is kept and looks like the end."""

    def __init__(self, job: _Job) -> None:
        self._file, self._size_bytes = job.file, job.size_bytes
        self.failed: Exception | None = None
        self.tell = job.file.tell

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As a file does, but a broken header's place in front of the beginning is no error: it goes nowhere."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size_bytes}[whence]
        try:
            return self._file.seek(start + offset) if start + offset >= 0 else self.tell()
        except (OSError, MemoryError, DqvError) as error:
            self.failed = self.failed or error
            return self.tell()

    def read(self, size: int) -> bytes:
        """As a file does; nothing after an error."""
        try:
            return self._file.read(size)
        except (OSError, MemoryError, DqvError) as error:
            self.failed = self.failed or error
            return b""


def _raw(job: _Job, raw: RawSound) -> Media:
    """Samples without a header."""
    subtype, order, sample_bytes = ENCODINGS[raw.encoding]
    frame_bytes = sample_bytes * raw.channels
    if rest := job.size_bytes % frame_bytes:
        whole = job.size_bytes - rest + frame_bytes
        raise truncated(f"the last sample of {frame_bytes} bytes", job.size_bytes, whole)
    media = _by_sndfile(
        job,
        {},
        samplerate=raw.sample_rate_hz,
        channels=raw.channels,
        format="RAW",
        subtype=subtype,
        endian=order,
    )
    if media is None:
        raise ItemError("audio", "libsndfile takes no samples as declared")
    return media


def _by_sndfile(job: _Job, tags: dict[str, str], **raw: Any) -> Media | None:
    """Read with libsndfile; None where it knows the container or codec not.

    Raises:
        ItemError: "audio", "truncated", "empty".
    """
    source = _Source(job)
    source.seek(0)
    try:
        sound_file = soundfile.SoundFile(source, **raw)
    except soundfile.SoundFileError:
        if source.failed is not None:
            raise source.failed from None
        return None
    with sound_file:
        tags |= {name.lower(): text for name, text in sound_file.copy_metadata().items()}
        rate, channels, claimed = sound_file.samplerate, sound_file.channels, sound_file.frames
        codec = _sndfile_codec(sound_file)
        if not job.full:
            if source.failed is not None:
                raise source.failed
            if claimed == 0:
                raise ItemError("empty", f"no samples in {job.size_bytes} bytes")
            return _header(job, codec, sound_file.subtype, rate, channels, Fraction(claimed, rate), tags)
        sound = _Sound(rate, channels, job.heard)
        block = np.empty((max(1, BLOCK_SAMPLES // channels), channels), np.float32)
        try:
            while len(read := sound_file.read(out=block)):
                sound.add(read)
                job.tick()
        except soundfile.SoundFileError as error:
            if source.failed is None:
                detail = f"the decoder stops after {sound.samples} of {claimed} samples"
                raise ItemError("audio", detail) from error
        if source.failed is not None:
            raise source.failed
        slack = STATED_SLACK_S * rate if sound_file.subtype in _CODECS else 0  # counts of blocks
        if sound.samples < claimed - slack:
            raise ItemError("truncated", f"the header claims {claimed} samples and {sound.samples} are there")
        return sound.media(job, codec, sound_file.subtype, tags)


def _sndfile_codec(sound_file: Any) -> str:
    """FFmpeg's name of what libsndfile decodes."""
    subtype, order = sound_file.subtype, sound_file.endian
    if subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE") and order == "FILE":
        order = "BIG" if sound_file.format in ("AIFF", "CAF") else "LITTLE"
    name = _NAMES.get((subtype, order)) or _NAMES.get((subtype, "FILE"))
    return name or ("alac" if subtype.startswith("ALAC") else _CODECS.get(subtype, subtype.lower()))


_CODECS = {"IMA_ADPCM": "adpcm_ima_wav", "MS_ADPCM": "adpcm_ms", "GSM610": "gsm_ms", "MPEG_LAYER_III": "mp3"}


def _by_ffmpeg(job: _Job, tags: dict[str, str], kind: str, begin: int) -> Media:
    """Read with FFmpeg.

    Raises:
        ItemError: "audio", "truncated", "empty", "unsupported".
        HoldsPictures: it is a video.
    """
    is_open = False
    try:
        with demux.opened(job.file, "audio") as container:
            is_open = True
            if demux.pictures(container) is not None:
                raise HoldsPictures
            return _read_container(job, container, tags, kind, begin)
    except ItemError:
        if not is_open:
            _walk(job, kind, begin)  # says better what is wrong
        raise


def _walk(job: _Job, kind: str, begin: int) -> int:
    """Walk a container's structure; the one that means reading all of it, only in full.

    Returns:
        Where coded sound ends at the latest: behind it are tags.
    """
    file, size_bytes = job.file, job.size_bytes
    if kind == "mp4":
        audio_structure.mp4(file, size_bytes)
    elif kind == "asf":
        audio_structure.asf(file, size_bytes)
    elif kind == "matroska":
        audio_structure.ebml(file, size_bytes, job.full)
    elif kind == "avi":
        audio_structure.riff(file, size_bytes)
    elif kind == "mpegts":
        audio_structure.transport(size_bytes)
    elif not job.full:
        if kind == "mp3":
            audio_structure.xing_bytes(file, begin, size_bytes)
    elif kind == "mpeg":
        audio_structure.program(file, size_bytes)
    elif kind == "ogg":
        audio_structure.ogg(file, size_bytes, job.tick)
    elif kind in ("mp3", "adts", "amr"):
        return audio_structure.frames(file, begin, size_bytes, kind, job.tick)
    elif kind == "flv":
        audio_structure.flv(file, size_bytes)
    return size_bytes


def _read_container(job: _Job, container: Any, tags: dict[str, str], kind: str, begin: int) -> Media:
    """Walk and read what was opened."""
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise ItemError("audio", "neither sound nor pictures in the container")
    context = stream.codec_context
    if context is None:
        raise ItemError("unsupported", "no decoder for the sound in the container")
    position = job.file.tell()
    is_laid_out = kind in ("mp4", "caf", "aiff")
    if is_laid_out:
        # What these lay out speaker by speaker, PyAV 18 frees twice. A number alone is safe, and decoders that know
        # better put their own in its place.
        context.layout = f"{audio_structure.channels(job.file, kind, job.size_bytes)} channels"
    tags |= {name.lower(): text for each in (container, stream) for name, text in each.metadata.items()}
    codec = context.codec.canonical_name.replace("amr_", "amr")
    end = _walk(job, kind, begin)
    seconds = _stated(job, container, stream, kind, begin)
    job.file.seek(position)  # FFmpeg does not know that it was moved
    if not job.full:
        mode = context.format.name if context.format is not None else None
        rate, channels = (
            context.sample_rate,
            _channels(container, stream) if is_laid_out else context.channels,
        )
        return _header(job, codec, mode, rate, channels, seconds, tags)
    # Without these, FFmpeg conceals: FLAC frames of a wrong checksum are decoded, broken frames patched.
    context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
    most = round(seconds * context.sample_rate) if kind in ("ogg", "mp3") and seconds is not None else None
    sound, mode = _decode(job, container, stream, kind, end, most)
    if sound is None:
        raise ItemError("empty", f"no samples in {job.size_bytes} bytes")
    decoded = Fraction(sound.samples, sound.sample_rate_hz)
    if seconds is not None and decoded < seconds - STATED_SLACK_S:
        detail = f"the header claims {float(seconds):.3f} s and {float(decoded):.3f} s are there"
        raise ItemError("truncated", detail)
    if kind == "flac" and seconds is not None and decoded != seconds:
        detail = f"the header claims {seconds * sound.sample_rate_hz} samples and {sound.samples} are there"
        raise ItemError("audio", detail)
    return sound.media(job, codec, mode, tags)


def _channels(container: Any, stream: Any) -> int:
    """Of the first frame: a movie's header says 2 of any AAC."""
    for packet in demux.packets(container, stream):
        for frame in stream.codec_context.decode(packet):
            return int(frame.layout.nb_channels)
    raise ItemError("empty", "no samples in the container")


def _stated(job: _Job, container: Any, stream: Any, kind: str, begin: int) -> Fraction | None:
    """The duration in seconds that the container states; None where FFmpeg would estimate."""
    if kind in ("matroska", "asf"):
        return Fraction(container.duration, av.time_base) if container.duration else None
    if kind == "mp3":
        stated = audio_structure.xing(job.file, begin)
        if stated is None or stated[0] == 0:
            return None
        samples = audio_structure.gapless(job.file, begin)
        if samples is not None:
            return Fraction(samples, stream.codec_context.sample_rate)
    elif kind == "flac":
        total = audio_structure.flac_total(job.file, begin)
        return Fraction(total, stream.codec_context.sample_rate) if total else None
    elif kind not in ("mp4", "ogg", "avi", "aiff", "caf", "wav"):
        return None
    if not stream.duration or stream.duration < 0:
        return None
    seconds = Fraction(stream.duration * stream.time_base)
    if kind == "ogg" and stream.codec_context.codec.canonical_name == "opus":
        seconds -= Fraction(int.from_bytes((stream.codec_context.extradata or b"")[10:12], "little"), 48_000)
    return seconds


class _Read:
    """The bytes that packets took so far: no byte may sound twice.

    A sample table or list of edits (MP4, MOV), or an index (AVI), can name the same bytes again and again: hours out
    of a few bytes. One in a hundred may: where a recording was split, the packet at the seam belongs to both edits.
    """

    def __init__(self, kind: str, size_bytes: int) -> None:
        self._tells = kind == "mp4"  # elsewhere positions are of what holds a packet, or of several packets
        self._left = size_bytes if kind != "matroska" else None  # its packets may be stored compressed
        self._again = size_bytes // 100  # bytes that may still be read twice
        self._begins: list[int] = []  # of the stretches read: apart, in order
        self._ends: list[int] = []

    def add(self, packet: Any) -> None:
        """Take one packet.

        Raises:
            ItemError: "audio".
        """
        if self._left is not None:
            self._left -= packet.size
            if self._left < 0:
                raise ItemError("audio", "the same bytes are played twice: packets hold more than the object")
        if self._tells and packet.pos is not None and not packet.is_discard:
            self._cover(packet.pos, packet.pos + packet.size)

    def _cover(self, begin: int, end: int) -> None:
        begins, ends = self._begins, self._ends
        at = bisect_right(begins, begin)  # of the stretch behind
        if (at and ends[at - 1] > begin) or (at < len(begins) and begins[at] < end):
            self._again -= end - begin
            if self._again < 0:
                raise ItemError("audio", f"the same bytes are played twice: those at byte {begin}")
            return
        joins_last, joins_next = at > 0 and ends[at - 1] == begin, at < len(begins) and begins[at] == end
        if joins_last:
            ends[at - 1] = ends.pop(at) if joins_next else end
            if joins_next:
                del begins[at]
        elif joins_next:
            begins[at] = begin
        else:
            begins.insert(at, begin)
            ends.insert(at, end)


def _decode(
    job: _Job, container: Any, stream: Any, kind: str, end: int, most: int | None
) -> tuple[_Sound | None, str]:
    """Decode a stream to its end.

    Frames are gathered in a FIFO of FFmpeg's: one block to Python instead of sixty frames.

    Args:
        job: what is measured.
        container: opened.
        stream: of it.
        kind: of container.
        end: packets that begin there or behind it are tags, which FFmpeg takes for broken frames.
        most: samples that the container states; what the last blocks hold beyond them is no sound, and FFmpeg leaves
            it where all of an Ogg stands in one page (Vorbis I, A.2), or tags stand behind a short MP3.

    Raises:
        ItemError: "audio"; "unsupported" where rate, channels or format change on the way.
    """
    fifo: Any = av.AudioFifo()
    sound, mode, done, channels = None, "", 0, 0
    decode = stream.codec_context.decode
    has_tags, leaves_out = end < job.size_bytes, kind == "flac"
    kept = 0 if most is None else BEYOND_SAMPLES
    read = _Read(kind, job.size_bytes)
    try:
        for packet in chain(demux.packets(container, stream), [None]):  # None: what the decoder still holds
            if packet is not None:
                if has_tags and packet.pos is not None and packet.pos >= end:
                    continue
                # FFmpeg calls the last packet of PCM corrupt when its size was left open.
                if packet.is_corrupt and kind not in ("wav", "aiff", "caf"):
                    raise ItemError("audio", f"a corrupt packet after {done} samples")
                read.add(packet)
                # Where MP3s were joined, FFmpeg leaves tags in front of the frame behind them.
                while kind == "mp3" and (
                    tag_bytes := audio_structure.tag_bytes(memoryview(packet), packet.size)
                ):
                    packet = av.Packet(bytes(packet)[tag_bytes:])
            for frame in decode(packet):
                if leaves_out and frame.pts not in (None, done):  # broken frames, in silence
                    raise ItemError("audio", f"a broken frame after {done} samples")
                frame.pts = None  # the FIFO would refuse gaps
                channels = channels or frame.layout.nb_channels
                try:
                    if frame.layout.nb_channels != channels:  # this the FIFO does not refuse: it would crash
                        raise ValueError
                    fifo.write(frame)
                except ValueError as error:
                    raise ItemError("unsupported", f"rate or channels change after {done} samples") from error
                done += frame.samples
            held = fifo.samples
            if packet is None:
                beyond = 0 if most is None else done - most
                held -= beyond if 0 < beyond <= min(kept, held) else 0
            elif held * channels >= BLOCK_SAMPLES + kept * channels:
                held -= kept
            else:
                continue
            if held:
                block = fifo.read(held)
                if sound is None:
                    sound, mode = _Sound(block.sample_rate, channels, job.heard), block.format.name
                sound.add(_floats(block))
                job.tick()
    except av.error.InvalidDataError as error:
        raise ItemError("audio", f"the decoder fails after {done} samples") from error
    return sound, mode


_DTYPES = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}
"""FFmpeg's sample formats; planar ones have a p behind."""


def _floats(frame: Any) -> Samples:
    """A frame as (n, channels) float32 between −1 and 1, in the scale that libsndfile uses too."""
    count, planar = frame.samples, frame.format.is_planar
    dtype: Any = _DTYPES[frame.format.name.removesuffix("p")]
    channels = frame.layout.nb_channels
    length = count if planar else count * channels
    planes: list[Samples] = []
    for plane in frame.planes:
        values = np.frombuffer(plane, dtype)[:length]  # behind them is padding
        if dtype is not np.float32:
            values = values.astype(np.float32)
        if dtype is np.uint8:
            values = (values - np.float32(128)) / np.float32(128)
        elif np.issubdtype(dtype, np.integer):
            values *= np.float32(2.0 ** (1 - 8 * np.dtype(dtype).itemsize))
        planes.append(values)
    if not planar or channels == 1:
        return planes[0].reshape(count, channels)
    block = np.empty((count, channels), np.float32)
    if channels == 2:
        _interleave(planes[0], planes[1], block)
    else:
        np.stack(planes, 1, block)
    return block


@numba.njit(nogil=True, cache=True)
def _interleave(left: Any, right: Any, block: Any) -> None:
    """What numpy does three times slower; most recordings that FFmpeg decodes are stereo."""
    for t in range(left.size):
        block[t, 0] = left[t]
        block[t, 1] = right[t]
