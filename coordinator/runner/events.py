"""What happens to a task in hand."""

from enum import Enum, auto


class Event(Enum):
    """Put into the queue of the thread that sees the task through."""

    ACKNOWLEDGED = auto()  # the coordinator took our first report
    CANCELED = auto()  # the coordinator says to stop
    LOST = auto()  # the lease is not ours any more, or has run out by our clock
    ENDED = auto()  # the command has ended
    GIVE_UP = auto()  # the runner stops, and its grace is over
