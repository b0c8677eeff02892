// Drives the served GraphiQL page in a headless Chromium, as a newcomer would: runs a query, opens the explorer, starts
// a subscription in a second tab, and sees a mutation made elsewhere arrive there. Fails when the page asks anything
// of another host, logs an error, or shows something else than expected. Prints one line of JSON.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { chromium } from "playwright-core";

const usage = `node graphiql.mjs --url http://127.0.0.1:PORT/graphiql [options]
  --token TOKEN            send this token: the page's own headers must hold it, or it is typed into them
  --query FILE_OR_TEXT     run this instead of the query that the page starts with
  --expect TEXT            the query's response must contain it
  --subscription FILE_OR_TEXT  start this in a second tab
  --trigger-url URL        where the mutation goes; by default /graphql of the page's origin
  --trigger FILE_OR_TEXT   the mutation that causes the event; sent again after 5 s without it ("triggers" counts)
  --expect-event TEXT      the subscription's response must come to contain it
  --screenshot FILE        a picture of the query and its response; of the page as it is, after a failure
  --event-screenshot FILE  a picture of the subscription and its event
  --color-scheme SCHEME    light (the default) or dark
  --timeout-seconds N      for each step, 30 by default`;

const text = { type: "string" };
const { values: options } = parseArgs({
  options: {
    url: text,
    token: text,
    query: text,
    expect: text,
    subscription: text,
    "trigger-url": text,
    trigger: text,
    "expect-event": text,
    screenshot: text,
    "event-screenshot": text,
    "color-scheme": { ...text, default: "light" },
    "timeout-seconds": { ...text, default: "30" },
  },
});
if (!options.url) {
  console.error(usage);
  process.exit(2);
}

const origin = new URL(options.url).origin;
const triggerUrl = options["trigger-url"] ?? `${origin}/graphql`;
const timeoutMs = Number(options["timeout-seconds"]) * 1000;
const repeatMs = 5000;
const fileOrText = (value) => (value && existsSync(value) ? readFileSync(value, "utf8") : value);

const result = { ok: false, requests: 0, workers: 0, headers: null, explorer: false, triggers: 0 };
const foreign = [];
const complaints = [];
const failures = [];
const framesSent = [];
let openSockets = 0;

function watch(context) {
  const seen = (address) => {
    const url = new URL(address);
    if (url.protocol === "data:" || url.protocol === "blob:") return;
    result.requests += 1;
    if (url.origin.replace(/^ws/, "http") !== origin) foreign.push(address);
  };
  context.on("request", (request) => seen(request.url()));
  context.on("console", (message) => {
    // Monaco only warns when its workers cannot start.
    if (message.type() === "error" || /web worker/i.test(message.text())) complaints.push(message.text());
  });
  context.on("weberror", (event) => complaints.push(String(event.error())));
  context.on("page", (page) => {
    page.on("websocket", (socket) => {
      seen(socket.url());
      openSockets += 1;
      socket.on("close", () => (openSockets -= 1));
      socket.on("framesent", ({ payload }) => framesSent.push(String(payload)));
    });
    page.on("worker", () => (result.workers += 1));
  });
}

// An editor by the pane it stands in; the pane shows only the lines in view, so its text is read from the model.
const panes = {
  query: ".graphiql-query-editor",
  headers: ".graphiql-editor-tool",
  response: ".graphiql-response",
};
const editorText = (page, pane) =>
  page.evaluate((selector) => {
    const shown = globalThis.__MONACO?.editor.getEditors().find((editor) => {
      const node = editor.getDomNode();
      return node?.closest(selector) && node.offsetParent !== null;
    });
    return shown?.getValue() ?? null;
  }, panes[pane]);

async function until(what, condition) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const withoutBlanks = (value) => (value ?? "").replace(/\s+/g, "");

// Pasted rather than typed, or the editor would close each bracket once more.
async function fill(page, pane, content) {
  await page.locator(`${panes[pane]} .monaco-editor:visible`).first().click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(paste);
  }, content);
  await until(`the ${pane} editor takes its text`, async () => {
    return withoutBlanks(await editorText(page, pane)) === withoutBlanks(content);
  });
}

async function useToken(page) {
  await page.getByRole("button", { name: "Headers", exact: true }).click();
  await until("the headers editor", async () => (await editorText(page, "headers")) !== null);
  const shown = await editorText(page, "headers");
  result.headers ??= shown.includes("Bearer ") ? "injected" : "none";
  if (!options.token || shown.includes(options.token)) return;
  await fill(page, "headers", JSON.stringify({ Authorization: `Bearer ${options.token}` }, null, 2));
  result.headers = "typed";
}

async function expectResponse(page, expected, what, meanwhile = () => {}) {
  let shown;
  try {
    await until(what, async () => {
      shown = await editorText(page, "response");
      if (shown?.includes(expected)) return true;
      await meanwhile();
      return false;
    });
  } catch (error) {
    throw new Error(`${error.message}; the response pane shows: ${(shown ?? "").slice(0, 2000)}`);
  }
  await page.locator(`${panes.response} .view-line`).first().waitFor();
}

