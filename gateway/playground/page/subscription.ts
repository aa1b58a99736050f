/** A subscription: its events, and its resumption after the last one when its socket closes. */

import type { ExecutionResultPayload, FetcherParams } from "@graphiql/toolkit";
import { type ArgumentNode, getOperationAST, Kind, parse, print, visit } from "graphql";
import { type Client, createClient } from "graphql-ws";
import { createStore } from "zustand/vanilla";

import { freshToken, renew, session } from "./session";

const MAX_SHOWN = 50;
/** The socket's token expired, or the access ended (see the close codes in the gateway's README). */
const FORBIDDEN = 4403;

interface SubscriptionState {
  state: "none" | "live" | "closed";
  received: number;
  /** Of the last event. */
  cursor: string | null;
  closeReason: string;
}

const IDLE: SubscriptionState = { state: "none", received: 0, cursor: null, closeReason: "" };

/** GraphiQL's observer of a subscription. */
interface Observer {
  next(answer: ExecutionResultPayload): void;
  complete(): void;
}

export const subscriptionState = createStore<SubscriptionState>(() => IDLE);

let resumeAfter: string | null = null;

/** Begin the next subscription after the last event of the previous one. */
export function resumeNext(): void {
  resumeAfter = subscriptionState.getState().cursor;
}

/** Run a subscription for GraphiQL; each value has the events so far, newest first. */
export function subscribe(request: FetcherParams, headers: Record<string, string>) {
  return {
    subscribe(observer: Observer) {
      const events: unknown[] = [];
      let client: Client | undefined;
      let ended = false;
      /** Whether the current socket delivered an event: only then did the token have access, and a new one may help. */
      let receivedAny = false;

      const close = (state: Partial<SubscriptionState>) => {
        ended = true;
        subscriptionState.setState(state);
        void client?.dispose();
        observer.complete();
      };
      const next = (result: { data?: Record<string, unknown> | null }) => {
        receivedAny = true;
        const { received, cursor } = subscriptionState.getState();
        subscriptionState.setState({ received: received + 1, cursor: cursorOf(result.data) ?? cursor });
        events.unshift(result);
        events.length = Math.min(events.length, MAX_SHOWN);
        observer.next({ received: received + 1, newestFirst: events } as unknown as ExecutionResultPayload);
      };
      const error = async (cause: unknown, token: string | null) => {
        const { cursor } = subscriptionState.getState();
        if (isClose(cause) && cause.code === FORBIDDEN && cursor && receivedAny) {
          await renew();
          const renewed = session.getState().token?.text;
          if (renewed && renewed !== token && !ended) return open(cursor);
        }
        if (ended) return;
        if (Array.isArray(cause)) {
          observer.next({ errors: cause } as unknown as ExecutionResultPayload);
          close({ state: "none" });
          return;
        }
        const closeReason = isClose(cause) ? `${cause.code} ${cause.reason}`.trim() : "no connection";
        close({ state: "closed", closeReason });
      };
      const open = async (after: string | null): Promise<void> => {
        receivedAny = false;
        const token = await freshToken();
        if (ended) return;
        client = createClient({
          url: `${location.origin.replace("http", "ws")}/graphql`,
          connectionParams: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
          retryAttempts: 0, // a retry would begin at the first cursor again
        });
        client.subscribe(after ? resumedAt(request, after) : request, {
          next,
          error: (cause) => void error(cause, token),
          complete: () => ended || close({ state: "none" }),
        });
      };

      subscriptionState.setState({ ...IDLE, state: "live", cursor: resumeAfter }, true);
      void open(resumeAfter);
      resumeAfter = null;
      return { unsubscribe: () => ended || close({ state: "closed", closeReason: "you stopped it" }) };
    },
  };
}

/** The same subscription, beginning after a cursor. */
function resumedAt(request: FetcherParams, cursor: string): FetcherParams {
  const document = parse(request.query);
  const selected = getOperationAST(document, request.operationName)?.selectionSet.selections ?? [];
  const root = selected.find((one) => one.kind === Kind.FIELD);
  const argument = root?.arguments?.find(({ name }) => name.value === "after")?.value;
  if (argument?.kind === Kind.VARIABLE) {
    return { ...request, variables: { ...(request.variables as object), [argument.name.value]: cursor } };
  }
  const after: ArgumentNode = {
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: "after" },
    value: { kind: Kind.STRING, value: cursor },
  };
  const others = (root?.arguments ?? []).filter(({ name }) => name.value !== "after");
  const changed = visit(document, {
    Field: (field) => (field === root ? { ...field, arguments: [...others, after] } : undefined),
  });
  return { ...request, query: print(changed) };
}

/** The `cursor` of an event, if it is selected. */
function cursorOf(data: Record<string, unknown> | null | undefined): string | null {
  const [item] = Object.values(data ?? {}) as ({ cursor?: unknown } | null)[];
  return typeof item?.cursor === "string" ? item.cursor : null;
}

function isClose(cause: unknown): cause is CloseEvent {
  return typeof cause === "object" && cause !== null && "code" in cause && "reason" in cause;
}
