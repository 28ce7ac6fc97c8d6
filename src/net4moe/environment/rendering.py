"""Draw a state as a map: devices around the user, links by what is known of them, bars for what work has left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from net4moe.environment.observation import Observation, context_feature, device_feature
from net4moe.network.mobility import draw_itinerary, positions_m

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

    from net4moe.environment.selection import ExpertSelection, State

__all__ = ["map_image", "places_m"]

_FINE = 2  # drawn larger and then shrunk, for smooth lines
_TOP, _BOTTOM = 46, 40
_MOST_CARDS = 14
_CARD = (74, 62)
_LEAST_SNR_DB, _GREATEST_SNR_DB = -5.0, 25.0
_SNR_COLORS = ((214, 96, 77), (244, 180, 110), (120, 180, 210), (33, 90, 160))
_INK, _FAINT, _PAPER, _TRACK = (35, 38, 45), (150, 155, 165), (250, 250, 248), (226, 228, 232)
_GOLD = (240, 178, 20)
_BARS = (
    ("charge", (70, 150, 80)),
    ("backlog", (110, 110, 130)),
    ("temperature", (200, 70, 60)),
)


class _Canvas(NamedTuple):
    """A picture, its size without `_FINE`, and the centre of the map."""

    draw: Any
    width: int
    height: int
    center: tuple[float, float]

    def scaled(self, *values: float) -> list[float]:
        return [value * _FINE for value in values]


def map_image(
    selection: ExpertSelection,
    state: State,
    *,
    action: int | None = None,
    earned: float | None = None,
    devices_m: Float[np.ndarray, "N 2"] | None = None,
    width: int = 640,
    height: int = 480,
) -> UInt8[np.ndarray, "H W 3"]:
    """Draw where an episode stands.

    The user is in the middle; directions are true and distances logarithmic, with rings that say how far. Where
    devices have no places they stand in a circle. A tape does not keep where devices go, so that those that
    move are drawn where one draw of their motion begins, unless places are given. More than 14 devices are dots.

    Args:
      selection: the environment.
      state: where the episode stands.
      action: the device that was chosen last.
      earned: reward so far, reward units.
      devices_m: where each device is, metres east and north.
      width: width of the picture, pixels.
      height: height of the picture, pixels.
    """
    image = Image.new("RGB", (width * _FINE, height * _FINE), _PAPER)
    canvas = _Canvas(ImageDraw.Draw(image), width, height, (width / 2, (_TOP + height - _BOTTOM) / 2))
    observation = jax.tree.map(np.asarray, selection.observe(state))
    where_m = places_m(selection) if devices_m is None else np.asarray(devices_m, np.float64)
    spots, rings = _spots(canvas, where_m)
    _draw_rings(canvas, rings)
    order = [n for n in range(selection.num_devices) if n != action]
    for n in order if action is None else [*order, action]:
        _draw_link(canvas, observation, spots, n, n == action)
    detailed = selection.num_devices <= _MOST_CARDS
    for n in range(selection.num_devices):
        _draw_device(canvas, observation, spots[n], n, chosen=n == action, detailed=detailed)
    _draw_title(canvas, selection, state, observation, action, earned)
    _draw_legend(canvas)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def places_m(selection: ExpertSelection) -> Float[np.ndarray, "N 2"]:
    """Find where devices are when one draw of their motion begins, metres east and north."""
    itinerary = draw_itinerary(selection.fleet.motion, jax.random.key(0))
    x_m, y_m, _ = positions_m(itinerary, 0.0)
    return np.stack([np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)], axis=-1)


def _spots(canvas: _Canvas, where_m: Any) -> tuple[Any, list[tuple[float, float]]]:
    """Find the place of each device in the picture, and rings as pairs of metres and share of the radius."""
    offset_m = where_m - where_m[0]
    distance_m = np.hypot(*offset_m.T)
    angle = np.arctan2(offset_m[:, 1], offset_m[:, 0])
    others = np.arange(1, len(where_m))
    rings: list[tuple[float, float]] = []
    share = np.zeros(len(where_m))
    if others.size and distance_m.max() > 1e-3:
        least, greatest = max(distance_m[others].min(), 1.0), distance_m.max()
        span = max(math.log(greatest / least), 0.7) if greatest > least else 0.7

        def at(metres: Any) -> Any:
            return 1.0 - 0.62 * np.log(greatest / np.maximum(metres, least)) / span

        share[others] = at(distance_m[others])
        decades = range(math.floor(math.log10(least)), math.ceil(math.log10(greatest)) + 1)
        marks = [factor * 10.0**n for n in decades for factor in (1, 3)]
        rings = [(mark, float(at(mark))) for mark in marks if least < mark < greatest]
    else:
        share[others] = 0.95
        angle[others] = math.pi / 2 - 2 * math.pi * (others - 1) / max(others.size, 1)
    radius_x, radius_y = _radii(canvas)
    spots = np.stack(
        [
            canvas.center[0] + share * radius_x * np.cos(angle),
            canvas.center[1] - share * radius_y * np.sin(angle),
        ],
        axis=-1,
    )
    return _apart(canvas, spots) if len(where_m) <= _MOST_CARDS else spots, rings


def _radii(canvas: _Canvas) -> tuple[float, float]:
    """Find how far the map reaches to the sides, and up and down."""
    return canvas.width / 2 - _CARD[0] / 2 - 8, (canvas.height - _TOP - _BOTTOM - _CARD[1]) / 2 - 4


def _apart(canvas: _Canvas, spots: Any) -> Any:
    """Push devices apart until their cards do not overlap; the user's stays."""
    size = np.array(_CARD, np.float64) + 4.0
    middle, reach = np.array(canvas.center), np.array(_radii(canvas))
    spots = spots.copy()
    for _ in range(200):
        moved = False
        for i in range(len(spots)):
            for j in range(i + 1, len(spots)):
                gap = spots[j] - spots[i]
                overlap = size - np.abs(gap)
                if overlap.min() <= 0:
                    continue
                axis = int(np.argmin(overlap / size))
                push = np.zeros(2)
                push[axis] = (overlap[axis] + 0.5) * (1.0 if gap[axis] >= 0 else -1.0)
                spots[j] += push if i == 0 else push / 2
                spots[i] -= 0.0 if i == 0 else push / 2
                moved = True
        spots = np.clip(spots, middle - reach, middle + reach)
        spots[0] = middle
        if not moved:
            break
    return spots


