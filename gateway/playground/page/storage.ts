/** What GraphiQL keeps in the browser (tabs, history, sizes), without headers: there may be a token among them. */

const STORED: Storage = localStorage;

export const kept: Pick<Storage, "getItem" | "setItem" | "removeItem" | "clear" | "length"> = {
  get length() {
    return STORED.length;
  },
  clear: () => STORED.clear(),
  getItem: (key) => STORED.getItem(key),
  removeItem: (key) => STORED.removeItem(key),
  setItem: (key, value) => {
    if (!key.endsWith(":headers")) STORED.setItem(key, withoutHeaders(value));
  },
};

function withoutHeaders(value: string): string {
  if (!value.includes('"headers"')) return value;
  return JSON.stringify(JSON.parse(value), (key, part: unknown) => (key === "headers" ? null : part));
}
