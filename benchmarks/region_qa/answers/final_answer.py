"""The final answer in the output of a model: without its reasoning, the tokens of its template, and the wrapping."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

from benchmarks.region_qa.answers.units import find_unit

_THOUGHT = (
    r"(?:seed:)?(?:think|thinking|thoughts?|reason|reasoning|rationale|analysis|scratchpad|reflection|summary|caption)"
)
_OPEN_THOUGHT = rf"<{_THOUGHT}>|\[think\]|<\|(?:begin_of_thought|start_thinking)\|>|<\|channel>\s*thought"
_END_THOUGHT = rf"</{_THOUGHT}>|\[/think\]|<\|(?:end_of_thought|end_thinking)\|>|<channel\|>"
_THOUGHTS = re.compile(rf"(?:{_OPEN_THOUGHT}).*?(?:{_END_THOUGHT})", re.IGNORECASE | re.DOTALL)
_OPENED = re.compile(_OPEN_THOUGHT, re.IGNORECASE)
_ENDED = re.compile(_END_THOUGHT, re.IGNORECASE)
_INSTRUCTION_END = "[/inst]"
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\s*(?:<\|constrain\|>\w*\s*)?<\|message\|>")
_ROLE = re.compile(
    r"<\|(?:im_start|start_header_id|start)\|>\s*(?:assistant|model)(?:\s*<\|end_header_id\|>)?"
    r"|<start_of_turn>\s*model|^\s*(?:assistant|gpt|model)\s*(?::|\n)",
    re.IGNORECASE,
)
_TURN_END = (
    r"<\|(?:im_end|endoftext|end_of_text|eot_id|eot|eom_id|end|return|end▁of▁sentence|end_of_sentence|end_of_turn|user"
    r"|assistant_end|end_of_turn_token)\|>|</s>|<eos>|<end_of_turn>|<turn\|>|<end_of_utterance>|\[eos\]"
)
_TURN_ENDS = re.compile(_TURN_END, re.IGNORECASE)
_BEFORE_TURN = re.compile(rf"(?:\s|{_TURN_END}|<s>|<bos>)*", re.IGNORECASE)
_TOKEN = re.compile(r"<\|[^<>|\n]{1,40}\|>|</?s>|<(?:bos|eos|pad|unk|image)>", re.IGNORECASE)
_ANSWER_TAG = r"(?:final[_ ]?)?(?:answer|ans|conclusion|output|response|solution|result|choice|final)"
_WRAPPED = re.compile(
    rf"<(?P<tag>{_ANSWER_TAG})(?:\s[^<>]*)?>(?P<content>.*?)(?:</(?P=tag)\s*>|$)"
    r"|\[(?:final[_ ])?answer\](?P<square>.*?)(?:\[/(?:final[_ ])?answer\]|$)"
    r"|<\|(?:begin_of_(?:box|solution|answer)|start_response)\|>(?P<box>.*?)"
    r"(?:<\|(?:end_of_(?:box|solution|answer)|end_response)\|>|$)",
    re.IGNORECASE | re.DOTALL,
)
_STRAY_END = re.compile(rf"</{_ANSWER_TAG}\s*>|<\|end_of_(?:box|solution|answer)\|>", re.IGNORECASE)
_SCALAR = re.compile(r"\\scalar\s*\{([^{}]*)\}[\s,.]*(?:\\distance_?unit\s*\{([^{}]*)\})?")
_BOXED = re.compile(r"\\f?box(?:ed)?(?:\s*\{([^{}]*)\}|\s+(\S+))")
_OBJECT = re.compile(r"\{[^{}]*\}")
_ANSWER_KEY = re.compile(
    r"(?:(?:final|predicted|correct|my|the)[_ ]?)?(?:answer|ans|choice|option|letter|label|prediction|result|response"
    r"|output|solution|value|scalar|number|estimate|distance|length|width|height|depth|speed|duration|angle|displacement)",
    re.IGNORECASE,
)
_UNIT_KEY = re.compile(r"(?:\w+[_ ])?units?", re.IGNORECASE)
_PHRASE = re.compile(
    r"\b(?:answer|ans)\b[\"'\])]*"
    r"(?:[^.:\n]{0,40}?\b(?:is|would be|should be|must be)\b|\s*(?:[:=]|->|\n)|\s+-\s)\s*[:=]?\s*"
    r"|\b(?:option|choice|letter)\b[\"'\])]*\s*(?:is\b|[:=])\s*[:=]?\s*"
    r"|\b(?:réponse|antwort|respuesta|resposta|risposta|antwoord|ответ)\b"
    r"(?:[^.:\n]{0,30}?\b(?:est|ist|lautet|es|é|è|is)(?:\s*:)?(?=\W)|\s*[:=—-])\s*"
    r"|(?:答案|选项|選項|回答)\s*(?:应该|应当|应)?\s*(?:是|为|為|选|:)+\s*|答\s*:\s*"
    r"|(?:选择|選擇|应选|选|選)\s*(?=\W?[A-Za-z](?![A-Za-z]))"
    r"|(?:选项|選項)\s*(?=\W?[A-Za-z](?![A-Za-z]))"
    r"|(?:答え|正解)\s*(?:は|:)\s*|(?:정답|답)\s*(?:은|는|:)\s*"
    r"|#{4}\s*",
    re.IGNORECASE,
)
NESTED = 4  # answer tags within answer tags
_BARE_NUMBER = re.compile(r"[-+~\s\d.,/]+")
_UNIT_AFTER = re.compile(r"[\s)\]*]*([^\n.,;:<>{}\\]{0,30})")


def final_answers(text: str, depth: int = 0) -> list[str]:
    """Find what a model gives as its answer; several where it wraps more than one, none where it only reasons.

    In this order: reasoning between tags goes, and so does all that follows the end of the turn; then the content of
    answer tags, of "\\scalar{...} \\distance_unit{...}", of "\\boxed{...}" or of JSON counts; else what follows the
    last "the answer is", in several languages; else the whole text.

    Args:
        text: the output, in plain writing (see `plain_writing`).
        depth: how many answer tags are around it.
    """
    text = _without_thoughts(_turn(text))
    if depth < NESTED and (wrapped := list(_WRAPPED.finditer(text))):
        contents = [_with_unit(m["content"] or m["square"] or m["box"] or "", text[m.end() :]) for m in wrapped]
        return [answer for content in contents for answer in final_answers(content, depth + 1)]
    text = _TOKEN.sub("", _STRAY_END.split(text)[0])
    found = _scalars(text) or _boxes(text) or list(_json_answers(text))
    if found or _mapping(text):  # JSON without an answer gives none
        return found
    answer = text
    for phrase in _PHRASE.finditer(text):  # the last one counts
        answer = text[phrase.end() :] or answer
    answer = _unquoted(answer.strip(" \t\r\n"))
    return [answer] if answer else []


def _turn(text: str) -> str:
    """Keep the first turn that says something; of turns in channels, the final one."""
    if channels := list(_FINAL_CHANNEL.finditer(text)):
        text = text[channels[-1].end() :]
    if (question := text.lower().rfind(_INSTRUCTION_END)) >= 0:
        text = text[question + len(_INSTRUCTION_END) :]
    text = _BEFORE_TURN.sub("", _ROLE.sub("", text), count=1)
    return _TURN_ENDS.split(text, maxsplit=1)[0]


def _without_thoughts(text: str) -> str:
    if ends := list(_ENDED.finditer(text)):  # the opening tag may be in the prompt
        after = text[ends[-1].end() :]
        text = after if after.strip() else _THOUGHTS.sub("\n", text[: ends[-1].end()])
        text = _ENDED.split(text)[-1]
    if opened := _OPENED.search(text):  # cut off while it reasons
        text = text[: opened.start()]
    return text


def _with_unit(content: str, after: str) -> str:
    """Append the words that follow a wrapped bare number: the unit of "\\boxed{140} cm"."""
    if content.strip() and _BARE_NUMBER.fullmatch(content) and (unit := _UNIT_AFTER.match(after)):
        return f"{content} {unit[1]}"
    return content


def _scalars(text: str) -> list[str]:
    return [_with_unit(f"{m[1]} {m[2] or ''}", "" if m[2] else text[m.end() :]) for m in _SCALAR.finditer(text)]


def _boxes(text: str) -> list[str]:
    return [_with_unit(m[1] if m[1] is not None else m[2], text[m.end() :]) for m in _BOXED.finditer(text)]


def _json_answers(text: str) -> Iterator[str]:
    for match in _OBJECT.finditer(text):
        entry = _mapping(match[0])
        units = [str(value) for key, value in entry.items() if _UNIT_KEY.fullmatch(key)]
        for key, value in entry.items():
            name, _, last = key.rpartition("_")
            if _ANSWER_KEY.fullmatch(key):
                yield _said(value, units)
            elif name and find_unit(last) and isinstance(value, (int, float)):  # {"distance_cm": 140}
                yield _said(value, [last])


def _said(value: Any, units: list[str]) -> str:
    if isinstance(value, list):
        return " or ".join(str(one) for one in value)
    number = isinstance(value, (int, float)) or (isinstance(value, str) and _BARE_NUMBER.fullmatch(value))
    return f"{value} {units[0]}" if number and len(units) == 1 else str(value)


def _mapping(text: str) -> dict[str, Any]:
    for read in (json.loads, _python_literal):
        try:
            entry = read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(entry, dict):
            return {str(key): value for key, value in entry.items()}
    return {}


def _python_literal(text: str) -> Any:
    if not text.lstrip().startswith("{") or "'" not in text:
        raise ValueError("no quotes of Python")
    with warnings.catch_warnings(action="ignore"):  # of escapes
        return ast.literal_eval(text)


def _unquoted(text: str) -> str:
    """Take off the quotes around an answer, but not the inches of 5'3"."""
    text = text.strip("{}")
    for quote in "\"'":
        if text.startswith(quote):
            text = text.strip(quote + " ")
    return text.strip()
