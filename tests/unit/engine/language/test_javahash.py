import pytest

from pytest_k1n.engine.language.javahash import as_hash_map, hash_order


@pytest.mark.parametrize(
    ("keys", "ordered"),
    [
        (["zeta", "alpha", "b", "a"], ["zeta", "a", "b", "alpha"]),
        (["statusCode", "message", "body"], ["message", "body", "statusCode"]),
        (["é", "ü", "日本", "z"], ["é", "z", "日本", "ü"]),
        (["BB", "Aa", "C"], ["BB", "Aa", "C"]),
        (["Aa", "BB", "C"], ["Aa", "BB", "C"]),
        ([f"k{n}" for n in range(12, 0, -1)], [f"k{n}" for n in (1, 2, 3, 4, 11, 5, 10, 6, 7, 12, 8, 9)]),
        ([f"k{n}" for n in range(13, 0, -1)], [f"k{n}" for n in (1, 2, 3, 4, 11, 5, 10, 6, 13, 7, 12, 8, 9)]),
        ([], []),
    ],
)
def test_keys_are_in_the_order_of_a_hash_map(keys, ordered):
    assert hash_order(keys) == ordered


def test_what_a_definition_writes_out_is_a_hash_map_and_what_it_names_is_as_it_was():
    named = {"zeta": 1, "alpha": 2, "b": 3, "a": 4}
    written = {"name": "${workflow.input.x}", "here": {**named, "list": [dict(named)]}}
    given = as_hash_map({"name": named, "here": {**named, "list": [dict(named)]}}, written)
    assert list(given["name"]) == ["zeta", "alpha", "b", "a"]
    assert list(given["here"]) == ["zeta", "a", "b", "alpha", "list"]
    assert list(given["here"]["list"][0]) == ["zeta", "a", "b", "alpha"]
    assert given["here"]["list"][0] == named
