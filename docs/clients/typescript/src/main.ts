/** Sign in, order an extra pickup, revoke a partner, show orders: each kind of result. */

import { execute, type Graph } from './execute.ts'
import { MyOrdersDocument, OrderExtraPickupDocument, RevokePartnerDocument, SignInDocument } from './generated/graphql.ts'
import { textOf } from './order-states.ts'
import { Conflicted, successOf } from './results.ts'

/** Sign in with a username and a password; throw Refused if they are wrong. */
export async function signIn(url: string, username: string, password: string): Promise<Graph> {
  const { signIn } = await execute({ url, token: null }, SignInDocument, { input: { username, password } })
  return { url, token: successOf(signIn).accessToken }
}

/**
 * Order an extra pickup, and return the order's number; throw Refused if there can be none.
 *
 * The key makes a repetition of the same order after a lost answer harmless.
 */
export async function orderExtraPickup(graph: Graph, agreementId: string, date: string, key: string): Promise<string> {
  const input = { agreementId, date, idempotencyKey: key }
  const { orderExtraPickup } = await execute(graph, OrderExtraPickupDocument, { input })
  return successOf(orderExtraPickup).order.number
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
