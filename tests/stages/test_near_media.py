"""Near-duplicates of media, measured from files in partitions, to kept and surplus."""

from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from PIL.Image import Transpose

from conformance.media import copied, seen
from dqv import demo_media
from dqv.core.location import as_args, located
from dqv.core.settings import Measuring
from dqv.neardup import pictures as kernels
from dqv.stages import near_media, planted
from tests.neardup.test_pictures import scene, with_object
from tests.stages.calls import beat, measure, measured_by, pieces, read, surplus

RATE_HZ = 8000


def tune(seed: int, notes: int = 30) -> Any:
    return np.concatenate([demo_media.tone(1000 * seed + n, RATE_HZ // 10, RATE_HZ) for n in range(notes)])


def recordings(folder: Path) -> Path:
    """0: a tune; 1: another; 2: the first in Ogg; 3: the other, quieter, in MP3; 4: silence; 5: the same samples as 2's."""
    folder.mkdir()
    one, two = tune(1), tune(2)
    (folder / "0.wav").write_bytes(demo_media.sound("WAV", one, RATE_HZ))
    (folder / "1.flac").write_bytes(demo_media.sound("FLAC", two, RATE_HZ))
    (folder / "2.ogg").write_bytes(demo_media.sound("OGG", one, RATE_HZ))
    (folder / "3.mp3").write_bytes(demo_media.sound("MP3", two / 2, RATE_HZ))
    (folder / "4.wav").write_bytes(demo_media.sound("WAV", np.zeros_like(one), RATE_HZ))
    (folder / "5.wav").write_bytes(demo_media.sound("WAV", np.zeros_like(one)[1:], RATE_HZ))
    (folder / "6.ogg").write_bytes((folder / "2.ogg").read_bytes())
    return folder


@pytest.mark.parametrize("cuts", [None, [1], [2, 3], [1, 2, 3, 4, 5, 6]])
def test_recordings_in_other_encodings_repeat_the_first_whatever_the_partitions(
    tmp_path: Path, cuts: list[int] | None
) -> None:
    found = surplus(recordings(tmp_path / "data"), tmp_path / "out", cuts)
    assert [(row["object"], row["original_object"], row["verified"]) for row in found] == [
        (2, 0, "aligned"),
        (3, 1, "aligned"),
        (6, 0, "aligned"),  # an equal copy of a surplus item repeats what that one does
    ]
    assert all(0.8 * row["of"] < row["shared"] <= row["of"] for row in found)


def test_silence_and_half_a_second_are_not_comparable(tmp_path: Path) -> None:
    folder = recordings(tmp_path / "data")
    (folder / "7.wav").write_bytes(demo_media.sound("WAV", tune(1, notes=3), RATE_HZ))
    items, _, _ = measure(folder, tmp_path / "out")
    assert [row["comparable"] for row in items] == [True, True, True, True, False, False, True, False]
    assert [row["fingerprint"] is None for row in items] == [not row["comparable"] for row in items]


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "count"), [("audio_one_recording", 11), ("audio_digits", 0)])
def test_real_recordings(realdata: Path, tmp_path: Path, name: str, count: int) -> None:
    found = surplus(realdata / name, tmp_path / "out", [5, 9])
    assert len(found) == count
    assert len({row["original_object"] for row in found}) == min(1, count)


def pictures(folder: Path) -> Path:
    """0 and 1: two pictures; 2: the first again, larger and coarser; 3: flat; 4: the other one turned; 5: a copy of 2."""
    folder.mkdir()
    files = [
        seen(0),
        seen(1),
        copied(seen(0)),
        demo_media.plain("PNG", 0),
        copied(seen(1), Transpose.ROTATE_270),
    ]
    for number, content in enumerate([*files, files[2]]):
        (folder / f"{number}.jpg").write_bytes(content)
    return folder


@pytest.mark.parametrize("cuts", [None, [1], [2, 3], [1, 2, 3, 4, 5]])
@pytest.mark.parametrize("size", [1, 2000])
def test_pictures_in_other_encodings_repeat_the_first_whatever_partitions_and_bins(
    tmp_path: Path, cuts: list[int] | None, size: int
) -> None:
    with mock.patch.object(near_media, "BIN_PICTURES", size):
        found = surplus(pictures(tmp_path / "data"), tmp_path / "out", cuts)
    assert [(row["object"], row["original_object"], row["verified"]) for row in found] == [
        (2, 0, "aligned"),
        (5, 0, "aligned"),
    ]
    assert [row["object"] for row in read(tmp_path / "out" / "settle-0", "turned")] == [4]


def embedded(folder: Path, files: dict[str, bytes]) -> None:
    """Files in a column of Parquet, some rows a group."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    column = pa.array([{"bytes": data, "path": name} for name, data in files.items()], kind)
    pq.write_table(pa.table({"media": column}), folder / "0.parquet", row_group_size=2)


def test_pictures_in_a_column_repeat_as_in_a_folder(tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in sorted(pictures(tmp_path / "data").iterdir())}
    (tmp_path / "packed").mkdir()
    embedded(tmp_path / "packed", files)
    found = surplus(tmp_path / "packed", tmp_path / "out")
    places = [group << 40 | row << 12 | 1 for group in range(3) for row in range(2)]
    assert [(row["place"], row["original_place"]) for row in found] == [
        (places[2], places[0]),
        (places[5], places[0]),
    ]
    assert [row["place"] for row in read(tmp_path / "out" / "settle-0", "turned")] == [places[4]]


def test_videos_in_a_column_repeat_as_in_a_folder(tmp_path: Path) -> None:
    folder = videos(tmp_path / "data")
    there = surplus(folder, tmp_path / "there")
    (tmp_path / "packed").mkdir()
    embedded(tmp_path / "packed", {path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    here = surplus(tmp_path / "packed", tmp_path / "here")
    number = [group << 40 | row << 12 | 1 for group in range(8) for row in range(2)].index
    assert there
    assert [(number(row["place"]), number(row["original_place"])) for row in here] == [
        (row["object"], row["original_object"]) for row in there
    ]


@pytest.mark.parametrize(("most", "crowded"), [(2, 0), (1, 1)])
def test_pictures_with_more_candidates_than_are_compared_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, crowded: int
) -> None:
    """Three of a fixed scene, with a thing at other places: each resembles those before."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(3):
        grey = with_object(scene(0), 0.06, 250, (60 + 100 * number, 200))
        Image.fromarray(grey).save(folder / f"{number}.png")
    monkeypatch.setattr(kernels, "MOST_COMPARED", most)
    engine, measured = measured_by(folder, tmp_path / "out", None, "1 MB")
    found = engine.duplicates(measured, None)
    assert pq.read_table(found.surplus).num_rows == 0
    assert found.crowded == {"text": 0, "audio": 0, "image": crowded, "video": 0}


def test_a_picture_that_cannot_be_read_again_is_unverified(tmp_path: Path) -> None:
    """The greys of an object that changed are missing: the other of the pair is kept, and one is counted."""
    folder, out = pictures(tmp_path / "data"), tmp_path / "out"
    cut = pieces(folder)
    (folder / "0.jpg").write_bytes(seen(7))
    out.mkdir()
    ids = pa.table(
        {"id": [0, 2], "object": [0, 2], "place": [0, 0], "fingerprint": [b"", b""], "bin": [0, 0]}
    )
    pq.write_table(ids, tmp_path / "alike.parquet")
    args = {"source": as_args([located(str(folder))]), "pieces": cut, "alike": str(tmp_path / "alike.parquet"),
            "measuring": Measuring().model_dump(mode="json")}  # fmt: skip
    near_media.greys(args, out, beat())
    assert [row["id"] for row in read(out, "greys0")] == [2]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "near", "turned"), [("bridge-mods", 10, 0), ("dih", 0, 7), ("labelme-subset", 0, 0)]
)
def test_real_pictures(realdata: Path, tmp_path: Path, name: str, near: int, turned: int) -> None:
    """Of the 11 edits of one photo, the one of other colours is not told from another picture."""
    assert len(surplus(realdata / "images_pdq" / name, tmp_path / "out", [3])) == near
    assert len(read(tmp_path / "out" / "settle-0", "turned")) == turned


