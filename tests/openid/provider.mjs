// An identity provider that lets everybody in as whom the parameter login_hint names, and asks nothing.
// Its argument is the port; its keys are new each time it starts. What the tests need besides is below /tests: people,
// signatures over what a good provider would not sign, and how often its keys were asked for.

import { createSecretKey } from "node:crypto";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import Provider from "oidc-provider";

const issuer = `http://127.0.0.1:${process.argv[2]}`;
const callbacks = ["one", "two", "curve", "own"].map((id) => `http://127.0.0.1:8080/sign-in/${id}`);

async function pair(algorithm, kid) {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    return { algorithm, kid, privateKey, publicKey, jwk: { ...(await exportJWK(privateKey)), kid, alg: algorithm, use: "sig" } };
}

const started = Date.now();
const keys = {
    RS256: await pair("RS256", `rsa-${started}`),
    ES256: await pair("ES256", `curve-${started}`),
    // A good key that is not on the list.
    unlisted: await pair("RS256", `unlisted-${started}`),
};
const people = new Map();
let asked = 0;

const client = (client_id, more) => ({ client_id, client_secret: `secret of ${client_id}`, redirect_uris: callbacks, ...more });

const provider = new Provider(issuer, {
    clients: [
        client("one"),
        client("two", { token_endpoint_auth_method: "client_secret_post" }),
        client("curve", { id_token_signed_response_alg: "ES256" }),
        client("own"),
    ],
    jwks: { keys: [keys.RS256.jwk, keys.ES256.jwk] },
    scopes: ["openid", "email", "profile"],
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    pkce: { required: () => false },
    findAccount: (_, sub) => ({
        accountId: sub,
        claims: () => ({ sub, name: sub, email: `${sub}@example.com`, email_verified: true, ...people.get(sub) }),
    }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
        devInteractions: { enabled: false },
        resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (_, audience) => ({
                audience,
                scope: "read",
                accessTokenFormat: "jwt",
                jwt: { sign: { alg: "RS256" } },
            }),
        },
    },
});

async function interact(ctx) {
    const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
    if (prompt.name === "login") return { login: { accountId: params.login_hint } };
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    if (params.resource) grant.addResourceScope(params.resource, "read");
    return { consent: { grantId: await grant.save() } };
}

async function sign({ key, claims, header }) {
    const token = new SignJWT(claims);
    if (key === "secret") {
        // The public key, which everybody has, as if it were a shared secret.
        const secret = createSecretKey(Buffer.from(await exportSPKI(keys.RS256.publicKey)));
        return token.setProtectedHeader({ alg: "HS256", kid: keys.RS256.kid, ...header }).sign(secret);
    }
    const { algorithm, kid, privateKey } = keys[key ?? "RS256"];
    return token.setProtectedHeader({ alg: algorithm, kid, typ: "at+jwt", ...header }).sign(privateKey);
}

async function body(ctx) {
    const chunks = [];
    for await (const chunk of ctx.req) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString());
}

provider.use(async (ctx, next) => {
    if (ctx.path.startsWith("/interaction/")) {
        const result = await interact(ctx);
        ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: true }));
    } else if (ctx.path === "/tests/people") {
        const { sub, ...claims } = await body(ctx);
        people.set(sub, claims);
        ctx.body = {};
    } else if (ctx.path === "/tests/sign") {
        ctx.body = { token: await sign(await body(ctx)) };
    } else if (ctx.path === "/tests/asked") {
        ctx.body = { asked };
    } else {
        if (ctx.path === "/jwks") asked += 1;
        await next();
    }
});

provider.listen(Number(process.argv[2]), "127.0.0.1");
