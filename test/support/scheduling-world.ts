/** What a test of scheduling needs of a hub: a scanner, its diary, requests, bookings. */
import { randomUUID } from 'node:crypto';
import type { Hub, HubAnswer } from './hub.ts';

export interface BookingAnswer {
  readonly id: string;
  readonly state: string;
  readonly requestId: string | null;
  readonly slotId: string;
  readonly slotIds: readonly string[];
  readonly reason: string | null;
  readonly replaces: string | null;
  readonly code?: string;
  readonly detail?: string;
}

export interface DiaryAnswer {
  readonly slots: readonly {
    readonly id: string;
    readonly start: string;
    readonly status: string;
    readonly owner: string | null;
  }[];
  readonly bookings: readonly BookingAnswer[];
}

/** YYYY-MM-DD so many days from today; at noon UTC it is the same day in the UK. */
export const dayAhead = (days: number): string =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

const json = (method: string, body: object, headers: Record<string, string> = {}): RequestInit => ({
  ...{ method, headers, body: JSON.stringify(body) },
});

export const putResource = <T = { code?: string }>(
  hub: Hub,
  id: string,
  given: object = {},
): Promise<HubAnswer<T>> =>
  hub.api(
    `/api/resources/${id}`,
    json('PUT', { trust: 'RRK', name: id, modality: 'MR', capabilities: [], ...given }),
  );

/** Slots of 30 minutes from 10:00 UTC on, named `<resource>-<n>` unless given. */
export function putDiary<T = DiaryAnswer & { code?: string }>(
  hub: Hub,
  resource: string,
  { date = dayAhead(10), count = 4, authority = 'cdip', prefix = `${resource}-` } = {},
): Promise<HubAnswer<T>> {
  const slots = Array.from({ length: count }, (_, at) => ({
    id: `${prefix}${at}`,
    start: new Date(Date.parse(`${date}T10:00:00Z`) + at * 1_800_000).toISOString(),
    minutes: 30,
  }));
  return hub.api(`/api/diaries/${resource}/${date}`, json('PUT', { slots, authority }));
}

/** A vetted MRI of the head for somebody whose safety is known. */
export async function addRequest(hub: Hub, given: object = {}): Promise<string> {
  const number = randomUUID().slice(0, 8);
  const { status, body } = await hub.api<{ id: string; detail?: string }>(
    '/api/requests',
    json('POST', {
      trust: 'RRK',
      patient: { patientId: `P${number}`, birthDate: '1970-02-03', sex: 'F' },
      ...{ examCode: 'MSKUH', band: 'P4', vetted: true, consentsElsewhere: true },
      safety: {
        mri: { pacemaker: 'none', implant: 'none', aneurysmClip: false, metalInEye: false },
      },
      ...given,
    }),
  );
  if (status !== 201) throw new Error(`no request: ${status} ${body.detail}`);
  return body.id;
}

export const book = (
  hub: Hub,
  slotId: string,
  requestId: string,
  { key = randomUUID() as string, ...more }: { key?: string; hold?: boolean } = {},
): Promise<HubAnswer<BookingAnswer>> =>
  hub.api(
    '/api/bookings',
    json('POST', { slotId, requestId, ...more }, { 'idempotency-key': key }),
  );

export async function diaryOf(hub: Hub, resource: string, date: string): Promise<DiaryAnswer> {
  return (await hub.api<DiaryAnswer>(`/api/diaries/${resource}/${date}`)).body;
}
