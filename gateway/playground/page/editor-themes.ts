/** Monaco's themes on GraphiQL's backgrounds: in GraphiQL's, comments have too little contrast (WCAG 2.2, 1.4.3). */

import { editor } from "monaco-graphql/esm/monaco-editor.js";

export const THEMES = { light: "kierto-light", dark: "kierto-dark" };

const CLEAR = "#00000000";

define("light", { ground: "#ffffff", accent: "#d60590", comment: "#3f7a27", argument: "#5a57b8" });
define("dark", { ground: "#212a3b", accent: "#ff5794", comment: "#93c47d", argument: "#a5a0ff" });

function define(scheme: keyof typeof THEMES, colours: Record<"ground" | "accent" | "comment" | "argument", string>) {
  const { ground, accent, comment, argument } = colours;
  editor.defineTheme(THEMES[scheme], {
    base: scheme === "dark" ? "vs-dark" : "vs",
    inherit: true,
    colors: {
      "editor.background": CLEAR,
      "scrollbar.shadow": CLEAR,
      "editorHoverWidget.background": ground,
      "editorSuggestWidget.background": ground,
      "editorSuggestWidget.selectedBackground": `${accent}26`,
      "editorWidget.background": ground,
      "menu.background": ground,
      "quickInput.background": ground,
      "textLink.foreground": accent,
      "list.highlightForeground": accent,
      "list.hoverBackground": `${accent}19`,
      focusBorder: accent,
    },
    rules: [
      { token: "comment", foreground: comment.slice(1) },
      { token: "argument.identifier.gql", foreground: argument.slice(1) },
    ],
  });
}
