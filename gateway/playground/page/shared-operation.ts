/** Links that carry an operation in the address's fragment, which no server sees; never headers or a token. */

export interface Shared {
  query: string;
  variables: string;
}

export function linkTo({ query, variables }: Shared): string {
  const fragment = new URLSearchParams({ query, ...(variables.trim() ? { variables } : {}) });
  return `${location.origin}${location.pathname}#${fragment}`;
}

/** What the address of this page carries; taken from it, so that a reload does not open it again. */
export function takeShared(): Shared | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const query = fragment.get("query");
  if (!query) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return { query, variables: fragment.get("variables") ?? "" };
}
