from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.neardup import pictures

U8 = npt.NDArray[np.uint8]


def whole(values: npt.NDArray[np.generic]) -> U8:
    grey: U8 = values.clip(0, 255).astype(np.uint8)
    return grey


def scene(seed: int, height: int = 360, width: int = 480) -> U8:
    """Soft shapes of several sizes over a gradient."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    out = 90 + 60 * x / width + 20 * y / height
    for _ in range(40):
        top, left, side = random.uniform((0, 0, 15), (height, width, 120))
        out += random.uniform(-45, 45) / (
            1 + np.exp(((np.hypot(y - top, x - left) - side / 2) / 2).clip(-50, 50))
        )
    return whole(out)


def noisy(grey: U8, seed: int, level: float) -> U8:
    noise = np.random.default_rng(seed).normal(0, level, grey.shape)
    return whole(grey + noise)


def halved(grey: U8) -> U8:
    height, width = (side // 2 for side in grey.shape)
    return whole(grey[: height * 2, : width * 2].reshape(height, 2, width, 2).mean((1, 3)).round())


def with_object(grey: U8, part: float, level: int, place: tuple[int, int] = (150, 200)) -> U8:
    """A disc, `part` of the width wide, of another grey."""
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    disc = np.hypot(y - place[0], x - place[1]) <= part * grey.shape[1] / 2
    out = grey.astype(np.int64) + level * disc
    return whole(out)


def apart(a: np.uint64, b: np.uint64) -> int:
    return int(a ^ b).bit_count()


# --- the hash


def test_hash_is_fixed_for_all_machines() -> None:
    y, x = np.mgrid[:96, :128]
    grey = ((x * x + 3 * x * y + 7 * y) % 251).astype(np.uint8)
    assert pictures.fingerprint(grey) == (np.uint64(0xD5AFBD9AD0016F04), False)


def test_no_cosine_is_near_a_tie_of_rounding() -> None:
    exact = np.cos(np.pi * np.outer(np.arange(8), 2 * np.arange(32) + 1) / 64) * (1 << 14)
    assert np.abs(np.abs(exact - np.floor(exact)) - 0.5).min() > 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_resizing_and_noise_hardly_move_the_hash(seed: int) -> None:
    grey = scene(seed)
    original, _ = pictures.fingerprint(grey)
    assert apart(original, pictures.fingerprint(halved(grey))[0]) <= 2
    assert apart(original, pictures.fingerprint(noisy(grey, 1, 4))[0]) <= 4


def test_different_scenes_hash_apart() -> None:
    hashes = [pictures.fingerprint(scene(seed))[0] for seed in range(20)]
    assert min(apart(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > pictures.MOST_BITS


def test_inner_hash_finds_a_crop() -> None:
    for seed in range(10):
        grey = scene(seed, 600, 800)
        crop = grey[12:-12, 16:-16]
        inner = pictures.phash(pictures.coefficients(grey, inner=True))
        assert apart(inner, pictures.fingerprint(crop)[0]) <= 1


def page(seed: int) -> U8:
    """A page of panels on white, nearly all of them lighter than what 15 % more makes white."""
    random = np.random.default_rng(seed)
    out = np.full((360, 480), 255, np.uint8)
    for _ in range(30):
        y, x, high, wide = random.integers((0, 0, 10, 10), (340, 460, 120, 160))
        out[y : y + high, x : x + wide] = random.choice([60, 150, 205, 225, 235, 245, 255])
    return out


def test_whites_that_are_clipped_move_the_hash_and_not_the_one_cut_off() -> None:
    lost = 0
    for seed in range(20):
        grey = page(seed)
        brighter = whole(grey * 1.15)
        hashes = pictures.hashes_of(stored([grey, brighter]))[:, :, 0]
        lost += apart(hashes[0, 0], hashes[1, 0]) > pictures.MOST_BITS
        assert apart(hashes[0, 2], hashes[1, 0]) <= 2
        assert pictures.components(stored([grey, brighter])).tolist() == [0, 0]
        assert pictures.components(stored([brighter, grey])).tolist() == [0, 0]
    assert lost  # by the whole picture's hash alone


def test_what_is_nearly_white_is_not_cut_off() -> None:
    light = [whole(225 + scene(seed) * (30 / 255)) for seed in range(10)]
    hashes = pictures.hashes_of(stored(light))
    assert (hashes[:, 2] == hashes[:, 0]).all()
    assert not pictures.flat_of(stored(light)).any()
    assert (pictures.components(stored(light)) == -1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (3, 5), (32, 32), (33, 31), (2000, 7)])
def test_any_size_is_hashed(shape: tuple[int, int]) -> None:
    assert pictures.fingerprint(np.full(shape, 90, np.uint8))[1]


def test_an_enlarged_small_picture_hashes_alike() -> None:
    small = scene(1, 24, 16)
    assert pictures.fingerprint(small) == pictures.fingerprint(small.repeat(3, 0).repeat(3, 1))


def test_noise_on_a_plain_ground_is_flat_and_a_scene_is_not() -> None:
    assert pictures.fingerprint(noisy(np.full((300, 400), 128, np.uint8), 0, 2))[1]
    assert not pictures.fingerprint(scene(0))[1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 80))
@settings(max_examples=50, deadline=None)
def test_orientations_are_the_hashes_of_the_turned_pictures(seed: int, height: int, width: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    turned = [
        side
        for picture in (grey, grey.T)
        for side in (picture, picture[:, ::-1], picture[::-1, ::-1], picture[::-1])
    ]
    expected = [pictures.fingerprint(np.ascontiguousarray(picture))[0] for picture in turned]
    assert list(pictures.orientations(pictures.coefficients(grey))) == expected


# --- candidates


def listed(distinct: pictures.U64) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for block in pictures.candidates(distinct) for a, b in block]


def brute(distinct: pictures.U64) -> list[tuple[int, int]]:
    return [
        (i, k)
        for k in range(distinct.size)
        for i in range(k)
        if apart(distinct[i], distinct[k]) <= pictures.MOST_BITS
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.integers(0, 63), max_size=9)).map(
            lambda drawn: drawn[0] * 0x9E3779B97F4A7C15 % 2**64 ^ sum(1 << bit for bit in set(drawn[1]))
        ),
        max_size=40,
    )
)
@settings(deadline=None)
def test_candidates_are_those_of_brute_force(hashes: list[int]) -> None:
    distinct, group = pictures.groups(np.array(hashes, np.uint64))
    assert [int(distinct[number]) for number in group] == hashes
    assert list(distinct) == list(dict.fromkeys(hashes))
    assert listed(distinct) == brute(distinct)


@pytest.mark.parametrize("bits", [1, 7, 8])
def test_seven_bits_is_the_limit(bits: int) -> None:
    far = sum(1 << (9 * bit) % 64 for bit in range(bits))
    assert listed(np.array([0, far], np.uint64)) == ([(0, 1)] if bits <= 7 else [])


def test_equal_hashes_make_one_group_and_no_pairs() -> None:
    distinct, group = pictures.groups(np.full(1_000_000, 5, np.uint64))
    assert distinct.tolist() == [5]
    assert not group.any()
    assert listed(distinct) == []


def test_a_row_with_more_pairs_than_room_comes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    distinct = np.array([0, *(1 << bit for bit in range(64))], np.uint64)
    whole = listed(distinct)
    monkeypatch.setattr(pictures, "_ROOM", 4)
    assert listed(distinct) == whole == brute(distinct)


# --- stored fingerprints


def stored(greys: list[U8]) -> U8:
    packed = b"".join(pictures.fingerprint_bytes(grey) for grey in greys)
    return np.frombuffer(packed, np.uint8).reshape(-1, pictures.PRINT_BYTES)


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 80), st.integers(0, 7))
@settings(max_examples=50, deadline=None)
def test_stored_fingerprints_are_read_as_they_were(seed: int, height: int, width: int, turn: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    prints = stored([grey, pictures.oriented(grey, turn)])
    hashes, cells = pictures.hashes_of(prints), pictures.cells_of(prints)
    low, cut = pictures.coefficients(grey), pictures.coefficients(np.minimum(grey, np.uint8(222)))
    kinds = (low, pictures.coefficients(grey, inner=True), low if pictures.is_flat(cut) else cut)
    for kind, each in enumerate(kinds):
        expected = pictures.orientations(each)
        assert list(hashes[0, kind]) == list(expected)
        assert hashes[1, kind, 0] == expected[turn]
    assert pictures.flat_of(prints)[0] == pictures.is_flat(pictures.coefficients(grey))
    assert (cells[1] == pictures.oriented(cells[0].view(np.uint8), turn).view(np.int8)).all()


def test_cells_see_neither_brightness_nor_contrast() -> None:
    grey = scene(0)
    first, second, other = pictures.cells_of(stored([grey, whole(40 + grey * 0.6), scene(1)])).astype(int)
    assert np.abs(first - second).mean() < 0.2
    assert np.abs(first - other).mean() > 10
    assert np.abs(first).mean() == pytest.approx(24, abs=1)


def test_plain_pictures_have_cells_of_nothing() -> None:
    prints = stored([np.full((1, 1), 9, np.uint8), np.full((300, 200), 255, np.uint8)])
    assert pictures.flat_of(prints).all()
    assert not pictures.cells_of(prints).any()


# --- components and decision, with made-up hashes


def made(kinds: list[list[int]], flat: list[int], cells: npt.NDArray[np.int8]) -> U8:
    """Fingerprints whose 8 orientations are the upright hash with the bytes rotated: as unlike as real ones."""
    out = np.zeros((len(flat), pictures.PRINT_BYTES), np.uint8)
    for row, mine in enumerate(zip(*kinds, strict=True)):
        hashes = [(h << 8 * turn | h >> 64 - 8 * turn) % 2**64 for h in mine for turn in range(8)]
        out[row, :192] = np.array(hashes, "<u8").view(np.uint8)
        out[row, 192] = flat[row]
    out[:, pictures.HEAD_BYTES :] = cells.reshape(len(flat), 1024).view(np.uint8)
    return out


def near(prints: U8, earlier: int, later: int, turn: int) -> bool:
    hashes = pictures.hashes_of(prints)
    return any(
        apart(a, b) <= pictures.MOST_BITS for a in hashes[earlier, :, 0] for b in hashes[later, :, turn]
    )


def difference(prints: U8, earlier: int, later: int, turn: int) -> int:
    cells = pictures.cells_of(prints)
    turned = pictures.oriented(cells[later].view(np.uint8), turn).view(np.int8)
    return int(np.abs(cells[earlier].astype(int) - turned).sum())


def alike(earlier: int, later: int, turn: int, chance: int) -> bool:
    """A comparison that anything can come of, but always the same."""
    return (earlier * 7919 + later * 104729 + turn * 31 + 12345) * 2654435761 % 2**32 % 4 < chance


def sequential(prints: U8, chance: int, turns: int) -> list[tuple[int, int]]:
    """The definition, written down slowly."""
    kept: list[int] = []
    out = []
    flat = pictures.flat_of(prints)
    for row in range(prints.shape[0]):
        found = [
            (difference(prints, k, row, turn), k, turn)
            for k in kept
            for turn in range(turns)
            if not flat[row] and near(prints, k, row, turn)
        ]
        compared = sorted(sorted(found)[: pictures.MOST_COMPARED], key=lambda c: (c[1], c[0], c[2]))
        passed = [(k, turn) for _, k, turn in compared if alike(k, row, turn, chance)]
        out.append(passed[0] if passed else (-1, 0))
        if not passed and not flat[row]:
            kept.append(row)
    return out


def decided(
    monkeypatch: pytest.MonkeyPatch, prints: U8, chance: int, turned: bool, rows: list[int] | None = None
) -> list[tuple[int, int]]:
    """With `same` replaced: a picture is marks that tell its orientation, and its row."""
    rows = list(range(prints.shape[0])) if rows is None else rows
    marks = np.array([[1, 2, 0, 0], [0, 0, 0, 0]], np.uint8)
    turns = [pictures.oriented(marks, turn) for turn in range(8)]

    def grey(row: int) -> U8:
        return marks + np.uint8(4 * rows[row])

    def same(a: U8, b: U8) -> pictures.Similarity:
        turn = next(k for k, t in enumerate(turns) if t.shape == b.shape and (t == b % 4).all())
        return pictures.Similarity(
            same=alike(int(a[0, 0]) // 4, int(b[0, 0]) // 4, turn, chance), difference=turn
        )

    monkeypatch.setattr(pictures, "same", same)
    found = pictures.decide(prints[rows], grey, turned=turned)
    assert sorted(found.similarity) == np.flatnonzero(found.original >= 0).tolist()
    return list(zip(found.original.tolist(), found.turn.tolist(), strict=True))


@st.composite
def crowds(draw: st.DrawFn) -> U8:
    """Up to 40 pictures around a few hashes, equal ones and flat ones among them, upright or turned."""
    n = draw(st.integers(0, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    centres = random.integers(0, 2**64, draw(st.integers(1, 4)), np.uint64)
    bits = draw(st.sampled_from([0, 2, 5]))

    def some() -> list[int]:
        out = []
        for _ in range(n):
            h = int(centres[random.integers(centres.size)])
            for bit in random.integers(0, 64, bits).tolist():
                h ^= 1 << bit
            turn = int(random.integers(8)) if random.random() < 0.3 else 0
            out.append((h << 8 * turn | h >> 64 - 8 * turn) % 2**64)
        return out

    cells = random.integers(-2, 3, (n, 32, 32), np.int8)
    return made([some() for _ in range(3)], (random.random(n) < 0.1).astype(int).tolist(), cells)


@given(crowds(), st.integers(0, 3), st.booleans(), st.sampled_from([1, 3, 16]))
@settings(max_examples=150, deadline=None)
def test_decision_is_the_sequential_one(prints: U8, chance: int, turned: bool, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "MOST_COMPARED", most)
        expected = sequential(prints, chance, 8 if turned else 1)
        assert decided(patch, prints, chance, turned) == expected


@given(crowds(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_components_are_those_of_all_pairs(prints: U8, turned: bool) -> None:
    n, flat = prints.shape[0], pictures.flat_of(prints)
    lowest = list(range(n))
    hashes = [set(rows.ravel().tolist()) for rows in pictures.hashes_of(prints)]
    for later in range(n):
        for earlier in range(later):
            turns = range(8) if turned else range(1)
            pair = any(
                near(prints, *(earlier, later, t)) or near(prints, *(later, earlier, t)) for t in turns
            )
            pair |= turned and bool(hashes[earlier] & hashes[later])
            if pair and not flat[earlier] and not flat[later]:
                low, high = sorted((lowest[earlier], lowest[later]))
                lowest = [low if own == high else own for own in lowest]
    expected = [own if lowest.count(own) > 1 else -1 for own in lowest]
    assert pictures.components(prints, turned=turned).tolist() == expected
    assert pictures.components(prints[:, : pictures.HEAD_BYTES], turned=turned).tolist() == expected


@given(crowds(), st.integers(0, 3), st.booleans())
@settings(max_examples=50, deadline=None)
def test_components_decided_one_by_one_give_the_same(prints: U8, chance: int, turned: bool) -> None:
    component = pictures.components(prints, turned=turned)
    with pytest.MonkeyPatch.context() as patch:
        at_once = decided(patch, prints, chance, turned)
        apart = [(-1, 0)] * prints.shape[0]
        for number in set(component[component >= 0].tolist()):
            rows = np.flatnonzero(component == number).tolist()
            for row, (original, turn) in zip(rows, decided(patch, prints, chance, turned, rows), strict=True):
                apart[row] = (rows[original] if original >= 0 else -1, turn)
    assert apart == at_once


def test_many_equal_hashes_cost_few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    n, asked = 3000, []
    cells = np.random.default_rng(0).integers(-9, 10, (n, 32, 32), np.int8)
    cells[n // 2 :] = cells[: n // 2]
    prints = made([[5] * n] * 3, [0] * n, cells)

    def same(a: U8, b: U8) -> pictures.Similarity:
        asked.append((int(a[0, 0]), int(b[0, 0])))
        return pictures.Similarity(same=asked[-1][0] == asked[-1][1] - n // 2, difference=0)

    monkeypatch.setattr(pictures, "same", same)
    found = pictures.decide(prints, lambda row: np.full((1, 1), row, np.int64))
    assert found.original.tolist() == [-1] * (n // 2) + list(range(n // 2))
    assert len(asked) <= n * pictures.MOST_COMPARED
    assert found.crowded == n // 2 - 1 - pictures.MOST_COMPARED  # of the kept ones
    assert not pictures.components(prints).any()


def test_copies_are_surplus_and_turned_ones_only_where_asked_for() -> None:
    plain, one = np.full((300, 400), 128, np.uint8), np.full((1, 1), 7, np.uint8)
    turns = [pictures.oriented(scene(0), turn) for turn in range(8)]
    greys = [
        scene(0),
        scene(1),
        halved(scene(0)),
        plain,
        plain,
        one,
        one,
        *turns[1:],
        with_object(scene(1), 0.03, 60),
    ]
    prints = stored([np.ascontiguousarray(grey) for grey in greys])
    upright = pictures.decide(prints, lambda row: greys[row])
    # the transposed of the mirrored are copies of no other: all are kept
    assert upright.original.tolist() == [-1, -1, 0, *[-1] * 12]
    both = pictures.decide(prints, lambda row: greys[row], turned=True)
    assert both.original.tolist() == [-1, -1, 0, -1, -1, -1, -1, *[0] * 7, -1]
    # what turns them back: a quarter turn is undone by the other one
    assert both.turn.tolist() == [0] * 7 + [1, 2, 3, 4, 7, 6, 5, 0]
    assert both.similarity[2].same
    assert both.similarity[2].limit >= both.similarity[2].difference


def test_nothing_at_all_is_decided() -> None:
    none = np.empty((0, pictures.PRINT_BYTES), np.uint8)
    for turned in (False, True):
        assert pictures.components(none, turned=turned).size == 0
        assert pictures.decide(none, lambda row: none, turned=turned).original.size == 0


# --- the comparison


@given(
    st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 60)] * 4), st.tuples(*[st.floats(-0.12, 0.12)] * 4)
)
@settings(max_examples=100, deadline=None)
def test_a_moved_picture_is_the_mean_of_what_its_cells_cover(
    seed: int, sides: tuple[int, int, int, int], move: tuple[float, float, float, float]
) -> None:
    grey, shape = np.random.default_rng(seed).integers(0, 256, sides[:2], np.uint8), sides[2:]
    out, box = pictures._over(pictures._summed(grey), shape, np.array(move))
    edges, inside = [], []
    for side, cells, shift, stretch in (
        (grey.shape[0], shape[0], *move[:2]),
        (grey.shape[1], shape[1], *move[2:]),
    ):
        at = pictures._edges(side, cells, stretch, shift)
        within = (at >= -1024) & (at <= side * 4096 + 1024)
        inside.append(within[1:] & within[:-1])
        edges.append(np.clip(at, 0, side * 4096))
    area = np.maximum(np.outer(np.diff(edges[0]), np.diff(edges[1])), 1)
    assert (out == pictures._sums(grey, edges[0], edges[1], 4096) / (area * 127.5) - 1.0).all()
    expected = np.zeros(shape, np.bool_)
    expected[box[0] : box[1], box[2] : box[3]] = True
    assert (expected == np.outer(*inside)).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_running_means_are_means(seed: int, rows: int, columns: int, radius: int) -> None:
    field = np.random.default_rng(seed).normal(0, 1, (rows, columns))
    expected = [
        [
            field[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1].mean()
            for x in range(columns)
        ]
        for y in range(rows)
    ]
    assert pictures._mean(field, radius) == pytest.approx(np.array(expected), abs=1e-12)


CHANGES: dict[str, Callable[[U8], U8]] = {
    "itself": lambda grey: grey,
    "halved": halved,
    "quartered": lambda grey: halved(halved(grey)),
    "noise": lambda grey: noisy(grey, 3, 4),
    "2 % off each side": lambda grey: grey[7:-7, 10:-10],
    "2 % off one side": lambda grey: grey[:, 10:],
    "darker": lambda grey: (grey * 0.85).astype(np.uint8),
    "brighter": lambda grey: np.minimum(grey * 1.15, 255).astype(np.uint8),
    "a little brighter": lambda grey: (grey * 1.03).astype(np.uint8),
    "gamma": lambda grey: (255 * (grey / 255) ** 0.85).astype(np.uint8),
    "less contrast": lambda grey: (38 + grey * 0.7).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_harmless_changes_are_the_same(change: str) -> None:
    for seed in range(2):
        grey = scene(seed)
        changed = np.ascontiguousarray(CHANGES[change](grey))
        assert pictures.same(grey, changed).same
        assert pictures.same(changed, grey).same


@pytest.mark.parametrize("part", [0.02, 0.04])
@pytest.mark.parametrize("change", ["itself", "halved", "noise", "2 % off each side", "a little brighter"])
def test_a_small_object_is_a_difference(part: float, change: str) -> None:
    for seed in range(2):
        grey = scene(seed)
        result = pictures.same(grey, np.ascontiguousarray(CHANGES[change](with_object(grey, part, 60))))
        assert not result.same
        assert (result.x, result.y) == pytest.approx((200 / 480, 150 / 360), abs=0.03)


def test_a_faint_object_is_none() -> None:
    grey = scene(0)
    assert pictures.same(grey, with_object(grey, 0.03, 5)).same


def stars(seed: int) -> U8:
    """Points of light in the dark, the same halo behind all."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:300, :300]
    out = 60 * np.exp(-(np.hypot(y - 150, x - 150) ** 2) / 5000)
    for _ in range(300):
        top, left = random.normal(150, 60, 2)
        out += 255 * np.exp(-((y - top) ** 2 + (x - left) ** 2) / 4)
    return whole(out)


