// An OpenID Connect provider at an issuer's port, for one client. Whoever logs in has the address that they give as their
// name; it counts as verified unless it begins with "unverified".

import Provider from "oidc-provider";

const [issuer, redirectUri] = process.argv.slice(2);
const provider = new Provider(issuer, {
  clients: [{ client_id: "jobs", client_secret: "a secret of the client", redirect_uris: [redirectUri] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: !id.startsWith("unverified") }),
  }),
});
provider.listen(Number(new URL(issuer).port), "127.0.0.1", () => console.log("ready"));
