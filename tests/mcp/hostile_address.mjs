// The same over HTTP: `hostile_address.mjs PORT`. Each mode of the program is at `/mode`, and below are some that only an
// address can have. What it was asked is at `/heard`.

import { createServer } from 'node:http'
import { answer, behaviours } from './hostile.mjs'

const port = Number(process.argv[2])
const heard = []

const json = (response, status, value, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}
const events = (response) => response.writeHead(200, { 'content-type': 'text/event-stream' })
const event = (response, message, more = '') =>
  response.write(`${more}event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
const elsewhere = (path) => `http://127.0.0.2:${port}${path}`

// Answers that were broken off, to be asked for again.
const broken = new Map()

const addresses = {
  'redirect-other': (_, response) => response.writeHead(307, { location: elsewhere('/plain') }).end(),
  'redirect-same': (_, response) => response.writeHead(308, { location: '/plain' }).end(),
  'redirect-circle': (_, response) => response.writeHead(307, { location: '/redirect-circle' }).end(),
  'redirect-nowhere': (_, response) => response.writeHead(302).end(),
  locked: (_, response) => json(response, 401, { error: 'who are you' }),
  failing: (_, response) => json(response, 500, {}),
  page: (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>'),
  silent: () => {},
  'endless-body': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = () => response.write(' '.repeat(65536), more)
    more()
  },
  'endless-event': (_, response) => {
    events(response)
    const more = () => response.write('data: x'.repeat(8192), more)
    more()
  },
  'endless-events': (message, response) => {
    events(response)
    const token = message.params?._meta?.progressToken ?? 0
    const more = () => setImmediate(() => {
      event(response, { method: 'notifications/progress', params: { progressToken: token, progress: 1 } })
      if (!response.destroyed) more()
    })
    more()
  },
  // Ends the stream of a call after its first event; the rest comes to whoever asks for what followed.
  'broken-stream': async (message, response, request) => {
    if (request.method === 'GET') {
      events(response)
      event(response, broken.get(request.headers['last-event-id']) ?? {})
      return response.end()
    }
    if (message.method !== 'tools/call') return plainly('plain', message, response)
    events(response)
    broken.set('7', { id: message.id, result: { content: [{ type: 'text', text: 'Sunny, after all.' }] } })
    response.end('id: 7\nretry: 10\ndata:\n\n')
  },
  'cut-off': (message, response) => {
    if (message.method !== 'tools/call') return plainly('plain', message, response)
    events(response)
    response.end(': no more\n\n')
  },
  // Forgets its session once.
  forgetful: (message, response, request) => {
    if (message.method === 'initialize') {
      forgotten = { session: `${Math.random()}`, calls: 0 }
      return plainly('plain', message, response, { 'mcp-session-id': forgotten.session })
    }
    const is_known = request.headers['mcp-session-id'] === forgotten?.session
    if (message.method === 'tools/call' && forgotten && ++forgotten.calls === 2) forgotten = undefined
    if (!is_known || !forgotten) return json(response, 404, { error: { code: -32001, message: 'Session not found' } })
    return plainly('plain', message, response)
  },
  // The older transport, whose messages go to another server.
  'sse-other': (_, response) => events(response).write(`event: endpoint\ndata: ${elsewhere('/plain')}\n\n`),
  'sse-nowhere': (_, response) => events(response).end(': hello\n\n'),
}
let forgotten

function plainly(mode, message, response, headers) {
  if (message.id === undefined) return response.writeHead(202).end()
  const send = (sent) => json(response, 200, { jsonrpc: '2.0', ...sent }, headers)
  return answer(mode, message, { send, raw: () => {}, ask: () => {} })
}

const server = createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  const mode = request.url.slice(1)
  if (mode === 'heard') return json(response, 200, heard)
  const message = body ? JSON.parse(body) : {}
  heard.push({ mode, host: request.headers.host, verb: request.method, method: message.method, headers: request.headers })
  if (addresses[mode]) return addresses[mode](message, response, request)
  if (!behaviours[mode]) return response.writeHead(404).end()
  if (request.method !== 'POST') return response.writeHead(405).end()
  return plainly(mode, message, response)
})
// All of this machine's loopback, so that there is another host.
server.listen(port, '0.0.0.0')