def test_other_stars_in_the_same_halo_differ() -> None:
    for seed in range(4):
        assert not pictures.same(stars(seed), stars(seed + 1)).same
        assert pictures.same(stars(seed), noisy(stars(seed), 0, 4)).same


def test_what_a_steep_curve_drowns_is_a_difference() -> None:
    y, x = np.mgrid[:300, :300]
    moon = 90 * (np.hypot(y - 150, x - 150) < 120)
    half, thin = whole(moon + 150.0 * (moon > 0) * (x > 150)), whole(moon + 150.0 * (moon > 0) * (x > 220))
    assert not pictures.same(half, thin).same
    assert not pictures.same(thin, half).same


@pytest.mark.parametrize(("part", "alike"), [(0.15, True), (0.2, False)])
def test_fifteen_percent_darker_is_a_copy_and_twenty_is_none(part: float, alike: bool) -> None:
    grey = scene(0)
    grey[:40, :40] = 255
    assert pictures.same(grey, (grey * (1 - part)).astype(np.uint8)).same == alike


def test_colours_that_are_clipped_are_the_same() -> None:
    # of a yellow (255, 255, 0) the grey stays at 226 when all else gets brighter
    grey = np.minimum(scene(0), 205)
    brighter = whole(grey * 1.15)
    grey[160:190, 100:150] = brighter[160:190, 100:150] = 226
    assert pictures.same(grey, brighter).same


