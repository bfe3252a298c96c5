// The peer's HTTP: a signed token, a checked body, one transaction, one answer. Express's own conditional GET stays on.
import { createHash } from "node:crypto";
import express from "express";
import jwt from "jsonwebtoken";
import { z } from "zod";
import { codeOf, constraintOf } from "./database.js";
import { listProducts, valueStock } from "./reads.js";
import { Refused } from "./rules.js";
import { sell } from "./sale.js";

const amount = z.int().min(0).max(1_000_000_000_000);
const Sale = z.object({
  lines: z.array(z.object({
    product_id: z.uuid(),
    quantity: z.string().regex(/^\d{1,11}(\.\d{1,3})?$/).refine((text) => Number(text) > 0),
    unit_price_cents: amount.optional(),
    discount_cents: amount.default(0),
  })).min(1).max(200),
  tenders: z.array(z.object({ method: z.literal("cash"), amount_cents: amount.min(1), received_cents: amount.min(1).optional() })).min(1).max(10),
});
const Paging = z.object({ limit: z.coerce.number().int().min(1).max(200).default(50), cursor: z.string().max(1024).optional() });
const SCOPE = "POST /v1/businesses/{business_id}/sales";

export function createApp(database, { secret, recorded }) {
  const app = express();
  app.disable("x-powered-by");
  app.get("/readyz", (_, response) => response.json({ status: "ready" }));
  const business = express.Router({ mergeParams: true });
  business.use(signedIn(secret));
  business.post("/sales", body(), selling(database, (statements, _, ...rest) => sell(statements, ...rest)));
  business.get("/products", async (request, response) => {
    response.json(await listProducts(database, request.params.business, Paging.parse(request.query), secret));
  });
  business.get("/stock/valuation", async (request, response) => response.json(await valueStock(database, request.params.business)));
  app.use("/v1/businesses/:business", business);
  if (recorded) {
    app.post("/recorded/v1/businesses/:business/sales", signedIn(secret), body(), selling(database, recorded));
  }
  app.use((_, response) => problem(response, 404, "not_found"));
  app.use(failed);
  return app;
}

const body = () => express.json({ limit: "1mb", verify: (request, _, bytes) => (request.raw = bytes) });

/** The token names the one business it is good for; any other one is not found. */
function signedIn(secret) {
  const options = { algorithms: ["HS256"], audience: "payme-api", issuer: "payme" };
  return (request, response, next) => {
    const [kind, token] = (request.headers.authorization ?? "").split(" ");
    if (kind !== "Bearer" || !token) return problem(response, 401, "auth.required");
    const claims = jwt.verify(token, secret, options);
    if (claims.business_id !== request.params.business) return problem(response, 404, "not_found");
    request.actor = claims.sub;
    next();
  };
}

function selling(database, work) {
  return async (request, response) => {
    const key = request.headers["idempotency-key"];
    if (!key) throw new Refused(400, "idempotency.key_required");
    const command = Sale.parse(request.body);
    const { business } = request.params;
    const fingerprint = createHash("sha256").update(business).update("\0").update(request.raw).digest();
    const attempt = { business, actor: request.actor, scope: `key:${request.actor}:${SCOPE}`, key, fingerprint };
    const answer = await once(database, attempt, (statements, client) => work(statements, client, command, attempt));
    response.status(answer.status).set(answer.headers).type("json").send(answer.body);
  };
}

/** Run the work; where its key turns out to be taken, give what was answered before. */
async function once(database, attempt, work) {
  try {
    return { status: 201, headers: { "cache-control": "no-store" }, body: await database.run(attempt.business, work) };
  } catch (error) {
    if (codeOf(error) !== "23505" || constraintOf(error) !== "idempotency_keys_pkey") throw error;
    const { business, scope, key } = attempt;
    const [stored] = await database.run(business, (statements) => statements.run("reply", { business, scope, key }), { readOnly: true });
    if (!stored) throw error;
    if (!stored.fingerprint.equals(attempt.fingerprint)) throw new Refused(422, "idempotency.key_reused");
    return { status: stored.status, headers: { "cache-control": "no-store", "idempotency-replayed": "true" }, body: stored.response };
  }
}

function problem(response, status, code, facts = {}) {
  response.status(status).type("application/problem+json").send(JSON.stringify({ type: "about:blank", status, code, ...facts }));
}

function failed(error, _, response, next) {
  if (response.headersSent) return next(error);
  if (error instanceof Refused) return problem(response, error.status, error.code, error.facts);
  if (error instanceof z.ZodError) return problem(response, 422, "request.invalid", { errors: error.issues });
  if (error instanceof jwt.JsonWebTokenError) return problem(response, 401, "auth.invalid");
  if (error.status >= 400 && error.status < 500) return problem(response, error.status, "request.invalid");
  console.error(error);
  return problem(response, 500, "internal");
}
