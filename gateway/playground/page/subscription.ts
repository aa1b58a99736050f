/** A subscription: its events as they come, and how to go on behind the last one when its socket closes. */

import type { ExecutionResultPayload, FetcherParams } from "@graphiql/toolkit";
import { type ArgumentNode, getOperationAST, Kind, parse, print, visit } from "graphql";
import { type Client, createClient } from "graphql-ws";
import { createStore } from "zustand/vanilla";

import { freshToken, renew, session } from "./session";

const MOST_SHOWN = 50;
/** The token of the socket has ended, or the access (see the gateway's page of close codes). */
const FORBIDDEN = 4403;

interface Following {
  state: "none" | "live" | "closed";
  received: number;
  /** Where the last event stands. */
  cursor: string | null;
  /** Why it closed. */
  why: string;
}

const NOTHING: Following = { state: "none", received: 0, cursor: null, why: "" };

/** GraphiQL, as it listens to a subscription. */
interface Observer {
  next(answer: ExecutionResultPayload): void;
  complete(): void;
}

export const following = createStore<Following>(() => NOTHING);

let goOnAfter: string | null = null;

/** Whatever subscription runs next begins behind the last event of the one before. */
export function goOn(): void {
  goOnAfter = following.getState().cursor;
}

/** The subscription as GraphiQL takes it; each value has all that came, newest first. */
export function follow(request: FetcherParams, headers: Record<string, string>) {
  return {
    subscribe(observer: Observer) {
      const events: unknown[] = [];
      let client: Client | undefined;
      let over = false;
      /** Whether anything came by the present socket: a new token helps who had access until now. */
      let came = false;

      const close = (left: Partial<Following>) => {
        over = true;
        following.setState(left);
        void client?.dispose();
        observer.complete();
      };
      const next = (result: { data?: Record<string, unknown> | null }) => {
        came = true;
        const { received, cursor } = following.getState();
        following.setState({ received: received + 1, cursor: cursorOf(result.data) ?? cursor });
        events.unshift(result);
        events.length = Math.min(events.length, MOST_SHOWN);
        observer.next({ received: received + 1, newestFirst: events } as unknown as ExecutionResultPayload);
      };
      const error = async (cause: unknown, token: string | null) => {
        const { cursor } = following.getState();
        if (isClose(cause) && cause.code === FORBIDDEN && cursor && came) {
          await renew();
          const renewed = session.getState().token?.text;
          if (renewed && renewed !== token && !over) return open(cursor);
        }
        if (over) return;
        if (Array.isArray(cause)) {
          observer.next({ errors: cause } as unknown as ExecutionResultPayload);
          close({ state: "none" });
        } else close({ state: "closed", why: isClose(cause) ? `${cause.code} ${cause.reason}`.trim() : "no connection" });
      };
      const open = async (after: string | null): Promise<void> => {
        came = false;
        const token = await freshToken();
        if (over) return;
        client = createClient({
          url: `${location.origin.replace("http", "ws")}/graphql`,
          connectionParams: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
          retryAttempts: 0, // it would begin where it began the first time
        });
        client.subscribe(after ? behind(request, after) : request, {
          next,
          error: (cause) => void error(cause, token),
          complete: () => over || close({ state: "none" }),
        });
      };

      following.setState({ ...NOTHING, state: "live", cursor: goOnAfter }, true);
      void open(goOnAfter);
      goOnAfter = null;
      return { unsubscribe: () => over || close({ state: "closed", why: "you stopped it" }) };
    },
  };
}

/** The same subscription, beginning behind a cursor. */
function behind(request: FetcherParams, cursor: string): FetcherParams {
  const document = parse(request.query);
  const selected = getOperationAST(document, request.operationName)?.selectionSet.selections ?? [];
  const root = selected.find((one) => one.kind === Kind.FIELD);
  const given = root?.arguments?.find(({ name }) => name.value === "after")?.value;
  if (given?.kind === Kind.VARIABLE) {
    return { ...request, variables: { ...(request.variables as object), [given.name.value]: cursor } };
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

/** Every kind of event says in its `cursor` where it stands, if that was selected. */
function cursorOf(data: Record<string, unknown> | null | undefined): string | null {
  const [item] = Object.values(data ?? {}) as ({ cursor?: unknown } | null)[];
  return typeof item?.cursor === "string" ? item.cursor : null;
}

function isClose(cause: unknown): cause is CloseEvent {
  return typeof cause === "object" && cause !== null && "code" in cause && "reason" in cause;
}
