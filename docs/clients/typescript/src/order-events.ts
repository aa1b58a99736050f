import { createClient } from 'graphql-ws'

import type { Graph } from './execute'
import { OrderEventsDocument, type OrderEventsSubscription } from './generated/graphql'
import { Refused } from './results'

type Item = OrderEventsSubscription['orderEvents']

/** An event of an order, of any type. */
export type OrderEvent = Exclude<Item, { __typename: 'Checkpoint' | 'CursorExpired' | 'Refusal' }>

/** Keeps the last cursor: in the transaction that stores what an event did, if it is to take effect exactly once. */
export interface CursorStore {
  load(): Promise<string | null>
  save(cursor: string): Promise<void>
}

const LONGEST_WAIT_MS = 30_000

/** Follow the events of orders for ever: each exactly once, in order, across lost connections and restarts. */
export async function followOrderEvents(
  graph: () => Promise<Graph>,
  cursors: CursorStore,
  handle: (event: OrderEvent) => Promise<void>,
): Promise<never> {
  let wait = 1_000
  for (;;) {
    try {
      await followOnce(await graph(), cursors, handle, () => {
        wait = 1_000
      })
    } catch (error) {
      if (error instanceof Refused) {
        throw error
      }
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)))
    wait = Math.min(wait * 2, LONGEST_WAIT_MS)
  }
}

/** Follow the events over one connection, from the last cursor on, until it ends. */
async function followOnce(
  graph: Graph,
  cursors: CursorStore,
  handle: (event: OrderEvent) => Promise<void>,
  connected: () => void,
): Promise<void> {
  const client = createClient({
    url: graph.url.replace(/^http/, 'ws'),
    connectionParams: { Authorization: `Bearer ${graph.token}` },
    // The library would repeat the subscription with the cursor of its start: events would come again.
    retryAttempts: 0,
  })
  try {
    const variables = { after: await cursors.load() }
    const query = OrderEventsDocument.toString()
    for await (const { data } of client.iterate<OrderEventsSubscription>({ query, variables })) {
      const item = data?.orderEvents
      if (item == null) {
        return
      }
      connected()
      switch (item.__typename) {
        case 'Refusal':
          throw new Refused(item.problems)
        case 'CursorExpired':
          // The log begins later than the cursor: what was missed is read with queries, then the log from its start.
          await cursors.save(item.start)
          return
        case 'Checkpoint':
          await cursors.save(item.cursor)
          break
        default:
          await handle(item)
          await cursors.save(item.cursor)
      }
    }
  } finally {
    await client.dispose()
  }
}
