/** URLs with an operation in the fragment, which no server sees; never with headers or a token. */

export interface SharedOperation {
  query: string;
  variables: string;
}

export function shareUrl({ query, variables }: SharedOperation): string {
  const fragment = new URLSearchParams({ query, ...(variables.trim() ? { variables } : {}) });
  return `${location.origin}${location.pathname}#${fragment}`;
}

/** Take the operation out of the page's URL, so that a reload does not open it again. */
export function takeSharedOperation(): SharedOperation | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const query = fragment.get("query");
  if (!query) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return { query, variables: fragment.get("variables") ?? "" };
}
