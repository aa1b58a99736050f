import { createClient } from 'graphql-ws'

import type { Graph } from './execute.ts'
import { OrderEventsDocument, type OrderEventsSubscription } from './generated/graphql.ts'
import { Refused } from './results.ts'

type Item = OrderEventsSubscription['orderEvents']

/** An event of an order, of any type. */
export type OrderEvent = Exclude<Item, { __typename: 'Checkpoint' | 'CursorExpired' | 'Refusal' }>

/** Keeps the last cursor: in the transaction that stores what an event did, if it is to take effect exactly once. */
export interface CursorStore {
  load(): Promise<string | null>
  save(cursor: string): Promise<void>
}

const LONGEST_WAIT_MS = 30_000

/**
 * Follow the events of orders for ever: each exactly once, in order, across lost connections and restarts.
 *
 * `connect` returns the graph with a token that is valid now: it is called before each connection. Errors of `handle`
 * and of the store end the following, and so does a refusal; `lost` gets the reason why a connection ended.
 */
export async function followOrderEvents(
  connect: () => Promise<Graph>,
  cursors: CursorStore,
  handle: (event: OrderEvent) => Promise<void>,
  lost: (reason: unknown) => void = () => {},
): Promise<never> {
  let wait = 1_000
  for (;;) {
    for await (const item of itemsOfOneConnection(connect, await cursors.load(), lost)) {
      wait = 1_000
      switch (item.__typename) {
        case 'Refusal':
          throw new Refused(item.problems)
        case 'CursorExpired':
          // The log begins later than the cursor: queries read what was missed, then its start is the cursor.
          await cursors.save(item.start)
          break
        case 'Checkpoint':
          await cursors.save(item.cursor)
          break
        default:
          await handle(item)
          await cursors.save(item.cursor)
      }
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)))
    wait = Math.min(wait * 2, LONGEST_WAIT_MS)
  }
}

/** Yield the items after a cursor until the connection ends, for whatever reason but a refusal to sign in. */
async function* itemsOfOneConnection(
  connect: () => Promise<Graph>,
  after: string | null,
  lost: (reason: unknown) => void,
): AsyncGenerator<Item> {
  try {
    const { url, token } = await connect()
    const client = createClient({
      url: url.replace(/^http/, 'ws'),
      connectionParams: { Authorization: `Bearer ${token}` },
      // The library would repeat the subscription with the cursor of its start: events would come again.
      retryAttempts: 0,
    })
    try {
      const query = OrderEventsDocument.toString()
      for await (const { data } of client.iterate<OrderEventsSubscription>({ query, variables: { after } })) {
        if (data == null) {
          return
        }
        yield data.orderEvents
      }
    } finally {
      await client.dispose()
    }
  } catch (error) {
    if (error instanceof Refused) {
      throw error
    }
    lost(error)
  }
}
