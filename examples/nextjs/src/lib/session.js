// Who is signed in. The one file to adapt: to your NextAuth options, and to where your session keeps the agency.
import { getServerSession } from "next-auth";
import { authOptions } from "./auth.js";

/**
 * The agency and the user of the session, `null` for nobody. Never read the agency's id from the request.
 * @returns {Promise<{ agencyId: string, userId: string } | null>}
 */
export async function signedIn() {
  const session = await getServerSession(authOptions);
  const { id: userId, agencyId } = session?.user ?? {};
  return userId && agencyId ? { agencyId, userId } : null;
}
