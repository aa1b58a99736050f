import { useGraphiQL } from "@graphiql/react";
import { TabFocus } from "monaco-editor/esm/vs/editor/browser/config/tabFocus.js";
import { useEffect } from "react";

TabFocus.setTabFocusMode(true);

/** Lets Tab go into the editors and out of them, and gives each a name (WCAG 2.2, 2.1.2 and 4.1.2). */
export function EditorAccessibility() {
  const editors = useGraphiQL((state) => ({
    Operation: state.queryEditor,
    Variables: state.variableEditor,
    "Request headers": state.headerEditor,
    Answer: state.responseEditor,
  }));
  useEffect(() => {
    for (const [ariaLabel, editor] of Object.entries(editors)) {
      if (!editor) continue;
      editor.updateOptions({ tabIndex: 0, ariaLabel, renderFinalNewline: "on" }); // "dimmed" has too little contrast
      editor.getContainerDomNode().tabIndex = -1; // it has no accessible name, and needs Enter before typing
    }
  }, [editors]);
  return null;
}
