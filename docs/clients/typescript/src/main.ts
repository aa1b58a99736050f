/** Order an extra pickup, revoke a partner, show orders: the three kinds of answers. */

import { execute, type Graph } from './execute'
import { MyOrdersDocument, OrderExtraPickupDocument, RevokePartnerDocument } from './generated/graphql'
import { textOf } from './order-states'
import { Conflicted, Refused, successOf } from './results'

/** Order an extra pickup; the key makes a repetition of the same order after a lost answer harmless. */
export async function orderExtraPickup(graph: Graph, agreementId: string, date: string, key: string): Promise<string> {
  const input = { agreementId, date, idempotencyKey: key }
  try {
    const { orderExtraPickup } = await execute(graph, OrderExtraPickupDocument, { input })
    return successOf(orderExtraPickup).order.number
  } catch (error) {
    if (error instanceof Refused) {
      // A form shows each message beside its input: the path ["input", "date"] names it.
      return error.problems.map((problem) => `${problem.path?.at(-1) ?? ''}: ${problem.message}`).join('\n')
    }
    throw error
  }
}

/** Revoke a partner as it was read; return its name, or null if it was changed by someone else. */
export async function revokePartner(graph: Graph, id: string, version: number): Promise<string | null> {
  try {
    const { revokePartner } = await execute(graph, RevokePartnerDocument, { input: { id, version } })
    return successOf(revokePartner).partner.name
  } catch (error) {
    if (error instanceof Conflicted) {
      return null
    }
    throw error
  }
}

/** List the newest orders as lines of text. */
export async function newestOrders(graph: Graph): Promise<string[]> {
  const { orders } = await execute(graph, MyOrdersDocument, { first: 20 })
  return (orders?.edges ?? []).map(({ node }) => `${node.number}: ${textOf(node.state)}`)
}
