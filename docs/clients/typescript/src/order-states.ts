import type { OrderState } from './generated/graphql.ts'

/** A text for each state that this client knows. The compiler reports one that is missing. */
const TEXTS: Record<OrderState, string> = {
  RECEIVED: 'Received',
  NEEDS_REVIEW: 'In review',
  CONFIRMED: 'Confirmed',
  SCHEDULED: 'Scheduled',
  IN_PROGRESS: 'In progress',
  COMPLETED: 'Completed',
  FAILED: 'Failed',
  REJECTED: 'Rejected',
  CANCELLED: 'Cancelled',
  '%future added value': 'Unknown',
}

/** Return the text of a state, also of one that was added to the graph after this client was made. */
export function textOf(state: OrderState): string {
  return TEXTS[state] ?? TEXTS['%future added value']
}
