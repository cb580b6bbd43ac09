import io
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dqv.connectors.containers.model import Watched
from dqv.core.errors import ItemError
from dqv.measure import demux


def small(container: str = "matroska") -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream: Any = target.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * number, np.uint8), "rgb24")
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize("hasty", [False, True])
def test_a_container_is_opened_from_its_beginning_and_stays_open(hasty: bool) -> None:
    file = io.BytesIO(small())
    file.seek(100)
    with demux.opened(file, "video", hasty=hasty) as container:
        stream = demux.pictures(container)
        assert stream is not None
        assert stream.index == 0
        assert len(list(demux.packets(container))) == 5
    assert not file.closed


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize("data", [b"", b"\0" * 100, bytes(range(256)) * 20])
def test_what_is_no_container_is_of_the_caller_s_kind(kind: str, data: bytes) -> None:
    with pytest.raises(ItemError) as caught, demux.opened(io.BytesIO(data), kind):
        pass
    assert caught.value.kind == kind


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    victim = tmp_path / "victim.mkv"
    victim.write_bytes(small())
    lists = [
        f"ffconcat version 1.0\nfile {victim}\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{victim}\n#EXT-X-ENDLIST\n",
        f'<?xml version="1.0"?><MPD type="static"><BaseURL>{victim}</BaseURL></MPD>',
    ]
    for text in lists:
        with pytest.raises(ItemError), demux.opened(io.BytesIO(text.encode() * 3), "video"):
            pass


def test_a_reference_to_another_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim.mov"
    victim.write_bytes(small("mov"))
    data = victim.read_bytes()
    at = data.index(b"dref") - 4
    alias = struct.pack(">I4sI", 12 + len(str(victim)) + 1, b"url ", 0) + str(victim).encode() + b"\0"
    changed = bytearray(data)
    size = int.from_bytes(data[at : at + 4], "big")
    changed[at + 16 : at + size] = alias[: size - 16]
    try:
        with demux.opened(io.BytesIO(bytes(changed)), "video") as container:
            assert all(each.pos is None or each.pos < len(data) for each in demux.packets(container))
    except ItemError:
        pass


def test_the_stream_s_own_error_comes_through_even_where_it_looks_like_the_end() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 600:
                raise OSError("the disk is gone")
            return super().read(min(200, size or 0))

    def use(file: Any, wrong: ItemError | None) -> None:
        with demux.opened(file, "video") as container:
            list(demux.packets(container))
            if wrong is not None:
                raise wrong

    for wrong in (None, ItemError("truncated", "what a caller made of it")):
        with pytest.raises(OSError, match="the disk is gone"):
            use(Watched(Broken(small()), lambda: None), wrong)


def test_no_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise av.error.MemoryError(12, "Cannot allocate memory")

    monkeypatch.setattr(av, "open", greedy)
    with pytest.raises(MemoryError), demux.opened(io.BytesIO(b"x"), "video"):
        pass


def test_a_cover_is_no_moving_picture() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        stream: Any = target.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        sound: Any = target.add_stream("aac", rate=48000, layout="mono")
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24").reformat(
            format="yuvj420p"
        )
        target.mux(stream.encode(frame) + stream.encode(None))
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
        heard.sample_rate = 48000
        target.mux(sound.encode(heard) + sound.encode(None))
    with demux.opened(io.BytesIO(out.getvalue()), "video") as container:
        assert demux.pictures(container) is None


def test_a_stream_that_comes_late_ends_in_no_error() -> None:
    class Late:
        def demux(self) -> Any:
            yield from ()
            raise IndexError("list index out of range")

    assert list(demux.packets(Late())) == []
