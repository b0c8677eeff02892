// A hostile server over its input and output: `hostile_program.mjs MODE [ARGUMENT]`.

import { answer, behaviours } from './hostile.mjs'

const [mode, argument] = process.argv.slice(2)
if (!behaviours[mode]) throw new Error(`there is no mode ${mode}`)

const waiting = new Map()
const raw = (bytes, then) => process.stdout.write(bytes, then)
const send = (message) => raw(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `mine ${waiting.size}`
    waiting.set(id, resolve)
    send({ id, method, params })
  })
const talk = { argument, raw, send, ask }
let rest = ''
process.stdin.on('data', (data) => {
  const lines = (rest + data).split('\n')
  rest = lines.pop()
  for (const line of lines) {
    const message = JSON.parse(line)
    if (message.method) answer(mode, message, talk)
    else waiting.get(message.id)?.(message.error ?? message.result)
  }
})