def _draw_rings(canvas: _Canvas, rings: list[tuple[float, float]]) -> None:
    (x, y), (radius_x, radius_y) = canvas.center, _radii(canvas)
    for metres, share in rings:
        a, b = share * radius_x, share * radius_y
        canvas.draw.ellipse(canvas.scaled(x - a, y - b, x + a, y + b), outline=(230, 231, 234), width=_FINE)
        text = f"{metres:g} m" if metres < 1000 else f"{metres / 1000:g} km"
        _text(canvas, x + 0.5 * a, y + 0.87 * b, text, 10, _FAINT, anchor="lt")


def _draw_link(canvas: _Canvas, observation: Observation, spots: Any, n: int, chosen: bool) -> None:
    """Draw the link from a device to the user: as good as is known, dotted where it may not be chosen."""
    if device_feature(observation, "local")[n] > 0 or n == 0:
        return
    color = _snr_color(10.0 * float(device_feature(observation, "snr")[n]))
    begin, end = spots[0], spots[n]
    if chosen:
        canvas.draw.line(canvas.scaled(*begin, *end), fill=_GOLD, width=9 * _FINE)
    if observation.device_mask[n]:
        canvas.draw.line(canvas.scaled(*begin, *end), fill=color, width=3 * _FINE)
        return
    length = float(np.hypot(*(end - begin)))
    for start in np.arange(0.0, length, 8.0):
        piece = [begin + (end - begin) * min(far, length) / length for far in (start, start + 3.0)]
        canvas.draw.line(canvas.scaled(*piece[0], *piece[1]), fill=color, width=2 * _FINE)


def _draw_device(
    canvas: _Canvas, observation: Observation, spot: Any, n: int, *, chosen: bool, detailed: bool
) -> None:
    """Draw a device with its number, its bars and the signal of its link."""
    x, y = float(spot[0]), float(spot[1])
    local, allowed = device_feature(observation, "local")[n] > 0, bool(observation.device_mask[n])
    snr_db = 10.0 * float(device_feature(observation, "snr")[n])
    if not detailed:
        radius = 7.0 if chosen or local else 4.0
        fill = _INK if local else _snr_color(snr_db) if allowed else _TRACK
        outline = _GOLD if chosen else _PAPER
        canvas.draw.ellipse(
            canvas.scaled(x - radius, y - radius, x + radius, y + radius),
            fill=fill,
            outline=outline,
            width=2 * _FINE,
        )
        if chosen:
            _text(canvas, x, y - 10, str(n), 13, _INK, anchor="ms", bold=True)
        return
    left, top, right, bottom = x - _CARD[0] / 2, y - _CARD[1] / 2, x + _CARD[0] / 2, y + _CARD[1] / 2
    edge = _GOLD if chosen else _INK if local else (190, 194, 200)
    canvas.draw.rounded_rectangle(
        canvas.scaled(left, top, right, bottom),
        radius=8 * _FINE,
        fill=(255, 255, 255) if allowed else (241, 241, 241),
        outline=edge,
        width=(4 if chosen else 2) * _FINE,
    )
    ink = _INK if allowed else _FAINT
    _text(canvas, left + 9, top + 15, str(n), 16, ink, anchor="lm", bold=True)
    note = "user" if local else f"{snr_db:.0f} dB"
    _text(canvas, right - 8, top + 15, note, 11, ink, anchor="rm")
    for row, (share, (_, color)) in enumerate(zip(_shares(observation, n), _BARS, strict=True)):
        _bar(canvas, left + 9, top + 29 + 9 * row, _CARD[0] - 18, share, color)


