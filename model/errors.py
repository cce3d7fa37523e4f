"""The one kind of error that a person may see."""

from __future__ import annotations


class MarqueError(Exception):
    """Something that a person can understand and mend; anything else that is raised is a defect of the program.

    Attributes:
        message: what happened, to which file.
        advice: what to do about it, or "".
        details: what an engineer would want to know, or ""; shown on demand.
    """

    def __init__(self, message: str, *, advice: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.details = details

    def __str__(self) -> str:
        """One text for people: the message, and the advice after a semicolon."""
        return f"{self.message}; {self.advice}" if self.advice else self.message
