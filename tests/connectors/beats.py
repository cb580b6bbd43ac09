"""What readers are given in place of a child's heartbeat."""


class Beats:
    """Leaves out the poisoned places, and remembers what it was told.

    Attributes:
        seen: places, in the order they were announced.
        ticks: how often bytes were consumed.
    """

    def __init__(self, *poisoned: int) -> None:
        self.poisoned = poisoned
        self.leaves_out = bool(poisoned)
        self.seen: list[int] = []
        self.ticks = 0

    def at(self, place: int) -> bool:
        self.seen.append(place)
        return place not in self.poisoned

    def tick(self) -> None:
        self.ticks += 1
