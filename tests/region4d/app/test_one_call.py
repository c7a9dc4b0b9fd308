"""A question in one call, as a program and as a language model with tools (MCP) asks it."""

from __future__ import annotations

import ast
import asyncio
from typing import Any

import pytest

from region4d.app.settings import Settings
from region4d.app.systems import System

try:
    from gradio_client import Client
    from gradio_client.exceptions import AppError
except ImportError:
    pytest.skip("needs gradio, of the extra app", allow_module_level=True)

BOX = {"region": 0, "frame": 0, "box": [69, 58, 146, 160]}
QUESTION = "How tall is <region0>?"


def test_one_call_is_answered_by_both_models_and_says_what_they_were_given(site: str) -> None:
    answers = Client(site, verbose=False).predict("world 6", QUESTION, [BOX], 4, api_name="/ask_about")
    assert [each["model"] for each in answers] == ["sr3d_tiny_3d", "sr3d_tiny_2d"]
    assert all(each["text"].endswith(" m") for each in answers)
    assert "depth" in " ".join(answers[0]["given"])


def test_what_a_model_cannot_be_asked_is_its_refusal(site: str) -> None:
    answers = Client(site, verbose=False).predict("world 6", "Is <region0> xyzzy?", [BOX], 4, api_name="/ask_about")
    assert all("xyzzy" in each["reason"] for each in answers)


@pytest.mark.parametrize("footage", ["/etc/passwd", "../secret.png", "world", ""])
def test_footage_outside_of_the_folders_is_refused(site: str, footage: str) -> None:
    with pytest.raises(AppError, match="folders of this server"):
        Client(site, verbose=False).predict(footage, QUESTION, [BOX], 4, api_name="/ask_about")


def test_a_language_model_finds_one_tool_and_uses_it(systems: list[System]) -> None:
    pytest.importorskip("mcp", reason="needs the extra mcp")
    from region4d.app.server import served

    with served(systems[:1], Settings(mcp=True)) as address:
        tools, said = asyncio.run(_use_tool(f"{address}gradio_api/mcp/"))
    assert [tool.name for tool in tools] == ["ask_about"]
    assert set(tools[0].inputSchema["properties"]) == {"footage", "question", "marks", "frames"}
    assert "box" in str(tools[0].inputSchema)
    assert [each["model"] for each in ast.literal_eval(said)] == ["sr3d_tiny_3d"]


async def _use_tool(url: str) -> tuple[list[Any], str]:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        result = await session.call_tool("ask_about", {"footage": "world 6", "question": QUESTION, "marks": [BOX]})
        return tools, result.content[0].text


def test_without_the_package_the_flag_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("region4d.app.settings.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"region4d\[mcp\]"):
        Settings(mcp=True)


def test_a_page_shows_what_is_in_angle_brackets() -> None:
    from gradio import Error

    from region4d.app.pages.footage import told

    with pytest.raises(Error, match="mentions ‹region1›"), told():
        raise ValueError("the question mentions <region1>")
