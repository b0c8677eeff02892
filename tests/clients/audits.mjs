// The audits of graphql-http: what GraphQL over HTTP says that a server must, should and may do. All of them must pass.

import { serverAudits } from "graphql-http";
import { url } from "./scene.mjs";

let failed = false;
for (const audit of serverAudits({ url })) {
  const result = await audit.fn();
  if (result.status !== "ok") {
    failed = true;
    console.error(`${audit.id} ${audit.name}: ${result.reason}`);
  }
}
process.exit(failed ? 1 : 0);
