"""Stopping a training in its middle."""

from model.training.session import StopRequest


class StopAt(StopRequest):
    """Asks to stop before the given step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0
