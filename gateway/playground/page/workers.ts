/** The editor's workers, each a file that is loaded at its first use. */

declare const EDITOR_WORKER: string;
declare const JSON_WORKER: string;
declare const GRAPHQL_WORKER: string;

const ADDRESSES: Record<string, string> = { json: JSON_WORKER, graphql: GRAPHQL_WORKER };

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker: (_: string, label: string) => new Worker(ADDRESSES[label] ?? EDITOR_WORKER, { name: label }),
  },
});
