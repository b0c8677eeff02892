// The official clients, unmodified, against an MCP endpoint: `client.mjs ERA URL TOKEN CALLS`. ERA is `newer`, `older` (both
// with the newer library) or `sessions` (with the library of those days). Each of CALLS is { tool, arguments, meta }. What
// was seen goes out as one line of JSON.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OlderTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [era, url, token, calls] = process.argv.slice(2)
const info = { name: 'trellis-tests', version: '1.0.0' }
const options = { requestInit: { headers: { authorization: `Bearer ${token}` } } }
const isOld = era === 'sessions'
const client = isOld
  ? new OlderClient(info)
  : new Client(info, { versionNegotiation: { mode: era === 'newer' ? { pin: '2026-07-28' } : 'legacy' } })
const transport = isOld ? new OlderTransport(new URL(url), options) : new StreamableHTTPClientTransport(new URL(url), options)

const seen = { tools: [], results: [], progress: 0 }
try {
  await client.connect(transport)
  seen.server = client.getServerVersion()?.name
  seen.version = isOld ? transport.protocolVersion : client.getNegotiatedProtocolVersion()
  let cursor
  do {
    const page = await client.listTools(cursor ? { cursor } : undefined)
    seen.tools.push(...page.tools)
    cursor = page.nextCursor
  } while (cursor)
  for (const { tool, arguments: given, meta } of JSON.parse(calls ?? '[]')) {
    const params = { name: tool, arguments: given, ...(meta && { _meta: meta }) }
    const listening = { onprogress: () => (seen.progress += 1) }
    try {
      seen.results.push(await (isOld ? client.callTool(params, undefined, listening) : client.callTool(params, listening)))
    } catch (error) {
      seen.results.push({ thrown: error.message, code: error.code })
    }
  }
  await client.close()
} catch (error) {
  seen.failed = `${error.message}`
}
console.log(JSON.stringify(seen))
process.exit(0)