def _shares(observation: Observation, n: int) -> tuple[float, float, float]:
    """Read how long the bars of a device are."""
    return tuple(float(device_feature(observation, name)[n]) for name, _ in _BARS)  # type: ignore[return-value]


def _bar(canvas: _Canvas, x: float, y: float, length: float, share: float, color: Any) -> None:
    canvas.draw.rounded_rectangle(canvas.scaled(x, y, x + length, y + 5), radius=2 * _FINE, fill=_TRACK)
    full = length * min(max(share, 0.0), 1.0)
    if full >= 1.0:
        canvas.draw.rounded_rectangle(canvas.scaled(x, y, x + full, y + 5), radius=2 * _FINE, fill=color)


def _draw_title(
    canvas: _Canvas,
    selection: ExpertSelection,
    state: State,
    observation: Observation,
    action: int | None,
    earned: float | None,
) -> None:
    """Say which choice it is and what has been earned."""
    num_choices = int(state.tape.num_choices)
    over = not bool(selection.unfinished(state))
    number = f"choice {int(state.step_index) + 1} of {num_choices}"
    parts = [f"end after {num_choices} choices" if over else number]
    if action is not None:
        parts.append(f"device {action} chosen last")
    if earned is not None:
        parts.append(f"reward so far {earned:.2f}")
    _text(canvas, 12, 16, "   ".join(parts), 15, _INK, anchor="lm", bold=True)
    if over:
        return
    subtask, _ = selection.at_hand(state)
    words = 100.0 * float(context_feature(observation, "load"))
    facts = [f"field {int(subtask.field_index)}", f"about {words:.0f} words"]
    facts.append(
        f"{100.0 * float(context_feature(observation, 'prompt_share_left')):.0f} % of the prompt left"
    )
    if (importance := 4.0 * float(context_feature(observation, "importance"))) != 1.0:
        facts.append(f"importance {importance:g}")
    if math.isfinite(slack_s := float(state.situation.slack_s)):
        facts.append(f"{slack_s:.1f} s to the deadline")
    _text(canvas, 12, 34, "subtask: " + ", ".join(facts), 12, _INK, anchor="lm")


def _draw_legend(canvas: _Canvas) -> None:
    """Explain colours and bars."""
    y = canvas.height - 20
    canvas.draw.line(canvas.scaled(12, y - 16, canvas.width - 12, y - 16), fill=_TRACK, width=_FINE)
    _text(canvas, 12, y, f"SNR {_LEAST_SNR_DB:.0f} dB", 11, _INK, anchor="lm")
    for step in range(60):
        snr_db = _LEAST_SNR_DB + (_GREATEST_SNR_DB - _LEAST_SNR_DB) * step / 59
        x = 74 + step
        canvas.draw.rectangle(canvas.scaled(x, y - 3, x + 1, y + 3), fill=_snr_color(snr_db))
    _text(canvas, 139, y, f"{_GREATEST_SNR_DB:.0f} dB, dotted: not allowed", 11, _INK, anchor="lm")
    x = 318.0
    for (name, color), most in zip(_BARS, ("", " (10 s)", " (refuses)"), strict=True):
        canvas.draw.rounded_rectangle(canvas.scaled(x, y - 3, x + 16, y + 3), radius=2 * _FINE, fill=color)
        _text(canvas, x + 21, y, name + most, 11, _INK, anchor="lm")
        x += 78 if not most else 104 if name == "backlog" else 0


def _snr_color(snr_db: float) -> tuple[int, int, int]:
    """Mix the colour of a signal-to-noise ratio."""
    share = (snr_db - _LEAST_SNR_DB) / (_GREATEST_SNR_DB - _LEAST_SNR_DB)
    place = min(max(share, 0.0), 1.0) * (len(_SNR_COLORS) - 1)
    index = min(int(place), len(_SNR_COLORS) - 2)
    low, high = _SNR_COLORS[index], _SNR_COLORS[index + 1]
    red, green, blue = (round(a + (b - a) * (place - index)) for a, b in zip(low, high, strict=True))
    return red, green, blue


def _text(
    canvas: _Canvas,
    x: float,
    y: float,
    text: str,
    size: int,
    color: Any,
    *,
    anchor: str,
    bold: bool = False,
) -> None:
    font = ImageFont.load_default(size * _FINE)
    canvas.draw.text(
        (x * _FINE, y * _FINE), text, fill=color, font=font, anchor=anchor, stroke_width=bold * _FINE / 3
    )
