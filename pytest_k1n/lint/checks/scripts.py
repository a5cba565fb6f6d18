"""JavaScript, jq and Python in definitions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_k1n.engine.language import scripts
from pytest_k1n.lint.check import Hit, Path
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode, text

_JAVASCRIPT = ("javascript", "graaljs")
_INPUT = r"\$\s*(?:\.\s*([A-Za-z_$][\w$]*)|\[\s*['\"]([^'\"]+)['\"]\s*\])?\s*[,)]"
"""An argument that is an input, or all of them, and nothing more; its name is in one of two groups."""
_STRINGIFY = re.compile(rf"JSON\s*\.\s*stringify\s*\(\s*{_INPUT}")
_MEMBERS = re.compile(
    r"(Object\s*\.\s*(?:keys|values|entries|assign|getOwnPropertyNames|hasOwn))\s*\("
    rf"\s*(?:\{{\s*\}}\s*,\s*|\[\s*\]\s*,\s*)?{_INPUT}"
)
_HAS_MEMBER = re.compile(
    r"\$\s*\.\s*([A-Za-z_$][\w$]*)\s*\.\s*(hasOwnProperty)\s*\(|['\"\w]\s+(in)\s+\$\s*\.\s*([A-Za-z_$][\w$]*)\s*(?![\w.\[])"
)
_LONGEST = 100_000
_COMMENTS = re.compile(r"/\*.*?\*/|(?<![:'\"])//[^\n]*", re.S)
_STRINGS = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`")
_DOTTED = re.compile(r"(?<![\w$.])\$\s*\.\s*([A-Za-z_][\w$]*)")
_BRACKETED = re.compile(r"(?<![\w$.])\$\s*\[\s*(['\"])([^'\"\\]+)\1\s*\]")
_GUARDED = (
    r"(?:typeof\s+|delete\s+|!\s*|in\s+)\(?\s*\$\s*(?:\.\s*{0}\b|\[\s*['\"]{0}['\"]\s*\])"
    r"|\$\s*(?:\.\s*{0}\b|\[\s*['\"]{0}['\"]\s*\])"
    r"\s*(?:\?|&&|\|\||\)\s*(?:\{{|\?|&&|\|\||return)|=(?!=)|[!=]==?\s*(?:null|undefined|void|'undefined'|\"undefined\"))"
    r"|['\"]{0}['\"]\s*in\b|(?:containsKey|hasOwnProperty|has)\(\s*['\"]{0}['\"]"
)
"""A name is asked for before it is read, or set: whoever wrote that knows that it may not be there."""
_INPUT_AS_A_WHOLE = re.compile(r"\$\s*(?:[,)\]};]|$|\[\s*[^'\"\s])")
"""What a script does with all of its input cannot be told by names."""
_OF_MAPS = frozenset({"get", "getOrDefault", "put", "keySet", "containsKey", "size", "entrySet", "values", "toString"})
"""What every input has: it is an object of Java's."""


