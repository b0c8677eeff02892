// What the server tells the page: it writes this JSON into the element #trellis-graphiql of index.html.
//   url, subscriptionUrl  where operations go; both default to /graphql (http becomes ws for subscriptions)
//   headers               the headers a new tab starts with, for example {"Authorization": "Bearer ..."}
//   defaultQuery          the text of the first tab
//   tabs                  instead of defaultQuery, several first tabs: [{"query": "...", "variables": "..."}]
// An empty object, or a missing key, means the defaults below.

const welcome = `# Ctrl-Enter runs the operation under the cursor,
# Ctrl-Space completes names. The icons on the left open
# the documentation, the history, and the explorer, where
# ticking fields builds an operation.
#
# To sign in, run SignIn and put its token into Headers:
#   { "Authorization": "Bearer <accessToken>" }

query Viewer {
  viewer {
    user {
      name
      email
    }
    personalSpace {
      id
    }
    organizations(first: 10) {
      nodes {
        slug
      }
    }
  }
}

mutation SignIn {
  signIn(input: { email: "you@example.com", password: "" }) {
    accessToken
    userErrors {
      message
    }
  }
}
`;

export function readSettings(text = document.getElementById("trellis-graphiql")?.textContent) {
  const given = JSON.parse(text?.trim() || "{}");
  const headers = given.headers ?? {};
  const headersText = Object.keys(headers).length > 0 ? JSON.stringify(headers, null, 2) : undefined;
  const socket = new URL(given.subscriptionUrl ?? "/graphql", location.href);
  socket.protocol = socket.protocol.replace("http", "ws");
  return {
    url: given.url ?? "/graphql",
    subscriptionUrl: socket.href,
    headers,
    headersText,
    defaultQuery: given.defaultQuery ?? welcome,
    tabs: given.tabs?.map((tab) => ({ ...tab, headers: headersText })),
  };
}

const tokensKey = "trellis-graphiql:tokens";
const tokensKept = 20;

// The server hands out another token after each start. Tabs, headers and history that GraphiQL stored in this browser
// with a token handed out earlier get the present one; a token that the reader typed is left alone.
export function refreshStoredTokens({ headers, headersText }, storage = localStorage) {
  const token = Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];
  if (!token) return;
  const handedOut = JSON.parse(storage.getItem(tokensKey) ?? "[]");
  const outdated = handedOut.filter((earlier) => earlier !== token);
  for (const key of Object.keys(storage).filter((name) => name.startsWith("graphiql:"))) {
    const stored = storage.getItem(key);
    const refreshed = outdated.reduce((text, earlier) => text.replaceAll(earlier, token), stored);
    if (refreshed !== stored) storage.setItem(key, refreshed);
  }
  storage.setItem(tokensKey, JSON.stringify([token, ...outdated].slice(0, tokensKept)));
  // GraphiQL finds the tab to return to by its query and its stored headers, and stores headers only once they are
  // edited; without this, each reload would open the edited tab a second time.
  if (storage.getItem("graphiql:tabState") === null) storage.setItem("graphiql:headers", headersText);
}
