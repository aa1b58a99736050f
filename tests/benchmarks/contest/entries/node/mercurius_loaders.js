// Mercurius with loaders of its own, as its documentation joins. Their cache is off: no key is loaded twice.
import { serve } from "./fastify.js";
import { resolvers } from "./sources.js";

const joined = (pick) => ({
  loader: async (queries, context) => pick(await context.sources.joined(queries.map(({ obj }) => obj.id))),
  opts: { cache: false },
});

await serve({
  resolvers: { Query: resolvers.Query },
  loaders: {
    Site: { nextPickup: joined(({ pickups }) => pickups), openOrderCount: joined(({ counts }) => counts) },
  },
});
