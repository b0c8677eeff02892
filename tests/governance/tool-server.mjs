// A small MCP server that is started as a command. Its one tool tells which variables it was started with.
import { createInterface } from 'node:readline';

const tool = {
  name: 'names',
  description: `Knows ${Object.keys(process.env).sort().join(' ')}.`,
  inputSchema: { type: 'object', properties: {} },
  annotations: { readOnlyHint: true, openWorldHint: false },
};

function result({ method, params }) {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'command', version: '1.0.0' },
      };
    case 'tools/list':
      return { tools: [tool] };
    default:
      return undefined;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.id === undefined) continue;
  const answer = result(message);
  const body = answer ? { result: answer } : { error: { code: -32601, message: 'Unknown method' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...body })}\n`);
}
