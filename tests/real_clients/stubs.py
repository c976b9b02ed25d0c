# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients talk to: an MCP server and two models, on the loopback, in threads that end with the test."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

TOOL = {
    "name": "recall",
    "description": "Look something up in memory",
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}},
}


class Request(NamedTuple):
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Stub:
    """An HTTP server on a free loopback port that remembers what it was asked."""

    def __init__(self) -> None:
        stub = self
        self.requests: list[Request] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    body = json.loads(data) if data else None
                except ValueError:
                    body = data
                headers = {key.lower(): value for key, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                stub.requests.append(request)
                status, kind, text = stub.answer(request)
                content = text.encode()
                self.send_response(status)
                if content:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_HEAD = do_DELETE = serve

            def log_message(self, format: str, *args: Any) -> None:
                return

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]

    def answer(self, request: Request) -> tuple[int, str, str]:
        """Status, content type and body."""
        raise NotImplementedError

    def __enter__(self) -> Stub:
        self.thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class McpServer(Stub):
    """An MCP server (streamable HTTP) with one tool."""

    def answer(self, request: Request) -> tuple[int, str, str]:
        if request.path != "/mcp" or request.method != "POST":
            return 405 if request.path == "/mcp" else 404, "", ""
        if "id" not in request.body:
            return 202, "", ""
        message = {"jsonrpc": "2.0", "id": request.body["id"], "result": self.result(request.body)}
        return 200, "application/json", json.dumps(message)

    def result(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["method"] == "initialize":
            version = message["params"]["protocolVersion"]
            info = {"name": "memory", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        if message["method"] == "tools/list":
            return {"tools": [TOOL]}
        if message["method"] == "tools/call":
            return {"content": [{"type": "text", "text": "remembered"}]}
        return {}

    def identities(self) -> set[str | None]:
        """Who the clients said they are, over all requests."""
        return {request.headers.get("x-iapeer-identity") for request in self.requests}


def stream(events: Iterable[dict[str, Any]]) -> tuple[int, str, str]:
    lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return 200, "text/event-stream", "".join(lines)


class ClaudeModel(Stub):
    """The messages API: asks for one use of a tool, and is content with whatever it gives."""

    def __init__(self, tool: str, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.tool = tool
        self.arguments = arguments

    def answer(self, request: Request) -> tuple[int, str, str]:
        if request.method != "POST" or not request.path.startswith("/v1/messages"):
            return 200, "", ""
        if "count_tokens" in request.path:
            return 200, "application/json", '{"input_tokens": 1}'
        offered = any(tool.get("name") == self.tool for tool in request.body.get("tools", []))
        done = "tool_result" in json.dumps(request.body["messages"])
        return stream(self.turn(request.body["model"], offered and not done))

    def turn(self, model: str, use: bool) -> list[dict[str, Any]]:
        usage = {"input_tokens": 1, "output_tokens": 1}
        message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
        message.update(stop_reason=None, stop_sequence=None, usage=usage)
        if use:
            block: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": self.tool, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(self.arguments)}
        else:
            block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}
        end = {"stop_reason": "tool_use" if use else "end_turn", "stop_sequence": None}
        return [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": usage},
            {"type": "message_stop"},
        ]


class CodexModel(Stub):
    """The responses API: asks for one shell command, and is content with whatever it gives."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self.command = command

    def answer(self, request: Request) -> tuple[int, str, str]:
        if request.method != "POST" or not request.path.endswith("/responses"):
            return 404, "", ""
        done = any(item.get("type") == "function_call_output" for item in request.body["input"])
        return stream(self.turn(None if done else self.call(request.body["tools"])))

    def call(self, tools: list[dict[str, Any]]) -> dict[str, Any]:
        """A use of the shell tool that is offered, under whichever of its names."""
        offered = {tool.get("name") for tool in tools}
        arguments: dict[str, Any] = {"cmd": self.command}
        name = "exec_command"
        if name not in offered:
            name, arguments = "shell_command", {"command": self.command}
        return {"type": "function_call", "call_id": "call_1", "name": name, "arguments": json.dumps(arguments)}

    def turn(self, call: dict[str, Any] | None) -> list[dict[str, Any]]:
        text = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}
        details = {"input_tokens_details": None, "output_tokens_details": None}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **details}
        return [
            {"type": "response.created", "response": {"id": "resp_1"}},
            {"type": "response.output_item.done", "output_index": 0, "item": call or {"id": "msg_1", **text}},
            {"type": "response.completed", "response": {"id": "resp_1", "usage": usage}},
        ]