def test_clipped_whites_are_the_same_whichever_comes_first() -> None:
    for seed in range(6):
        grey = page(seed)
        brighter = whole(grey * 1.15)
        assert pictures.same(grey, brighter).same
        assert pictures.same(brighter, grey).same


def test_an_object_on_clipped_whites_is_a_difference_whichever_comes_first() -> None:
    for seed in range(6):
        grey = page(seed)
        brighter = with_object(whole(grey * 1.15), 0.04, -120)
        assert not pictures.same(grey, brighter).same
        assert not pictures.same(brighter, grey).same


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.85, 1.15),
    st.integers(0, 12),
    st.integers(0, 12),
)
@settings(max_examples=20, deadline=None)
def test_exchanged_pictures_compare_alike(seed: int, gain: float, left: int, top: int) -> None:
    grey = scene(seed)
    other = np.ascontiguousarray(with_object(whole(grey * gain), 0.04, 60)[top:, left:])
    if int(grey.sum()) * other.size == int(other.sum()) * grey.size:
        return  # neither is the brighter one
    one, two = pictures.same(grey, other), pictures.same(other, grey)
    assert (one.same, one.difference, one.limit) == (two.same, two.difference, two.limit)
    for there, back in (
        ((one.x, one.shift_x, one.stretch_x), (two.x, two.shift_x, two.stretch_x)),
        ((one.y, one.shift_y, one.stretch_y), (two.y, two.shift_y, two.stretch_y)),
    ):
        assert 0.5 + there[1] + (there[0] - 0.5) * (1 + there[2]) == pytest.approx(back[0])
        assert (1 + there[2]) * (1 + back[2]) == pytest.approx(1)
        assert there[1] + back[1] * (1 + there[2]) == pytest.approx(0, abs=1e-12)
    assert one.gain * two.gain == pytest.approx(1)