def videos(folder: Path) -> Path:
    """0 and 2: two videos; 1 and 3: the same, larger, with other key pictures; 4: one picture; 5: a cut copy of 0."""
    planted.plant(folder, ["video"])
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"{number}{path.suffix}")
    still = demo_media.movie(3, 320, 240, frames=1)
    (folder / "4.mp4").write_bytes(still)
    (folder / "5.mp4").write_bytes((folder / "0.mp4").read_bytes()[:-5000])
    return folder


@pytest.mark.parametrize("cuts", [None, [1], [1, 2, 3]])
def test_videos_in_other_encodings_repeat_the_first_whatever_the_partitions(
    tmp_path: Path, cuts: list[int] | None
) -> None:
    """What is damaged, or one picture, is never taken for a copy."""
    found = surplus(videos(tmp_path / "data"), tmp_path / "out", cuts)
    assert [(row["object"], row["original_object"], row["verified"]) for row in found] == [
        (1, 0, "aligned"),
        (3, 2, "aligned"),
    ]


def test_a_video_that_changed_meanwhile_is_no_answer(tmp_path: Path) -> None:
    folder, out = videos(tmp_path / "data"), tmp_path / "out"
    cut = pieces(folder)
    surplus(folder, out)
    (folder / "1.mkv").write_bytes((folder / "3.mkv").read_bytes())
    args = {
        "videos": str(out / "videos-0" / "videos-0.parquet"),
        "pair": [0, 1],
        "sources": [as_args([located(str(folder))])] * 2,
        "pieces": cut[:2],
        "measuring": Measuring().model_dump(mode="json"),
    }
    assert near_media.watch(args, out, beat()) is None


@pytest.mark.realdata
def test_real_videos_repeat_none_of_another_family(realdata: Path, tmp_path: Path) -> None:
    folder = realdata / "video_tmk"
    found = surplus(folder, tmp_path / "out")
    names = [Path(piece["path"]).name.split("-")[0] for piece in pieces(folder)]
    first = next(piece["object"] for piece in pieces(folder))
    assert len(found) >= 5, "of 31 pairs of a family most have bars, logos, another aspect"
    assert all(names[row["object"] - first] == names[row["original_object"] - first] for row in found)
