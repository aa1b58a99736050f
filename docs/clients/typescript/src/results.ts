/** A reason why nothing was changed. `code` is stable, `message` is a whole sentence for the user. */
export interface Problem {
  code: string
  message: string
  path?: string[]
  retryable?: boolean
}

interface NoSuccess {
  problems: Problem[]
}

type Refusal = NoSuccess & { __typename: 'Refusal' }
type Conflict = NoSuccess & { __typename: 'Conflict'; fields: unknown[] }

/** The call was refused: `problems` say why, each with the way to the input that it is about. */
export class Refused extends Error {
  readonly problems: Problem[]

  constructor(problems: Problem[]) {
    super(problems.map((problem) => problem.message).join(' '))
    this.problems = problems
  }

  /** The messages by the input that each is about (`input.date`), as a form shows them; '' for those about none. */
  get byInput(): Record<string, string> {
    return Object.fromEntries(this.problems.map(({ path, message }) => [(path ?? []).join('.'), message]))
  }
}

/** The thing has changed since it was read: show it as it is now (`current`), and let the user decide. */
export class Conflicted<C> extends Error {
  readonly conflict: C & NoSuccess

  constructor(conflict: C & NoSuccess) {
    super(conflict.problems.map((problem) => problem.message).join(' '))
    this.conflict = conflict
  }
}

/** Return the success among a mutation's results; throw Refused or Conflicted, or an error if there is no result. */
export function successOf<R extends { __typename: string }>(
  result: R | null | undefined,
): Exclude<R, { __typename: 'Refusal' | 'Conflict' }> {
  if (result == null) {
    throw new Error('no result: see the errors of the answer')
  }
  if (result.__typename === 'Refusal') {
    throw new Refused((result as unknown as Refusal).problems)
  }
  if (result.__typename === 'Conflict') {
    throw new Conflicted(result as unknown as Conflict)
  }
  return result as Exclude<R, { __typename: 'Refusal' | 'Conflict' }>
}
