/** `/fleet/releases`: builds that can be sent, the rollout that is under way with each edge, and what people decide on it. */
import { readForm, readList } from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { LeaveOutInput, RolloutInput, StopInput } from './routes-rollouts.ts';
import { validate } from './validate.ts';

const SHOWN = 20;

export function releasePages(parts: HttpParts): Page[] {
  const { releases, rollouts, fleet } = parts;
  const shown = (call: PageCall): object => {
    const [newest, ...others] = rollouts.list().slice(0, SHOWN);
    const isOver = newest === undefined || ['stopped', 'done'].includes(newest.state);
    return {
      ...{ newest, others, releases: releases.list() },
      mayDecide: call.principal.trust === null,
      mayPropose: call.principal.trust === null && (isOver || newest?.state === 'proposed'),
      isProposer: newest?.proposedBy === call.principal.name,
      trusts: fleet.list().filter(({ httpUrl }) => httpUrl !== null),
      gateEndsAt: gateEndsAt(newest),
    };
  };
  const deed = (path: string, run: (call: PageCall) => Promise<unknown>): Page => ({
    ...{ method: 'POST' as const, path, action: 'fleet', audit: 'fleet' },
    run: async (call) => {
      await run(call);
      return call.reply.redirect('/fleet/releases', 303);
    },
  });
  const numberOf = ({ request }: PageCall): number =>
    Number((request.params as { number: string }).number);
  const formOf = ({ request }: PageCall) => readForm(request.body);
  return [
    {
      ...{ method: 'GET', path: '/fleet/releases', action: 'fleet', audit: null },
      run: (call) =>
        call.render('releases.njk', {
          ...shown(call),
          ...{ title: 'Builds and upgrades', section: 'fleet', refreshSeconds: 15 },
        }),
    },
    {
      ...{ method: 'GET', path: '/fleet/releases/live', action: 'fleet', audit: null },
      run: (call) => call.render('releases-live.njk', shown(call)),
    },
    deed('/fleet/releases/propose', (call) => {
      const { gateMinutes, ...form } = formOf(call);
      const given =
        gateMinutes === undefined ? form : { ...form, gateMinutes: Number(gateMinutes) };
      const body = validate(RolloutInput, given, 'body');
      return rollouts.propose({ ...body, second: body.second }, call.principal);
    }),
    deed('/fleet/rollouts/:number/approve', (call) =>
      rollouts.approve(numberOf(call), call.principal),
    ),
    deed('/fleet/rollouts/:number/go-on', (call) => {
      const again = readList(call.request.body, 'again');
      return rollouts.goOn(numberOf(call), again, call.principal);
    }),
    deed('/fleet/rollouts/:number/leave-out', (call) =>
      rollouts.leaveOut(
        numberOf(call),
        validate(LeaveOutInput, formOf(call), 'body'),
        call.principal,
      ),
    ),
    deed('/fleet/rollouts/:number/stop', (call) => {
      const { reason } = validate(StopInput, formOf(call), 'body');
      return rollouts.end(numberOf(call), reason, call.principal);
    }),
  ];
}

function gateEndsAt(
  rollout: { gateSince: string | null; gateMinutes: number } | undefined,
): string | null {
  if (rollout === undefined || rollout.gateSince === null) return null;
  return new Date(Date.parse(rollout.gateSince) + rollout.gateMinutes * 60_000).toISOString();
}
