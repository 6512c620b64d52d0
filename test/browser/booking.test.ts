/**
 * Cross-site booking as people do it: a patient on a phone, without scripts, changes to a nearer and earlier
 * time by bus; staff fill a slot that was given back two hours before it.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t from 'tap';
import { writeSampleTimetable } from '../../demo/sample-timetable.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { type Hub, startHub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { addRequest, book, dayAhead, diaryOf, putResource } from '../support/scheduling-world.ts';

const skip = missingPeer('chromium', 'nats-server');
const HALF_HOUR_MS = 30 * 60_000;
/** Two hours ahead, on the half hour: the slot that is given back late. */
const SOON = Math.ceil(Date.now() / HALF_HOUR_MS) * HALF_HOUR_MS + 4 * HALF_HOUR_MS;
const ukDay = (at: number): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London' }).format(at);
/** A working day, five or more days ahead: buses run. */
const EARLY = [5, 6, 7].map(dayAhead).find((day) => ![0, 6].includes(new Date(day).getUTCDay()));
const LATE = dayAhead(21);

const plan = (hub: Hub, resource: string, slots: { id: string; start: string }[]) =>
  hub.api(`/api/diaries/${resource}/${ukDay(Date.parse(slots[0]?.start ?? ''))}`, {
    method: 'PUT',
    body: JSON.stringify({ slots: slots.map((slot) => ({ ...slot, minutes: 30 })) }),
  });

const patientOf = (name: string, more: object = {}) => ({
  patient: {
    ...{ patientId: `P-${name}`, patientName: `${name}^Ann`, birthDate: '1984-03-15', sex: 'F' },
    ...{ postcode: 'B70 6EF', phone: '0121 496 0000', ...more },
  },
  wishes: { transport: 'public' },
});

