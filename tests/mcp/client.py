"""The official Python client, unmodified, against an MCP endpoint: `client.py ERA URL TOKEN CALLS`, as in client.mjs."""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


async def main() -> None:
    era, url, token, calls = sys.argv[1:]
    seen = {"tools": [], "results": [], "progress": 0}

    async def progress(*_: object) -> None:
        seen["progress"] += 1

    def plain(model):
        return model.model_dump(mode="json", by_alias=True, exclude_none=True)

    headers = {"authorization": f"Bearer {token}"}
    transport = streamable_http_client(url, http_client=create_mcp_http_client(headers=headers))
    mode = "auto" if era == "newer" else "legacy"
    try:
        async with Client(transport, mode=mode) as client:
            seen["server"] = client.server_info.name if client.server_info else None
            seen["version"] = client.protocol_version
            cursor = None
            while True:
                page = await client.list_tools(cursor=cursor)
                seen["tools"] += [plain(tool) for tool in page.tools]
                cursor = page.next_cursor
                if not cursor:
                    break
            for call in json.loads(calls):
                try:
                    result = await client.call_tool(
                        call["tool"], call.get("arguments"), progress_callback=progress, meta=call.get("meta")
                    )
                    seen["results"].append(plain(result))
                except Exception as error:  # Whatever it is, the test looks at it.
                    seen["results"].append({"thrown": str(error)})
    except BaseException as error:
        seen["failed"] = repr(error)
    print(json.dumps(seen))


asyncio.run(main())
