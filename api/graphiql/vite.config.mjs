// Builds the page into dist/, which the binary embeds: everything under /graphiql/, nothing from another host.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const jsonc = fileURLToPath(new URL("./src/jsonc.js", import.meta.url));

// GraphiQL's style sheets carry their fonts for every script as data; the editor falls back to the system's fonts
// for any script but Latin.
const onlyLatinFonts = {
  name: "only-latin-fonts",
  enforce: "pre",
  transform(code, id) {
    if (!id.includes("/@graphiql/react/font/")) return null;
    const latin = /U\+0000-00FF|U\+0100-024F/;
    return { code: code.replace(/@font-face\s*{[^}]*}/g, (face) => (latin.test(face) ? face : "")), map: null };
  },
};

export default defineConfig({
  base: "/graphiql/",
  plugins: [onlyLatinFonts],
  resolve: {
    alias: { "prettier/parser-babel": jsonc, "prettier/plugins/estree": jsonc },
  },
  esbuild: { jsx: "automatic" },
  worker: { format: "es" },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    sourcemap: false,
    license: { fileName: "assets/licenses.md" },
    chunkSizeWarningLimit: 3000,
    rollupOptions: {
      onwarn(warning, warn) {
        // "use client" means something to React servers only.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
});
