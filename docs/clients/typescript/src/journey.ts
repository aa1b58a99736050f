/**
 * A program that signs in, shows the newest orders, orders an extra pickup, and follows the events of orders.
 *
 *     node src/journey.ts URL USERNAME PASSWORD AGREEMENT DAY CURSOR-FILE
 *
 * It writes a line of JSON for whatever happens. Started again with the same file it goes on after the last event.
 */

import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'

import { newestOrders, orderExtraPickup, signIn } from './main.ts'
import { followOrderEvents, type CursorStore, type OrderEvent } from './order-events.ts'
import { Refused } from './results.ts'

function show(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line))
}

/** Keeps the cursor in a file; a database would keep it in the transaction that stores what an event did. */
class CursorFile implements CursorStore {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  async load(): Promise<string | null> {
    try {
      return await readFile(this.path, 'utf8')
    } catch {
      return null
    }
  }

  async save(cursor: string): Promise<void> {
    await writeFile(`${this.path}.new`, cursor)
    await rename(`${this.path}.new`, this.path)
    show({ cursor })
  }
}

async function handle(event: OrderEvent): Promise<void> {
  show({ event: event.__typename, order: event.__typename === 'OrderPlacedEvent' ? event.orderId : null })
}

const [url = '', username = '', password = '', agreement = '', day = '', file = ''] = process.argv.slice(2)
try {
  const graph = await signIn(url, username, password)
  show({ orders: await newestOrders(graph) })
  try {
    show({ ordered: await orderExtraPickup(graph, agreement, day, randomUUID()) })
  } catch (error) {
    if (!(error instanceof Refused)) {
      throw error
    }
    show({ refused: error.byInput })
  }
  await followOrderEvents(
    () => signIn(url, username, password),
    new CursorFile(file),
    handle,
    () => show({ lost: true }),
  )
} catch (error) {
  if (!(error instanceof Refused)) {
    throw error
  }
  show({ refused: error.byInput })
}
