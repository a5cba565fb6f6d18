"""The page in headless Chromium: silent, self-contained, usable by keyboard and screen reader, quick when large.

Runs with K1N_SLOW=1; needs Debian's chromium and chromium-driver, and npm for axe-core.
"""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_k1n.commands import production
from pytest_k1n.core.expectations import judge_all, planned
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.read import load_plan
from pytest_k1n.report.formats import named, rendered
from pytest_k1n.report.lone import FoundOf, lone_document

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HISTORIES = ROOT / "fixtures" / "histories"
EPOCH = 1_767_225_600_000
LARGE_PAINT_MS = 2_000
LARGE_BYTES = 5_000_000


def document_of(execution):
    template = load_plan(ROOT / "suites" / "plan.toml").template_for(execution.name)
    observation = observe(execution, template=template)
    found = judge_all(planned(observation.template), observation)
    return lone_document([FoundOf(observation, found)], source="a test")


def recorded(name):
    return document_of(wire.execution(json.loads((HISTORIES / f"{name}.json").read_text())))


@functools.cache
def large():
    """10,000 tasks: a fork of 100 chains of 100."""
    branches, tasks, ends = [], [], []
    for branch in range(100):
        refs, at = [f"work_{branch}_{number}" for number in range(100)], 0
        branches.append([{"name": "work", "taskReferenceName": ref, "type": "SIMPLE"} for ref in refs])
        for number, ref in enumerate(refs):
            start, end = at + 3, at + 3 + 50 + (branch * 37 + number * 11) % 20_000
            tasks.append({"taskType": "work", "taskDefName": "work", "referenceTaskName": ref, "status": "COMPLETED",
                          "taskId": ref, "scheduledTime": EPOCH + at, "startTime": EPOCH + start,
                          "endTime": EPOCH + end, "workerId": "w"})  # fmt: skip
            at = end
        ends.append(at)
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": [each[-1]["taskReferenceName"]
                                                                             for each in branches]}  # fmt: skip
    fork = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches}
    end = EPOCH + max(ends) + 7
    head = {"taskType": "FORK", "referenceTaskName": "f", "status": "COMPLETED", "taskId": "f", "scheduledTime": EPOCH,
            "startTime": EPOCH, "endTime": EPOCH}  # fmt: skip
    last = {"taskType": "JOIN", "referenceTaskName": "j", "status": "COMPLETED", "taskId": "j", "scheduledTime": EPOCH,
            "startTime": EPOCH, "endTime": end}  # fmt: skip
    ordered = sorted([head, *tasks, last], key=lambda task: task["scheduledTime"])
    definition = {"name": "LARGE", "version": 1, "tasks": [fork, join]}
    return document_of(wire.execution({
        "workflowId": "large", "workflowName": "LARGE", "workflowVersion": 1, "status": "COMPLETED",
        "startTime": EPOCH, "createTime": EPOCH, "endTime": end + 3, "workflowDefinition": definition,
        "tasks": [{**task, "seq": seq} for seq, task in enumerate(ordered, 1)],
    }))  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(word)
    options.binary_location = shutil.which("chromium") or "chromium is missing: apt-get install chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    rooms = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("chromium"))}
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"), env=rooms)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "install", "--silent", "--prefix", folder, "axe-core@4"], check=True, timeout=120)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def opened(browser, tmp_path):
    def open_page(document, *, theme="light", width=1280):
        path = tmp_path / "page.html"
        page = document if isinstance(document, str) else rendered(document, named("html"))
        path.write_text(page, encoding="utf-8")
        browser.set_window_size(width, 900)
        media = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())
        return browser

    return open_page


def requests(browser):
    events = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    urls = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("file:", "data:"))]


def stalled():
    """A run in which the machine stood still twice, and the server once."""
    document = recorded("template-04")
    start = document["executions"][0]["raw_started_ms"]
    return document | {"weather": {
        "latency": "weather", "since_ms": start, "until_ms": start + 30_000, "checks": 9, "not_measurable": 1,
        "host": [(start + 2_000, start + 2_500), (start + 9_000, start + 9_003)],
        "server": [(start + 5_000, start + 6_000)],
    }}  # fmt: skip


