"""Names stand beside their points, on nothing that must be seen."""

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.study.quality.labels import Box, Label, placed

ROOM = Box(0.0, 0.0, 900.0, 600.0)
SPOTS = st.tuples(st.floats(300.0, 600.0), st.floats(200.0, 400.0))


def label(x: float, y: float, *, is_needed: bool = True) -> Label:
    """Make up a name of usual size."""
    return Label(x=x, y=y, width=120.0, height=22.0, is_needed=is_needed)


def test_boxes_know_where_they_are() -> None:
    """Middle, nearest point, touching, holding."""
    box = Box(0.0, 0.0, 4.0, 2.0)
    assert (2.0, 1.0) == box.middle
    assert [(0.0, 1.0), (4.0, 2.0), (3.0, 1.5)] == [
        box.nearest(*spot) for spot in ((-5.0, 1.0), (9.0, 9.0), (3.0, 1.5))
    ]
    assert Box(-1.0, -1.0, 5.0, 3.0) == box.grown(1.0)
    assert box.meets(Box(4.0, 2.0, 5.0, 5.0))
    assert not box.meets(Box(4.1, 0.0, 5.0, 2.0))
    assert not box.meets(Box(0.0, 2.1, 4.0, 5.0))
    assert box.holds(Box(1.0, 0.0, 4.0, 1.0))
    assert not box.holds(Box(1.0, 0.0, 4.1, 1.0))


def test_a_lone_name_stands_right_beside_its_point() -> None:
    """At the first gap, level with it."""
    (box,) = placed([label(400.0, 300.0)], ROOM, [])
    assert box is not None
    assert (411.0, 300.0) == (box.left, box.middle[1])


def test_at_the_edge_a_name_turns_inwards() -> None:
    """To the left of a point at the right."""
    (box,) = placed([label(895.0, 300.0)], ROOM, [])
    assert box is not None
    assert box.right < 895.0


def test_a_bar_is_not_hidden_without_need() -> None:
    """The name leaves the height of a level bar."""
    bar = Box(300.0, 300.0, 500.0, 300.0)
    (box,) = placed([label(400.0, 300.0)], ROOM, [bar])
    assert box is not None
    assert not box.meets(bar)


@settings(max_examples=40, deadline=None)
@given(st.lists(SPOTS, min_size=1, max_size=9))
def test_nine_names_never_collide(spots: list[tuple[float, float]]) -> None:
    """Wherever their points lie, also on one another; nor do they hide points or leave the picture."""
    labels = [label(*spot) for spot in spots]
    boxes = [box for box in placed(labels, ROOM, []) if box is not None]
    assert len(spots) == len(boxes)
    assert all(ROOM.holds(box) for box in boxes)
    assert not any(one.meets(other) for one, other in itertools.combinations(boxes, 2))
    assert not any(box.meets(Box(*spot, *spot)) for box in boxes for spot in spots)


def test_what_is_not_needed_is_left_out_where_it_is_crowded() -> None:
    """A number of draws yields to names."""
    crowd = [
        label(400.0, 300.0),
        *(label(400.0 + dx, 300.0 + dy) for dx in (-70, 0, 70) for dy in (-30, 0, 30)),
    ]
    *_, number = placed([*crowd, label(400.0, 300.0, is_needed=False)], ROOM, [])
    assert number is None
    (free,) = placed([label(400.0, 300.0, is_needed=False)], ROOM, [])
    assert free is not None


def test_a_name_without_room_is_written_all_the_same() -> None:
    """Better half a name than none."""
    (box,) = placed([label(5.0, 5.0)], Box(0.0, 0.0, 10.0, 10.0), [])
    assert box is not None
    assert math.isclose(120.0, box.right - box.left)
