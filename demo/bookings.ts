/**
 * MRI scanners at two trusts, their diaries for two weeks, and patients who wait: by the hub's API, as a
 * trust's systems would. Sent again, all of it is the same.
 */
import { cdip } from './site.ts';

const DAYS = 14;
const SLOTS_A_DAY = 8;
const DAY_MS = 86_400_000;
const SLOT_MS = 45 * 60_000;

/** From how many days ahead on each has room: the trust of the referral only late. */
const SCANNERS = [
  { id: 'MR-RRK-1', trust: 'RRK', name: 'MRI scanner 1', firstDay: 9 },
  { id: 'MR-RXK-1', trust: 'RXK', name: 'MRI scanner, ground floor', firstDay: 2 },
];

const WAITING = [
  { number: '700101', name: 'Kaur^Simran', birthDate: '1984-03-15', sex: 'F', shortNotice: true },
  { number: '700102', name: 'Doyle^Patrick', birthDate: '1961-11-02', sex: 'M', shortNotice: true },
  { number: '700103', name: 'Nowak^Ewa', birthDate: '1972-07-28', sex: 'F', shortNotice: false },
];

export async function planBookings(hub: { url: string; configFile: string }): Promise<void> {
  const key = await cdip('hub', 'key', 'demo RIS', '--role', 'admin', '--config', hub.configFile);
  const send = async (method: 'PUT' | 'POST', path: string, body: object): Promise<void> => {
    const answer = await fetch(`${hub.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  for (const { id, trust, name, firstDay } of SCANNERS) {
    const capabilities = ['contrast', 'wheelchair'];
    const resource = { trust, name, modality: 'MR', capabilities, tesla: 1.5, maxWeightKg: 180 };
    await send('PUT', `/api/resources/${id}`, resource);
    for (let day = firstDay; day < DAYS; day += 1) {
      const date = new Date(Date.now() + day * DAY_MS).toISOString().slice(0, 10);
      await send('PUT', `/api/diaries/${id}/${date}`, { slots: slotsOf(id, date) });
    }
  }
  for (const { number, name, ...patient } of WAITING) {
    const { shortNotice, ...person } = patient;
    await send('POST', '/api/requests', {
      ...{ trust: 'RRK', examCode: 'MKNEL', band: 'P4', vetted: true, orderId: `MR-${number}` },
      patient: {
        ...{ ...person, patientId: number, patientName: name, postcode: 'B70 6EF' },
        phone: '0121 496 0100',
      },
      safety: {
        mri: { pacemaker: 'none', implant: 'none', aneurysmClip: false, metalInEye: false },
      },
      ...{ consentsElsewhere: true, shortNotice, wishes: { transport: 'public' } },
    });
  }
}

function slotsOf(id: string, date: string): object[] {
  const first = Date.parse(`${date}T09:00:00Z`);
  return Array.from({ length: SLOTS_A_DAY }, (_, n) => ({
    ...{ id: `${id}-${date}-${n + 1}`, minutes: SLOT_MS / 60_000 },
    start: new Date(first + n * SLOT_MS).toISOString(),
  }));
}
