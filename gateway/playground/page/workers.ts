/** The editor's workers: files of their own, loaded when an editor first needs them. */

declare const EDITOR_WORKER: string;
declare const JSON_WORKER: string;
declare const GRAPHQL_WORKER: string;

const ADDRESSES: Record<string, string> = { json: JSON_WORKER, graphql: GRAPHQL_WORKER };

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker: (_: string, label: string) => new Worker(ADDRESSES[label] ?? EDITOR_WORKER, { name: label }),
  },
});