def syntax(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find scripts that no engine can read; without the `scripts` extra there is no engine to ask."""
    for task, path, source, is_body in _sources(workflow):
        if "${" in source or len(source) > _LONGEST or source.startswith("#!"):
            continue  # another check's, or written at run time
        problem = scripts.syntax_error(source) if is_body else scripts.program_error(source)
        if problem:
            yield Hit(path, f"is not JavaScript: {problem}", ref=task.ref)
    for task, path, source in _python(workflow):
        if "${" not in source and 0 < len(source) <= _LONGEST and (problem := _python_error(source)):
            yield Hit(path, f"is not Python: {problem}", ref=task.ref)
    for task in workflow.tasks:
        query = text(task.inputs, "queryExpression")
        if task.type == "JSON_JQ_TRANSFORM" and "${" not in query and 0 < len(query) <= _LONGEST:
            problem = scripts.jq_error(query)
            if problem:
                yield Hit((*task.path, "inputParameters", "queryExpression"), f"is not jq: {problem}", ref=task.ref)


def python_without_return(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find Python that returns nothing: it is the body of a function, whose value is what it returns."""
    for task, path, source in _python(workflow):
        if "${" not in source and source.strip() and not re.search(r"\breturn\b", source):
            yield Hit(path, "returns nothing: its value is null", ref=task.ref)


def _python(workflow: WorkflowSubject) -> Iterator[tuple[TaskNode, Path, str]]:
    for task in workflow.tasks:
        if task.type == "INLINE" and task.inputs.get("evaluatorType") == "python":
            yield task, (*task.path, "inputParameters", "expression"), text(task.inputs, "expression")
        elif task.type == "SWITCH" and task.fields.get("evaluatorType") == "python":
            yield task, (*task.path, "expression"), text(task.fields, "expression")


def _python_error(source: str) -> str | None:
    """Say why Python cannot be read; None also where only a newer Python than ours could."""
    if re.search(r"\b[fF][rR]?['\"]", source):
        return None
    body = "\n".join(f" {line}" for line in source.splitlines())
    try:
        ast.parse(f"def evaluate():\n{body or ' pass'}\n")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return str(getattr(error, "msg", error))
    return None


def expression_in_script(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find `${…}` in scripts of INLINE tasks, which puts a value's text into the program."""
    for task in workflow.tasks:
        if task.type not in ("INLINE", "LAMBDA"):
            continue
        for key in ("expression", "scriptExpression"):
            source = text(task.inputs, key)
            found = re.search(r"\$\{[^}]*\}", source)
            if found and found[0] != source.strip():
                yield Hit(
                    (*task.path, "inputParameters", key), f"writes {found[0]} into the script as text", ref=task.ref
                )


def stringified_input(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find JSON.stringify of an input in INLINE scripts."""
    for task, path, source, _ in _sources(workflow):
        if task.type not in ("INLINE", "LAMBDA"):
            continue
        for match in _STRINGIFY.finditer(source[:_LONGEST]):
            name = match[1] or match[2]
            value = task.inputs.get(name) if name else None
            if name is None or _may_be_an_object(value):
                shown = f"$.{name}" if name else "$"
                yield Hit(path, f"JSON.stringify({shown}) is '{{}}': {shown} is an object of Java's", ref=task.ref)


def members_of_input(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find scripts that ask JavaScript for the keys of an input, which has Java's methods for members."""
    for task, path, source, _ in _sources(workflow):
        code = _COMMENTS.sub(" ", source[:_LONGEST])
        asked = [(match[1], match[2] or match[3]) for match in _MEMBERS.finditer(code)]
        for match in _HAS_MEMBER.finditer(code):
            is_loop = match[3] and re.search(r"for\s*\(\s*(?:var|let|const)?\s*[\w$]*$", code[: match.start() + 1])
            if not is_loop:
                asked.append((match[2] or match[3], match[1] or match[4]))
        for function, name in dict.fromkeys(asked):
            if name is None or _may_be_an_object(task.inputs.get(name)):
                shown = f"$.{name}" if name else "$"
                problem = f"{function} sees Java's methods in {shown}, and none of its keys"
                yield Hit(path, problem, ref=task.ref)


def _may_be_an_object(value: object) -> bool:
    return isinstance(value, dict | list) or (isinstance(value, str) and "${" in value)


def unknown_in_script(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find what scripts of INLINE, LAMBDA and SWITCH read of `$` and is no input of theirs."""
    for task, path, source, _ in _sources(workflow):
        if task.type == "DO_WHILE" or "${" in source or _INPUT_AS_A_WHOLE.search(source) or _has_template(task):
            continue
        for name in sorted(_unguarded(source[:_LONGEST]) - task.inputs.keys() - _OF_MAPS):
            of = workflow.by_ref.get(name)
            hint = suggestion(name, task.inputs)
            if of is not None and of is not task:
                hint = f'give it an input: "{name}": "${{{name}.output}}"'
            yield Hit(path, f"reads $.{name}, which is no input of {task.ref}", hint, ref=task.ref)


def _unguarded(script: str) -> set[str]:
    """Collect the names that a script reads of `$` without asking anywhere whether they are there, or setting them."""
    script = _COMMENTS.sub(" ", script)
    found = {match[1] for match in _DOTTED.finditer(_STRINGS.sub("''", script))}
    found |= {match[2] for match in _BRACKETED.finditer(script)}
    return {name for name in found if not re.search(_GUARDED.format(re.escape(name)), script)}


def _has_template(task: TaskNode) -> bool:
    """Whether a task definition may add to the input: its `inputTemplate` does."""
    definition = task.fields.get("taskDefinition")
    return isinstance(definition, dict) and bool(definition.get("inputTemplate"))


def _sources(workflow: WorkflowSubject) -> Iterator[tuple[TaskNode, Path, str, bool]]:
    """Yield every script with its place, and whether it is the body of a function rather than a program."""
    for task in workflow.tasks:
        inputs = (*task.path, "inputParameters")
        kind = task.fields.get("evaluatorType")
        if task.type == "INLINE" and task.inputs.get("evaluatorType", "javascript") in _JAVASCRIPT:
            yield task, (*inputs, "expression"), text(task.inputs, "expression"), False
        elif task.type == "LAMBDA":
            yield task, (*inputs, "scriptExpression"), text(task.inputs, "scriptExpression"), True
        elif task.type == "DO_WHILE":
            yield task, (*task.path, "loopCondition"), text(task.fields, "loopCondition"), False
        elif task.type == "SWITCH" and kind in _JAVASCRIPT:
            yield task, (*task.path, "expression"), text(task.fields, "expression"), False
        elif task.type == "DECISION":
            yield task, (*task.path, "caseExpression"), text(task.fields, "caseExpression"), False
