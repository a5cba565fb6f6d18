"""Exports read by those they are made for: OpenTelemetry's and Perfetto's own messages, lxml, the rules of SARIF."""

import csv
import io
import json

import pytest
from google.protobuf.json_format import Parse
from lxml import etree
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytest_k1n.report.exports import github, mermaid
from pytest_k1n.report.figures import SUCCESSFUL
from pytest_k1n.report.formats import named, rendered

XES = "{http://www.xes-standard.org/}"


def attempts(document):
    return [
        (task, attempt)
        for execution in document["executions"]
        for task in execution["tasks"]
        for attempt in task["attempts"]
    ]


def test_opentelemetry_reads_one_span_per_attempt_under_one_root(recorded, recorded_name):
    document = recorded(recorded_name)
    text = rendered(document, named("otlp"))
    # Ids are hex in OTLP's JSON, against protobuf's own mapping, which says base64: told apart here, as receivers do.
    request = Parse(text, ExportTraceServiceRequest())
    spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
    raw = [span for resource in json.loads(text)["resourceSpans"] for span in resource["scopeSpans"][0]["spans"]]
    assert len(spans) == 1 + sum(bool(each["raw"]["scheduled_ms"] or each["raw"]["started_ms"])
                                 for _, each in attempts(document))  # fmt: skip
    assert all(len(span["traceId"]) == 32 and len(span["spanId"]) == 16 for span in raw)
    assert {span["parentSpanId"] for span in raw[1:]} <= {raw[0]["spanId"]}
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    ids = {span["spanId"] for span in raw}
    assert {link["spanId"] for span in raw for link in span.get("links", ())} <= ids


def test_a_failed_attempt_is_an_error_with_its_reason(recorded):
    spans = json.loads(rendered(recorded("failed"), named("otlp")))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    errors = [span for span in spans[1:] if span["status"]["code"] == 2]
    assert errors
    assert all(span["status"]["message"] for span in errors)


def test_slices_of_one_track_nest_and_arrows_have_both_ends(recorded, recorded_name):
    events = json.loads(rendered(recorded(recorded_name), named("perfetto")))["traceEvents"]
    assert {event["ph"] for event in events} <= {"X", "M", "s", "f"}
    tracks = {}
    for event in events:
        if event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    for slices in tracks.values():
        slices.sort(key=lambda each: (each[0], -each[1]))
        open_until = []
        for begin, end in slices:
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            assert not open_until or end <= open_until[-1]
            open_until.append(end)
    starts = {event["id"]: event["ts"] for event in events if event["ph"] == "s"}
    ends = {event["id"]: event["ts"] for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys()
    assert all(starts[each] <= ends[each] for each in starts)


def test_an_arrow_leads_from_what_a_task_waited_for(recorded):
    document = recorded("template-02")
    events = json.loads(rendered(document, named("perfetto")))["traceEvents"]
    slices = {event["name"]: event for event in events if event["ph"] == "X" and event["cat"] == "worker"}
    arrows = [(event["ph"], event["ts"], event["tid"]) for event in events if event["ph"] in "sf"]
    for before, after in (("task_6", "task_7"), ("task_7", "task_8")):
        end = slices[before]["ts"] + slices[before]["dur"]
        assert ("s", end - 1, slices[before]["tid"]) in arrows
        assert ("f", slices[after]["ts"], slices[after]["tid"]) in arrows


def test_the_event_log_is_in_order_and_says_who_did_what_when(recorded, recorded_name):
    document = recorded(recorded_name)
    root = etree.fromstring(rendered(document, named("xes")).encode())
    assert [each.get("prefix") for each in root.iter(f"{XES}extension")] == ["concept", "time", "lifecycle", "org"]
    (trace,) = root.iter(f"{XES}trace")
    events = list(trace.iter(f"{XES}event"))
    stamps = [event.find(f"{XES}date[@key='time:timestamp']").get("value") for event in events]
    assert stamps == sorted(stamps)
    endings = [event.find(f"{XES}string[@key='lifecycle:transition']").get("value") for event in events]
    ended = [each for task, each in attempts(document) if task["kind"] != "operator" and each["raw"]["ended_ms"]]
    assert endings.count("complete") == sum(each["status"] in SUCCESSFUL for each in ended)
    assert endings.count("ate_abort") == sum(each["status"] not in SUCCESSFUL for each in ended)


def test_the_table_has_a_row_per_attempt(recorded, recorded_name):
    document = recorded(recorded_name)
    rows = list(csv.DictReader(io.StringIO(rendered(document, named("csv")))))
    assert [(row["ref"], int(row["attempt"])) for row in rows] == [
        (task["ref"], attempt["number"]) for task, attempt in attempts(document)
    ]


def test_sarif_names_a_rule_and_a_place_for_every_finding(recorded):
    document = recorded("negative-04-9-beside-8")
    (run,) = json.loads(rendered(document, named("sarif")))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(run["results"]) == len(document["findings"]) > 0
    for result, finding in zip(run["results"], document["findings"], strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == finding["code"]
        assert result["level"] == {"fail": "error", "unknown": "warning", "warn": "note"}[finding["verdict"]]
        assert finding["observed"] in result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def test_a_fingerprint_stays_when_only_the_figures_change(recorded):
    document = recorded("negative-04-9-beside-8")
    other = {**document, "findings": [{**each, "observed": "x", "margin": "y"} for each in document["findings"]]}
    prints = [
        [result["partialFingerprints"] for result in json.loads(rendered(each, named("sarif")))["runs"][0]["results"]]
        for each in (document, other)
    ]
    assert prints[0] == prints[1]


@pytest.mark.parametrize("count", [10, 12_000])
def test_a_step_summary_fits_and_says_what_it_leaves_out(recorded, count):
    document = recorded("negative-04-9-beside-8")
    many = [{**document["findings"][0], "subject": f"task_{number}"} for number in range(count)]
    text = rendered({**document, "findings": many}, named("github"))
    assert len(text.encode()) <= github.MOST_BYTES
    assert ("more; the run's document has all of them" in text) == (count > 10)
    assert "task_0 |" in text


def test_a_flowchart_has_every_task_and_every_edge(recorded):
    document = recorded("template-05")
    (execution,) = document["executions"]
    text = mermaid.render(document)
    edges = sum(len(task["after"]) for task in execution["tasks"])
    assert text.count(" --> ") == edges
    assert all(task["ref"] in text for task in execution["tasks"])


@pytest.mark.parametrize("factor", [1_000_000, 0.001], ids=["nanoseconds", "seconds"])
def test_stamps_in_another_unit_are_read_by_all_consumers(factor, recorded):
    document = recorded("template-02")
    for _, attempt in attempts(document):
        attempt["raw"] = {key: round(value * factor) for key, value in attempt["raw"].items()}
        for key in ("scheduled_ms", "ready_ms", "start_ms", "end_ms"):
            start = document["executions"][0]["raw_started_ms"]
            attempt[key] = round((attempt[key] + start) * factor) - start
    Parse(rendered(document, named("otlp")), ExportTraceServiceRequest())
    etree.fromstring(rendered(document, named("xes")).encode())
    events = json.loads(rendered(document, named("perfetto")))["traceEvents"]
    assert all(event.get("ts", 0) >= 0 <= event.get("dur", 0) for event in events)
