/** The page of an earlier time that was sent to a patient: by link and birth date, without scripts. */
import t from 'tap';
import { schedulingWorld } from '../../../support/scheduling-in-memory.ts';
import { startFakeHub } from './fake-hub.ts';

const NOW = '2026-12-01T09:00:00.000Z';
const TOMORROW = '2026-12-02T11:00:00.000Z';
const BOOKER = { name: 'booker', role: 'booker', trust: null };
const BORN = { day: '3', month: '2', year: '1970' };

t.test(
  'a patient sees nothing before the birth date, takes the time, and the link is over',
  async (t) => {
    const world = schedulingWorld(t, NOW);
    const hub = await startFakeHub({ scheduling: world.scheduling });
    t.teardown(() => hub.stop());
    const [slot = ''] = await world.diary('MR-1', [TOMORROW]);
    const giver = await world.request({ shortNotice: false });
    await world.request();
    const booking = await world.book(slot, giver.requestId);
    await world.scheduling.bookings.cancel(booking, BOOKER, 'cancelled');
    await world.scheduling.settle();
    const path = new URL(world.messages[0]?.link ?? '').pathname;
    const post = async (to: string, form: Record<string, string>): Promise<[number, string]> => {
      const body = new URLSearchParams(form);
      const answer = await fetch(`${hub.url}${to}`, { method: 'POST', body, redirect: 'manual' });
      return [answer.status, await answer.text()];
    };
    const closed = await (await hub.get(path, { accept: 'text/html' })).text();
    t.match(closed, /What is your date of birth/);
    t.notMatch(closed, /2 December|MRI/, 'nothing is told before');
    const [, wrong] = await post(path, { ...BORN, year: '1971' });
    t.match(wrong, /not the date of birth/);
    t.notMatch(wrong, /2 December/);
    const [, shown] = await post(path, BORN);
    t.match(shown, /2 December 2026/);
    const [status, taken] = await post(`${path}/accept`, { birthDate: '1970-02-03' });
    t.equal(status, 200);
    t.match(taken, /Your appointment is booked/);
    const [gone, over] = await post(`${path}/accept`, { birthDate: '1970-02-03' });
    t.equal(gone, 410);
    t.match(over, /accepted already/);
    const [unknown] = await post('/offer/guessed', BORN);
    t.equal(unknown, 410);
    t.same(hub.bugs, []);
  },
);
