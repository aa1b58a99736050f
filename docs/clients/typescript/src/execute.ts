import type { TypedDocumentString } from './generated/graphql.ts'

/** An address of the graph, and the access token of the caller; null before signing in. */
export interface Graph {
  url: string
  token: string | null
}

/** An error of the whole answer, or of one of its fields. `extensions.code` is stable, `message` is for the user. */
export interface GraphError {
  message: string
  path?: (string | number)[]
  extensions?: { code?: string }
}

/** The answer has errors. */
export class FailedRequest extends Error {
  readonly errors: GraphError[]

  constructor(errors: GraphError[]) {
    super(errors.map((error) => error.message).join(' '))
    this.errors = errors
  }
}

interface Answer<R> {
  data?: R | null
  errors?: GraphError[]
}

/** Execute a query or a mutation, and return its data; throw FailedRequest if there are none. */
export async function execute<R, V>(graph: Graph, document: TypedDocumentString<R, V>, variables: V): Promise<R> {
  const response = await fetch(graph.url, {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json',
      'Content-Type': 'application/json',
      ...(graph.token === null ? {} : { Authorization: `Bearer ${graph.token}` }),
    },
    body: JSON.stringify({ query: document.toString(), variables }),
  })
  const answer = (await response.json()) as Answer<R>
  if (answer.data == null) {
    throw new FailedRequest(answer.errors ?? [{ message: response.statusText }])
  }
  // A field of a service that is away is null, and has an error: the rest of the data is good.
  return answer.data
}
