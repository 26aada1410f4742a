"""What a reader says of a file that breaks the format."""


class Damage(Exception):
    """The file is no sound trace. The text says where and why."""


def refuse(place: str, reason: str) -> None:
    raise Damage(f"{place}: {reason}")


def check(holds: bool, place: str, reason: str) -> None:
    if not holds:
        refuse(place, reason)
