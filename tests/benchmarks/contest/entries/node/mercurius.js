// Mercurius with the same resolvers as Apollo Server: joins by DataLoader.
import { serve } from "./fastify.js";
import { resolvers } from "./sources.js";

await serve({ resolvers });
