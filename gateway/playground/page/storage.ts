/** GraphiQL's storage in the browser (tabs, history, sizes), without headers, which may have a token. */

const LOCAL: Storage = localStorage;

export const storage: Pick<Storage, "getItem" | "setItem" | "removeItem" | "clear" | "length"> = {
  get length() {
    return LOCAL.length;
  },
  clear: () => LOCAL.clear(),
  getItem: (key) => LOCAL.getItem(key),
  removeItem: (key) => LOCAL.removeItem(key),
  setItem: (key, value) => {
    if (!key.endsWith(":headers")) LOCAL.setItem(key, withoutHeaders(value));
  },
};

function withoutHeaders(value: string): string {
  if (!value.includes('"headers"')) return value;
  return JSON.stringify(JSON.parse(value), (key, part: unknown) => (key === "headers" ? null : part));
}
