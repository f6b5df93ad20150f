"""Who does things: a person, or Homeroom itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is what the audit trail keeps (`user:7`, `command-line`); `label` is what people read."""

    id: str
    label: str


HOMEROOM = Actor("homeroom", "Homeroom")
SCHEDULE = Actor("schedule", "Schedule")
COMMAND_LINE = Actor("command-line", "Command line")
