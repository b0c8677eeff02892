// A mail server that keeps nothing: it prints the port it listens on, then each message it took, as a line of JSON.
// Its argument is the number of messages to refuse for now before the first is taken.

import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

let refusals = Number(process.argv[2] ?? 0);

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function read(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
}

async function take(stream, session) {
    const message = await PostalMime.parse(await read(stream));
    if (refusals > 0) {
        refusals -= 1;
        print({ refused: message.messageId });
        throw Object.assign(new Error("Come back later"), { responseCode: 451 });
    }
    print({
        sender: session.envelope.mailFrom.address,
        recipients: session.envelope.rcptTo.map((recipient) => recipient.address),
        headers: message.headers.map((header) => header.key),
        from: message.from,
        to: message.to,
        id: message.messageId,
        subject: message.subject,
        text: message.text,
        html: message.html,
    });
}

const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData: (stream, session, done) => take(stream, session).then(() => done(), done),
});

server.listen(0, "127.0.0.1", () => print({ port: server.server.address().port }));
