"""Every name that we read from an ini file is known to pytest, which refuses others where it is strict."""

import pytest

NATIVE = """
[pytest]
strict = true
k1n_container_cli = "podman"
k1n_containers = ["conductor", "redis"]
k1n_mcp = "npx bridge --stdio"
k1n_scripts = ["tests/*.sh"]
k1n_speed = 60.0
"""
CLASSIC = """
[pytest]
strict = true
k1n_container_cli = podman
k1n_containers = conductor redis
k1n_mcp = npx bridge --stdio
k1n_scripts = tests/*.sh
k1n_speed = 60
"""


@pytest.mark.parametrize(("name", "text"), [("pytest.toml", NATIVE), ("pytest.ini", CLASSIC)], ids=["toml", "ini"])
def test_a_strict_ini_file_takes_them_all(project, name, text):
    assert project.file(name, text).run("-m", "batch1").counts == {"passed": 1, "deselected": 2}


def test_a_strict_ini_file_refuses_what_nobody_reads(project):
    outcome = project.file("pytest.ini", "[pytest]\nstrict = true\nk1n_contianers = conductor\n").run()
    assert outcome.code == 4
    assert "k1n_contianers" in outcome.text


def test_the_container_command_reaches_the_docker_tier(project):
    outcome = project.file("pytest.ini", "[pytest]\nk1n_container_cli = no-such-docker\n").run("--k1n-server=docker")
    assert outcome.code == 4
    assert "no-such-docker" in outcome.text
    assert "defect" not in outcome.text  # a tier that cannot run here is no fault of the plugin
