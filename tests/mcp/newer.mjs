// A server of the newer protocol, made with the official library: over its input and output, or at `newer.mjs PORT`.

import { McpServer, createMcpHandler } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { createServer } from 'node:http'
import { z } from 'zod'

function make() {
  const server = new McpServer({ name: 'newer', title: 'The newer one', version: '7.1.0' }, { instructions: 'Ask kindly.' })
  server.registerTool(
    'add',
    {
      title: 'Add',
      description: 'Adds two numbers.',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
      annotations: { readOnlyHint: true },
    },
    async ({ a, b }) => ({ content: [{ type: 'text', text: `${a + b}` }], structuredContent: { sum: a + b } }),
  )
  return server
}

const port = process.argv[2]
if (port) {
  const handler = createMcpHandler(make, { legacy: 'reject' })
  const server = createServer(async (request, response) => {
    const parts = []
    for await (const part of request) parts.push(part)
    const { method, headers } = request
    const body = parts.length ? Buffer.concat(parts) : undefined
    const answer = await handler.fetch(new Request(`http://127.0.0.1:${port}${request.url}`, { method, headers, body }))
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    for await (const part of answer.body ?? []) response.write(part)
    response.end()
  })
  server.listen(Number(port), '127.0.0.1')
} else {
  serveStdio(make, { legacy: 'reject' })
}
