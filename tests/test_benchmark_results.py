"""What benchmarks leave behind: a page and the same as JSON, with the machine, the versions and the date."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.parts.results import Results, body, in_words, markdown, where_and_when


def found(**numbers):
    return Results("Speed", where_and_when(["numpy"]), "As it is.", markdown(["", "s"], [("a step", "0.1")]), numbers)


def test_the_machine_the_versions_and_the_date_are_in_both_files(tmp_path):
    results = found(rate=12.5)
    results.save(tmp_path / "results", "speed")
    page, record = (tmp_path / "results" / f"speed.{suffix}" for suffix in ("md", "json"))
    told = json.loads(record.read_text())
    assert told == json.loads(json.dumps(results.where)) | {"rate": 12.5}
    assert told["versions"]["numpy"] == np.__version__
    assert datetime.now(UTC) - datetime.fromisoformat(told["date"]) < timedelta(minutes=2)
    assert page.read_text() == results.page()
    for words in ("# Speed\n", told["cpu"], f"numpy {np.__version__}", told["date"], "As it is.", "| a step | 0.1 |"):
        assert words in page.read_text()


def test_a_gpu_comes_before_the_cpu():
    where = where_and_when([]) | {"gpu": "NVIDIA H200", "cuda": "13.0"}
    assert in_words(where).startswith(f"NVIDIA H200, CUDA 13.0; {where['cpu']}, ")


def test_what_is_not_a_number_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        found(rate=float("nan")).save(tmp_path, "speed")


def test_a_table_has_numbers_after_its_first_column():
    assert markdown(["what", "s"], [["a", "1"], ["b", "2"]]) == "| what | s |\n| --- | ---: |\n| a | 1 |\n| b | 2 |"


def test_the_page_says_how_it_was_measured_without_the_command():
    assert body("Speed: python -m speed\n\nFive rounds.\n") == "Five rounds."