// With several operations in the editor the button opens a menu of them; the first is meant.
async function execute(page, isOnlyOne) {
  const button = page.locator(".graphiql-execute-button");
  const offersMenu = async () => (await button.getAttribute("aria-haspopup")) === "menu";
  // The button learns a moment later what was typed.
  if (isOnlyOne) await until("the button means the one operation", async () => !(await offersMenu()));
  const chooses = await offersMenu();
  await button.click();
  if (chooses) await page.getByRole("menuitem").first().click();
}

async function runQuery(page) {
  result.firstQuery = await editorText(page, "query");
  if (options.query) await fill(page, "query", fileOrText(options.query));
  await execute(page, Boolean(options.query));
  await expectResponse(page, options.expect ?? '"data"', "the query's response");
  result.response = true;
  if (options.screenshot) await picture(page, options.screenshot);
}

async function openExplorer(page) {
  await page.getByRole("button", { name: "Show GraphiQL Explorer" }).click();
  const explorer = page.locator(".graphiql-explorer-root");
  await explorer.waitFor();
  await until("the explorer offers the schema's fields", async () => {
    return (await explorer.locator(".graphiql-explorer-node").count()) > 0;
  });
  await page.getByRole("button", { name: "Hide GraphiQL Explorer" }).click();
  result.explorer = true;
}

async function fireTrigger() {
  result.triggers += 1;
  const response = await fetch(triggerUrl, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
    },
    body: JSON.stringify({ query: fileOrText(options.trigger) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const body = await response.text();
  const { errors } = JSON.parse(body);
  if (!response.ok || errors) throw new Error(`the trigger failed with ${response.status}: ${body.slice(0, 2000)}`);
  result.triggered = body.slice(0, 2000);
}

async function prettify(page) {
  await page.getByRole("button", { name: /^Prettify query/ }).click();
  await until("the query is prettified", async () => (await editorText(page, "query")).includes("\n"));
}

async function runSubscription(page) {
  await page.getByRole("button", { name: "New tab" }).click();
  await until("the second tab", async () => (await page.locator(".graphiql-tab").count()) > 1);
  await useToken(page);
  await fill(page, "query", fileOrText(options.subscription));
  await prettify(page);
  await execute(page, true);
  await until("the page subscribes", () => framesSent.some((frame) => JSON.parse(frame).type === "subscribe"));
  // The protocol does not say when a subscription has begun, so a mutation may come too early for it: once more, then.
  let firedAt = 0;
  const fire = async () => {
    if (!options.trigger || Date.now() - firedAt < repeatMs) return;
    firedAt = Date.now();
    await fireTrigger();
  };
  await fire();
  if (options["expect-event"]) {
    await expectResponse(page, options["expect-event"], "the event", fire);
    result.event = true;
  }
  if (options["event-screenshot"]) await picture(page, options["event-screenshot"]);
  await execute(page, true); // The same button stops it.
  await until("the page unsubscribes", () => framesSent.some((frame) => JSON.parse(frame).type === "complete"));
  await until("the socket closes after its last subscription", () => openSockets === 0);
}

async function picture(page, path) {
  await page.mouse.move(0, 0);
  await page.locator(".graphiql-response .graphiql-spinner").waitFor({ state: "detached" });
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path });
}

async function visit(page) {
  const response = await page.goto(options.url);
  if (!response.ok()) throw new Error(`${options.url} answered ${response.status()}`);
  result.title = await page.title();
  await until("the query editor", () => editorText(page, "query"));
  await until("the editor's workers", () => result.workers > 0);
  await useToken(page);
  await runQuery(page);
  await openExplorer(page);
  if (options.subscription) await runSubscription(page);
}

const profile = mkdtempSync(join(tmpdir(), "trellis-browser-"));
let context;
let page;
try {
  context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1440, height: 900 },
    colorScheme: options["color-scheme"],
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Whatever the page or the browser itself might still ask for, no name resolves.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ],
  });
  watch(context);
  context.setDefaultTimeout(timeoutMs);
  page = await context.newPage();
  await visit(page);
} catch (error) {
  failures.push(stripVTControlCharacters(error.message));
  if (page && options.screenshot) await page.screenshot({ path: options.screenshot }).catch(() => {});
} finally {
  await context?.close();
  rmSync(profile, { recursive: true, force: true });
}
if (foreign.length > 0) failures.push(`requests left ${origin}: ${foreign.join(", ")}`);
if (complaints.length > 0) failures.push(`the console complains: ${complaints.join(" | ")}`);
for (const failure of failures) console.error(`graphiql.mjs: ${failure}`);
result.ok = failures.length === 0;
console.log(JSON.stringify(result.ok ? result : { ...result, failures }));
process.exitCode = result.ok ? 0 : 1;
