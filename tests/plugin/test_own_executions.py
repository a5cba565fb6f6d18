"""What the report of a failed test shows that has started its executions itself."""

OWN = """
from pytest_k1n import completed

def task(ref):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}

SHOP = {"name": "shop", "version": 1, "ownerEmail": "k1n@example.com", "tasks": [task("charge"), task("ship")]}

def no_gateway(task):
    task.log("about to charge")
    raise RuntimeError("no gateway")

def test_declined(conductor):
    conductor.run(SHOP, handlers={"charge": no_gateway}).expect(completed())
"""


def test_a_failed_test_shows_picture_reason_traceback_and_how_to_repeat_it(empty_project):
    outcome = empty_project.test("own", OWN).run("--k1n-seed=3", "--k1n-time=virtual")
    assert outcome.counts == {"failed": 1}
    for line in (
        "- k1n: the execution -",
        "failed    charge: RuntimeError: no gateway",
        "log       about to charge",
        'test_own.py", line',
        "replay    pytest --k1n-seed=3 --k1n-time=virtual 'test_own.py::test_declined'",
    ):
        assert line in outcome.text, line


def test_the_replay_line_repeats_the_failure(empty_project):
    first = empty_project.test("own", OWN).run("--k1n-seed=3")
    (line,) = (each for each in first.text.splitlines() if each.startswith("replay"))
    again = empty_project.run(*line.removeprefix("replay    pytest ").replace("'", "").split())
    assert again.counts == {"failed": 1}
    assert "no gateway" in again.text


def test_a_report_that_is_asked_for_is_written_without_any_batch(empty_project):
    outcome = empty_project.test("own", OWN).run("--k1n-html=page.html")
    assert "no gateway" in (outcome.folder / "page.html").read_text()


def test_an_expectation_without_its_brackets_is_refused(empty_project):
    outcome = empty_project.test("own", OWN.replace("completed())", "completed)")).run()
    assert "write expect(completed(…)), with its brackets" in outcome.text


def test_a_misspelt_key_of_takes_is_told_with_the_nearest(empty_project):
    source = OWN.replace('handlers={"charge": no_gateway}', 'takes={"chrage": "3m"}')
    assert "'chrage' (near: charge)" in empty_project.test("own", source).run().text