t.test('booking', { skip, timeout: 480_000 }, async (t) => {
  const directory = t.testdir();
  const timetableFolder = join(directory, 'gtfs');
  writeSampleTimetable(timetableFolder, dayAhead(-7));
  const hub = await startHub({
    ...{ directory: join(directory, 'hub'), trusts: ['RRK', 'RXK'] },
    config: {
      travel: { timetableFolder },
      trusts: [
        { ods: 'RRK', name: 'Edgbaston Hospital', postcode: 'B15 2GW' },
        { ods: 'RXK', name: 'Smethwick Hospital', postcode: 'B66 2QT' },
      ],
    },
  });
  t.teardown(() => hub.stop());
  await putResource(hub, 'MR1', { name: 'MRI scanner 1', maxWeightKg: 180 });
  await putResource(hub, 'MR9', { trust: 'RXK', name: 'MRI scanner 9' });
  await plan(hub, 'MR1', [
    { id: 'late-1', start: `${LATE}T10:00:00Z` },
    { id: 'late-2', start: `${LATE}T10:30:00Z` },
  ]);
  await plan(hub, 'MR9', [
    { id: 'early-1', start: `${EARLY}T11:00:00Z` },
    { id: 'early-2', start: `${EARLY}T11:30:00Z` },
  ]);
  const requestId = await addRequest(hub, patientOf('Bussell'));
  t.equal((await book(hub, 'late-1', requestId)).status, 201);
  const browser = await openChromium();
  t.teardown(() => browser.close());

  const accessible = async (page: Page, what: string): Promise<void> => {
    t.strictSame(await accessibilityFaults(page), [], `${what} has no fault of accessibility`);
    const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    t.equal(await page.evaluate(wide), false, `${what} is not wider than the screen`);
  };

  const staff = await (
    await browser.newContext({ viewport: { width: 1280, height: 900 } })
  ).newPage();
  await staff.goto(hub.link('Sam Booker', 'booker', 'RRK'));
  await staff.getByRole('button', { name: /sign in/i }).click();
  await staff.goto(`${hub.url}/booking?state=booked`);
  await accessible(staff, 'the list of requests');
  await staff.getByRole('link', { name: 'BUSSELL, Ann' }).click();
  await accessible(staff, 'a request');
  t.match(await staff.textContent('main'), /Smethwick Hospital/, 'staff compare both sites');
  await staff.getByRole('button', { name: 'Make a link for the patient' }).click();
  const link = (await staff.textContent('[data-link]')) ?? '';

  await t.test('the patient changes to a nearer, earlier time by bus', async (t) => {
    const phone = await browser.newContext({
      viewport: { width: 390, height: 844 },
      javaScriptEnabled: false,
    });
    const page = await phone.newPage();
    await page.goto(link);
    const typeBirthDate = async (day: string, month: string, year: string): Promise<void> => {
      await page.getByLabel('Day').fill(day);
      await page.getByLabel('Month').fill(month);
      await page.getByLabel('Year').fill(year);
      await page.getByRole('button', { name: 'Continue' }).click();
    };
    t.notMatch(await page.content(), /MRI|Bussell|Edgbaston/, 'nothing is told before');
    await typeBirthDate('16', '3', '1984');
    t.match(await page.textContent('main'), /not the date of birth.*4 more times/s);
    await typeBirthDate('15', '3', '1984');
    t.match(await page.textContent('main'), /Edgbaston Hospital, MRI scanner 1/);
    await page.getByLabel('The nearest').check();
    await page.getByRole('button', { name: 'Show times' }).click();
    const [nearest] = await page.locator('section.cdip-place').allTextContents();
    t.match(nearest, /Smethwick Hospital/);
    t.match(nearest, /S80 from West Bromwich bus station/);
    t.match(nearest, /days sooner/);
    await page
      .getByRole('link', { name: /Choose.*Smethwick/ })
      .first()
      .click();
    t.match(await page.textContent('main'), /You give back.*only once this one is confirmed/s);
    await page.getByRole('button', { name: 'Confirm this appointment' }).click();
    t.match(await page.textContent('main'), /Your appointment is booked.*Smethwick Hospital/s);
    t.match((await diaryOf(hub, 'MR1', LATE)).slots[0], { status: 'free' });
    t.match((await diaryOf(hub, 'MR9', EARLY ?? '')).slots[0], { status: 'booked' });
    await phone.close();
  });

  await t.test('each page of the patient is accessible', async (t) => {
    const page = await (
      await browser.newContext({ viewport: { width: 390, height: 844 } })
    ).newPage();
    await page.goto(link);
    await accessible(page, 'the birth date');
    await page.getByLabel('Day').fill('15');
    await page.getByLabel('Month').fill('3');
    await page.getByLabel('Year').fill('1984');
    await page.getByRole('button', { name: 'Continue' }).click();
    await accessible(page, 'the times');
    await page
      .getByRole('link', { name: /Choose/ })
      .first()
      .click();
    await accessible(page, 'the check');
    await page.goto(`${link}/cancel`);
    await accessible(page, 'the cancellation');
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    t.match(await page.textContent('h1'), /Choose your appointment/);
    await page.close();
  });

  await t.test('staff fill a slot that was given back two hours before', async (t) => {
    await plan(hub, 'MR1', [{ id: 'soon-1', start: new Date(SOON).toISOString() }]);
    const [first, second] = [
      await addRequest(hub, { ...patientOf('First'), band: 'P3', shortNotice: true }),
      await addRequest(hub, { ...patientOf('Second'), shortNotice: true }),
    ];
    await addRequest(hub, patientOf('Notasked'));
    await addRequest(hub, { ...patientOf('Hidden', { restricted: true }), shortNotice: true });
    t.equal((await book(hub, 'soon-1', second)).status, 201);
    await staff.goto(`${hub.url}/booking/diaries`);
    await accessible(staff, 'the diaries');
    await staff.goto(`${hub.url}/booking/diaries/MR1/${ukDay(SOON)}`);
    await accessible(staff, 'a diary');
    await staff.getByRole('button', { name: /Cancel the appointment/ }).click();
    await eventually('the slot is free', async () => {
      await staff.goto(`${hub.url}/booking/slots/soon-1`);
      return (await staff.textContent('main'))?.includes('phone the first') ?? false;
    });
    await accessible(staff, 'the call list');
    const called = await staff.locator('ol.cdip-studies h2').allTextContents();
    t.strictSame(
      called.map((name) => name.trim()),
      ['FIRST, Ann', 'SECOND, Ann'],
      'the more urgent first; nobody who did not ask for short notice',
    );
    await staff.getByText('Who is not called, and why').click();
    const others = (await staff.textContent('main')) ?? '';
    t.match(others, /NOTASKED, Ann.*not asked for offers at short notice/s);
    t.match(others, /HIDDEN, Ann.*Sensitive record/s);
    await staff.getByRole('button', { name: 'Book for FIRST, Ann' }).click();
    t.match(await staff.textContent('main'), /FIRST, Ann/);
    const { slots, bookings } = await diaryOf(hub, 'MR1', ukDay(SOON));
    t.match(slots[0], { status: 'booked' });
    t.equal(bookings.find(({ state }) => state === 'booked')?.requestId, first);
  });

  await t.test('a wrong birth date five times ends the link', async (t) => {
    const page = await browser.newPage();
    await page.goto(link);
    for (let n = 0; n < 5 && (await page.getByLabel('Day').count()) > 0; n += 1) {
      await page.getByLabel('Day').fill('1');
      await page.getByLabel('Month').fill('1');
      await page.getByLabel('Year').fill('1990');
      await page.getByRole('button', { name: 'Continue' }).click();
    }
    t.match(await page.textContent('h1'), /does not work any more/);
    t.equal((await page.goto(link))?.status(), 410, 'also with the right one');
    await page.close();
  });
});
