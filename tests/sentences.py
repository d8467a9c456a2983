"""What every refusal of the lab promises: a ValueError, and one sentence that says what is wrong."""

import pytest


def refusal(do, *args, **kwargs):
    """The text of the ValueError that do(*args, **kwargs) must raise."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the callers look at the text
        do(*args, **kwargs)
    return str(caught.value)


def is_one_sentence(text):
    return "\n" not in text and text.endswith(".") and not text.endswith("..") and len(text) < 400
