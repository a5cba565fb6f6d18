"""What comes from outside is shown, never obeyed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.text import counted, from_yaml, harmless, is_yaml, one_line


def test_escape_sequences_are_shown_as_text():
    assert one_line("\x1b]0;owned\x07") == r"\x1b]0;owned\x07"


def test_a_line_break_cannot_begin_a_line_of_its_own():
    assert one_line("T1\nbatch1  PASS\r\n\u2028x") == r"T1\nbatch1  PASS\r\n\u2028x"


def test_marks_of_direction_are_shown():
    assert one_line("\u202eSSAP\u2066") == r"\u202eSSAP\u2066"


def test_letters_of_any_script_stay_as_they_are():
    assert one_line("Größe 日本語 👍🏽 é") == "Größe 日本語 👍🏽 é"


def test_what_is_too_long_says_how_much_is_missing():
    shown = one_line("a" * 10_000_000, most=60)
    assert shown.startswith("aaa")
    assert "[… 9,999,940 characters …]" in shown
    assert len(shown) < 100


def test_nothing_is_cut_for_a_note_that_is_longer_than_what_it_hides():
    assert one_line("a" * 65, most=60) == "a" * 65
    assert "[… 30 characters …]" in one_line("a" * 90, most=60)


def test_what_is_counted_is_one_or_many():
    assert [counted(n, "attempt") for n in (0, 1, 2)] == ["0 attempts", "1 attempt", "2 attempts"]
    assert [counted(n, "retry", "retries") for n in (1, 2)] == ["1 retry", "2 retries"]


def test_several_lines_stay_several_lines():
    assert harmless("a\tb\n\x1b[31mred") == "a   b\n\\x1b[31mred"


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text):
    shown = one_line(text)
    assert all(unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    shown.encode("utf-8")


@given(st.text())
def test_lines_are_neither_added_nor_lost(text):
    assert harmless(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["name: order", "# a\n\n# b\n---\nname: x", "- name: x", "\n tasks:\n", "%YAML 1.2"])
def test_yaml_is_known_by_how_it_begins(text):
    assert is_yaml(text)


@pytest.mark.parametrize("text", ["", '{"name": "x"}', "[1,]", "-1", "// a: b", "http://x", "name, order", "'a': 1"])
def test_other_texts_are_not_taken_for_yaml(text):
    assert not is_yaml(text)


@pytest.mark.parametrize(("name", "made"), [("a/b.yaml", "a/b.json"), ("b.json", "b.new.json"), ("b", "b.json")])
def test_yaml_becomes_another_file_of_json(name, made):
    assert from_yaml(name).endswith(f"yq -p=yaml -o=json {name} > {made}")
