declare module "*.css";

declare module "monaco-editor/esm/vs/editor/browser/config/tabFocus.js" {
  /** Whether Tab leaves the editors, for all of them (Ctrl-M changes it). */
  export const TabFocus: { setTabFocusMode(leaves: boolean): void };
}
