"""JSON_JQ_TRANSFORM: what programs mean to the server's jq. A case asks many, in optional tasks: one may fail."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import case, system
from pytest_k1n.conformance.cases import Case, Document

INPUTS: Document = {
    **{key: f"${{workflow.input.{key}}}" for key in ("a", "b", "f", "list", "map", "nothing")},
    "whole": 2.0,
    "deep": {"zeta": 1, "alpha": {"y": 1, "x": [2, None, {"e": 5}]}, "b": 3, "a": 4},
    "items": [
        {"id": 1, "name": "x", "price": 10.5},
        {"id": 2, "name": "y", "price": 4.0},
        {"id": 1, "name": "z", "price": 1},
    ],
    "parts": ["b", "c"],
    "yes": True,
    "big": 12345678901,
    "AaAa": 1,
    "BBBB": 2,
}

PROGRAMS = {
    "syntax that it lacks": r"""
        if true then 1 end
        if .a == 1 then 2 elif .b then 3 end
        ascii_downcase?
        error("a")?
        .a??
        [1]?
        (.a)?.b
        label $f | 1
        . as [$x] ?// $x | $x
        . as {$a} | 1
        import "a" as a; 1
        .list.[0]
        .items[0].["name"]
        {a: 1,}
        .a)
        {label: 1, if: 2, and: 3} | .label
        100000000000000000000
        1 +
        "a
        {a-b: 1}
    """,
    "syntax that it has": r"""
        [.a?, .list[]?, (.b | tonumber)?, ."a"?, .["a"]?, .items?[0].id?]
        break
        try (1, error("x")) catch .
        [(.list[], "x" | tonumber)?]
        .x = .nope // 5 | .x
        .nothing |= . // 5 | .nothing
        .items[0].id += 1 | .items[0]
        "a\("b\({c: 1, b: 2} | tojson)")"  # a comment
        @json "v=\(.b)", @base64 "x\(.b)"
        . as {a: $x, list: [$y]} | [$x, $y]
        def f($x; g): $x + g; f(1; .a)
        def f: def g: 3; g; [.list[] | f]
    """,
    "places": r"""
        (.a, .b) = 3
        . |= 3
        (.deep | .alpha).y = 1
        (.items[] | select(.id == 1) | .name) = "q"
        .items | map(select(.id == 1).name = "q")
        first(.list[]) = 1
        .a // .b = 1
        (.deep).b = 9 | .deep
        del(.a, .b)
        del(.list[] | select(. > 1))
        del(.deep.alpha) | .deep
        del(.list[0]) | .list
        .list[] |= empty | .list
        .list | .[] |= select(. > 1)
        .deep | map_values(select(type == "number"))
        .items | map(.id |= tostring)
        .list[0, 1] = 5 | .list
    """,
    "numbers": r"""
        [1.0, 2.50, 1e3, 1E-2, -1.0, .whole, -.whole, .f]
        [1.10, 1e3, .whole, (.f | floor), (4 | sqrt), (8 | log2)] | map(tostring)
        .items | map(.price)
        [.items[].price | floor]
        .items | group_by(.id) | map({id: .[0].id, n: length, sum: (map(.price) | add)})
        (.f | floor) as $i | "n\($i)"
        [.whole + 1, .whole * 1.5, 4 / 2, (4.5 | floor) + 1]
        ["1.0", "10", "-1.50" | tonumber]
        5.7 % 2
        .whole % 2
        [5 % 2, 5 % -2, -5 % 3]
        "a" * 0
        0 * "a"
        [nan, infinite, -infinite, 1e1000]
        [nan == nan, nan < nan, nan > 1, nan < 1]
        [(0 | log2), (-1 | sqrt), (infinite | floor)]
        nan | tostring
        [infinite] | tojson
        9223372036854775807
        "nan" | tonumber
    """,
    "the order of members": r"""
        keys_unsorted
        [.deep, .map, .deep.alpha, .items[0]] | map(keys_unsorted)
        tojson
        [.[] | type]
        to_entries | map(.key)
        with_entries(select(.value | type == "number")) | keys_unsorted
        [paths]
        [leaf_paths]
        [.. | numbers]
        {name: .b, id: .a, price: .f} | tojson
        {b: 1, a: 2} + {d: 1, c: 3} | keys_unsorted
        {statusCode: 200, message: "m", body: {z: 1, y: 2}} | tojson
        {"é": 1, "ü": 2, "日本": 3, BB: 4, Aa: 5} | keys_unsorted
        {b: (1, 2), a: (3, 4)}
        .deep | walk(.) | keys_unsorted
        .deep | del(.b) | keys_unsorted
        reduce ("z", "b", "a") as $k ({}; .[$k] = 1) | keys_unsorted
        .items[0] | to_entries | map("\(.key)=\(.value)") | join(";")
    """,
    "functions": r"""
        .nothing | reverse
        "" | reverse
        limit(-1; 1, 2)
        nth(5; .list[])
        last(empty)
        [recurse] | length
        [1 | recurse(if . < 3 then . + 1 else null end)]
        .deep | [paths]
        [[1, [2]], [1, "a\"b", null, true], [{"a": 1}]] | map(@csv)
        [1, "a\tb", null, [2]] | @tsv
        "" | split(",")
        [{key: "a", value: false}, {Name: "b", Value: 1}, {name: "c"}] | from_entries
        .list | [sort(.), unique(.), group]
        .items | [max(.id), min(.id)] | map(.name)
        [recurse_down | numbers] | length
        .deep | with_entries(.key |= ascii_upcase)
        [.parts, .list] | transpose
        .list | input_line_number
        .items | map({(.name): .price}) | add
        if false then nosuch else 1 end
        try nosuch(1; 2) catch .
        if false then $x else 1 end
        (1 as $x | 2) | $x
        [$__loc__]
    """,
    "how far a try reaches": r"""
        [try error("x") + 1, 2]
        [try error("x"), 2]
        [try 1 | error("x")]
        [try 1, error("x"), 2]
        [1 + try 2, error("x")]
        [try 1 == error("z")]
        [1, try error("x") // 5]
        try .b.y // "none"
        (try .b.y) // "none"
        .b.y? // "none"
        [try error("x"), 1 catch .]
        [try 5 catch 1, 2]
        [try error("x") catch null // "y"]
        [if try error("x") // true then 1 else 2 end]
        [reduce .list[] as $i (0; try error("x") // $i)]
        [.list | map(try error("x") // 3)]
        def f: try error("x") // 3; [f, 1]
        "a\(try error("x") // 3)b"
        [try .list[] | if . == 1 then error("one") else . end]
        [try (1, error("x")) // 3]
        [try try error("x") catch error("y") catch .]
        {a: try 5, b: 2}
        {a: try 5, b}
        .a |= try . // 4 | .a
        try .a # of what is tried
    """,
    "what is done first": r"""
        true or false and false
        false and true or true
        [true and false or true and false]
        [true or true and false or false]
        [true or error("q") and false]
        true or false and false // 3
        true or (false and false)
        if true or false and false then 1 else 2 end
        {a: (true or false and false)}
        1 < 2 < 3
        1 == 1 == true
        1 + 2 < 4 == true
        [.list[] as $x | $x < 2 == true]
        [1 == 1 and 2 == 2 or false and false]
        reduce .list[] as $i (0; . + $i) == 6 == true
        .a = true or false and false | .a
        "\(true or false and false)"
        [.list[] == 1 == true, 1 < 2]
    """,
    "words": r"""
        .a.b.c
        .list["a"]
        .items.name
        .a[0]
        .map[0]
        .a[]
        .yes | length
        .map + 1
        "abcdefghijklmn" + 1
        1 / 0
        nosuch
        map
        $x
        @foo
        .b | test("(")
        .b | tonumber
        .list | tonumber
        .a | keys
        .b | to_entries
        .a | sort_by(.x)
        .a | unique
        .a | test("a")
        .a | sub("a"; "b")
        .a | split(",")
    """,
    "words of functions": r"""
        .a | ltrimstr("a")
        .b | ltrimstr(1)
        .b | startswith(1)
        .b | split(1)
        .list | has("a")
        .map | has(0)
        .a | has("a")
        .b | floor
        range("a")
        [[1]] | @sh
        ["x"] | implode
        [["a", 1]] | from_entries
        [{k: "a"}] | from_entries
        .a | ascii_upcase
        .a | del(.x)
        {(1): 2}
        error({a: 1})
        error("bad: \(.a)")
        try error({a: 1}) catch .
        try .a.x catch .
        try (.a | keys) catch .
        [.list[1.5]]
        [1, 2] | transpose
        .list | .["a":]
    """,
    "texts that are no JSON": r"""
        "not json" | fromjson
        "nope" | fromjson
        " hello world" | fromjson
        "" | fromjson
        "  " | fromjson
        "tru" | fromjson
        "NaN" | fromjson
        "nan" | fromjson
        "01" | fromjson
        "-01" | fromjson
        "{a: 1}" | fromjson
        "{'a': 1}" | fromjson
        " {\"a\": [1, null]} " | fromjson
        .a | fromjson
        try ("nope" | fromjson) catch .
        ["1", "x"] | map(try fromjson catch null)
    """,
    "texts of Java": r"""
        "a😀é" | explode
        "a😀é" | explode | implode
        [55296] | implode
        [128512] | implode
        [55357, 56832, 65] | implode
        [56832, 55357] | implode
        [-1, 65] | implode
        [] | implode
        "" | explode
    """,
}


def transforming() -> Iterator[Case]:
    """Yield a case for each kind of program."""
    for kind, text in PROGRAMS.items():
        programs = filter(None, map(str.strip, text.split("\n")))
        yield case(
            f"JSON_JQ_TRANSFORM, {kind}",
            *(
                system("JSON_JQ_TRANSFORM", f"q{number}", {**INPUTS, "queryExpression": program}, optional=True)
                for number, program in enumerate(programs)
            ),
        )
