"""The one table of words: both languages say the same things, and nothing on Home or in the tour is said without it."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from resnet_lab.ui.strings import LANGUAGES, TEXTS, speaking

ROOT = Path(__file__).parent.parent
UI = ROOT / "resnet_lab" / "ui"
SPEAKERS = [
    ROOT / "screens" / "home.py",
    *(UI / f"{name}.py" for name in ("language", "living_picture", "story_runs", "welcome")),
    *sorted(UI.glob("tour*.py")),
    ROOT / "screens" / "tour.py",
]
LABELLED = {"button", "caption", "error", "header", "info", "markdown", "segmented_control", "select_slider", "slider"}
LABELLED |= {"spinner", "subheader", "title", "warning", "top", "heading"}
HANGUL = re.compile("[\uac00-\ud7a3]")
NAMES = {"tour.title", "home.title", "runs", "home.seeds", "data.cifar10", "data.cifar100"}  # may be alike, or Latin


def placeholders(text):
    return sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None})


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_something_with_the_same_placeholders_and_numbers(key):
    text = TEXTS[key]
    en, ko = text.en, text.ko
    assert en.strip() == en != ""
    assert ko.strip() == ko != ""
    assert placeholders(en) == placeholders(ko)
    assert en.count("\n\n") == ko.count("\n\n")
    assert not HANGUL.search(en)
    assert HANGUL.search(ko) or key in NAMES
    decimals = [sorted(re.findall(r"\d+\.\d+", words)) for words in (en, ko)]
    assert decimals[0] == decimals[1]


def test_every_language_can_be_spoken():
    assert list(LANGUAGES) == list(TEXTS["language"].__dict__)
    assert [speaking(language)("tour.next") for language in LANGUAGES] == ["Next", "다음"]
    assert speaking("ko")("runs", label="ResNet", n=3) == "ResNet, n = 3"


def calls(path):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def keys_in(path):
    """Of the table, as patterns: what a call to say() fills in may be anything."""
    found = []
    for call in calls(path):
        said = (
            getattr(call.func, "id", "") == "say" or getattr(getattr(call.func, "func", None), "id", "") == "speaking"
        )
        if said and call.args:
            parts = call.args[0].values if isinstance(call.args[0], ast.JoinedStr) else [call.args[0]]
            if all(isinstance(part, ast.Constant | ast.FormattedValue) for part in parts):
                found.append("".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in parts))
    return found


def test_every_text_is_said_somewhere_and_whatever_is_said_is_there():
    patterns = {pattern for path in SPEAKERS for pattern in keys_in(path)}
    assert [key for key in TEXTS if not any(re.fullmatch(pattern, key) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, key) for key in TEXTS)] == []


def words_in(node):
    """Letters that stand in the source itself, but for tags."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = " ".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    return re.findall(r"[A-Za-z가-힣]{2,}", re.sub(r"<[^>]*>?|[^<]*>", "", text))


@pytest.mark.parametrize("path", SPEAKERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_words_are_shown_that_are_not_in_the_table(path):
    shown = []
    for call in calls(path):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        shown += call.args[:1] if name in LABELLED else []
        shown += [keyword.value for keyword in call.keywords if keyword.arg in ("label", "help", "alt", "placeholder")]
    assert [words for node in shown if (words := words_in(node))] == []
