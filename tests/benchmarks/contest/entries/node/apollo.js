// Apollo Server, as its documentation starts it, without usage reports.
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { Sources, listen, resolvers, typeDefs } from "./sources.js";

const server = new ApolloServer({ typeDefs, resolvers });
await startStandaloneServer(server, {
  listen,
  context: async ({ req }) => ({ sources: new Sources(req.headers.authorization) }),
});
