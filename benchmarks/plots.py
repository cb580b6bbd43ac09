"""Small line plots as SVG: pure functions; the same points give the same bytes."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import escape

FOLDER = Path(__file__).parent / "plots"

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 360, 60, 170, 40, 50
_COLOURS = ("#3f6b94", "#c4622d", "#4f8a4c", "#8b5a9b", "#a08a2c", "#55616d")
_INK, _MUTED = "#1c2733", "#c9d0d6"


def lines(
    name: str,
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    ticks: tuple[Sequence[float], Sequence[float]],
    log: bool = False,
) -> str:
    """Write `plots/NAME.svg`: a line with points for each series; returns the Markdown that shows it.

    Args:
        name: of the file.
        title: above the plot.
        axes: what x and y are, with their units.
        series: points by what they are called; those outside of the ticks are left out.
        ticks: of x and of y, in rising order; the first and the last are the ends of the axes.
        log: both axes by their logarithms, else both as they are.
    """

    def part(value: float, marks: Sequence[float]) -> float:
        low, high, at = (math.log(each) if log else each for each in (marks[0], marks[-1], value))
        return (at - low) / (high - low)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            round(_LEFT + part(x, ticks[0]) * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - part(y, ticks[1]) * (_HEIGHT - _TOP - _BOTTOM), 1),
        )

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="{_INK}"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 16, title, "start"),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, axes[0], "middle"),
        _text(_LEFT - 8, 30, axes[1], "end"),
    ]
    for x in ticks[0]:
        (left, bottom), (_, top) = place(x, ticks[1][0]), place(x, ticks[1][-1])
        out.append(f'<path d="M{left} {bottom}V{top}" stroke="{_MUTED}"/>')
        out.append(_text(left, bottom + 18, f"{x:g}", "middle"))
    for y in ticks[1]:
        (left, bottom), (right, _) = place(ticks[0][0], y), place(ticks[0][-1], y)
        out.append(f'<path d="M{left} {bottom}H{right}" stroke="{_MUTED}"/>')
        out.append(_text(left - 8, bottom + 4, f"{y:g}", "end"))
    for number, (label, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        inside = [place(*each) for each in points if ticks[1][0] <= each[1] <= ticks[1][-1]]
        path = "L".join(f"{x} {y}" for x, y in inside)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>' if inside else "")
        out += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in inside]
        row = _TOP + 8 + 18 * number
        out.append(f'<circle cx="{_WIDTH - _RIGHT + 14}" cy="{row - 4}" r="4" fill="{colour}"/>')
        out.append(_text(_WIDTH - _RIGHT + 24, row, label, "start"))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text("\n".join([*out, "</svg>", ""]), "utf-8")
    return f"![{title}](plots/{name}.svg)"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
