// Fastify with Mercurius, operations compiled from their first use on; `joins` are the resolvers and loaders.
import Fastify from "fastify";
import mercurius from "mercurius";
import { Sources, listen, typeDefs } from "./sources.js";

export async function serve(joins) {
  const app = Fastify();
  app.register(mercurius, {
    schema: typeDefs,
    jit: 1,
    context: (request) => ({ sources: new Sources(request.headers.authorization) }),
    ...joins,
  });
  await app.listen(listen);
}
