"""The ruled cells of a sheet: rooms enclosed by a net of long straight lines, in rows and columns.

Each cell is located by its own rules, so a sheet may be askew or seen at an angle.
"""

from collections import Counter
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from ..files.images import BadImage, Grey, as_grey
from .lines import find_lines
from .parts import MOST_PARTS, Parts, connected
from .rules import rules

LEAST_CELL = 12
"""The least side of a cell, in pixels."""
FULL = 0.75
"""The least share of its box that a room fills, even askew."""
ALIKE = 0.6
"""The least side of a cell, as a share of the usual one; the greatest is the inverse."""
LONG = 0.8
"""Share of a cell's side: a line that may be its rule is at least this long."""
NEIGHBOUR = 0.5
"""Share of a cell's side: the gap to the next cell is smaller."""
MOST_MISSING = 0.2
"""The greatest share of a net's cells that is guessed from the others."""

Corners = npt.NDArray[np.int32]
Cells = dict[tuple[int, int], Corners]
"""By row and column, the corners (n, 2) of convex rooms, x and y in pixels of the paper."""


def find_cells(prints: Grey) -> Cells:
    """Every ruled cell, row by row; none if there are no rules. Raises BadImage if they are too many."""
    rooms = alike(find_rooms(prints, max(LEAST_CELL, min(prints.shape) // 40)))
    if not len(rooms):
        return {}
    side = min(float(np.median(rooms.widths)), float(np.median(rooms.heights)))
    rooms = alike(find_rooms(prints, round(LONG * side)))  # now without the strokes of bold writing
    if len(rooms) > MOST_PARTS:
        raise BadImage(
            f"{len(rooms):,} ruled cells, where at most {MOST_PARTS:,} are read: cut the sheet into "
            "parts"
        )
    rows = find_lines(rooms)
    if not rows or not side_by_side(rooms, rows):
        return {}
    cells = {
        (row, column): corners_of(rooms, index)
        for row, line in enumerate(rows)
        for column, index in enumerate(line)
    }
    return cells if len({len(row) for row in rows}) < 2 else completed(cells, rooms, rows)


def side_by_side(rooms: Parts, rows: list[list[int]]) -> bool:
    """Whether most rooms have another one beside or below them; those within letters do not."""
    if len(rows) == len(rooms):
        ends = rooms.boxes[[row[0] for row in rows]]
        near = ends[1:, 1] - ends[:-1, 3] < NEIGHBOUR * np.median(rooms.heights)
        return bool(2 * near.sum() >= len(near))
    gaps = [
        rooms.boxes[after, 0] - rooms.boxes[before, 2] for row in rows for before, after in pairwise(row)
    ]
    near = np.array(gaps) < NEIGHBOUR * np.median(rooms.widths)
    return bool(2 * near.sum() >= len(rooms) - len(rows))


def find_rooms(prints: Grey, length: int) -> Parts:
    """The rooms that straight lines of at least `length` pixels enclose, of any size from LEAST_CELL."""
    net = cv2.bitwise_or(rules(prints, length, True), rules(prints, length, False))
    empty = cv2.bitwise_not(cv2.dilate(net, np.ones((3, 3), np.uint8)))
    rooms = connected(as_grey(empty), connectivity=4)
    inside = (rooms.boxes[:, :2] > 0).all(axis=1) & (rooms.boxes[:, 2:] < empty.shape[::-1]).all(axis=1)
    large = np.minimum(rooms.widths, rooms.heights) >= LEAST_CELL
    return rooms.select(inside & large & (rooms.areas >= FULL * rooms.widths * rooms.heights))


def alike(rooms: Parts) -> Parts:
    """The rooms that are about as large as most."""
    if not len(rooms):
        return rooms
    sides = np.stack([rooms.widths, rooms.heights], axis=1)
    shares = sides / np.median(sides, axis=0)
    return rooms.select(((shares > ALIKE) & (shares < 1 / ALIKE)).all(axis=1))


def corners_of(rooms: Parts, index: int) -> Corners:
    """The hull of a room: what is written inside does not dent it."""
    left, top, right, bottom = rooms.boxes[index].tolist()
    room = (rooms.labels[top:bottom, left:right] == rooms.ids[index]).astype(np.uint8)
    contours, _ = cv2.findContours(room, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top))
    return np.asarray(cv2.convexHull(np.concatenate(contours)))[:, 0].astype(np.int32)


def completed(cells: Cells, rooms: Parts, rows: list[list[int]]) -> Cells:
    """Complete a net in which some cells were not seen, by a homography fitted to those that were; if it
    lacks too many, or its rows and columns do not agree, it stays as it is (combs of a form)."""
    turned = Parts(rooms.labels, rooms.ids, rooms.boxes[:, [1, 0, 3, 2]], rooms.areas)
    columns = find_lines(turned)
    at = {index: (row, -1) for row, line in enumerate(rows) for index in line}
    at |= {index: (at[index][0], column) for column, line in enumerate(columns) for index in line}
    whole = len(rows) * len(columns)
    if len(at) < 4 or len(at) < (1 - MOST_MISSING) * whole or len(set(at.values())) < len(at):
        return cells
    seen = {place: corners_of(rooms, index) for index, place in at.items()}
    return whole_net(seen, len(rows), len(columns))


def whole_net(seen: Cells, rows: int, columns: int) -> Cells:
    """`rows` x `columns` cells: those seen, and the others where a homography fitted to the seen ones
    puts them."""
    places = np.array([(column, row) for row, column in seen], np.float32)
    middles = np.array([_middle(each) for each in seen.values()], np.float32)
    view, _ = cv2.findHomography(places, middles, cv2.RANSAC, 5.0)
    if view is None:
        return seen
    size = np.median([np.ptp(each, axis=0) for each in seen.values()], axis=0)
    net: Cells = {}
    for row in range(rows):
        for column in range(columns):
            about = cv2.perspectiveTransform(np.array([[[column, row]]], np.float32), view)[0, 0]
            ends = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * size / 2
            net[row, column] = seen.get((row, column), (about + ends).round().astype(np.int32))
    return net


def _middle(corners: Corners) -> npt.NDArray[np.float64]:
    return np.asarray((corners.min(axis=0) + corners.max(axis=0)) / 2)


def shape_of(cells: Cells) -> tuple[int, int] | None:
    """Rows and columns of a full grid; None if the rows differ in length."""
    counts = set(Counter(row for row, _ in cells).values())
    return (len({row for row, _ in cells}), counts.pop()) if len(counts) == 1 else None
