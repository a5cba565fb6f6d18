"""What a worker writes down of its invocations, and what survives a kill."""

from pytest_k1n.workers.ledger import InvocationLedger, LedgerReader, read_ledger


def entry(task_id, **more):
    return {"task_id": task_id, "ref": "a", "begin_ms": 1, **more}


def test_a_ledger_tells_each_invocation_with_its_end(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = InvocationLedger(path)
    first, second = ledger.begin(entry("t-1")), ledger.begin(entry("t-2"))
    ledger.end(second, {"task_id": "t-2", "end_ms": 5, "status": "COMPLETED"})
    ledger.close()
    assert first != second
    open_, ended = read_ledger(path)
    assert (open_["task_id"], "end_ms" in open_) == ("t-1", False)
    assert (ended["end_ms"], ended["status"]) == (5, "COMPLETED")


def test_a_line_torn_by_a_kill_costs_nothing_but_itself(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = InvocationLedger(path)
    ledger.begin(entry("t-1"))
    ledger.close()
    with path.open("a") as file:
        file.write('{"event": "begin", "task_id": "t-2", "inv')
    after = InvocationLedger(path)
    after.begin(entry("t-3"))
    after.close()
    assert [line["task_id"] for line in read_ledger(path)] == ["t-1", "t-3"]


def test_a_ledger_remembers_what_was_begun_and_what_is_undelivered(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = InvocationLedger(path)
    ledger.begin(entry("t-1"))
    for task_id in ("t-1", "t-2"):
        ledger.spool({"taskId": task_id, "status": "COMPLETED"})
    ledger.settle("t-1", "delivered")
    ledger.close()
    after = InvocationLedger(path)
    assert after.has_begun("t-1")
    assert not after.has_begun("t-2")
    assert [result["taskId"] for result in after.undelivered()] == ["t-2"]
    after.close()


def test_a_ledger_that_does_not_exist_is_empty(tmp_path):
    assert read_ledger(tmp_path / "none") == ()


def test_a_reader_takes_up_what_has_been_appended_since(tmp_path):
    path = tmp_path / "ledger.jsonl"
    reader = LedgerReader(path)
    assert reader.read() == ()
    ledger = InvocationLedger(path)
    number = ledger.begin(entry("t-1"))
    assert [line["task_id"] for line in reader.read()] == ["t-1"]
    ledger.end(number, {"task_id": "t-1", "end_ms": 5, "status": "COMPLETED", "slept_ms": 3})
    ledger.begin(entry("t-2"))
    ledger.close()
    assert reader.read() == reader.read() == read_ledger(path)
    assert [line.get("slept_ms") for line in reader.read()] == [3, None]


def test_a_reader_waits_for_the_end_of_a_line_that_is_being_written(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = InvocationLedger(path)
    ledger.begin(entry("t-1"))
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    reader = LedgerReader(path)
    assert reader.read() == ()
    path.write_bytes(whole)
    assert reader.read() == read_ledger(path) != ()
