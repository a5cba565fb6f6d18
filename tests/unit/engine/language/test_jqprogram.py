import pytest

from pytest_k1n.engine.language.jqprogram import Refused, rewritten


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("if true then 1 end", '"end" "end "" at line 1, column 16.'),
        ('if .a then\n  "if" # else\nelif .b then 1 end', '"end" "end "" at line 3, column 16.'),
        ("tonumber?", '"?" "? "" at line 1, column 9.'),
        ("f(1)?", '"?" "? "" at line 1, column 5.'),
        (".a??", '"?" "? "" at line 1, column 4.'),
        ('"a"?', '"?" "? "" at line 1, column 4.'),
        ('"x\\(.b?)\\("y"?)"', '"?" "? "" at line 1, column 14.'),
        (". as [$x] ?// $x | $x", '"?" "? "" at line 1, column 11.'),
        ("(.a)?.b", '"." ". "" at line 1, column 6.'),
        (".list.[0]", '"[" "[ "" at line 1, column 7.'),
        ("label $out | 1", '"label" "label "" at line 1, column 1.'),
        ('import "a" as a; 1', '"import" "import "" at line 1, column 1.'),
        (". as {$a} | 1", '"$" "$ "" at line 1, column 7.'),
        ("{a: [1, 2],}", '"}" "} "" at line 1, column 12.'),
        (".a] | [.b", '"]" "] "" at line 1, column 3.'),
        ("(.a])", '"]" "] "" at line 1, column 4.'),
    ],
)
def test_what_jackson_jq_has_no_syntax_for_is_refused_where_it_stands(program, said):
    with pytest.raises(Refused) as refused:
        rewritten(program)
    assert str(refused.value) == f'Encountered " {said}'


@pytest.mark.parametrize(("program", "at"), [(".a) | (.b", "line 1, column 3"), ("[1\n)", "line 2, column 1")])
def test_a_parenthesis_that_none_opens_is_told_in_the_words_of_its_lexer(program, at):
    with pytest.raises(Refused, match=rf"^Unexpected '\)' at {at}\.$"):
        rewritten(program)


def test_an_integer_that_java_has_no_long_for_is_refused():
    with pytest.raises(Refused, match=r'^For input string: "9223372036854775808"$'):
        rewritten("9223372036854775808")


@pytest.mark.parametrize(
    "program",
    [
        ".", "..", ".a?.b?", ".[]?", '."a"?', '.["a"]?', "(.a)?", ".items?[0]", "[.[0], [1][0], f[0]]", "{label: 1}",
        "{a, b}", ". as {a: $x, b: [$y]} | $x", "if .a then if .b then 1 else 2 end else 3 end", "9223372036854775807",
        '"if then end \\(.a | "}\\("]")")"', "# if then end\n1", ".a.b[0].c |= . + 1", '.a."b"["c"] = 1', "(.a).b=1",
        "del(.a)", "def f(g): g; f(.a)", ".if", "reduce .[] as $x (0; . + $x)", "@uri", '@csv "\\(.a)"', "1",
    ],
)  # fmt: skip
def test_what_both_read_the_same_way_stays_as_it_is(program):
    assert rewritten(program) == program


@pytest.mark.parametrize(
    ("program", "written"),
    [
        (".x = .a // 5 | .x", ".x =( .a // 5) | .x"),
        ("if .c then .a |= . // 2 else 3 end", "if .c then .a |=( . // 2) else 3 end"),
        ("try (1, error) catch 2", "try ([1, error]|.[]) catch 2"),
        ("(.[])?", "([.[]]|.[])?"),
        ("{b: 1, a: 2}", '({b: 1, a: 2}|{"a":.["a"],"b":.["b"]})'),
        ('"\\({b, a: 1}.a)"', '"\\(({b, a: 1}|{"a":.["a"],"b":.["b"]}).a)"'),
        ("{b: 1, (.x): 2, a: 3}", "{b: 1, (.x): 2, a: 3}"),
        ("[1.10, 1e3, 1e999, -1.0]", "[1.1, 1000.0, infinite, -1]"),
        ("$ENV", 'error("Undefined variable: $ENV")'),
        ("@base64d", 'error("Formatting operator @base64d does not exist")'),
        ("@csv", "_csv"),
        ("break", 'error("break")'),
        ("try 1 catch .", "try 1 catch _worded"),
        ("try 1 catch .a", "try 1 catch .a"),
        ("[try .a // 2, 3]", "[try ([.a // 2, 3]|.[])]"),
        ("[try .a // 2]", "[try (.a // 2)]"),
        ("try .a[] // 2 catch 3 | 4", "try ([.a[] // 2]|.[]) catch 3 | 4"),
        ("if try .a | .b then 1 else try 2 + 3 end", "if try (.a | .b) then 1 else try (2 + 3) end"),
        ("def f: try .a // 2; f", "def f: try (.a // 2); f"),
        ("try .a | .b # c", "try (.a | .b) # c"),
        ("[try try .a | .b catch 1, 2]", "[try ([try (.a | .b) catch 1, 2]|.[])]"),
        ("1 or 2 and 3", "(1 or 2) and 3"),
        ("1 and 2 or 3", "1 and 2 or 3"),
        ("1 or 2 and 3 or 4 and 5", "((1 or 2) and 3 or 4) and 5"),
        ("1 | 2 or 3 and 4 // 5", "1 | (2 or 3) and 4 // 5"),
        ("try .a catch 1 or 2 and 3", "(try .a catch 1 or 2) and 3"),
        ("reduce .[] as $x (0; 1) or 2 and 3", "(reduce .[] as $x (0; 1) or 2) and 3"),
        ("1 < 2 == 3 and 4 != 5", "(1 < 2) == 3 and 4 != 5"),
        ("[1 == 2] == 3", "[1 == 2] == 3"),
    ],
)
def test_what_means_something_else_is_written_otherwise(program, written):
    assert rewritten(program) == written


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        *(
            (program, "left hand side must be FieldAccess")
            for program in (
                ". = 1", ".. = 1", "(.a, .b) = 1", "(.a | .b) |= 1", "(.a)? = 1", ".a // .b = 1", ".a + .b += 1",
            )
        ),
        *((program, "cannot update value") for program in ("$x.a = 1", "(.a | .b).c = 1", "select(.a).b = 1")),
        *((program, "1st argument to del() must be a field access") for program in ("del(.a, .b)", "del(.)", "del(f)")),
    ],
)  # fmt: skip
def test_what_is_no_place_that_jackson_jq_can_change_says_so(program, problem):
    assert f'error("{problem}")' in rewritten(program)
