// The schema, its resolvers and the two services, the same for every server on Node.
import { readFileSync } from "node:fs";
import DataLoader from "dataloader";
import { Pool } from "undici";

export const typeDefs = readFileSync(process.env.CONTEST_SCHEMA, "utf8");

const [host, port] = process.env.KIERTO_LISTEN.split(":");
export const listen = { host, port: Number(port) };

const pool = (url) => new Pool(url, { connections: 100, keepAliveTimeout: 30_000 });
const sites = pool(process.env.KIERTO_SITES_URL);
const orders = pool(process.env.KIERTO_ORDERS_URL);

async function post(service, path, authorization, body) {
  const answer = await service.request({
    method: "POST",
    path,
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}`);
  return answer.body.json();
}

// Calls to the services for one request, in the caller's name.
export class Sources {
  constructor(authorization) {
    this.authorization = authorization;
    this.ordersOf = new DataLoader(async (siteIds) => {
      const { pickups, counts } = await this.joined(siteIds);
      return siteIds.map((_, place) => ({ nextPickup: pickups[place], openOrderCount: counts[place] }));
    });
  }

  // The results of orders for some sites, in one batch; repeated calls for the same sites share it.
  joined(siteIds) {
    const key = siteIds.join();
    if (key !== this.key) {
      this.key = key;
      const calls = [["nextPickups", { siteIds }], ["openOrderCounts", { siteIds }]];
      this.joining = post(orders, "/rpc", this.authorization, calls).then(
        ([[, pickups], [, counts]]) => ({ pickups, counts }),
      );
    }
    return this.joining;
  }

  sites(page) {
    return post(sites, "/rpc/sites", this.authorization, { page });
  }
}

export const resolvers = {
  Query: {
    sites: (_, { first, after }, context) => context.sources.sites({ first, after }),
  },
  Site: {
    nextPickup: async (site, _, context) => (await context.sources.ordersOf.load(site.id)).nextPickup,
    openOrderCount: async (site, _, context) => (await context.sources.ordersOf.load(site.id)).openOrderCount,
  },
};
