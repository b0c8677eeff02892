// A prettier plugin that formats JSON with comments. GraphiQL's prettify button loads prettier's whole JavaScript
// parser and printer for its variables and headers; vite.config.mjs puts this file in the place of both.

import { applyEdits, format } from "jsonc-parser";

export const parsers = {
  jsonc: {
    astFormat: "jsonc-text",
    parse: (text) => ({ text }),
    locStart: () => 0,
    locEnd: ({ text }) => text.length,
  },
};

export const printers = {
  "jsonc-text": {
    print({ node: { text } }) {
      return applyEdits(text, format(text, undefined, { insertSpaces: true, tabSize: 2, eol: "\n" }));
    },
  },
};
