// The page: GraphiQL with its documentation, history and explorer, set up from what the server says in settings.js.

import "graphiql/setup-workers/vite";
import "@graphiql/react/font/roboto.css";
import "@graphiql/react/font/fira-code.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "@graphiql/plugin-explorer/style.css";
import "graphiql/graphiql.css";
import "./page.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useEffect } from "react";
import { createRoot } from "react-dom/client";
import { createFetcher } from "./fetcher.js";
import icon from "./icon.svg";
import { readSettings, refreshStoredTokens } from "./settings.js";

const settings = readSettings();
refreshStoredTokens(settings);
const fetcher = createFetcher(settings);
const plugins = [HISTORY_PLUGIN, explorerPlugin()];

// GraphiQL's style sheets follow the system's light or dark by themselves; its editor has to be told.
function FollowSystemTheme() {
  const { setTheme } = useGraphiQLActions();
  const theme = useGraphiQL((state) => state.theme);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => theme === null && setTheme(null);
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, [setTheme, theme]);
  return null;
}

// GraphiQL stops a running subscription when another tab is chosen, but not when one is added; its events would then
// be written into the new tab.
function StopOnNewTab() {
  const { stop } = useGraphiQLActions();
  const count = useGraphiQL((state) => state.tabs.length);
  useEffect(stop, [stop, count]);
  return null;
}

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    defaultQuery={settings.defaultQuery}
    defaultTabs={settings.tabs}
    defaultHeaders={settings.headersText}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders
  >
    <GraphiQL.Logo>
      <span className="trellis-logo">
        <img src={icon} alt="" />
        Trellis
      </span>
    </GraphiQL.Logo>
    <FollowSystemTheme />
    <StopOnNewTab />
  </GraphiQL>,
);
