"""Fields of protobuf messages, of any release."""

from typing import Any


def set_field(message: Any, name: str, value: Any) -> None:
    """Give a field a value from another message; a repeated field gets it in addition."""
    if hasattr(value, "DESCRIPTOR"):
        getattr(message, name).CopyFrom(value)
    elif hasattr(value, "MergeFrom"):  # a repeated field's values
        getattr(message, name).MergeFrom(value)
    elif hasattr(getattr(message, name), "append"):
        getattr(message, name).append(value)
    else:
        setattr(message, name, value)