def test_a_moved_object_is_a_difference() -> None:
    ground = scene(1)
    assert not pictures.same(
        with_object(ground, 0.03, 60), with_object(ground, 0.03, 60, place=(158, 212))
    ).same


def test_a_crop_is_measured() -> None:
    grey = scene(2, 600, 800)
    result = pictures.same(grey, grey[12:-12, 16:-16])
    assert (result.stretch_x, result.stretch_y) == pytest.approx((0.0417, 0.0417), abs=0.002)
    assert (result.shift_x, result.shift_y) == pytest.approx((0, 0), abs=0.002)


def test_crops_of_three_percent_pass_and_of_five_do_not() -> None:
    grey = scene(2, 600, 800)
    assert pictures.same(grey, grey[18:-18, 24:-24]).same
    assert not pictures.same(grey, grey[30:-30, 40:-40]).same


def test_other_scenes_negatives_and_turned_pictures_differ() -> None:
    grey = scene(0)
    for other in (scene(1), 255 - grey, grey[:, ::-1], grey[::-1], grey.T):
        assert not pictures.same(grey, np.ascontiguousarray(other)).same


def test_plain_pictures_compare() -> None:
    plain = np.full((300, 400), 128, np.uint8)
    assert pictures.same(plain, plain).same
    assert not pictures.same(plain, with_object(plain, 0.03, 40)).same


def test_too_small_pictures_are_the_same_only_when_equal() -> None:
    one, other = np.full((1, 1), 7, np.uint8), np.full((1, 1), 8, np.uint8)
    assert pictures.same(one, one).same
    assert not pictures.same(one, other).same
    assert not pictures.same(one, scene(0)).same


def test_very_wide_pictures_compare() -> None:
    wide = scene(3, 40, 3000)
    assert pictures.same(wide, wide).same
    assert not pictures.same(wide, scene(4, 40, 3000)).same


def test_comparison_is_deterministic() -> None:
    a, b = scene(5), noisy(scene(5), 1, 6)
    assert pictures.same(a, b) == pictures.same(a.copy(), b.copy())
