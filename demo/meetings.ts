/**
 * A meeting of two trusts with Amara Bennett on its list: it makes the people of RJE concerned with her, so that they
 * see what RRK holds. George Whitfield is on none: his records take a reason. Planned again, it is the same.
 */
import { cdip } from './site.ts';
import { PEOPLE } from './trusts.ts';

const NAME = 'Neurovascular MDT';
const IN_DAYS = 7;
const DAY_MS = 86_400_000;
const PATIENCE_MS = 30_000;

export async function planMeeting(hub: { url: string; configFile: string }): Promise<void> {
  const key = await cdip('hub', 'key', 'demo MDT', '--role', 'admin', '--config', hub.configFile);
  const call = async (path: string, body?: object): Promise<Response> =>
    fetch(`${hub.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const planned = (await (await call('/api/mdt-lists')).json()) as { lists: { name: string }[] };
  if (planned.lists.some(({ name }) => name === NAME)) return;
  const meetsOn = new Date(Date.now() + IN_DAYS * DAY_MS).toISOString().slice(0, 10);
  const meeting = { trust: 'RJE', name: NAME, meetsOn, trusts: ['RRK'] };
  const { listId } = (await (await call('/api/mdt-lists', meeting)).json()) as { listId: string };
  const patient = { nhsNumber: PEOPLE.amara.nhsNumber, question: 'Operate, or watch?' };
  const until = Date.now() + PATIENCE_MS;
  // The hub hears of her as soon as the scanners' studies are told.
  for (;;) {
    const answer = await call(`/api/mdt-lists/${listId}/patients`, patient);
    if (answer.ok) return;
    if (Date.now() > until) throw new Error(`the meeting: ${await answer.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
