/**
 * An identity provider signs somebody out here, without a browser. OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8.
 *
 *   POST, form with logout_token ─► checked (logout-token.ts) ─► sessions end ─► in the trail ─► 200
 *
 * Open to everybody, as the token is the proof. Who sends none that counts stands in the log, not in the trail.
 */
import type { FastifyInstance } from 'fastify';
import { codeOf } from '../../shared/errors.ts';
import { recordSignIn } from './audited.ts';
import { readForm } from './forms.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';

export const BACK_CHANNEL_LOGOUT_PATH = '/sign-in/oidc/back-channel-logout';

export function serveBackChannelLogout(app: FastifyInstance, parts: HttpParts): void {
  app.post(BACK_CHANNEL_LOGOUT_PATH, async (request, reply) => {
    const { provider, access, audit } = parts;
    if (provider === null)
      throw new HttpProblem('NOT_FOUND', 'This hub has no identity provider (signIn.oidc).');
    const { logout_token: token = '' } = readForm(request.body);
    try {
      const ended = access.sessions.endToldBy(await provider.readLogout(token));
      if (ended === null)
        return reply.status(400).send(refusal('this token was used: it counts once'));
      for (const principal of ended)
        recordSignIn(audit, request, { event: 'sign-out', principal, code: null });
      return reply.status(200).send();
    } catch (error) {
      if (codeOf(error) !== 'OIDC_LOGOUT_TOKEN') throw error;
      return reply.status(400).send(refusal((error as Error).message));
    }
  });
}

const refusal = (description: string): object => ({
  ...{ error: 'invalid_request', error_description: description },
});