def many():
    """Executions of a server, a few of them recorded from a real one."""
    executions = [
        wire.execution(json.loads((HISTORIES / f"{name}.json").read_text())) for name in ("template-04", "retried")
    ]
    paths = tuple(production._path(each) for each in executions)
    gathered = production.Production(workflow="<b>K1N</b>", executions=tuple(executions), paths=paths)
    return production.page(gathered, server="http://127.0.0.1:8080")


def serious(page, axe):
    """What axe-core calls serious or critical."""
    page.execute_script(axe)
    script = "const done = arguments[0]; axe.run().then(result => done(result.violations))"
    page.set_script_timeout(60)
    violations = page.execute_async_script(script)
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in violations
            if each["impact"] in ("serious", "critical")]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("make", "words"),
    [(stalled, "Meanwhile the host stood still 2 times"), (many, "Critical how often")],
    ids=["stalls", "many executions"],
)
def test_stalls_and_many_executions_are_shown_as_well(opened, axe, make, words, theme):
    page = opened(make(), theme=theme)
    assert page.get_log("browser") == []
    assert requests(page) == []
    assert words in " ".join(page.find_element("tag name", "body").get_attribute("textContent").split())
    assert serious(page, axe) == []


@pytest.mark.parametrize("make", [stalled, many], ids=["stalls", "many executions"])
def test_neither_of_them_scrolls_sideways_on_a_narrow_screen(opened, make):
    page = opened(make(), width=500)
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("name", ["template-04", "negative-04-9-beside-8", "retried", "running", "nested-forks"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_silent_asks_for_nothing_and_axe_finds_nothing_serious(opened, axe, name, theme):
    document = recorded(name)
    page = opened(document, theme=theme)
    assert page.get_log("browser") == []
    assert requests(page) == []
    text = " ".join(page.find_element("tag name", "body").get_attribute("textContent").split())
    for finding in document["findings"]:
        assert " ".join(finding["observed"].split()) in text
        assert finding["subject"] in text
    assert serious(page, axe) == []


def test_without_javascript_the_page_says_as_much(opened, browser):
    document = recorded("negative-04-9-beside-8")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page = opened(document)
        text = page.find_element("tag name", "body").text
        assert "task_9" in text
        assert not page.find_element("css selector", ".tools").is_displayed()
        assert len(page.find_elements("css selector", "a.row")) >= 22
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_keyboard_walks_filters_and_zooms(opened):
    from selenium.webdriver.common.keys import Keys

    page = opened(recorded("template-04"))
    first = page.find_element("css selector", "a.row")
    page.execute_script("arguments[0].focus()", first)
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert page.switch_to.active_element.get_attribute("data-name") == "task_2"
    page.switch_to.active_element.send_keys(Keys.END)
    assert page.switch_to.active_element.get_attribute("data-name") == "task_22"
    assert "task_22" in page.find_element("css selector", "[data-told]").text
    page.switch_to.active_element.send_keys("+")
    assert page.find_element("css selector", ".bars").get_attribute("style") == "width: 200%;"
    page.switch_to.active_element.send_keys("/")
    page.switch_to.active_element.send_keys("task_8")
    shown = [
        row.get_attribute("data-name") for row in page.find_elements("css selector", "a.row") if row.is_displayed()
    ]
    assert shown == ["task_8"]


def test_a_finding_leads_to_its_bar(opened):
    page = opened(recorded("negative-04-9-beside-8"))
    link = page.find_element("css selector", "#findings a.jump")
    page.execute_script("arguments[0].click()", link)
    target = page.execute_script("return document.querySelector(':target').dataset.name")
    assert target == "task_9"


def test_a_narrow_page_does_not_scroll_sideways(opened):
    page = opened(recorded("template-04"), width=500)
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_ten_thousand_tasks_are_painted_soon_and_are_no_large_file(opened, tmp_path):
    page = opened(large())
    assert (tmp_path / "page.html").stat().st_size <= LARGE_BYTES
    wait = "return performance.getEntriesByName('first-contentful-paint').length"
    for _ in range(100):
        if page.execute_script(wait):
            break
    painted = page.execute_script("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted <= LARGE_PAINT_MS
    assert page.get_log("browser") == []
